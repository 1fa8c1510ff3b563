package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class LongWaitTest {

    private static final String NAME = "orders";
    private static final long C = 1_000;

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Crowd callers = new Crowd(1);
    private final QueueMachine queue = bench.machine(NAME, callers);
    private final Entry own = enqueue();

    private Entry enqueue() {
        queue.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        queue.onAcquired(sent, C, Workbench.some(C), bench.now());
        return new Entry(sent.key(), C);
    }

    private static List<Entry> strangers(int count) {
        return LongStream.rangeClosed(1, count)
                .mapToObj(i -> Workbench.stranger(NAME, (int) i, 200 + i))
                .toList();
    }

    private Snapshot snapshot(long revision, List<Entry> before) {
        List<Entry> members = new ArrayList<>(before);
        members.add(own);
        members.add(Workbench.stranger(NAME, 9_999, C + 1));
        return new Snapshot(revision, members, true);
    }

    private void listed(Snapshot snapshot) {
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListed(list, snapshot, bench.now());
    }

    /** Behind that many, as a list at C + 5 shows. */
    private Watch waitBehind(int count) {
        listed(snapshot(C + 5, strangers(count)));
        return bench.take(Command.OpenWatch.class).watch();
    }

    private void gone(Watch watch, Entry predecessor, long revision) {
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(predecessor, revision)), false, bench.now());
    }

    // ---------------------------------------------------------------------------------------------------- enter

    @Test
    void seventeenBefore_followsThePredecessorAlone() {
        Watch watch = waitBehind(17);
        assertThat(watch.isPrefix()).isFalse();
        assertThat(watch.key()).isEqualTo(strangers(17).get(16).key());
        assertThat(watch.fromRevision()).isEqualTo(C + 6);
        bench.assertNone(Command.OpenWatch.class, Command.ListMembers.class);
    }

    @Test
    void sixteenBefore_watchesTheQueue() {
        assertThat(waitBehind(16).isPrefix()).isTrue();
    }

    @Test
    void entering_dropsThePrefixWatch() {
        Watch prefix = waitBehind(16);
        prefix.owner().onWatchCreated(prefix, C + 10, bench.now());
        listed(snapshot(C + 10, strangers(17)));
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(prefix);
        assertThat(bench.take(Command.OpenWatch.class).watch().isPrefix()).isFalse();
    }

    @Test
    void entering_keepsThePrefixWatch_whileAnotherOfUsIsNearTheFront() {
        Crowd near = new Crowd(1);
        QueueMachine nearer = bench.machine(NAME, near);
        nearer.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        Entry mine = new Entry(sent.key(), 205);
        nearer.onAcquired(sent, 205, Workbench.all(205, strangers(4).get(0), mine), bench.now());
        List<Entry> before = new ArrayList<>(strangers(20));
        before.add(mine);
        listed(snapshot(C + 5, before));
        List<Watch> opened = bench.takeAll(Command.OpenWatch.class).stream()
                .map(Command.OpenWatch::watch)
                .toList();
        assertThat(opened).extracting(Watch::isPrefix).containsExactlyInAnyOrder(true, false);
        bench.assertNone(Command.Unwatch.class);
    }

    // ---------------------------------------------------------------------------------------------------- follow

    @Test
    void predecessorGone_lists_andFollowsTheNext() {
        Watch watch = waitBehind(20);
        gone(watch, strangers(20).get(19), C + 30);
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(watch);
        listed(snapshot(C + 30, strangers(19)));
        Watch next = bench.take(Command.OpenWatch.class).watch();
        assertThat(next.key()).isEqualTo(strangers(19).get(18).key());
        assertThat(next.fromRevision()).isEqualTo(C + 31);
        assertThat(callers.lent).isEmpty();
    }

    /** A predecessor's key re-created by Go: another entry, so the one waited for is gone. */
    @Test
    void predecessorsKeyMadeAnew_meansThatItIsGone() {
        Watch watch = waitBehind(20);
        Entry again = new Entry(strangers(20).get(19).key(), C + 40);
        watch.owner().onWatchEvents(watch, List.of(Workbench.put(again)), false, bench.now());
        assertThat(bench.has(Command.ListMembers.class)).isTrue();
    }

    @Test
    void predecessorsValueRewritten_changesNothing() {
        Watch watch = waitBehind(20);
        Entry predecessor = strangers(20).get(19);
        Change rewritten = new Change(false, predecessor.key(), predecessor.createRevision(), C + 40);
        watch.owner().onWatchEvents(watch, List.of(rewritten), false, bench.now());
        bench.assertNone(Command.ListMembers.class, Command.Unwatch.class);
    }

    @Test
    void listOlderThanThePredecessorsEnd_isRepeatedThroughTheLeader() {
        gone(waitBehind(20), strangers(20).get(19), C + 30);
        assertThat(bench.has(Command.ListMembers.class)).isTrue();
        listed(snapshot(C + 29, strangers(20)));
        Command.ListMembers again = bench.take(Command.ListMembers.class);
        assertThat(again.linearizable()).isTrue();
        again.lister().onListed(again, snapshot(C + 30, strangers(19)), bench.now());
        bench.take(Command.OpenWatch.class);
    }

    @Test
    void listThroughTheLeaderThatIsTooOld_isNotRepeatedAtOnce() {
        gone(waitBehind(20), strangers(20).get(19), C + 30);
        listed(snapshot(C + 29, strangers(20)));
        listed(snapshot(C + 29, strangers(20)));
        bench.assertNone(Command.ListMembers.class);
        bench.advanceMillis(100);
        listed(snapshot(C + 30, strangers(19)));
        bench.take(Command.OpenWatch.class);
    }

    /** Compacted, cancelled or cut off: the past is not asked for again. */
    @Test
    void watchThatEnded_lists_andWatchesFromThere() {
        Watch watch = waitBehind(20);
        watch.owner().onWatchEnded(watch, bench.now());
        bench.assertNone(Command.ListMembers.class);
        bench.advanceMillis(100);
        listed(snapshot(C + 90, strangers(20)));
        assertThat(bench.take(Command.OpenWatch.class).watch().fromRevision()).isEqualTo(C + 91);
    }

    @Test
    void listThatFailed_isRepeated() {
        gone(waitBehind(20), strangers(20).get(19), C + 30);
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListFailed(list, Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        bench.take(Command.ListMembers.class);
    }

    @Test
    void lateEventsOfACancelledWatch_areIgnored() {
        Watch watch = waitBehind(20);
        gone(watch, strangers(20).get(19), C + 30);
        listed(snapshot(C + 30, strangers(19)));
        bench.take(Command.OpenWatch.class);
        gone(watch, strangers(20).get(19), C + 30);
        bench.assertNone(Command.ListMembers.class);
    }

    // ---------------------------------------------------------------------------------------------------- leave

    @Test
    void nineBefore_staysALongWait() {
        gone(waitBehind(20), strangers(20).get(19), C + 30);
        listed(snapshot(C + 30, strangers(9)));
        assertThat(bench.take(Command.OpenWatch.class).watch().isPrefix()).isFalse();
    }

    @Test
    void eightBefore_comesBackToTheView() {
        gone(waitBehind(20), strangers(20).get(19), C + 30);
        listed(snapshot(C + 30, strangers(8)));
        Watch prefix = bench.take(Command.OpenWatch.class).watch();
        assertThat(prefix.isPrefix()).isTrue();
        prefix.owner().onWatchCreated(prefix, C + 30, bench.now());
        List<Change> all = strangers(8).stream()
                .map(each -> Workbench.delete(each, C + 40))
                .toList();
        prefix.owner().onWatchEvents(prefix, all, false, bench.now());
        assertThat(callers.tenure().entry()).isEqualTo(own);
        assertThat(callers.tenure().grantRevision()).isEqualTo(C + 40);
    }

    @Test
    void nobodyBefore_isAdmittedByTheListItself() {
        gone(waitBehind(17), strangers(17).get(16), C + 30);
        listed(snapshot(C + 30, List.of()));
        assertThat(callers.tenure().grantRevision()).isEqualTo(C + 30);
    }

    @Test
    void ownEntryGone_enqueuesAnew() {
        gone(waitBehind(17), strangers(17).get(16), C + 30);
        listed(new Snapshot(C + 30, strangers(16), true));
        bench.take(Command.Acquire.class);
        assertThat(callers.lent).isEmpty();
    }

    @Test
    void callersGone_givesTheEntryBack_andLetsGoOfThePredecessor() {
        Watch watch = waitBehind(20);
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(own);
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(watch);
        gone(watch, strangers(20).get(19), C + 30);
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.ListMembers.class, Command.ReadPair.class);
    }

    // ---------------------------------------------------------------------------------------------------- re-check

    private Command.ReadPair nextPairRead() {
        bench.advance(Duration.ofSeconds(6));
        return bench.take(Command.ReadPair.class);
    }

    private void read(Command.ReadPair read, long revision, long predecessor, long mine) {
        read.waiter().onPairRead(read, revision, predecessor, mine, bench.now());
    }

    private Watch waitCreated() {
        Watch watch = waitBehind(20);
        watch.owner().onWatchCreated(watch, C + 6, bench.now());
        return watch;
    }

    @Test
    void recheck_readsPredecessorAndOwnEntry_andNeverLists() {
        waitCreated();
        bench.advanceMillis(3_999);
        bench.assertNone(Command.ReadPair.class);
        Command.ReadPair read = nextPairRead();
        Entry predecessor = strangers(20).get(19);
        assertThat(read.predecessor()).isEqualTo(predecessor.key());
        assertThat(read.own()).isEqualTo(own.key());
        read(read, C + 50, predecessor.createRevision(), C);
        bench.assertNone(Command.ListMembers.class);
        nextPairRead();
    }

    @Test
    void recheck_predecessorGone_lists() {
        waitCreated();
        read(nextPairRead(), C + 50, 0, C);
        listed(snapshot(C + 50, strangers(19)));
        bench.take(Command.OpenWatch.class);
    }

    @Test
    void recheck_predecessorIsAnotherEntry_lists() {
        waitCreated();
        read(nextPairRead(), C + 50, C + 20, C);
        bench.take(Command.ListMembers.class);
    }

    @Test
    void recheck_ownEntryGone_lists() {
        waitCreated();
        read(nextPairRead(), C + 50, strangers(20).get(19).createRevision(), 0);
        bench.take(Command.ListMembers.class);
    }

    @Test
    void recheck_readFromBeforeTheOwnEntry_saysNothing() {
        waitCreated();
        read(nextPairRead(), C - 1, 0, 0);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void recheck_unanswered_isNotTheLast() {
        waitCreated();
        Command.ReadPair read = nextPairRead();
        read.waiter().onPairReadFailed(read, bench.now());
        nextPairRead();
    }

    @Test
    void recheck_answeredAfterThePredecessorHasChanged_isIgnored() {
        Watch watch = waitCreated();
        Command.ReadPair read = nextPairRead();
        gone(watch, strangers(20).get(19), C + 30);
        listed(snapshot(C + 30, strangers(19)));
        bench.take(Command.OpenWatch.class);
        read(read, C + 50, 0, C);
        bench.assertNone(Command.ListMembers.class);
    }

    @Test
    void session_hasOneKeyForAllThis() {
        waitBehind(20);
        assertThat(session.liveKeyCount()).isEqualTo(1);
    }

    // ---------------------------------------------------------------------------------------------------- own

    /** The one predecessor that is left goes, and twenty are behind; the watch that is opened then. */
    private Watch ownInALongQueue() {
        gone(waitBehind(17), strangers(17).get(16), C + 30);
        bench.take(Command.Unwatch.class);
        List<Entry> members = new ArrayList<>(List.of(own));
        for (int i = 1; i <= 20; i++) {
            members.add(Workbench.stranger(NAME, 100 + i, C + i));
        }
        listed(new Snapshot(C + 30, members, true));
        assertThat(callers.lent).hasSize(1);
        bench.assertNone(Command.OpenWatch.class);
        bench.advanceMillis(100);
        return bench.take(Command.OpenWatch.class).watch();
    }

    @Test
    void holderOfALongQueue_watchesItsOwnEntryAlone_andNotAfterwards() {
        Watch watch = ownInALongQueue();
        assertThat(watch.isPrefix()).isFalse();
        assertThat(watch.key()).isEqualTo(own.key());
        assertThat(watch.fromRevision()).isEqualTo(C + 31);
        bench.assertNone(Command.OpenWatch.class, Command.ListMembers.class);
        callers.waiting = 0;
        queue.onTenureReturned(callers.tenure(), Tenure.Return.IDLE, bench.now());
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(watch);
        bench.take(Command.Release.class);
    }

    @Test
    void holderOfALongQueue_whoseEntryIsDeleted_isTold() {
        Watch watch = ownInALongQueue();
        gone(watch, own, C + 40);
        listed(new Snapshot(C + 40, strangers(20), true));
        assertThat(callers.ended).hasSize(1);
    }

    @Test
    void holderOfAQueueThatWasLong_watchesTheQueue() {
        ownInALongQueue();
        bench.advance(Duration.ofSeconds(6));
        listed(new Snapshot(C + 40, List.of(own, Workbench.stranger(NAME, 120, C + 20)), true));
        assertThat(bench.take(Command.OpenWatch.class).watch().isPrefix()).isTrue();
    }

    @Test
    void whoLeavesALongQueue_dropsThePrefixWatch() {
        Watch prefix = waitBehind(16);
        prefix.owner().onWatchCreated(prefix, C + 10, bench.now());
        listed(snapshot(C + 10, strangers(16)));
        callers.waiting = 0;
        queue.onCallerGone(bench.now());
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(prefix);
    }
}
