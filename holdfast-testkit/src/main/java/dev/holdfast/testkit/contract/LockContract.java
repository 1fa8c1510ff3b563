package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.CommitResult;
import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.NameMode;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the lock API promises over any store: a class that extends this and opens its store runs it. For what happens when
 * holds are lost and clients are closed see {@link LossContract}.
 */
@SuppressWarnings("LockNotBeforeTry") // Locking and unlocking are what is tested here, step by step.
public abstract class LockContract extends StoreFixture {

    private static final LockOptions SYNCHRONOUS = LockOptions.defaults().withSynchronousRelease();

    /** For JUnit. */
    protected LockContract() {}

    // ---------------------------------------------------------------------------------------------------- threads

    @Test
    @Tag("F29")
    void lock_excludesEveryOtherThreadAndClient_untilUnlock() throws Exception {
        String name = freshName();
        Holdfast here = client();
        DistributedLock lock = here.lock(name, SYNCHRONOUS);
        DistributedLock elsewhere = client().lock(name, SYNCHRONOUS);
        Caller neighbour = caller("neighbour");

        lock.lock();
        assertThat(neighbour.tries(lock)).isFalse();
        assertThat(elsewhere.tryLock()).isFalse();
        lock.unlock();

        assertThat(elsewhere.tryLock()).isTrue();
        assertThat(neighbour.tries(lock)).isFalse();
        elsewhere.unlock();
        assertThat(neighbour.tries(lock)).isTrue();
        neighbour.run(lock::unlock);
    }

    @Test
    void lock_isNotEndedByAnInterrupt_andSetsTheFlagAgain() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        Caller waiter = caller("waiter");
        Future<Boolean> flag = waiter.startsToWait(() -> {
            lock.lock();
            return Thread.interrupted();
        });

        waiter.interrupt();
        awaitQueueLength(name, 2);
        assertThat(flag.isDone()).isFalse();
        first.close();

