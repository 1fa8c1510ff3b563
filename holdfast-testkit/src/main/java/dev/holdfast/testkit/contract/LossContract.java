package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.CommitResult;
import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossEvent;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.testkit.contract.Gate.Passage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the lock API promises when leases are revoked, entries deleted, answers lost and clients closed: a class that
 * extends this and opens its store runs it.
 */
@SuppressWarnings("LockNotBeforeTry") // Locking and unlocking are what is tested here, step by step.
public abstract class LossContract extends StoreFixture {

    private static final LockOptions SYNCHRONOUS = LockOptions.defaults().withSynchronousRelease();

    /** For JUnit. */
    protected LossContract() {}

    // ---------------------------------------------------------------------------------------------------- session

    @Test
    @Tag("F03")
    void aRevokedLease_losesEveryHoldOfItAtOnce_andTellsTheirListeners() throws Exception {
        Holdfast here = client(settings -> settings.sessionTtl(Duration.ofSeconds(60)));
        List<Hold> holds = new ArrayList<>();
        List<List<Loss>> told = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            Hold hold = here.lock(freshName()).acquire();
            holds.add(hold);
            List<Loss> losses = Collections.synchronizedList(new ArrayList<>());
            told.add(losses);
            hold.onLost(losses::add);
        }
        long start = System.nanoTime();
        revokeLeaseUnder(holds.get(0).lockName());
        for (Hold hold : holds) {
            Eventually.that("LOST", () -> hold.state() == Hold.State.LOST);
            assertThat(hold.remaining()).isZero();
            assertLost(LossReason.LEASE_GONE, () -> hold.ensure(Duration.ZERO));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        for (int i = 0; i < holds.size(); i++) {
            Hold hold = holds.get(i);
            List<Loss> losses = told.get(i);
            Eventually.that("told", () -> !losses.isEmpty());
            assertThat(losses).singleElement().satisfies(loss -> {
                assertThat(loss.lockName()).isEqualTo(hold.lockName());
                assertThat(loss.token()).isEqualTo(hold.token());
                assertThat(loss.reason()).isEqualTo(LossReason.LEASE_GONE);
                assertThat(loss.detail()).isNotEmpty();
            });
            CompletableFuture<Loss> late = new CompletableFuture<>();
            hold.onLost(late::complete);
            assertThat(Eventually.get(late)).isEqualTo(losses.get(0));
            assertLost(LossReason.LEASE_GONE, () -> Eventually.get(hold.commit(Transaction.of())));
            assertLost(LossReason.LEASE_GONE, hold::close);
            hold.close();
            assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        }
    }

    @Test
    @Tag("F15")
    @Tag("F31")
    void aThreadWhoseHoldIsLost_locksAgainOnlyAfterItHasUnlocked() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        lock.lock();
        lock.lock();
        Hold first = lock.hold();
        revokeLeaseUnder(name);
        Eventually.that("LOST", () -> first.state() == Hold.State.LOST);

