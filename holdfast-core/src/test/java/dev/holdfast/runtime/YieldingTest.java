package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Entries that are given up and entered again in one transaction. */
final class YieldingTest {

    /** Longer than anything takes that nobody withholds. */
    private static final Duration A_MOMENT = Duration.ofMillis(1);

    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(2);

    private static final LockOptions UNCACHED = LockOptions.defaults().withoutCaching();

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();
    private final LockClient client = new LockClient(
            ClientSettings.of(10, REQUEST_TIMEOUT.toNanos(), ""),
            loop,
            etcd,
            Runnable::run,
            Runnable::run,
            () -> {},
            bugs::add);
    private final DistributedLock lock = client.lock("orders", UNCACHED);

    YieldingTest() {
        client.start();
        loop.run();
    }

    @AfterEach
    void noInvariantWasBroken() {
        assertThat(bugs).isEmpty();
    }

    private Hold take(DistributedLock which) {
        Ticket ticket = which.enqueue();
        loop.run();
        assertThat(ticket.grant()).isCompleted();
        return ticket.grant().join();
    }

    /** Gives it back, and takes it again before etcd has answered. */
    private Hold takeAgainAtOnce(Hold hold, DistributedLock which) {
        etcd.withholdsAnswers = true;
        hold.close();
        loop.run();
        Ticket next = which.enqueue();
        etcd.letGo();
        loop.run();
        return next.grant().join();
    }

    /** One transaction takes the place of a release and an acquire, once it is known to be worth it. */
    @Test
    void lockThatIsWantedAgainAtOnce_costsATransactionForAPair() {
        Hold hold = takeAgainAtOnce(take(lock), lock);
        int before = etcd.transactions.size();
        for (int i = 1; i <= 5; i++) {
            hold = takeAgainAtOnce(hold, lock);
            assertThat(etcd.transactions).hasSize(before + i);
        }
        hold.close();
        loop.advance(A_MOMENT);
        assertThat(etcd.keys("orders/")).as("nobody came who was expected").isEmpty();
    }

    /** Whoever looks at the queue reads what the entry is for, though nobody has come yet. */
    @Test
    void whoeverIsExpected_hasThePurposeOfTheOneBefore() {
        DistributedLock billing = client.lock("orders", UNCACHED.withPurpose("billing"));
        Hold hold = takeAgainAtOnce(take(billing), billing);
        etcd.withholdsAnswers = true;
        hold.close();
        loop.run();
        assertThat(etcd.keys("orders/")).singleElement().isNotEqualTo(hold.key());
        assertThat(etcd.transactions.get(etcd.transactions.size() - 1))
                .asString()
                .contains("billing");
        etcd.letGo();
        loop.advance(A_MOMENT);
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    /** An entry for somebody who is expected is not kept, and must not keep a lock from being kept. */
    @Test
    void lockThatMayBeKept_andIsWantedAgainAtOnce_isKept() {
        DistributedLock cached = client.lock("orders");
        takeAgainAtOnce(take(cached), cached).close();
        loop.run();
        take(cached).close();
        loop.run();
        int before = etcd.transactions.size();
        for (int i = 0; i < 5; i++) {
            take(cached).close();
            loop.run();
        }
        assertThat(etcd.transactions).hasSize(before);
    }

    /** The bump may last, and others wait for the lock. */
    @Test
    void yieldThatHasNotBeenSent_isAReleaseWhenABumpBegins() {
        Hold hold = take(lock);
        etcd.withholdsAnswers = true;
        client.lock("doubtful", UNCACHED).enqueue();
        loop.run();
        loop.advance(REQUEST_TIMEOUT.minusMillis(20));
        client.lock("in flight", UNCACHED).enqueue();
        loop.run();
        hold.close();
        lock.enqueue();
        loop.run();
        assertThat(etcd.keys("orders/"))
                .as("the yield waits for the transaction in flight")
                .containsExactly(hold.key());
        loop.advance(Duration.ofMillis(25));
        assertThat(etcd.keys("orders/")).isEmpty();
        etcd.letGo();
        loop.advance(A_MOMENT);
        assertThat(etcd.keys("orders/")).as("whoever came has an entry again").hasSize(1);
    }
}
