package dev.holdfast.protocol;

import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A wait far back in a long queue: it watches the one entry before its own, so that a release wakes one waiter and not
 * all of them.
 *
 * <p>Confined to the event loop.
 */
public final class LongWait extends Clockwork implements Watcher, Command.Lister {

    /*
     * The predecessor is watched from the revision after the list that named it: what has happened to it since then is
     * delivered, if late by 100 ms, which harms nobody this far back. When it is gone, a list at or after that revision
     * names the next predecessor, or brings the waiter back to the view when at most 8 are before it.
     *
     * Every 5 s or so, one small read checks that predecessor and own entry still are what they were. Not a list: a
     * thousand waiters listing a thousand entries is what this mode is there to avoid.
     */

    private static final long RETRY_NANOS = 100_000_000;

    private final View view;
    private final Outbox out;
    private final QueueMachine queue;
    private final LongSupplier luck;

    private Entry predecessor = new Entry(new Key(""), 0);
    private @Nullable Watch watch;
    private long atLeast;
    private Command.@Nullable ListMembers listing;
    private Command.@Nullable ReadPair reading;
    private @Nullable Long listAt;
    private @Nullable Long recheckAt;
    private boolean isOver;

    LongWait(View view, Outbox out, QueueMachine queue, LongSupplier luck) {
        super(out);
        this.view = view;
        this.out = out;
        this.queue = queue;
        this.luck = luck;
    }

    /** Watches the last entry before the queue's own among these, complete at that revision. */
    void follow(NavigableSet<Entry> entries, long revision) {
        Entry before = entries.lower(queue.own());
        if (before == null) {
            throw new IllegalStateException("a long wait needs a predecessor");
        }
        predecessor = before;
        reading = null;
        unwatch();
        watch = new Watch(this, before.key(), false, revision + 1);
        out.add(new Command.OpenWatch(watch));
    }

    void end() {
        isOver = true;
        unwatch();
    }

    private void unwatch() {
        if (watch != null) {
            out.add(new Command.Unwatch(watch));
            watch = null;
        }
    }

    @Override
    public void onWatchCreated(Watch which, long revision, Moment now) {
        if (which == watch && recheckAt == null) {
            recheckLater(now);
        }
    }

    @Override
    public void onWatchEvents(Watch which, List<Change> changes, boolean more, Moment now) {
        if (which != watch) {
            return;
        }
        for (Change change : changes) {
            if (change.isDelete() || change.createRevision() != predecessor.createRevision()) {
                predecessorGone(change.modRevision());
                return;
            }
        }
    }

    @Override
    public void onWatchEnded(Watch which, Moment now) {
        if (which == watch) {
            watch = null;
            listLater(now);
        }
    }

    private void predecessorGone(long revision) {
        unwatch();
        atLeast = Math.max(atLeast, revision);
        list(false);
    }

    private void list(boolean isLinearizable) {
        if (listing == null && !isOver) {
            listing = new Command.ListMembers(this, queue.name(), isLinearizable);
            out.add(listing);
        }
    }

    private void listLater(Moment now) {
        listAt = now.nanos() + RETRY_NANOS;
        wakeAt(listAt);
    }

    @Override
    public void onListed(Command.ListMembers command, Snapshot snapshot, Moment now) {
        if (isOver || !command.equals(listing)) {
            return;
        }
        listing = null;
        Entry own = queue.own();
        if (snapshot.revision() < Math.max(atLeast, own.createRevision())) {
            if (command.linearizable()) {
                // It cannot be that old, and yet it is: an old answer, repeated by something in between.
                listLater(now);
            } else {
                list(true);
            }
            return;
        }
        TreeSet<Entry> entries = new TreeSet<>(
                java.util.Comparator.comparingLong(Entry::createRevision).thenComparing(Entry::key));
        entries.addAll(snapshot.members());
        if (!entries.contains(own) || entries.headSet(own).size() <= View.SHORT_AT) {
            end();
            view.leaveLongWait(queue, snapshot, now);
        } else {
            follow(entries, snapshot.revision());
        }
    }

    @Override
    public void onListFailed(Command.ListMembers command, Failure failure, Moment now) {
        if (!isOver && command.equals(listing)) {
            listing = null;
            listLater(now);
        }
    }

    /**
     * What the small read showed.
     *
     * @param revision at which it was read; before the own entry's creation it says nothing
     * @param predecessorRevision create_revision; 0 = absent
     * @param ownRevision create_revision; 0 = absent
     */
    public void onPairRead(
            Command.ReadPair command, long revision, long predecessorRevision, long ownRevision, Moment now) {
        if (isOver || !command.equals(reading)) {
            return;
        }
        reading = null;
        Entry own = queue.own();
        if (revision < own.createRevision() || listing != null) {
            return;
        }
        if (ownRevision != own.createRevision() || predecessorRevision != predecessor.createRevision()) {
            predecessorGone(revision);
        }
    }

    /** The small read had no answer; the next one will. */
    public void onPairReadFailed(Command.ReadPair command, Moment now) {
        if (command.equals(reading)) {
            reading = null;
        }
    }

    private void recheckLater(Moment now) {
        long period = View.RECHECK_NANOS;
        recheckAt = now.nanos() + period * 4 / 5 + Long.remainderUnsigned(luck.getAsLong(), period * 2 / 5);
        wakeAt(recheckAt);
    }

    @Override
    void tick(Moment now) {
        if (isOver) {
            return;
        }
        if (listAt != null && now.nanos() - listAt >= 0) {
            listAt = null;
            list(true);
        }
        if (recheckAt != null && now.nanos() - recheckAt >= 0) {
            if (reading == null && watch != null) {
                reading = new Command.ReadPair(
                        this, predecessor.key(), queue.own().key());
                out.add(reading);
            }
            recheckLater(now);
        }
        if (listAt != null) {
            wakeAt(listAt);
        }
        if (recheckAt != null) {
            wakeAt(recheckAt);
        }
    }
}