        assertThat(lock.isHeldByCurrentThread()).isFalse();
        assertThat(lock.holdCount()).isEqualTo(2);
        assertLost(LossReason.LEASE_GONE, lock::lock);
        assertLost(LossReason.LEASE_GONE, lock::lockInterruptibly);
        assertLost(LossReason.LEASE_GONE, lock::tryLock);
        assertLost(LossReason.LEASE_GONE, () -> lock.tryLock(1, TimeUnit.SECONDS));
        assertThat(lock.holdCount()).isEqualTo(2);
        assertLost(LossReason.LEASE_GONE, lock::unlock);
        assertLost(LossReason.LEASE_GONE, lock::unlock);
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);

        lock.lock();
        assertThat(lock.hold().token()).isGreaterThan(first.token());
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        lock.unlock();
    }

    @Test
    void aLostHold_isReplacedByOneInANewSession_rightAway() throws Exception {
        String name = freshName();
        Holdfast here = client();
        DistributedLock lock = here.lock(name);
        FencingToken before = new FencingToken(0, 1, 0, false);
        for (int i = 0; i < 5; i++) {
            Hold hold = lock.acquire();
            assertThat(hold.token()).isGreaterThan(before);
            before = hold.token();
            revokeLeaseUnder(name);
            Eventually.that("LOST", () -> hold.state() == Hold.State.LOST);
            assertLost(LossReason.LEASE_GONE, hold::close);
        }
    }

    @Test
    @Tag("F45")
    void aListenerThatThrowsOrBlocks_harmsNobody() throws Exception {
        Holdfast here = client();
        Hold throwing = here.lock(freshName()).acquire();
        Hold blocking = here.lock(freshName()).acquire();
        Hold third = here.lock(freshName()).acquire();
        CountDownLatch unblock = new CountDownLatch(1);
        AtomicBoolean isBlocked = new AtomicBoolean();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        throwing.onLost(loss -> {
            throw new IllegalStateException("a listener of the user's");
        });
        throwing.onLost(loss -> {
            throw new AssertionError("an error in a listener of the user's");
        });
        blocking.onLost(loss -> {
            isBlocked.set(true);
            try {
                unblock.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        third.onLost(told::complete);
        revokeLeaseUnder(throwing.lockName());
        Eventually.get(told);
        Eventually.that("the blocking listener runs", isBlocked::get);

        here.lock(throwing.lockName()).acquire().close();
        here.lock(freshName()).acquire().close();
        Eventually.get(here.lock(freshName()).acquireAsync()).close();
        unblock.countDown();
        for (Hold hold : List.of(throwing, blocking, third)) {
            assertLost(LossReason.LEASE_GONE, hold::close);
        }
    }

    @Test
    void interruptOnLoss_endsWhatTheThreadWaitsFor_whenItsLeaseIsRevoked() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, LockOptions.defaults().withInterruptOnLoss());
        Caller worker = caller("worker");
        Future<Void> work = worker.startsToWait(() -> {
            lock.lock();
            new CountDownLatch(1).await(60, TimeUnit.SECONDS);
            return null;
        });
        awaitQueueLength(name, 1);
        revokeLeaseUnder(name);
        assertThatThrownBy(() -> Eventually.get(work)).isInstanceOf(InterruptedException.class);
        assertLost(LossReason.LEASE_GONE, () -> worker.run(lock::unlock));
    }

    @Test
    @Tag("F03")
    void waitingCallers_areEnqueuedInANewSession_withoutDoingAnything() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Holdfast here = client();
        DistributedLock lock = here.lock(name);
        Caller thread = caller("waiter");
        Future<Void> locked = thread.startsToWait(() -> {
            lock.lock();
            return null;
        });
        awaitQueueLength(name, 2);
        Ticket ticket = lock.enqueue();
        Ticket strict = here.lock(name, LockOptions.defaults().strictFifo()).enqueue();
        awaitQueueLength(name, 3);
        ByteString old = operator().queue(name).get(1).getKey();
        operator().revoke(operator().queue(name).get(1).getLease());

        awaitQueueLength(name, 3);
        assertThat(operator().queue(name)).noneMatch(kv -> kv.getKey().equals(old));
        assertThat(locked.isDone() || ticket.grant().isDone() || strict.grant().isDone())
                .isFalse();
        assertThat(first.state()).isEqualTo(Hold.State.HELD);
        // In whichever order they come.
        List<Future<Void>> served = new ArrayList<>();
        for (Ticket each : List.of(ticket, strict)) {
            served.add(each.grant().thenAccept(Hold::close));
        }
        first.close();
        Eventually.get(locked);
        assertThat(thread.get(() -> lock.hold().token())).isGreaterThan(first.token());
        thread.run(lock::unlock);
        for (Future<Void> each : served) {
            Eventually.get(each);
        }
    }

    @Test
    void waitingCallers_behindAHoldOfTheirOwnClient_getTheLockWhenItsSessionIsLost() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        Hold first = lock.acquire();
        List<Ticket> tickets = List.of(lock.enqueue(), lock.enqueue(), lock.enqueue());
        revokeLeaseUnder(name);
        FencingToken before = first.token();
        for (Ticket ticket : tickets) {
            Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
            assertThat(first.state()).isEqualTo(Hold.State.LOST);
            assertThat(hold.token()).isGreaterThan(before);
            before = hold.token();
            hold.close();
        }
        assertLost(LossReason.LEASE_GONE, first::close);
    }

    @Test
    void aDeletedSessionKey_isALostSession() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        operator().delete(operator().keys("_holdfast/sess/").get(0).getKey());
        Eventually.that("LOST", () -> hold.state() == Hold.State.LOST);
        assertLost(LossReason.LEASE_GONE, hold::close);
        assertFree(name);
    }

    @Test
    @Tag("F08")
    void clients_surviveRevokedLeasesAtAnyMoment_andNeverOverlapInRevisions() throws Exception {
        String name = freshName();
        AtomicBoolean isOver = new AtomicBoolean();
        AtomicInteger grants = new AtomicInteger();
        Set<FencingToken> tokens = java.util.concurrent.ConcurrentHashMap.newKeySet();
        List<Future<Void>> done = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            DistributedLock lock =
                    client().lock(name, i == 0 ? LockOptions.defaults().strictFifo() : SYNCHRONOUS);
            for (int j = 0; j < 2; j++) {
                done.add(caller("contender-" + i + j).starts(() -> {
                    while (!isOver.get()) {
                        try (Hold hold = lock.acquire()) {
                            assertThat(tokens.add(hold.token()))
                                    .as("a new token")
                                    .isTrue();
                            grants.incrementAndGet();
                        } catch (LockException.Lost lost) {
                            // That is what the test is about.
                        }
                    }
                }));
            }
        }
        for (int i = 0; i < 30; i++) {
            LockSupport.parkNanos(10_000_000);
            Optional<Long> lease = operator().keys("_holdfast/sess/").stream()
                    .map(kv -> kv.getLease())
                    .findFirst();
            lease.ifPresent(id -> operator().revoke(id));
        }
        int before = grants.get();
        Eventually.that("grants go on", () -> grants.get() > before + 10);
        isOver.set(true);
        for (Future<Void> each : done) {
            Eventually.get(each);
        }
        awaitQueueLength(name, 0);
        assertFree(name);
    }

    // ---------------------------------------------------------------------------------------------------- entry

    @Test
    void anEntryDeletedWhileItWaits_isEnqueuedAnew() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Ticket waiting = client().lock(name).enqueue();
        for (int i = 0; i < 3; i++) {
            awaitQueueLength(name, 2);
            KeyValue entry = operator().queue(name).get(1);
            operator().delete(entry.getKey());
            Eventually.that("another entry, if perhaps of the same name", () -> {
                List<KeyValue> queue = operator().queue(name);
                return queue.size() == 2 && queue.get(1).getCreateRevision() > entry.getCreateRevision();
            });
        }
        assertThat(waiting.grant().isDone()).isFalse();
        first.close();
        Hold second = waiting.await(Eventually.PATIENCE).orElseThrow();
        assertThat(second.token()).isGreaterThan(first.token());
        second.close();
    }

    @Test
    void anEntryDeletedWhileItIsHeldAndOthersWait_isALostHold() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        Hold before = client().lock(name).acquire();
        Ticket ticket = lock.enqueue();
        awaitQueueLength(name, 2);
        before.close();
        Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        Ticket local = lock.enqueue();
        operator().delete(operator().queue(name).get(0).getKey());
        assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.ENTRY_DELETED);
        Hold next = local.await(Eventually.PATIENCE).orElseThrow();
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(next.token()).isGreaterThan(hold.token());
        assertLost(LossReason.ENTRY_DELETED, hold::close);
        next.close();
    }

    @Test
    void aReleaseWhoseEntryIsGone_saysSo_toTheCallerWhoWaitsForIt() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, SYNCHRONOUS);
        Hold hold = lock.acquire();
        operator().delete(operator().queue(name).get(0).getKey());
        assertLost(LossReason.ENTRY_DELETED, hold::close);
        lock.lock();
        operator().delete(operator().queue(name).get(0).getKey());
        assertLost(LossReason.ENTRY_DELETED, lock::unlock);
        assertThat(lock.holdCount()).isZero();
        lock.acquire().close();
    }

    @Test
    void aReleaseWhoseEntryIsGone_tellsTheListeners_ifNobodyWaitsForIt() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        operator().delete(operator().queue(name).get(0).getKey());
        hold.close();
        assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.ENTRY_DELETED);
    }

    @Test
    void commit_afterTheEntryIsGone_writesNothing_andTheHoldIsLost() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        operator().delete(operator().queue(name).get(0).getKey());
        CompletableFuture<CommitResult> result = hold.commit(Transaction.of().put("written-" + name, "by whom?"));
        assertLost(LossReason.ENTRY_DELETED, () -> Eventually.get(result));
        assertThat(operator().keys("written-" + name)).isEmpty();
        assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.ENTRY_DELETED);
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertLost(LossReason.ENTRY_DELETED, hold::close);
    }

    @Test
    @Tag("F01")
    void commit_ofAHoldThatAnotherHasReplaced_writesNothing() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Hold hold = client(gate).lock(name).acquire();
        operator().delete(operator().queue(name).get(0).getKey());
        Hold other = client().lock(name).acquire();
        CompletableFuture<CommitResult> result = hold.commit(Transaction.of().put("written-" + name, "late"));
        assertLost(LossReason.ENTRY_DELETED, () -> Eventually.get(result));
        assertThat(operator().keys("written-" + name)).isEmpty();
        other.close();
    }

    // ---------------------------------------------------------------------------------------------------- by force

    @Test
    void forcedRelease_ofALockThatNobodyElseWants_isHeardOfAtOnce() throws Exception {
        String name = freshName();
        Holdfast here = client(settings -> settings.sessionTtl(Duration.ofSeconds(60)));
        Hold hold = here.lock(name).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        ByteString record = operator().release(name, 0, "eve@ops", "stuck \u001b[31msince 2 a.m.");
        Loss loss = Eventually.get(told);
        assertForced(loss);
        assertThat(loss.toString()).contains("eve@ops", "stuck", "since 2 a.m.").doesNotContain("\u001b");
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertLost(LossReason.FORCED, hold::close);

        try (Hold next = here.lock(name).acquire()) {
            assertThat(next.token()).isGreaterThan(hold.token());
        }
        operator().delete(record);
    }

    @Test
    @Tag("F35")
    void forcedRelease_ofALockThatOthersWant_goesToThem_andTheHolderLearnsWhy() throws Exception {
        String name = freshName();
        DistributedLock here = client().lock(name);
        Hold hold = here.acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        Ticket there = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket local = here.enqueue();
        ByteString record = operator().release(name, 0, "eve@ops", "stuck");
        Hold next = there.await(Eventually.PATIENCE).orElseThrow();
        assertForced(Eventually.get(told));
        assertLost(LossReason.FORCED, hold::close);
        assertThat(local.grant().isDone()).isFalse();
        awaitQueueLength(name, 2);
        next.close();
        local.await(Eventually.PATIENCE).orElseThrow().close();
        operator().delete(record);
    }

    @Test
    @Tag("F35")
    void forcedRelease_ofAWaiter_sendsItToTheEnd_andHitsNobodyElse() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Ticket second = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket third = client().lock(name).enqueue();
        awaitQueueLength(name, 3);
        long sent = operator().queue(name).get(2).getCreateRevision();
        ByteString record = operator().release(name, 1, "eve@ops", "in the way");
        Eventually.that("it is behind the third", () -> {
            List<KeyValue> queue = operator().queue(name);
            return queue.size() == 3 && queue.get(1).getCreateRevision() == sent;
        });
        assertThat(first.state()).isEqualTo(Hold.State.HELD);
        first.close();
        Hold next = third.await(Eventually.PATIENCE).orElseThrow();
        assertThat(second.grant().isDone()).isFalse();
        next.close();
        second.await(Eventually.PATIENCE).orElseThrow().close();
        operator().delete(record);
    }

    @Test
    void forcedRelease_metByAReleaseOrACommit_isToldAsForced() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, SYNCHRONOUS);
        Hold hold = lock.acquire();
        ByteString record = operator().release(name, 0, "eve@ops", "stuck");
        assertLost(LossReason.FORCED, hold::close);
        operator().delete(record);

        Hold writing = lock.acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        writing.onLost(told::complete);
        record = operator().release(name, 0, "eve@ops", "stuck");
        assertLost(
                LossReason.FORCED,
                () -> Eventually.get(writing.commit(Transaction.of().put("written-" + name, "late"))));
        assertThat(operator().keys("written-" + name)).isEmpty();
        assertForced(Eventually.get(told));
        assertLost(LossReason.FORCED, writing::close);
        operator().delete(record);
    }

    @Test
    void forcedRelease_whileTheWatchIsAway_isHeardOfWhenItIsBack() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Holdfast here = client(settings ->
                settings.transport(gate).sessionTtl(Duration.ofSeconds(30)).requestTimeout(Duration.ofMillis(300)));
        Hold hold = here.lock(name).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        gate.set(Passage.SHUT);
        ByteString record = operator().release(name, 0, "eve@ops", "stuck");
        gate.set(Passage.OPEN);
        assertForced(Eventually.get(told));
        assertLost(LossReason.FORCED, hold::close);
        operator().delete(record);
    }

    private static void assertForced(Loss loss) {
        assertThat(loss.reason()).isEqualTo(LossReason.FORCED);
        assertThat(loss.forced()).hasValueSatisfying(forced -> {
            assertThat(forced.by()).isEqualTo("eve@ops");
            assertThat(forced.reason()).isNotEmpty();
        });
    }

    // ---------------------------------------------------------------------------------------------------- timelines

    @Test
    void timeline_ofARevokedLease_hasItsLastRenewal() throws Exception {
        String name = freshName();
        Instant start = Instant.now();
        Hold hold = client(settings -> settings.sessionTtl(Duration.ofSeconds(60)))
                .lock(name)
                .acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        revokeLeaseUnder(name);
        Loss loss = Eventually.get(told);
        assertThat(loss.at()).isBetween(start.minusMillis(1), Instant.now());
        LossEvent.RenewalConfirmed confirmed =
                loss.event(LossEvent.RenewalConfirmed.class).orElseThrow();
        // Nothing but the grant was confirmed so far: a minute less the margin, from before it was sent.
        assertThat(confirmed.sentAt()).isBetween(start.minusMillis(1), confirmed.at());
        assertThat(confirmed.deadline()).isEqualTo(confirmed.sentAt().plusSeconds(57));
        assertThat(loss.at()).isBefore(confirmed.deadline());
        assertThat(loss.forced()).isEmpty();
        assertLost(LossReason.LEASE_GONE, hold::close);
    }

    @Test
    void timeline_ofAPartition_saysWhenTheLastRenewalWasConfirmed_andThatLaterOnesWereSent() throws Exception {
        Gate gate = gate();
        Hold hold = client(gate).lock(freshName()).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        gate.set(Passage.SHUT);
        Loss loss = Eventually.get(told);
        assertThat(loss.reason()).isEqualTo(LossReason.DEADLINE_PASSED);
        LossEvent.RenewalConfirmed confirmed =
                loss.event(LossEvent.RenewalConfirmed.class).orElseThrow();
        assertThat(confirmed.deadline()).isEqualTo(confirmed.sentAt().plusMillis(1_500));
        // The clocks may differ by the rounding to milliseconds.
        assertThat(loss.at()).isAfterOrEqualTo(confirmed.deadline().minusMillis(5));
        assertThat(loss.event(LossEvent.RenewalSent.class).orElseThrow().at()).isAfter(confirmed.sentAt());
        assertThat(loss.timeline()).isSortedAccordingTo(Comparator.comparing(LossEvent::at));
        assertThat(loss.toString()).contains("last renewal confirmed, sent ", "last renewal sent", "0 ms noticed at ");
        assertLost(LossReason.DEADLINE_PASSED, hold::close);
        gate.set(Passage.OPEN);
    }

    @Test
    void timelines_ofWhatTheClientEndedItself_areThereToo() throws Exception {
        Holdfast here = client();
        Hold tooLong = here.lock(freshName(), LockOptions.defaults().withMaxHold(Duration.ofMillis(50)))
                .acquire();
        Hold open = here.lock(freshName()).acquire();
        for (Hold hold : List.of(tooLong, open)) {
            CompletableFuture<Loss> told = new CompletableFuture<>();
            hold.onLost(told::complete);
            if (hold == open) {
                here.close();
            }
            Loss loss = Eventually.get(told);
            assertThat(loss.event(LossEvent.RenewalConfirmed.class)).isPresent();
            assertThat(loss.reason()).isEqualTo(hold == open ? LossReason.CLIENT_CLOSED : LossReason.MAX_HOLD_REACHED);
            assertLost(loss.reason(), hold::close);
        }
    }

    // ---------------------------------------------------------------------------------------------------- answers lost

    @Test
    @Tag("F06")
    void withoutAnswers_aHoldIsAtRiskAndThenLost_atItsDeadline() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Hold hold = client(gate).lock(name).acquire();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        gate.set(Passage.SHUT);
        long shut = System.nanoTime();
        EnumSet<Hold.State> seen = EnumSet.noneOf(Hold.State.class);
        Duration most = Duration.ofSeconds(2);
        while (hold.state() != Hold.State.LOST) {
            seen.add(hold.state());
            Duration left = hold.remaining();
            assertThat(left).isLessThanOrEqualTo(most);
            most = left;
            LockSupport.parkNanos(1_000_000);
        }
        // TTL 2 s, of which the margin is 0.5 s; whether AT_RISK was seen is up to how busy the machine is.
        assertThat(Duration.ofNanos(System.nanoTime() - shut)).isLessThan(Duration.ofSeconds(20));
        assertThat(seen).isSubsetOf(Hold.State.HELD, Hold.State.AT_RISK);
        assertThat(hold.remaining()).isZero();
        assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.DEADLINE_PASSED);
        assertLost(LossReason.DEADLINE_PASSED, hold::close);
        gate.set(Passage.OPEN);
        assertFree(name);
    }

    @Test
    @Tag("F02")
    void callersWhoWaitWhileTheStoreIsAway_goOnWhenItIsBack() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Hold first = client().lock(name).acquire();
        Ticket waiting = client(gate).lock(name).enqueue();
        awaitQueueLength(name, 2);
        gate.set(Passage.SHUT);
        // The entry runs out with its lease.
        awaitQueueLength(name, 1);
        assertThat(waiting.grant().isDone()).isFalse();
        gate.set(Passage.OPEN);
        awaitQueueLength(name, 2);
        first.close();
        waiting.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    @Tag("F11")
    void tryLock_withoutAnAnswer_isIndeterminate_andGivesBackWhatItTook() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Holdfast here = client(gate);
        DistributedLock lock = here.lock(name);
        gate.set(Passage.NO_ANSWERS);
        assertThatThrownBy(lock::tryLock)
                .isInstanceOfSatisfying(LockException.Indeterminate.class, e -> assertThat(e.cleanAfter())
                        .isBetween(Duration.ofMillis(1), Duration.ofSeconds(2)));
        gate.set(Passage.OPEN);
        awaitQueueLength(name, 0);
        Eventually.that("the lock can be had again", lock::tryLock);
        lock.unlock();
    }

    @Test
    @Tag("F11")
    void anAcquireWhoseAnswerIsLost_leavesOneEntry_andIsGranted() throws Exception {
        Gate gate = gate();
        Holdfast here = client(gate);
        for (int i = 0; i < 5; i++) {
            String name = freshName();
            gate.set(Passage.NO_ANSWERS);
            Ticket ticket = here.lock(name).enqueue();
            awaitQueueLength(name, 1);
            gate.set(Passage.OPEN);
            Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
            assertThat(queueLength(name)).isEqualTo(1);
            assertThat(operator().queue(name).get(0).getKey().toStringUtf8()).isEqualTo(hold.key());
            hold.close();
        }
    }

    @Test
    @Tag("F12")
    void anAcquireGivenUpBeforeItsAnswer_leavesNothingBehind() throws Exception {
        Gate gate = gate();
        Holdfast here = client(gate);
        for (int i = 0; i < 5; i++) {
            String name = freshName();
            gate.set(Passage.NO_ANSWERS);
            CompletableFuture<Hold> waiting = here.lock(name).acquireAsync();
            awaitQueueLength(name, 1);
            waiting.cancel(true);
            gate.set(Passage.OPEN);
            awaitQueueLength(name, 0);
        }
    }

    @Test
    @Tag("F14")
    void aReleaseWhoseAnswerIsLost_isRepeated_andNoLoss() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Holdfast here = client(gate);
        Hold hold = here.lock(name, SYNCHRONOUS).acquire();
        AtomicBoolean isTold = new AtomicBoolean();
        hold.onLost(loss -> isTold.set(true));
        gate.set(Passage.NO_ANSWERS);
        Future<Void> closed = caller("closer").starts(hold::close);
        awaitQueueLength(name, 0);
        gate.set(Passage.OPEN);
        Eventually.get(closed);
        assertThat(hold.state()).isEqualTo(Hold.State.RELEASED);
        assertThat(isTold).isFalse();
    }

    // ---------------------------------------------------------------------------------------------------- close

    @Test
    void close_releasesEverything_andTellsEveryHold() throws Exception {
        Holdfast here = client();
        DistributedLock threads = here.lock(freshName());
        threads.lock();
        List<Hold> holds = new ArrayList<>(List.of(threads.hold()));
        for (int i = 0; i < 5; i++) {
            holds.add(here.lock(freshName()).acquire());
        }
        List<Loss> told = Collections.synchronizedList(new ArrayList<>());
        holds.forEach(hold -> hold.onLost(told::add));
        here.close();
        assertThat(operator().keys("")).as("keys right after close()").isEmpty();
        for (Hold hold : holds) {
            assertThat(hold.state()).isEqualTo(Hold.State.LOST);
            assertThat(hold.remaining()).isZero();
        }
        Eventually.that("all told", () -> told.size() == holds.size());
        assertThat(told).allMatch(loss -> loss.reason() == LossReason.CLIENT_CLOSED);
        assertLost(LossReason.CLIENT_CLOSED, threads::unlock);
        for (Hold hold : holds.subList(1, holds.size())) {
            assertLost(LossReason.CLIENT_CLOSED, hold::close);
            assertLost(LossReason.CLIENT_CLOSED, () -> Eventually.get(hold.commit(Transaction.of())));
        }
    }

    @Test
    void close_failsEveryWaitingCaller() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Holdfast here = client();
        DistributedLock lock = here.lock(name);
        List<Callable<?>> waits = List.of(
                () -> {
                    lock.lock();
                    return null;
                },
                () -> {
                    lock.lockInterruptibly();
                    return null;
                },
                () -> lock.tryLock(1, TimeUnit.HOURS),
                lock::acquire,
                () -> lock.tryAcquire(Duration.ofHours(1)),
                () -> lock.enqueue().await(Duration.ofHours(1)),
                () -> here.lock(name, LockOptions.defaults().strictFifo()).acquire());
        List<Future<?>> results = new ArrayList<>();
        for (Callable<?> wait : waits) {
            results.add(caller("waiter-" + results.size()).startsToWait(wait));
        }
        results.add(lock.acquireAsync());
        results.add(lock.enqueue().grant());
        awaitQueueLength(name, 3);
        here.close();
        assertThat(queueLength(name)).isEqualTo(1);
        for (Future<?> result : results) {
            assertThatThrownBy(() -> Eventually.get(result))
                    .isInstanceOf(LockException.Refused.class)
                    .hasMessageContaining(name)
                    .hasMessageContaining("closed");
        }
        first.close();
    }

    @Test
    void aClosedClient_refusesEverything_andWritesNothing() throws Exception {
        Holdfast here = client();
        String name = freshName();
        DistributedLock lock = here.lock(name);
        here.close();
        here.close();
        long before = operator().revision();
        List<Caller.Action> methods = List.of(
                lock::lock,
                lock::lockInterruptibly,
                lock::tryLock,
                () -> lock.tryLock(1, TimeUnit.SECONDS),
                () -> lock.tryLock(0, TimeUnit.SECONDS),
                lock::acquire,
                lock::tryAcquire,
                () -> lock.tryAcquire(Duration.ofSeconds(1)),
                () -> Eventually.get(lock.acquireAsync()),
                () -> lock.enqueue().await(Duration.ofSeconds(1)),
                () -> here.lock("another").lock());
        for (Caller.Action method : methods) {
            assertThatThrownBy(method::run)
                    .isInstanceOf(LockException.Refused.class)
                    .hasMessageContaining("closed");
        }
        assertThat(operator().revision()).isEqualTo(before);
        assertThat(lock.holdCount()).isZero();
    }

    @Test
    void close_rightAfterARelease_isNoLoss() throws Exception {
        for (int i = 0; i < 10; i++) {
            Holdfast here = client();
            DistributedLock lock = here.lock(freshName(), i % 2 == 0 ? LockOptions.defaults() : SYNCHRONOUS);
            Hold hold = lock.acquire();
            AtomicBoolean isTold = new AtomicBoolean();
            hold.onLost(loss -> isTold.set(true));
            hold.close();
            here.close();
            assertThat(operator().keys("")).isEmpty();
            assertThat(hold.state()).isEqualTo(Hold.State.RELEASED);
            assertThat(isTold).isFalse();
        }
    }

    @Test
    void close_fromListenersAndManyThreadsAtOnce_works() throws Exception {
        Holdfast here = client();
        Hold hold = here.lock(freshName()).acquire();
        CompletableFuture<Void> closed = new CompletableFuture<>();
        hold.onLost(loss -> {
            here.close();
            closed.complete(null);
        });
        List<Future<Void>> closing = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            closing.add(caller("closer-" + i).starts(here::close));
        }
        for (Future<Void> each : closing) {
            Eventually.get(each);
        }
        Eventually.get(closed);
        assertThat(operator().keys("")).isEmpty();
    }

    @Test
    @Tag("F18")
    void close_racingCallers_leavesNoKeyAndNoCallerBehind() throws Exception {
        for (int i = 0; i < 8; i++) {
            String name = freshName();
            Holdfast here = client();
            Holdfast there = client();
            List<Future<Void>> done = new ArrayList<>();
            AtomicInteger grants = new AtomicInteger();
            for (int j = 0; j < 6; j++) {
                DistributedLock lock = (j < 3 ? here : there)
                        .lock(name, j % 3 == 0 ? LockOptions.defaults().strictFifo() : LockOptions.defaults());
                boolean isTrying = j % 3 == 1;
                done.add(caller("caller-" + i + j).starts(() -> {
                    while (true) {
                        try {
                            if (isTrying) {
                                Optional<Hold> hold = lock.tryAcquire();
                                hold.ifPresent(Hold::close);
                            } else {
                                lock.acquire().close();
                            }
                            grants.incrementAndGet();
                        } catch (LockException.Lost lost) {
                            assertThat(lost.loss().reason()).isEqualTo(LossReason.CLIENT_CLOSED);
                        } catch (LockException.Refused over) {
                            return;
                        }
                    }
                }));
            }
            int enough = 5 * i;
            Eventually.that("some grants", () -> grants.get() >= enough);
            here.close();
            assertThat(operator().keys("_holdfast/sess/")).as("sessions left").hasSize(1);
            there.close();
            assertThat(operator().keys("")).as("keys left").isEmpty();
            for (Future<Void> each : done) {
                Eventually.get(each);
            }
        }
    }

    @Test
    void close_withoutAStore_takesAFewSecondsAtMost() throws Exception {
        String name = freshName();
        Gate gate = gate();
        Holdfast here = client(gate);
        Hold hold = here.lock(name).acquire();
        Future<Hold> waiting = here.lock(name).acquireAsync();
        DistributedLock other = here.lock(freshName());
        Caller trier = caller("trier");
        gate.set(Passage.SHUT);
        Future<Boolean> trying = trier.start(other::tryLock);
        long start = System.nanoTime();
        here.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThatThrownBy(() -> Eventually.get(waiting)).isInstanceOf(LockException.Refused.class);
        assertThatThrownBy(() -> Eventually.get(trying)).isInstanceOf(LockException.class);
        // The lease runs out by itself; that is what frees the lock.
        assertFree(name);
    }

    @Test
    void close_refusesATryLockUnderWay() throws Exception {
        Gate gate = gate();
        Holdfast here = client(settings ->
                settings.transport(gate).sessionTtl(Duration.ofSeconds(2)).requestTimeout(Eventually.PATIENCE));
        DistributedLock lock = here.lock(freshName());
        gate.set(Passage.SHUT);
        Future<Boolean> trying = caller("trier").startsToWait(lock::tryLock);
        Future<Void> closing = caller("closer").starts(here::close);
        assertThatThrownBy(() -> Eventually.get(trying))
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("closed");
        Eventually.get(closing);
    }

    // ---------------------------------------------------------------------------------------------------- words

    private void revokeLeaseUnder(String lockName) {
        operator().revoke(operator().queue(lockName).get(0).getLease());
    }

    static void assertLost(LossReason reason, Caller.Action action) {
        assertThatThrownBy(action::run).isInstanceOfSatisfying(LockException.Lost.class, lost -> assertThat(
                        lost.loss().reason())
                .isEqualTo(reason));
    }
}
