package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import dev.holdfast.etcdapi.TxnRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Very many callers of one client, each with an entry of its own far back in one queue: what they ask of etcd. */
final class LongQueueTest {

    private static final int STRANGERS = 20;
    private static final int MANY = 500;

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bugs::add);
    private final DistributedLock lock =
            client.lock("orders", LockOptions.defaults().strictFifo());
    private final List<Ticket> tickets = new ArrayList<>();

    LongQueueTest() {
        client.start();
        loop.run();
        for (int i = 0; i < STRANGERS; i++) {
            etcd.put(stranger(i));
        }
    }

    @AfterEach
    void noInvariantWasBroken() {
        assertThat(bugs).isEmpty();
    }

    private static String stranger(int number) {
        return "orders/7fff00000000000" + Integer.toString(number, 36) + ".0";
    }

    private void enqueue(int callers) {
        for (int i = 0; i < callers; i++) {
            tickets.add(lock.enqueue());
        }
        loop.run();
    }

    private int entries() {
        return etcd.keys("orders/").size() - STRANGERS;
    }

    private long attempts() {
        return etcd.transactions.stream().filter(this::putsAnEntry).count();
    }

    private boolean putsAnEntry(TxnRequest transaction) {
        return transaction.getSuccessList().stream()
                .anyMatch(each -> each.getRequestPut().getKey().toStringUtf8().startsWith("orders/"));
    }

    @Test
    void entriesOfOneQueue_areAskedForOneAfterTheOther_howeverLateTheAnswersAre() {
        etcd.withholdsAnswers = true;
        enqueue(MANY);
        assertThat(attempts()).isEqualTo(1);
        loop.advance(Duration.ofSeconds(1));
        assertThat(attempts()).as("a second later").isEqualTo(1);
        etcd.letGo();
        loop.run();
        assertThat(entries()).isEqualTo(MANY);
        assertThat(attempts()).isEqualTo(MANY);
    }

    /** The requests of the others have not begun, so that none of theirs can have taken too long. */
    @Test
    void anEntryInDoubt_putsNoOtherInDoubt() {
        etcd.withholdsAnswers = true;
        enqueue(MANY);
        loop.advance(Duration.ofSeconds(3));
        etcd.letGo();
        loop.advance(Duration.ofSeconds(1));
        assertThat(entries()).isEqualTo(MANY);
        assertThat(keysInDoubt()).isEqualTo(1);
    }

    /** How many keys the bumps have asked for. */
    private int keysInDoubt() {
        return etcd.transactions.stream()
                .filter(each -> each.getSuccessCount() > 1
                        && each.getSuccess(0)
                                .getRequestPut()
                                .getKey()
                                .toStringUtf8()
                                .startsWith("_holdfast/sess/"))
                .mapToInt(each -> each.getSuccessCount() - 1)
                .sum();
    }

    @Test
    void newcomersShareLists() {
        enqueue(MANY);
        loop.advance(Duration.ofSeconds(1));
        assertThat(entries()).isEqualTo(MANY);
        assertThat(etcd.ranges).hasSizeBetween(1, 5);
    }

    @Test
    void eachOfThem_looksAtItsPlaceEveryFewSeconds_inFewTransactions() {
        enqueue(MANY);
        loop.advance(Duration.ofSeconds(1));
        int before = etcd.transactions.size();
        loop.advance(Duration.ofSeconds(6));
        List<TxnRequest> reads = etcd.transactions.subList(before, etcd.transactions.size()).stream()
                .filter(LongQueueTest::isSerializable)
                .toList();
        assertThat(reads.stream().mapToInt(TxnRequest::getSuccessCount).sum()).isGreaterThan(MANY);
        assertThat(reads).hasSizeLessThan(MANY / 20);
    }

    private static boolean isSerializable(TxnRequest transaction) {
        return transaction.getSuccessCount() > 0
                && transaction.getSuccessList().stream()
                        .allMatch(each -> each.getRequestRange().getSerializable());
    }

    @Test
    void whoWasNotToldThatItsPredecessorIsGone_findsOutByItsOwnLook_amongMany() {
        enqueue(MANY);
        loop.advance(Duration.ofSeconds(1));
        etcd.losesEvents = true;
        for (int i = 0; i < STRANGERS; i++) {
            etcd.delete(stranger(i));
        }
        loop.run();
        assertThat(tickets.get(0).grant()).isNotDone();
        loop.advance(Duration.ofSeconds(7));
        assertThat(tickets.get(0).grant()).isCompleted();
        assertThat(tickets.get(1).grant()).isNotDone();
    }
}