        assertThat(Eventually.get(flag)).as("the interrupt flag after lock()").isTrue();
        assertThat(waiter.get(lock::isHeldByCurrentThread)).isTrue();
        waiter.run(lock::unlock);
    }

    @Test
    void lock_withTheFlagSetBefore_locksAndKeepsTheFlag() throws Exception {
        DistributedLock lock = client().lock(freshName());
        caller("interrupted").run(() -> {
            Thread.currentThread().interrupt();
            lock.lock();
            assertThat(Thread.interrupted()).isTrue();
            Thread.currentThread().interrupt();
            assertThat(lock.tryLock()).isTrue();
            assertThat(Thread.interrupted()).isTrue();
            Thread.currentThread().interrupt();
            lock.unlock();
            lock.unlock();
            assertThat(Thread.interrupted()).isTrue();
        });
    }

    @Test
    @Tag("F17")
    void everyInterruptibleWait_endsByAnInterrupt_andLeavesNoKey() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        Caller waiter = caller("waiter");
        List<Caller.Action> waits = List.of(
                lock::lockInterruptibly,
                () -> lock.tryLock(1, TimeUnit.HOURS),
                lock::acquire,
                () -> lock.tryAcquire(Duration.ofHours(1)));
        for (Caller.Action wait : waits) {
            Future<Void> waiting = waiter.startsToWait(() -> {
                wait.run();
                return null;
            });
            awaitQueueLength(name, 2);
            waiter.interrupt();
            assertThatThrownBy(() -> Eventually.get(waiting)).isInstanceOf(InterruptedException.class);
            awaitQueueLength(name, 1);
        }
        assertThat(waiter.get(lock::holdCount)).isZero();
        first.close();
    }

    @Test
    void everyInterruptibleMethod_withTheFlagSetBefore_throwsThoughTheLockIsFreeOrHeldByTheThread() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        List<Caller.Action> methods = List.of(
                lock::lockInterruptibly,
                () -> lock.tryLock(1, TimeUnit.HOURS),
                () -> lock.tryLock(0, TimeUnit.HOURS),
                lock::acquire,
                () -> lock.tryAcquire(Duration.ofHours(1)),
                () -> lock.tryAcquire(Duration.ZERO));
        caller("interrupted").run(() -> {
            for (Caller.Action method : methods) {
                Thread.currentThread().interrupt();
                assertThatThrownBy(method::run).isInstanceOf(InterruptedException.class);
                assertThat(Thread.interrupted()).as("the flag is cleared").isFalse();
            }
            assertThat(queueLength(name)).isZero();
            lock.lock();
            for (Caller.Action method : methods) {
                Thread.currentThread().interrupt();
                assertThatThrownBy(method::run).isInstanceOf(InterruptedException.class);
            }
            assertThat(lock.holdCount()).isEqualTo(1);
            lock.unlock();
        });
    }

    @Test
    void tryLock_whenTheLockIsTaken_isFalseAndWritesNothing() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        long before = operator().revision();

        assertThat(lock.tryLock()).isFalse();
        assertThat(lock.tryLock(0, TimeUnit.SECONDS)).isFalse();
        assertThat(lock.tryLock(-1, TimeUnit.SECONDS)).isFalse();
        assertThat(lock.tryLock(Long.MIN_VALUE, TimeUnit.DAYS)).isFalse();
        assertThat(lock.tryAcquire()).isEmpty();
        assertThat(lock.tryAcquire(Duration.ZERO)).isEmpty();

        assertThat(operator().revision()).as("revision of the store").isEqualTo(before);
        assertThat(lock.holdCount()).isZero();
        first.close();
    }

    @Test
    void tryLock_whenTheLockIsFree_takesIt_inEveryForm() throws Exception {
        DistributedLock lock = client().lock(freshName(), SYNCHRONOUS);
        assertThat(lock.tryLock()).isTrue();
        lock.unlock();
        assertThat(lock.tryLock(0, TimeUnit.SECONDS)).isTrue();
        lock.unlock();
        assertThat(lock.tryLock(-1, TimeUnit.SECONDS)).isTrue();
        lock.unlock();
        assertThat(lock.tryLock(Long.MAX_VALUE, TimeUnit.DAYS)).isTrue();
        lock.unlock();
        lock.tryAcquire().orElseThrow().close();
        lock.tryAcquire(Duration.ZERO).orElseThrow().close();
        lock.tryAcquire(Duration.ofSeconds(Long.MAX_VALUE)).orElseThrow().close();
    }

    @Test
    void tryLock_rightAfterAnUnlockInThisProcess_takesIt() {
        DistributedLock lock = client().lock(freshName());
        for (int i = 0; i < 50; i++) {
            assertThat(lock.tryLock()).as("round " + i).isTrue();
            lock.unlock();
        }
    }

    @Test
    void tryLock_whileSomebodyWaitsForAHandOver_isFalse() throws Exception {
        String name = freshName();
        Holdfast here = client();
        DistributedLock lock = here.lock(name);
        Hold first = lock.acquire();
        Ticket waiting = lock.enqueue();
        assertThat(lock.tryAcquire()).isEmpty();
        first.close();
        Hold second = waiting.await(Eventually.PATIENCE).orElseThrow();
        assertThat(lock.tryAcquire()).isEmpty();
        second.close();
    }

    @Test
    @Tag("F17")
    void tryLock_withTimeThatRunsOut_isFalseNotBeforeThat_andLeavesNoKey() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        long start = System.nanoTime();
        assertThat(lock.tryLock(30, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(lock.tryAcquire(Duration.ofMillis(30))).isEmpty();
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(60_000_000);
        awaitQueueLength(name, 1);
        first.close();
        assertFree(name);
    }

    @Test
    void tryLock_withTime_getsTheLockThatIsReleasedInTime() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        Caller waiter = caller("waiter");
        Future<Boolean> got = waiter.startsToWait(() -> lock.tryLock(1, TimeUnit.HOURS));
        awaitQueueLength(name, 2);
        first.close();
        assertThat(Eventually.get(got)).isTrue();
        waiter.run(lock::unlock);
    }

    @Test
    void tryAcquire_withNegativeTime_isRefused() {
        DistributedLock lock = client().lock(freshName());
        assertThatThrownBy(() -> lock.tryAcquire(Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("negative");
        Ticket ticket = lock.enqueue();
        assertThatThrownBy(() -> ticket.await(Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("negative");
        ticket.close();
    }

    @Test
    @Tag("F16")
    void unlock_byAThreadThatDoesNotHoldTheLock_namesThreadAndLock_andChangesNothing() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        assertThatThrownBy(lock::unlock)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(Thread.currentThread().getName());
        lock.lock();
        Caller stranger = caller("a stranger");
        assertThatThrownBy(() -> stranger.run(lock::unlock))
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(name)
                .hasMessageContaining("a stranger");
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        assertThat(queueLength(name)).isEqualTo(1);
        lock.unlock();
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void newCondition_isRefusedWithAReason() {
        DistributedLock lock = client().lock("a lock without conditions");
        assertThatThrownBy(lock::newCondition)
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("a lock without conditions")
                .hasMessageContaining("condition");
    }

    @Test
    void aThread_mayLockAgainInEveryForm_andTheTokenStaysTheSame() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, SYNCHRONOUS);
        DistributedLock elsewhere = client().lock(name);
        assertThat(lock.holdCount()).isZero();
        lock.lock();
        FencingToken token = lock.hold().token();
        lock.lock();
        lock.lockInterruptibly();
        assertThat(lock.tryLock()).isTrue();
        assertThat(lock.tryLock(0, TimeUnit.SECONDS)).isTrue();
        assertThat(lock.tryLock(1, TimeUnit.SECONDS)).isTrue();
        assertThat(lock.holdCount()).isEqualTo(6);
        assertThat(lock.hold().token()).isEqualTo(token);
        assertThat(queueLength(name)).isEqualTo(1);
        for (int left = 5; left > 0; left--) {
            lock.unlock();
            assertThat(lock.holdCount()).isEqualTo(left);
            assertThat(lock.isHeldByCurrentThread()).isTrue();
        }
        assertThat(elsewhere.tryLock()).isFalse();
        lock.unlock();
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        assertThat(elsewhere.tryLock()).isTrue();
        elsewhere.unlock();
    }

    @Test
    @Tag("F28")
    void twoHandlesOfOneClient_shareHoldsAndQueue() throws Exception {
        String name = freshName();
        Holdfast here = client();
        DistributedLock one = here.lock(name);
        DistributedLock other = here.lock(name, LockOptions.defaults().withPurpose("the same lock"));
        DistributedLock strict = here.lock(name, LockOptions.defaults().strictFifo());
        one.lock();
        other.lock();
        strict.lock();
        assertThat(one.holdCount()).isEqualTo(3);
        assertThat(other.hold()).isSameAs(one.hold());
        assertThat(queueLength(name)).isEqualTo(1);
        Caller neighbour = caller("neighbour");
        assertThat(neighbour.tries(other)).isFalse();
        assertThat(neighbour.tries(strict)).isFalse();
        one.unlock();
        strict.unlock();
        other.unlock();
        neighbour.run(strict::lock);
        assertThat(one.tryLock()).isFalse();
        neighbour.run(one::unlock);
    }

    @Test
    void hold_ofAThreadThatHoldsNothing_isRefused() throws Exception {
        DistributedLock lock = client().lock(freshName());
        assertThatThrownBy(lock::hold).isInstanceOf(IllegalMonitorStateException.class);
        try (Hold hold = lock.acquire()) {
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            assertThatThrownBy(lock::hold).isInstanceOf(IllegalMonitorStateException.class);
            assertThat(lock.isHeldByCurrentThread()).isFalse();
        }
    }

    @Test
    void lock_afterTheThreadsHoldWasClosedByAnother_acquiresAnew() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        DistributedLock elsewhere = client().lock(name);
        lock.lock();
        Hold first = lock.hold();
        caller("another").run(first::close);
        assertThat(lock.holdCount()).isZero();
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);

        Hold between = elsewhere.acquire();
        assertThat(lock.tryLock()).isFalse();
        between.close();
        lock.lock();
        assertThat(lock.hold().token()).isGreaterThan(between.token());
        lock.unlock();
    }

    // ---------------------------------------------------------------------------------------------------- handles

    @Test
    void aHandle_isNotReentrant() throws Exception {
        DistributedLock lock = client().lock(freshName());
        try (Hold hold = lock.acquire()) {
            assertThat(lock.tryAcquire()).isEmpty();
            assertThat(lock.tryAcquire(Duration.ofMillis(20))).isEmpty();
            assertThat(lock.tryLock()).isFalse();
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void aHold_knowsItsLockKeyAndToken_andBelievesInAtMostTheTtl() throws Exception {
        String name = freshName();
        Holdfast here = client(settings -> settings.clusterEpoch(7).sessionTtl(Duration.ofSeconds(30)));
        try (Hold hold = here.lock(name).acquire()) {
            assertThat(hold.lockName()).isEqualTo(name);
            assertThat(hold.key())
                    .isEqualTo(operator().queue(name).get(0).getKey().toStringUtf8());
            assertThat(hold.token().clusterEpoch()).isEqualTo(7);
            assertThat(hold.token().sequence()).isZero();
            assertThat(hold.token().grantRevision())
                    .isEqualTo(operator().queue(name).get(0).getCreateRevision());
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            assertThat(hold.remaining()).isBetween(Duration.ofSeconds(10), Duration.ofSeconds(30));
            hold.ensure(Duration.ZERO);
            hold.ensure(Duration.ofSeconds(5));
            assertThatThrownBy(() -> hold.ensure(Duration.ofHours(1))).isInstanceOf(LockException.Lost.class);
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    @Tag("F16")
    void aHold_mayBeClosedByAnyThread_andTwice() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        Hold hold = lock.acquire();
        AtomicBoolean isTold = new AtomicBoolean();
        hold.onLost(loss -> isTold.set(true));
        FencingToken token = hold.token();
        caller("another").run(hold::close);
        assertThat(hold.state()).isEqualTo(Hold.State.RELEASED);
        assertThat(hold.remaining()).isZero();
        assertThat(hold.token()).isEqualTo(token);
        assertThatThrownBy(() -> hold.ensure(Duration.ZERO)).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> Eventually.get(hold.commit(Transaction.of())))
                .isInstanceOf(IllegalMonitorStateException.class);

        Hold next = client().lock(name).acquire();
        hold.close();
        assertThat(next.state()).isEqualTo(Hold.State.HELD);
        assertThat(queueLength(name)).isEqualTo(1);
        next.close();
        assertThat(isTold).as("told of a loss").isFalse();
    }

    @Test
    void synchronousRelease_meansThatTheEntryIsGoneWhenItReturns() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, SYNCHRONOUS);
        for (int i = 0; i < 5; i++) {
            lock.acquire().close();
            assertThat(queueLength(name)).isZero();
            lock.lock();
            lock.unlock();
            assertThat(queueLength(name)).isZero();
        }
    }

    @Test
    void synchronousRelease_withOthersWaiting_returns() throws Exception {
        String name = freshName();
        Holdfast here = client();
        DistributedLock lock = here.lock(name, SYNCHRONOUS);
        DistributedLock strict = here.lock(name, SYNCHRONOUS.strictFifo());
        DistributedLock elsewhere = client().lock(name, SYNCHRONOUS);
        for (DistributedLock each : List.of(lock, strict)) {
            Hold first = each.acquire();
            List<Ticket> waiting = List.of(each.enqueue(), each.enqueue(), elsewhere.enqueue());
            List<Future<Void>> done = new ArrayList<>();
            for (Ticket ticket : waiting) {
                // In whichever order they come.
                done.add(caller("waiter")
                        .starts(() ->
                                ticket.await(Eventually.PATIENCE).orElseThrow().close()));
            }
            caller("closer").run(first::close);
            for (Future<Void> closed : done) {
                Eventually.get(closed);
            }
        }
        assertThat(queueLength(name)).isZero();
    }

    // ---------------------------------------------------------------------------------------------------- caching

    @Test
    void lockThatIsWantedAgainAtOnce_staysWithItsClient_andItsTokensGrow() throws Exception {
        String name = freshName();
        Holdfast client = client();
        becomeKept(client, name);
        DistributedLock lock = client.lock(name);
        Hold before = lock.acquire();
        before.close();
        assertThat(queueLength(name)).as("entries of a lock that is kept").isEqualTo(1);
        Hold after = lock.acquire();
        assertThat(after.token().grantRevision()).isEqualTo(before.token().grantRevision());
        assertThat(after.token()).isGreaterThan(before.token());
        after.close();
    }

    @Test
    void keptLock_goesToAnotherClientThatWaits_andIsTakenForOneThatOnlyTries() throws Exception {
        String name = freshName();
        Holdfast client = client();
        becomeKept(client, name);
        DistributedLock lock = client.lock(name);
        assertThat(client().lock(name).tryLock()).as("tryLock elsewhere").isFalse();
        DistributedLock elsewhere = client().lock(name);
        Hold there = elsewhere.tryAcquire(Eventually.PATIENCE).orElseThrow();
        Ticket here = lock.enqueue();
        awaitQueueLength(name, 2);
        assertThat(here.cancel()).isTrue();
        there.close();
        awaitQueueLength(name, 0);
    }

    @Test
    void keptLock_isGivenBack_whenItsClientIsClosed() throws Exception {
        String name = freshName();
        try (Holdfast client = client()) {
            becomeKept(client, name);
        }
        assertThat(queueLength(name)).isZero();
    }

    @Test
    void withoutCaching_everyReleaseGivesTheLockBack() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, LockOptions.defaults().withoutCaching());
        for (int i = 0; i < 5; i++) {
            lock.lock();
            lock.unlock();
        }
        awaitQueueLength(name, 0);
    }

    @Test
    void maxHold_endsTheHold_tellsItsOwner_andLetsTheNextOneIn() throws Exception {
        String name = freshName();
        Duration most = Duration.ofMillis(100);
        DistributedLock lock = client().lock(name, LockOptions.defaults().withMaxHold(most));
        Hold hold = lock.acquire();
        assertThat(hold.remaining()).isLessThanOrEqualTo(most);
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        Ticket next = client().lock(name).enqueue();

        Loss loss = Eventually.get(told);
        assertThat(loss.reason()).isEqualTo(LossReason.MAX_HOLD_REACHED);
        assertThat(loss.token()).isEqualTo(hold.token());
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(hold.remaining()).isZero();
        Hold second = next.await(Eventually.PATIENCE).orElseThrow();
        assertThat(second.token()).isGreaterThan(hold.token());
        assertThatThrownBy(hold::close).isInstanceOfSatisfying(LockException.Lost.class, e -> assertThat(
                        e.loss().reason())
                .isEqualTo(LossReason.MAX_HOLD_REACHED));
        hold.close();
        second.close();
    }

    @Test
    void maxHold_ofAHoldThatWasReleasedInTime_tellsNobody() throws Exception {
        DistributedLock lock = client().lock(freshName(), LockOptions.defaults().withMaxHold(Duration.ofMillis(200)));
        Hold first = lock.acquire();
        AtomicBoolean isTold = new AtomicBoolean();
        first.onLost(loss -> isTold.set(true));
        first.close();
        Hold second = lock.acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        second.onLost(told::complete);
        assertThat(Eventually.get(told).token()).isEqualTo(second.token());
        assertThat(isTold).isFalse();
        assertThat(first.state()).isEqualTo(Hold.State.RELEASED);
        assertThatThrownBy(second::close).isInstanceOf(LockException.Lost.class);
    }

    @Test
    void minHold_isWhatAHoldHasLeftWhenItIsGranted() throws Exception {
        Holdfast here = client(settings -> settings.sessionTtl(Duration.ofSeconds(2)));
        Duration least = Duration.ofSeconds(1);
        DistributedLock lock = here.lock(freshName(), LockOptions.defaults().withMinHold(least));
        for (int i = 0; i < 8; i++) {
            // Grants fall on every phase between two renewals.
            LockSupport.parkNanos(130_000_000);
            long before = System.nanoTime();
            try (Hold hold = lock.acquire()) {
                Duration left = hold.remaining();
                Duration sinceGrant = Duration.ofNanos(System.nanoTime() - before);
                assertThat(left.plus(sinceGrant)).isGreaterThan(least);
            }
        }
    }

    @Test
    void minHold_thatNoSessionCanEverGive_isRefused() {
        Holdfast here = client(settings -> settings.sessionTtl(Duration.ofSeconds(2)));
        assertThatThrownBy(() -> here.lock(freshName(), LockOptions.defaults().withMinHold(Duration.ofSeconds(2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("minHold");
    }

    @Test
    void interruptOnLoss_interruptsTheThreadThatLocked_andNobodyElse() throws Exception {
        String name = freshName();
        LockOptions options = LockOptions.defaults().withMaxHold(Duration.ofMillis(100));
        Holdfast here = client();
        DistributedLock lock = here.lock(name, options.withInterruptOnLoss());
        Caller worker = caller("worker");
        Future<Boolean> interrupted = worker.start(() -> {
            lock.lock();
            while (!Thread.interrupted()) {
                LockSupport.parkNanos(this, Eventually.PATIENCE.toNanos());
            }
            return true;
        });
        assertThat(Eventually.get(interrupted)).isTrue();
        assertThatThrownBy(() -> worker.run(lock::unlock)).isInstanceOf(LockException.Lost.class);

        Caller other = caller("other");
        DistributedLock quiet = here.lock(name, options);
        other.run(() -> {
            quiet.lock();
            CompletableFuture<Loss> told = new CompletableFuture<>();
            quiet.hold().onLost(told::complete);
            told.join();
            assertThat(Thread.interrupted()).isFalse();
            assertThatThrownBy(quiet::unlock).isInstanceOf(LockException.Lost.class);
        });
    }

    // ---------------------------------------------------------------------------------------------------- guarded
    // writes

    @Test
    void commit_writesOnlyIfItsConditionsHold() throws Exception {
        String key = "paid-" + freshName();
        try (Hold hold = client().lock(freshName()).acquire()) {
            CommitResult first =
                    Eventually.get(hold.commit(Transaction.of().ifAbsent(key).put(key, "42")));
            assertThat(first.applied()).isTrue();
            CommitResult again =
                    Eventually.get(hold.commit(Transaction.of().ifAbsent(key).put(key, "43")));
            assertThat(again.applied()).isFalse();
            assertThat(operator().keys(key).get(0).getValue().toStringUtf8()).isEqualTo("42");
            CommitResult changed = Eventually.get(hold.commit(
                    Transaction.of().ifModRevision(key, first.revision()).delete(key)));
            assertThat(changed.applied()).isTrue();
            assertThat(changed.revision()).isGreaterThan(first.revision());
            assertThat(operator().keys(key)).isEmpty();
            assertThat(Eventually.get(hold.commit(Transaction.of())).applied()).isTrue();
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void commit_underWayWhenTheHoldIsClosed_isCarriedOutBeforeTheNextHold_orNever() throws Exception {
        String name = freshName();
        String key = "value-" + name;
        Holdfast here = client();
        DistributedLock lock = here.lock(name);
        for (int i = 0; i < 20; i++) {
            Hold first = lock.acquire();
            Ticket next = lock.enqueue();
            CompletableFuture<CommitResult> late = first.commit(Transaction.of().put(key, "late"));
            first.close();
            Hold second = next.await(Eventually.PATIENCE).orElseThrow();
            assertThat(Eventually.get(second.commit(Transaction.of().put(key, "new")))
                            .applied())
                    .isTrue();
            late.handle((result, failure) -> "over").get(30, TimeUnit.SECONDS);
            assertThat(operator().keys(key).get(0).getValue().toStringUtf8()).isEqualTo("new");
            second.close();
        }
        operator().delete(operator().keys(key).get(0).getKey());
    }

    // ---------------------------------------------------------------------------------------------------- async

    @Test
    void acquireAsync_completesWithAHold_neverOnTheEventLoop() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        List<String> threads = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Hold> turn = client().lock(name).acquireAsync();
        CompletableFuture<Hold> dependent = turn.whenComplete(
                (hold, failure) -> threads.add(Thread.currentThread().getName()));
        assertThat(turn.isDone()).isFalse();
        first.close();
        Hold second = Eventually.get(dependent);
        assertThat(second.token()).isGreaterThan(first.token());
        assertThat(threads).singleElement().asString().startsWith("holdfast-callback");
        second.close();
    }

    @Test
    void acquireAsync_completesOnTheExecutorOfTheUsers() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Holdfast here = client(settings -> settings.callbackExecutor(task -> {
            runs.incrementAndGet();
            task.run();
        }));
        Eventually.get(here.lock(freshName()).acquireAsync()).close();
        assertThat(runs).hasPositiveValue();
    }

    @Test
    @Tag("F17")
    void cancellingAcquireAsync_atAnyMoment_leavesNothingBehind() throws Exception {
        String name = freshName();
        DistributedLock holder = client().lock(name);
        DistributedLock lock = client().lock(name, LockOptions.defaults().withoutCaching());
        Hold first = holder.acquire();
        CompletableFuture<Hold> waiting = lock.acquireAsync();
        awaitQueueLength(name, 2);
        assertThat(waiting.cancel(true)).isTrue();
        awaitQueueLength(name, 1);
        first.close();

        // From at once to long after the grant.
        for (int i = 0; i < 60; i++) {
            CompletableFuture<Hold> attempt = lock.acquireAsync();
            LockSupport.parkNanos(50_000L * i);
            if (!attempt.cancel(true)) {
                attempt.join().close();
            }
        }
        awaitQueueLength(name, 0);
        assertFree(name);
    }

    @Test
    void orTimeout_onAcquireAsync_leavesTheQueue() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        CompletableFuture<Hold> waiting = client().lock(name).acquireAsync();
        awaitQueueLength(name, 2);
        waiting.completeExceptionally(new IllegalStateException("the user has lost interest"));
        awaitQueueLength(name, 1);
        first.close();
    }

    // ---------------------------------------------------------------------------------------------------- tickets

    @Test
    @Tag("F17")
    void aTicket_keepsItsPlaceOverTimeOutsAndInterrupts() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Ticket early = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket late = client().lock(name).enqueue();
        awaitQueueLength(name, 3);
        assertThat(early.await(Duration.ZERO)).isEmpty();
        assertThat(early.await(Duration.ofMillis(10))).isEmpty();
        Caller waiter = caller("waiter");
        CompletableFuture<Optional<Hold>> interrupted = waiter.startsToWait(() -> early.await(Duration.ofHours(1)));
        waiter.interrupt();
        assertThatThrownBy(() -> Eventually.get(interrupted)).isInstanceOf(InterruptedException.class);
        assertThat(late.await(Duration.ofMillis(10))).isEmpty();
        assertThat(queueLength(name)).isEqualTo(3);

        first.close();
        Hold second = early.await(Eventually.PATIENCE).orElseThrow();
        assertThat(late.await(Duration.ofMillis(10))).isEmpty();
        second.close();
        late.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    void aTicket_thatIsCancelled_leavesTheQueueAndNothingBehind() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock lock = client().lock(name);
        Ticket cancelled = lock.enqueue();
        Ticket closed = lock.enqueue();
        Ticket stays = lock.enqueue();
        awaitQueueLength(name, 2);
        assertThat(stays.localPosition()).isEqualTo(2);
        assertThat(cancelled.cancel()).isTrue();
        assertThat(cancelled.cancel()).isFalse();
        closed.close();
        closed.close();
        assertThat(stays.localPosition()).isZero();
        assertThatThrownBy(() -> cancelled.await(Duration.ofSeconds(1))).isInstanceOf(CancellationException.class);
        assertThatThrownBy(() -> cancelled.grant().get(30, TimeUnit.SECONDS)).isInstanceOf(CancellationException.class);
        stays.close();
        awaitQueueLength(name, 1);
        first.close();
    }

    @Test
    void aTicket_whoseTurnHasCome_isClosedWithItsHold_andCannotBeCancelled() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, LockOptions.defaults().withoutCaching());
        try (Ticket ticket = lock.enqueue()) {
            Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
            assertThat(ticket.cancel()).isFalse();
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            assertThat(ticket.await(Duration.ZERO)).containsSame(hold);
            assertThat(Eventually.get(ticket.grant())).isSameAs(hold);
        }
        awaitQueueLength(name, 0);
        Ticket untaken = lock.enqueue();
        awaitQueueLength(name, 1);
        untaken.close();
        awaitQueueLength(name, 0);
    }

    // ---------------------------------------------------------------------------------------------------- order

    @Test
    void tokens_growFromHoldToHold_inOneProcess() throws Exception {
        DistributedLock lock = client().lock(freshName());
        assertTokensGrow(List.of(lock, lock, lock, lock), 50);
    }

    @Test
    void tokens_growFromHoldToHold_overClients() throws Exception {
        String name = freshName();
        List<DistributedLock> locks = new ArrayList<>();
        for (LockOptions options : List.of(
                LockOptions.defaults(),
                LockOptions.defaults().strictFifo(),
                SYNCHRONOUS,
                LockOptions.defaults().withHandOverBudget(2))) {
            Holdfast here = client();
            locks.add(here.lock(name, options));
            locks.add(here.lock(name, options));
        }
        assertTokensGrow(locks, 12);
    }

    /** One thread for each lock; every thread locks it that often. Nobody is ever inside with another. */
    private void assertTokensGrow(List<DistributedLock> locks, int rounds) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicReference<FencingToken> greatest = new AtomicReference<>(new FencingToken(0, 1, 0, false));
        List<Future<Void>> done = new ArrayList<>();
        for (DistributedLock lock : locks) {
            done.add(caller("contender-" + done.size()).starts(() -> {
                for (int i = 0; i < rounds; i++) {
                    lock.lock();
                    try {
                        assertThat(inside.incrementAndGet())
                                .as("threads inside")
                                .isEqualTo(1);
                        FencingToken token = lock.hold().token();
                        assertThat(token).isGreaterThan(greatest.getAndSet(token));
                        inside.decrementAndGet();
                    } finally {
                        lock.unlock();
                    }
                }
            }));
        }
        for (Future<Void> each : done) {
            Eventually.get(each);
        }
    }

    @Test
    void clients_getTheLockInTheOrderOfTheirEntries() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        List<DistributedLock> locks = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            locks.add(client().lock(name));
        }
        assertFifo(name, first, locks);
    }

    @Test
    void strictFifo_isTheOrderOverAllThreadsOfAllClients() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        List<Holdfast> clients = List.of(client(), client(), client());
        List<DistributedLock> locks = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            // The order in which clients come changes from round to round.
            locks.add(clients.get(i * i % 3).lock(name, LockOptions.defaults().strictFifo()));
        }
        assertFifo(name, first, locks);
    }

    @Test
    void strictFifo_inOneClient_givesEveryCallerAnEntryAndARevisionOfItsOwn() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, LockOptions.defaults().strictFifo());
        Hold first = lock.acquire();
        assertFifo(name, first, Collections.nCopies(20, lock));
    }

    private void assertFifo(String name, Hold first, List<DistributedLock> locks) throws Exception {
        List<Ticket> tickets = new ArrayList<>();
        for (DistributedLock lock : locks) {
            tickets.add(lock.enqueue());
            awaitQueueLength(name, tickets.size() + 1);
        }
        Hold before = first;
        for (int i = 0; i < tickets.size(); i++) {
            before.close();
            Hold hold = Eventually.get(tickets.get(i).grant());
            assertThat(tickets.subList(i + 1, tickets.size()))
                    .noneMatch(later -> later.grant().isDone());
            assertThat(hold.token().compareTo(before.token())).isPositive();
            assertThat(hold.token().grantRevision())
                    .isGreaterThan(before.token().grantRevision());
            before = hold;
        }
        before.close();
    }

    @Test
    void callersOfOneClient_getTheLockInTheOrderInWhichTheyCame() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        Hold before = lock.acquire();
        List<Ticket> tickets = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            tickets.add(lock.enqueue());
            assertThat(tickets.get(i).localPosition()).isEqualTo(i);
        }
        for (Ticket ticket : tickets) {
            assertThat(ticket.await(Duration.ZERO)).isEmpty();
            before.close();
            Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
            assertThat(hold.token()).isGreaterThan(before.token());
            before = hold;
        }
        before.close();
    }

    @Test
    void theHandOverBudget_boundsHowOftenOneClientGoesFirst() throws Exception {
        String name = freshName();
        int budget = 5;
        DistributedLock busy = client().lock(name, LockOptions.defaults().withHandOverBudget(budget));
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        Hold first = busy.acquire();
        Ticket remote = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        List<CompletableFuture<Void>> all = new ArrayList<>();
        all.add(remote.grant().thenAccept(hold -> {
            order.add("remote");
            hold.close();
        }));
        for (int i = 0; i < 50; i++) {
            all.add(busy.acquireAsync().thenAccept(hold -> {
                order.add("local");
                hold.close();
            }));
        }
        first.close();
        for (CompletableFuture<Void> each : all) {
            Eventually.get(each);
        }
        assertThat(order.indexOf("remote")).isBetween(0, budget);
        assertThat(order).hasSize(51);
    }

    @Test
    void clientsThatContend_neverOverlap_andInterruptsAtAnyPointLeaveNoKeyBehind() throws Exception {
        String name = freshName();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger grants = new AtomicInteger();
        AtomicBoolean isOver = new AtomicBoolean();
        List<Caller> contenders = new ArrayList<>();
        List<Future<Void>> done = new ArrayList<>();
        List<Holdfast> clients = List.of(client(), client());
        for (int i = 0; i < 6; i++) {
            Holdfast client = clients.get(i % 2);
            LockOptions options = i < 2 ? LockOptions.defaults().strictFifo() : LockOptions.defaults();
            DistributedLock lock = client.lock(name, options);
            Caller contender = caller("contender-" + i);
            contenders.add(contender);
            int form = i / 2;
            done.add(contender.starts(() -> {
                while (!isOver.get()) {
                    try {
                        Hold hold =
                                switch (form) {
                                    case 0 -> lock.acquire();
                                    case 1 ->
                                        lock.tryAcquire(Duration.ofMillis(3)).orElse(null);
                                    default -> {
                                        lock.lockInterruptibly();
                                        yield lock.hold();
                                    }
                                };
                        if (hold != null) {
                            assertThat(inside.incrementAndGet())
                                    .as("threads inside")
                                    .isEqualTo(1);
                            grants.incrementAndGet();
                            inside.decrementAndGet();
                            hold.close();
                        }
                    } catch (InterruptedException e) {
                        // That is what the test is about.
                    }
                }
                Thread.interrupted();
            }));
        }
        RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
        for (int i = 0; i < 400; i++) {
            contenders.get(random.nextInt(contenders.size())).interrupt();
            LockSupport.parkNanos(random.nextInt(5_000_000));
        }
        isOver.set(true);
        for (Future<Void> each : done) {
            Eventually.get(each);
        }
        assertThat(grants).hasPositiveValue();
        awaitQueueLength(name, 0);
        assertFree(name);
    }

    // ---------------------------------------------------------------------------------------------------- names

    @Test
    @Tag("F26")
    void namesBelowOneAnother_areDifferentLocks() throws Exception {
        String name = freshName();
        DistributedLock outer = client().lock(name, SYNCHRONOUS);
        DistributedLock inner = client().lock(name + "/b", SYNCHRONOUS);
        DistributedLock innermost = client().lock(name + "/b/c", SYNCHRONOUS);
        Hold first = outer.acquire();
        try (Hold third = innermost.acquire();
                Hold second = inner.acquire()) {
            assertThat(List.of(first.lockName(), second.lockName(), third.lockName()))
                    .containsExactly(name, name + "/b", name + "/b/c");
            Ticket waiting = client().lock(name).enqueue();
            awaitQueueLength(name, 2);
            first.close();
            waiting.await(Eventually.PATIENCE).orElseThrow().close();
        }
    }

    @Test
    void tryLock_withOnlyNestedNamesHeld_takesTheLock() throws Exception {
        String name = freshName();
        Holdfast other = client();
        List<Hold> nested = new ArrayList<>();
        DistributedLock lock = client().lock(name, SYNCHRONOUS);
        // More of them than one range of an acquire brings along.
        for (int i = 0; i < 20; i++) {
            nested.add(other.lock(name + "/" + (char) ('0' + i)).acquire());
            assertThat(lock.tryLock()).as((i + 1) + " nested locks held").isTrue();
            assertThat(client().lock(name).tryLock()).isFalse();
            lock.unlock();
            assertThat(queueLength(name)).isZero();
        }
        nested.forEach(Hold::close);
    }

    @Test
    void lock_withManyNestedNamesHeld_isGranted() throws Exception {
        String name = freshName();
        Holdfast other = client();
        List<Hold> nested = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            nested.add(other.lock(name + "/" + (char) ('0' + i)).acquire());
        }
        Hold first = client().lock(name).acquire();
        Ticket second = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        first.close();
        second.await(Eventually.PATIENCE).orElseThrow().close();
        nested.forEach(Hold::close);
    }

    @Test
    void strictNames_areDifferentFromRawOnes_andHaveNoNesting() throws Exception {
        String name = freshName() + "/100%/x";
        Holdfast strict = client(settings -> settings.nameMode(NameMode.STRICT));
        try (Hold one = strict.lock(name).acquire();
                Hold raw = client().lock(name).acquire()) {
            assertThat(one.key()).doesNotStartWith(name).contains("%2F", "%25");
            assertThat(raw.key()).startsWith(name + "/");
            assertThat(one.lockName()).isEqualTo(raw.lockName()).isEqualTo(name);
            assertThat(client(settings -> settings.nameMode(NameMode.STRICT))
                            .lock(name)
                            .tryLock())
                    .isFalse();
        }
    }

    @Test
    void everyKeyOfAClient_isInItsNamespace_andNamespacesDoNotMeet() throws Exception {
        String name = freshName();
        Holdfast inside = client(settings -> settings.namespace("team-a/"));
        try (Hold one = inside.lock(name).acquire();
                Hold other = client().lock(name).acquire()) {
            assertThat(one.key())
                    .isEqualTo(operator().keys("team-a/" + name).get(0).getKey().toStringUtf8());
            assertThat(operator().keys("team-a/")).hasSize(2);
            assertThat(other.lockName()).isEqualTo(one.lockName());
        }
    }

    @Test
    @Tag("F26")
    void unusualNames_areLocksLikeOthers() throws Exception {
        Holdfast here = client();
        Holdfast there = client();
        for (String name : List.of(
                "/tmp/go/lock",
                "x",
                " ",
                "Stra\u00dfe/\u9375 \ud83d\udd11",
                "a".repeat(512),
                "\u00e9".repeat(256),
                "_holdfastx",
                "x/_holdfast/sess",
                "%2F",
                "..")) {
            try (Hold hold = here.lock(name, SYNCHRONOUS).acquire()) {
                assertThat(hold.lockName()).isEqualTo(name);
                assertThat(there.lock(name).tryAcquire()).isEmpty();
            }
            there.lock(name, SYNCHRONOUS).tryAcquire().orElseThrow().close();
        }
    }

    // ---------------------------------------------------------------------------------------------------- strangers

    @Test
    @Tag("F10")
    @Tag("F27")
    void aKeyOfAStranger_underTheLocksName_isWaitedFor() throws Exception {
        String name = freshName();
        operator().put(name + "/somebody", "a key without a lease");
        DistributedLock lock = client().lock(name);
        assertThat(lock.tryLock()).isFalse();
        Ticket waiting = lock.enqueue();
        awaitQueueLength(name, 2);
        assertThat(waiting.await(Duration.ofMillis(20))).isEmpty();
        operator().delete(operator().queue(name).get(0).getKey());
        Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow();
        operator().put(name + "/somebody", "comes later");
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        hold.close();
        awaitQueueLength(name, 1);
        operator().delete(operator().queue(name).get(0).getKey());
    }

    @Test
    void manyWaiters_areServedInOrder_thoughTheQueueIsLong() throws Exception {
        String name = freshName();
        DistributedLock strict = client().lock(name, LockOptions.defaults().strictFifo());
        DistributedLock strictToo = client().lock(name, LockOptions.defaults().strictFifo());
        Hold first = strict.acquire();
        List<DistributedLock> locks = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            locks.add(i % 2 == 0 ? strict : strictToo);
        }
        assertFifo(name, first, locks);
    }
}
