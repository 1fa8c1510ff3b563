package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a view makes of watches and ranges that arrive in any order. {@code c} is the create_revision of the entry that
 * waits, {@code W} the revision of Created, {@code p} the view's position, {@code L} the revision of a range.
 */
final class ViewTest {

    private static final String NAME = "orders";
    private static final long C = 110;

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Entry first = Workbench.stranger(NAME, 1, 50);
    private final Entry second = Workbench.stranger(NAME, 2, 60);
    private final Crowd callers = new Crowd(1);
    private final QueueMachine queue = bench.machine(NAME, callers);
    private Entry own = new Entry(new Key(""), 0);

    // ---------------------------------------------------------------------------------------------------- base

    @Test
    void watch_isOfThePrefix_andNeverFromThePast() {
        Watch watch = waitBehind(first);
        assertThat(watch.key()).isEqualTo(queue.name().prefix());
        assertThat(watch.isPrefix()).isTrue();
        assertThat(watch.fromRevision()).isZero();
    }

    @Test
    void createdAtOrBeforeC_theAcquiresOwnRangeIsTheBase() {
        Watch watch = waitBehind(first);
        created(watch, C);
        bench.assertNone(Command.ListMembers.class);
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    @Test
    void createdAfterC_isListed_serializableTheFirstTime() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        assertThat(list.linearizable()).isFalse();
        listed(list, Workbench.all(120, first, own));
        bench.assertNone(Command.ListMembers.class);
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    /** LIST with L < W: something between L and W may be missing, so it is no base. */
    @Test
    @Tag("F23")
    void listOlderThanCreated_isNoBase_theNextOneGoesThroughTheLeader() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        listed(bench.take(Command.ListMembers.class), Workbench.all(119, first, own));
        Command.ListMembers next = bench.take(Command.ListMembers.class);
        assertThat(next.linearizable()).isTrue();
        events(watch, Workbench.delete(first, 150));
        assertThat(callers.lent).as("judged without a base").isEmpty();
        listed(next, Workbench.all(140, first, own));
        assertAdmitted(150);
    }

    /** A certificate from a snapshot older than W: it shows me at L >= c, and nobody before me. */
    @Test
    void listOlderThanCreated_isStillACertificate() {
        Watch watch = waitBehind(first);
        created(watch, 130);
        listed(bench.take(Command.ListMembers.class), Workbench.all(125, own));
        assertAdmitted(125);
    }

    /** LIST with L < p: who left in between would come back to life. */
    @Test
    void listOlderThanThePosition_isIgnored() {
        Watch watch = waitBehind(first, second);
        created(watch, C);
        events(watch, Workbench.delete(first, 150));
        listed(recheck(), Workbench.all(140, first, second, own));
        events(watch, Workbench.delete(second, 160));
        assertAdmitted(160);
    }

