package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Locks that stay with their process while nobody wants them, and how they are got back from it. */
final class CachingTest {

    private static final String STRANGER = "orders/7fff000000000001.0";

    /** Longer than anything takes that nobody withholds. */
    private static final Duration A_MOMENT = Duration.ofMillis(1);

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bugs::add);
    private final DistributedLock lock = client.lock("orders");

    CachingTest() {
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

    private void lockOnce(DistributedLock which) {
        take(which).close();
        loop.advance(A_MOMENT);
    }

    private void becomeKept() {
        lockOnce(lock);
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).hasSize(1);
    }

    @Test
    void lockThatIsWantedOnce_isGivenBack() {
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void lockThatIsWantedAgainSoon_isKept_andTakenWithoutARoundTrip() {
        becomeKept();
        int requests = etcd.transactions.size();
        Hold hold = take(lock);
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        hold.close();
        loop.run();
        assertThat(etcd.transactions.size()).isEqualTo(requests);
    }

    @Test
    void tokensGrow_fromHoldToHoldOfAKeptLock() {
        becomeKept();
        Hold first = take(lock);
        first.close();
        Hold second = take(lock);
        second.close();
        assertThat(second.token()).isGreaterThan(first.token());
        assertThat(second.key()).isEqualTo(first.key());
    }

    @Test
    void lockThatIsWantedAgainLater_isNotKept() {
        lockOnce(lock);
        loop.advance(Duration.ofMillis(1_001));
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void somebodyElseInTheQueue_getsAKeptLockAtOnce() {
        becomeKept();
        etcd.put(STRANGER);
        loop.run();
        assertThat(etcd.keys("orders/")).containsExactly(STRANGER);
    }

    @Test
    void somebodyElseInTheQueue_waitsForWhoeverHoldsAKeptLock() {
        becomeKept();
        Hold hold = take(lock);
        etcd.put(STRANGER);
        loop.run();
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        hold.close();
        loop.run();
        assertThat(etcd.keys("orders/")).containsExactly(STRANGER);
    }

    @Test
    void whoeverComesAfterSomebodyElse_comesAfterHim() {
        becomeKept();
        etcd.put(STRANGER);
        Ticket ticket = lock.enqueue();
        loop.run();
        if (ticket.grant().isDone()) {
            // He came before the news of the other one.
            ticket.grant().join().close();
            loop.run();
            ticket = lock.enqueue();
            loop.run();
        }
        assertThat(ticket.grant()).isNotDone();
        etcd.delete(STRANGER);
        loop.run();
        assertThat(ticket.grant()).isCompleted();
        ticket.grant().join().close();
    }

    @Test
    void lockThatIsOnlyTried_isNotKept() {
        for (int i = 0; i < 3; i++) {
            CompletableFuture<Optional<Hold>> tried = Threadless.tryAcquire(lock);
            loop.run();
            tried.join().orElseThrow().close();
            loop.run();
            assertThat(etcd.keys("orders/")).isEmpty();
        }
    }

    @Test
    void lockThatHasToBeWaitedFor_isNotKept() {
        lockOnce(lock);
        etcd.put(STRANGER);
        Ticket ticket = lock.enqueue();
        loop.run();
        etcd.delete(STRANGER);
        loop.run();
        ticket.grant().join().close();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void recalledLock_isNotKeptAgain_forASecondAndThenTwo() {
        becomeKept();
        recall();
        lockOnce(lock);
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).as("at once").isEmpty();
        loop.advance(Duration.ofMillis(1_001));
        becomeKept();
        recall();
        loop.advance(Duration.ofMillis(1_001));
        lockOnce(lock);
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).as("the second time it takes longer").isEmpty();
        loop.advance(Duration.ofSeconds(1));
        becomeKept();
    }

    private void recall() {
        etcd.put(STRANGER);
        loop.run();
        etcd.delete(STRANGER);
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void keptLockThatNobodyUses_isGivenBackAfter30Seconds() {
        becomeKept();
        loop.advance(Duration.ofSeconds(29));
        assertThat(etcd.keys("orders/")).hasSize(1);
        loop.advance(Duration.ofSeconds(1));
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void keptLockThatIsUsed_isGivenBackAfter30SecondsToo_andKeptAgain() {
        becomeKept();
        loop.advance(Duration.ofSeconds(20));
        Hold hold = take(lock);
        assertThat(hold.token().sequence()).isPositive();
        loop.advance(Duration.ofSeconds(20));
        assertThat(hold.state()).as("a hold is not cut short").isEqualTo(Hold.State.HELD);
        hold.close();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
        lockOnce(lock);
        assertThat(etcd.keys("orders/")).hasSize(1);
    }

    @Test
    void keptLock_isGivenBackAfterASecond_whileOthersCannotBeSeen() {
        becomeKept();
        etcd.answersWatches = false;
        etcd.breakWatches();
        loop.advance(Duration.ofMillis(900));
        assertThat(etcd.keys("orders/")).hasSize(1);
        loop.advance(Duration.ofMillis(200));
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void keptLock_staysWhenItsWatchIsBackSoon() {
        becomeKept();
        etcd.breakWatches();
        loop.advance(Duration.ofSeconds(5));
        assertThat(etcd.keys("orders/")).hasSize(1);
        int requests = etcd.transactions.size();
        take(lock).close();
        assertThat(etcd.transactions.size()).isEqualTo(requests);
    }

    @Test
    void keptLockThatIsDeleted_isNotGranted_andTheNextOneIsNew() {
        becomeKept();
        Hold last = take(lock);
        last.close();
        etcd.delete(last.key());
        loop.run();
        Hold next = take(lock);
        assertThat(next.token().sequence()).isZero();
        assertThat(next.token()).isGreaterThan(last.token());
    }

    @Test
    void keptLockOfASessionThatIsLost_isTakenAnew() {
        becomeKept();
        String key = etcd.keys("orders/").get(0);
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        etcd.renewsLeases = true;
        loop.advance(Duration.ofSeconds(1));
        assertThat(take(lock).key()).isNotEqualTo(key);
    }

    @Test
    void holdOfAKeptLock_isLostWithItsSession() {
        becomeKept();
        Hold hold = take(lock);
        List<Loss> losses = new ArrayList<>();
        hold.onLost(losses::add);
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        assertThat(losses).singleElement().extracting(Loss::reason).isEqualTo(LossReason.DEADLINE_PASSED);
    }

    @Test
    void lockThatMustNotBeKept_isGivenBack() {
        for (LockOptions options : List.of(
                LockOptions.defaults().withoutCaching(), LockOptions.defaults().strictFifo())) {
            DistributedLock strict = client.lock("orders", options);
            lockOnce(strict);
            lockOnce(strict);
            assertThat(etcd.keys("orders/")).isEmpty();
        }
    }

    @Test
    void keptLock_isGivenBackByWhoeverDoesNotWantItKept() {
        becomeKept();
        lockOnce(client.lock("orders", LockOptions.defaults().withoutCaching()));
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void closedClient_leavesNoKeptLock() {
        becomeKept();
        client.close();
        loop.run();
        assertThat(etcd.keys("")).isEmpty();
    }
}
