package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** An entry that an operator deleted, as its queue's machine hears of it. */
final class ForcedEntryTest {

    private static final String NAME = "orders";

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Crowd callers = new Crowd(1);
    private final QueueMachine queue = bench.machine(NAME, callers);

    private Entry enqueue(Entry... before) {
        queue.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        Entry own = new Entry(sent.key(), 110);
        Entry[] members = java.util.Arrays.copyOf(before, before.length + 1);
        members[before.length] = own;
        queue.onAcquired(sent, 110, Workbench.all(110, members), bench.now());
        return own;
    }

    @Test
    void ownedEntry_isLost_andDeletedOnceMore_beforeAnythingElse() {
        Entry own = enqueue();
        callers.waiting = 0;
        queue.onForced(own, "by force", bench.now());
        assertThat(callers.reasons).containsExactly(LossReason.FORCED);
        Command.Release release = bench.take(Command.Release.class);
        assertThat(release.entry()).isEqualTo(own);
        bench.assertNoAttempt();

        queue.onReleased(release, false, bench.now());
        assertThat(queue.isIdle()).isTrue();
        bench.assertNoAttempt();
    }

    @Test
    void ownedEntry_withOthersWaitingHere_isFollowedByANewAttempt() {
        Entry own = enqueue();
        queue.onForced(own, "by force", bench.now());
        queue.onReleased(bench.take(Command.Release.class), false, bench.now());
        bench.take(Command.Acquire.class);
    }

    @Test
    void waitingEntry_isEnqueuedAnew_onceItIsSurelyGone() {
        Entry own = enqueue(Workbench.stranger(NAME, 1, 50));
        queue.onForced(own, "by force", bench.now());
        bench.assertNoAttempt();
        queue.onReleased(bench.take(Command.Release.class), false, bench.now());
        bench.take(Command.Acquire.class);
        assertThat(callers.ended).isEmpty();
        assertThat(callers.foundGone).containsExactly(own);
    }

    @Test
    void entryOfThatKeyWithAnotherCreateRevision_isSomebodyElse() {
        Entry own = enqueue();
        queue.onForced(new Entry(own.key(), 109), "by force", bench.now());
        assertThat(callers.ended).isEmpty();
        bench.assertNone(Command.Release.class);
    }

    @Test
    void entryOnItsWayOut_isLeftToTheReleaseUnderWay() {
        Entry own = enqueue();
        callers.waiting = 0;
        queue.onTenureReturned(callers.tenure(), Tenure.Return.IDLE, bench.now());
        Command.Release release = bench.take(Command.Release.class);
        queue.onForced(own, "by force", bench.now());
        bench.assertNone(Command.Release.class);
        assertThat(callers.ended).isEmpty();
        queue.onReleased(release, false, bench.now());
        assertThat(callers.foundGone).containsExactly(own);
    }

    @Test
    void queueWithoutAnEntry_hasNothingToLose() {
        Entry own = enqueue();
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        callers.reasons.clear();
        queue.onForced(own, "by force", bench.now());
        bench.advance(Duration.ofMillis(1));
        assertThat(callers.reasons).isEmpty();
        assertThat(queue.mayHaveEntryBefore(Long.MAX_VALUE)).isFalse();
    }

    @Test
    void entryBefore_isToldByItsCreateRevision() {
        enqueue();
        assertThat(queue.mayHaveEntryBefore(109)).isFalse();
        assertThat(queue.mayHaveEntryBefore(110)).isTrue();
    }

    @Test
    void attemptUnderWay_mayBeAnyEntryOfItsSessionAndLock() {
        assertThat(queue.mayHaveEntryBefore(1)).isFalse();
        queue.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        assertThat(queue.mayHaveEntryBefore(1)).isTrue();
        assertThat(queue.mayGet(new Entry(sent.key(), 110))).isTrue();
        assertThat(queue.mayGet(Workbench.stranger(NAME, 1, 50))).isFalse();
        assertThat(queue.mayGet(Workbench.stranger("others", 1, 50))).isFalse();
        queue.onAcquireFailed(sent, Workbench.failure(Failure.Kind.AMBIGUOUS), bench.now());
        assertThat(queue.mayGet(new Entry(sent.key(), 110))).as("in doubt").isTrue();
    }

    @Test
    void settledAttempt_isNoOtherEntry() {
        Entry own = enqueue();
        assertThat(queue.mayGet(own)).isFalse();
        assertThat(queue.mayGet(new Entry(own.key(), 111))).isFalse();
    }

    @Test
    void entryDeletedBeforeItsAnswer_isNotGranted_butEnqueuedAnew() {
        callers.forcedAt = 110;
        enqueue();
        assertThat(callers.lent).isEmpty();
        bench.assertNoAttempt();
        queue.onReleased(bench.take(Command.Release.class), false, bench.now());
        Command.Acquire again = bench.take(Command.Acquire.class);
        queue.onAcquired(again, 120, Workbench.all(120, new Entry(again.key(), 120)), bench.now());
        assertThat(callers.lent).hasSize(1);
    }
}