    @Test
    @Tag("F23")
    void listOlderThanC_saysNothing_notEvenThatTheEntryIsGone() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        listed(bench.take(Command.ListMembers.class), Workbench.all(C - 1));
        assertThat(callers.lent).isEmpty();
        bench.assertNoAttempt();
    }

    @Test
    void eventsBeforeTheBase_areKept_andAppliedAfterIt() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        events(watch, Workbench.delete(first, 130));
        assertThat(callers.lent).isEmpty();
        listed(bench.take(Command.ListMembers.class), Workbench.all(125, first, own));
        assertAdmitted(130);
    }

    @Test
    void eventsThatTheBaseContains_areDropped() {
        Entry passing = Workbench.stranger(NAME, 3, 105);
        Watch watch = waitBehind(first);
        created(watch, 120);
        listed(bench.take(Command.ListMembers.class), Workbench.all(140, first, own));
        events(watch, Workbench.put(passing));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    /** A watch that lands unsynced at Created brings events from before W, too. */
    @Test
    void watchThatLandsUnsynced_bringsOldEvents_whichChangeNothing() {
        Entry passing = Workbench.stranger(NAME, 3, 105);
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, Workbench.put(passing), Workbench.delete(passing, 107));
        events(watch, Workbench.put(own));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    /** Something was written between the moment from which it is "from now on" and the moment in which it was filed. */
    @Test
    void watchThatMayBeLate_isHelpedByLists_fewerAndFewer() {
        created(waitBehind(first), C);
        for (long millis : List.of(5L, 10L, 20L, 40L)) {
            bench.advanceMillis(millis - 1);
            bench.assertNone(Command.ListMembers.class);
            bench.advanceMillis(1);
            Command.ListMembers list = bench.take(Command.ListMembers.class);
            assertThat(list.linearizable()).isFalse();
            listed(list, Workbench.all(C + millis, first, own));
        }
        bench.advanceMillis(3_000);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void watchThatIsLate_theListAdmits_andTheLateEventsAreDropped() {
        Watch watch = waitBehind(first);
        created(watch, C);
        bench.advanceMillis(5);
        listed(bench.take(Command.ListMembers.class), Workbench.all(150, own));
        assertAdmitted(150);
        events(watch, Workbench.delete(first, 140));
        assertThat(callers.ended).isEmpty();
        bench.advanceMillis(100);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void watchThatHasBroughtAnything_isNotLate() {
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, Workbench.put(second));
        bench.advanceMillis(1_000);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void watchThatMayBeLate_whoeverStopsWaiting_isNotHelped() {
        created(waitBehind(first), C);
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        bench.advanceMillis(1_000);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void watchThatMayBeLate_andIsLost_isNotHelpedAnyMore() {
        Watch watch = waitBehind(first);
        created(watch, C);
        watch.owner().onWatchEnded(watch, bench.now());
        bench.advanceMillis(99);
        bench.assertNone(Command.ListMembers.class);
    }

    /** Replayed old events (seen with real servers) do not bring anybody back. */
    @Test
    @Tag("F21")
    void replayedEvents_changeNothing() {
        Watch watch = waitBehind(first, second);
        created(watch, C);
        events(watch, Workbench.delete(first, 150));
        events(watch, new Change(false, first.key(), 50, 50));
        events(watch, Workbench.delete(second, 160));
        assertAdmitted(160);
    }

    @Test
    void listThatFailed_isRepeatedThroughTheLeader_afterAPause() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListFailed(list, Workbench.ambiguous(), bench.now());
        bench.assertNone(Command.ListMembers.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.ListMembers.class).linearizable()).isTrue();
    }

    /** A proxy's cache may repeat the old answer for ever, even to a request for the leader. */
    @Test
    void listThroughTheLeaderThatIsTooOld_isNotRepeatedAtOnce() {
        Watch watch = waitBehind(first);
        created(watch, 120);
        listed(bench.take(Command.ListMembers.class), Workbench.all(119, first, own));
        listed(bench.take(Command.ListMembers.class), Workbench.all(119, first, own));
        bench.assertNone(Command.ListMembers.class);
        bench.advanceMillis(100);
        listed(bench.take(Command.ListMembers.class), Workbench.all(121, own));
        assertAdmitted(121);
    }

    // ---------------------------------------------------------------------------------------------------- Created with
    // 0

    @Test
    void createdWithoutARevision_isListedThroughTheLeader() {
        Watch watch = waitBehind(first);
        created(watch, 0);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        assertThat(list.linearizable()).isTrue();
        listed(list, Workbench.all(120, first, own));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    /** The range may be older than the watch, and what happened between them will never be told. */
    @Test
    void createdWithoutARevision_noOtherRangeIsABase() {
        Watch watch = waitBehind(first);
        created(watch, 0);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        Crowd others = new Crowd(1);
        Entry later = enqueue(others, 115, first, own);
        events(watch, Workbench.delete(first, 150));
        events(watch, Workbench.delete(own, 151));
        assertThat(callers.lent).isEmpty();
        assertThat(others.lent).as("somebody between may be missing").isEmpty();
        Entry between = Workbench.stranger(NAME, 3, 113);
        listed(list, Workbench.all(145, first, own, between, later));
        assertThat(others.lent).isEmpty();
        events(watch, Workbench.delete(between, 160));
        assertThat(others.tenure().entry()).isEqualTo(later);
    }

    @Test
    void createdWithoutARevision_aListAskedForBefore_isNoBase() {
        Watch watch = waitBehind(first);
        Command.ListMembers before = recheck();
        created(watch, 0);
        listed(before, Workbench.all(C, first, own));
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        assertThat(list.linearizable()).isTrue();
        events(watch, Workbench.delete(first, 150));
        assertThat(callers.lent).isEmpty();
        listed(list, Workbench.all(140, first, own));
        assertAdmitted(150);
    }

    // ---------------------------------------------------------------------------------------------------- events

    /** The second fragment of one revision may hold what forbids what the first one seems to allow. */
    @Test
    void secondFragmentOfOneRevision_isWaitedFor() {
        Watch watch = waitBehind(first);
        created(watch, C);
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(first, 150)), true, bench.now());
        assertThat(callers.lent).isEmpty();
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(own, 150)), false, bench.now());
        assertThat(callers.lent).isEmpty();
        bench.take(Command.Acquire.class);
    }

    @Test
    void baseThatArrivesBetweenTwoFragments_isNotSpoiledByTheSecond() {
        Watch watch = waitBehind(first, second);
        created(watch, 120);
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(first, 150)), true, bench.now());
        listed(bench.take(Command.ListMembers.class), Workbench.all(149, first, second, own));
        assertThat(callers.lent).isEmpty();
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(second, 150)), false, bench.now());
        assertAdmitted(150);
    }

    /** A predecessor's key re-created by Go is another entry, behind everybody who waits. */
    @Test
    void predecessorsKeyMadeAnewByGo_isBehindMe() {
        Watch watch = waitBehind(first);
        created(watch, C);
        Entry again = new Entry(first.key(), 131);
        events(watch, Workbench.delete(first, 130), Workbench.put(again));
        assertAdmitted(131);
    }

    @Test
    void predecessorsValueRewritten_keepsItsPlace() {
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, new Change(false, first.key(), first.createRevision(), 140));
        assertThat(callers.lent).isEmpty();
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    /** Our own names are used again: a late DELETE of an earlier entry is not the new one's. */
    @Test
    void lateDeleteOfAnEarlierEntryWithTheSameKey_isNotMine() {
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, Workbench.delete(own, 100));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    @Test
    void nestedNames_areNoMembers_andReportedOnce() {
        Watch watch = waitBehind(first);
        created(watch, C);
        Entry nested = new Entry(Key.ofText("orders/42/1f.0"), 60);
        events(watch, Workbench.put(nested));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
        assertThat(bench.nested).containsExactly(queue.name());
    }

    /** `more = true` with nested names first: no member is shown although there are some. */
    @Test
    void rangeCutOff_isListed_beforeAllOfAQueueIsWatched() {
        own = enqueueUnseen(callers, C);
        bench.assertNone(Command.OpenWatch.class);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        assertThat(list.linearizable()).isFalse();
        listed(list, Workbench.all(115, first, own));
        Watch watch = bench.take(Command.OpenWatch.class).watch();
        created(watch, 115);
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
    }

    // ---------------------------------------------------------------------------------------------------- running view

    @Test
    void joinsARunningViewThatIsAhead_isJudgedByIt() {
        Watch watch = runningView();
        Crowd others = new Crowd(1);
        QueueMachine next = bench.machine(NAME, others);
        next.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        Entry later = new Entry(sent.key(), 155);
        events(watch, Workbench.put(later), Workbench.delete(second, 157));
        next.onAcquired(sent, 155, Workbench.all(155, second, later), bench.now());
        assertThat(others.tenure().grantRevision()).isEqualTo(157);
        bench.assertNone(Command.ListMembers.class, Command.OpenWatch.class);
    }

    @Test
    void joinsARunningViewThatIsAhead_andShowsItsEntryGone_isLost() {
        Watch watch = runningView();
        Crowd others = new Crowd(1);
        QueueMachine next = bench.machine(NAME, others);
        next.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        Entry later = new Entry(sent.key(), 155);
        events(watch, Workbench.put(later), Workbench.delete(later, 156));
        next.onAcquired(sent, 155, Workbench.all(155, second, later), bench.now());
        assertThat(others.lent).isEmpty();
        bench.take(Command.Acquire.class);
    }

    @Test
    void joinsARunningViewThatIsBehind_bringsItForward() {
        Watch watch = runningView();
        Crowd others = new Crowd(1);
        Entry later = enqueue(others, 155, second);
        events(watch, Workbench.put(later));
        events(watch, Workbench.delete(second, 157));
        assertThat(others.tenure().grantRevision()).isEqualTo(157);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void joinsARunningViewThatIsBehind_withARangeCutOff_waitsForAList() {
        Watch watch = runningView();
        Crowd others = new Crowd(1);
        Entry later = enqueueUnseen(others, 155);
        events(watch, Workbench.delete(second, 154));
        events(watch, Workbench.put(later));
        assertThat(others.lent)
                .as("a PUT before it that was lost would hide somebody from events alone")
                .isEmpty();
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListed(list, Workbench.all(156, later), bench.now());
        assertThat(others.tenure().grantRevision()).isEqualTo(156);
    }

    @Test
    void lostPut_ofAnEntryBefore_isKnownFromTheRangeOfTheAcquire() {
        Watch watch = runningView();
        Entry hidden = Workbench.stranger(NAME, 3, 140);
        Crowd others = new Crowd(1);
        Entry later = enqueue(others, 155, second, hidden);
        events(watch, Workbench.put(later));
        events(watch, Workbench.delete(second, 157));
        assertThat(others.lent).as("the hidden entry is before it").isEmpty();
        events(watch, Workbench.delete(hidden, 158));
        assertThat(others.tenure().grantRevision()).isEqualTo(158);
    }

    // ---------------------------------------------------------------------------------------------------- lost watch

    @Test
    void lostWatch_isOpenedAnewFromNow_thenListed() {
        Watch watch = waitBehind(first, second);
        created(watch, C);
        events(watch, Workbench.delete(first, 150));
        watch.owner().onWatchEnded(watch, bench.now());
        bench.assertNone(Command.OpenWatch.class);
        bench.advanceMillis(100);
        Watch next = bench.take(Command.OpenWatch.class).watch();
        assertThat(next.fromRevision()).isZero();
        created(next, 140);
        listed(bench.take(Command.ListMembers.class), Workbench.all(145, first, second, own));
        Command.ListMembers again = bench.take(Command.ListMembers.class);
        assertThat(again.linearizable())
                .as("at or after Created, but before what was known")
                .isTrue();
        listed(again, Workbench.all(155, second, own));
        events(next, Workbench.delete(second, 160));
        assertAdmitted(160);
    }

    /** A cancelled watch id's late events. */
    @Test
    void lateEventsOfACancelledWatch_areIgnored() {
        Watch watch = waitBehind(first);
        created(watch, C);
        watch.owner().onWatchEnded(watch, bench.now());
        events(watch, Workbench.delete(first, 150));
        created(watch, 151);
        bench.advanceMillis(100);
        Watch next = bench.take(Command.OpenWatch.class).watch();
        events(watch, Workbench.delete(first, 150));
        watch.owner().onWatchEnded(watch, bench.now());
        assertThat(callers.lent).isEmpty();
        created(next, 160);
        listed(bench.take(Command.ListMembers.class), Workbench.all(160, own));
        assertAdmitted(160);
    }

    // ---------------------------------------------------------------------------------------------------- re-check

    @Test
    @Tag("F20")
    void recheck_findsALostDelete() {
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, Workbench.put(second));
        bench.advanceMillis(3_999);
        bench.assertNone(Command.ListMembers.class);
        bench.advanceMillis(2_001);
        listed(bench.take(Command.ListMembers.class), Workbench.all(150, own));
        assertAdmitted(150);
    }

    @Test
    void recheck_goesOn_andNowAndThenThroughTheLeader() {
        waitBehind(first);
        List<Boolean> throughLeader = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Command.ListMembers list = recheck();
            throughLeader.add(list.linearizable());
            listed(list, Workbench.all(C, first, own));
            if (bench.has(Command.KeepAlive.class)) {
                bench.renew(session);
            }
        }
        assertThat(throughLeader).contains(true, false);
    }

    @Test
    void recheck_findsTheOwnEntryGone() {
        created(waitBehind(first), C);
        listed(recheck(), Workbench.all(150, first));
        bench.take(Command.Acquire.class);
        assertThat(callers.lent).isEmpty();
    }

    @Test
    void recheck_removesAGhost() {
        created(waitBehind(first), C);
        Entry ghost = new Entry(queue.name().entryKey(session.leaseId(), 77), 90);
        listed(recheck(), Workbench.all(150, first, ghost, own));
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(ghost);
    }

    // ---------------------------------------------------------------------------------------------------- idle

    @Test
    void idleForTenSeconds_isDropped() {
        Watch watch = waitBehind(first);
        created(watch, C);
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        bench.advanceMillis(9_999);
        bench.assertNone(Command.Unwatch.class);
        assertThat(bench.views.size()).isEqualTo(1);
        bench.advanceMillis(1);
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(watch);
        assertThat(bench.views.size()).isZero();
    }

    @Test
    void usedAgainWithinTenSeconds_isKept_andKnowsWhatHappenedMeanwhile() {
        Watch watch = waitBehind(first);
        created(watch, C);
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        queue.onReleased(bench.take(Command.Release.class), true, bench.now());
        events(watch, Workbench.delete(own, 120));
        bench.advance(Duration.ofSeconds(9));
        Crowd others = new Crowd(1);
        Entry later = enqueueUnseen(others, 155);
        events(watch, Workbench.put(later));
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListed(list, Workbench.all(156, first, later), bench.now());
        bench.advance(Duration.ofSeconds(3));
        bench.assertNone(Command.Unwatch.class);
        events(watch, Workbench.delete(first, 160));
        assertThat(others.tenure().grantRevision()).isEqualTo(160);
    }

    @Test
    void idle_doesNotRecheck() {
        created(waitBehind(first), C);
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.ListMembers.class);
    }

    // ---------------------------------------------------------------------------------------------------- playing etcd

    /** Enters the queue at {@link #C}, and takes the watch that this opens. */
    private Watch waitBehind(Entry... before) {
        own = enqueue(callers, C, before);
        return bench.take(Command.OpenWatch.class).watch();
    }

    /** A view at p = 150 which shows that {@code own} holds and {@code second} waits. */
    private Watch runningView() {
        Watch watch = waitBehind(first);
        created(watch, C);
        events(watch, Workbench.put(new Entry(second.key(), 120)));
        events(watch, Workbench.delete(first, 150));
        assertAdmitted(150);
        events(watch, Workbench.delete(own, 151));
        bench.discardSent();
        return watch;
    }

    /** Enters the queue with an acquire whose own range shows these before it. */
    private Entry enqueue(Crowd who, long revision, Entry... before) {
        QueueMachine machine = who == callers ? queue : bench.machine(NAME, who);
        machine.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        Entry entered = new Entry(sent.key(), revision);
        List<Entry> shown = new ArrayList<>(List.of(before));
        shown.add(entered);
        machine.onAcquired(sent, revision, new Snapshot(revision, shown, true), bench.now());
        return entered;
    }

    /** Enters the queue with an acquire whose own range was cut off before the first member. */
    private Entry enqueueUnseen(Crowd who, long revision) {
        QueueMachine machine = who == callers ? queue : bench.machine(NAME, who);
        machine.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        machine.onAcquired(sent, revision, Workbench.some(revision), bench.now());
        return new Entry(sent.key(), revision);
    }

    private void created(Watch watch, long revision) {
        watch.owner().onWatchCreated(watch, revision, bench.now());
    }

    private void events(Watch watch, Change... changes) {
        watch.owner().onWatchEvents(watch, List.of(changes), false, bench.now());
    }

    private void listed(Command.ListMembers list, Snapshot snapshot) {
        list.lister().onListed(list, snapshot, bench.now());
    }

    private Command.ListMembers recheck() {
        bench.advance(Duration.ofSeconds(6));
        return bench.take(Command.ListMembers.class);
    }

    private void assertAdmitted(long grantRevision) {
        assertThat(callers.lent).hasSize(1);
        assertThat(callers.tenure().entry()).isEqualTo(own);
        assertThat(callers.tenure().grantRevision()).isEqualTo(grantRevision);
    }
}
