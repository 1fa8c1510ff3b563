package dev.holdfast.protocol;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows of the queue of one contended lock, kept up to date by one watch of its prefix: who waits is
 * granted from it without a read, who holds learns from it whether others wait. It outlives the wait by 10 s.
 *
 * <p>Confined to the event loop.
 */
final class View extends Clockwork implements Watcher, Command.Lister {

    /*
     * Certificate. If at some revision R at or after its own creation an entry exists and nothing is before it, then it
     * is admitted at every later revision until it is deleted, since entries before it only ever leave. So information
     * may be stale, as long as its revision is not before the entry's own and it shows the entry itself.
     *
     * Base. The watch is opened from now on and never from the past: a start revision that is not in the future lands in
     * a set which the server serves only every 100 ms. The Created answer says from which revision (W) on every event will
     * come; a complete range at or after W, plus the events after that range, is the truth. A range before W may be
     * missing something and is no base, but still a certificate for whom it shows.
     *
     * Late. etcd fixes from which revision a watch is "from now on" a moment before it files the watch. If something is
     * written in between, anywhere, even such a watch is in that set until it is served for the first time; under load that
     * is no rarity. So in the first 100 ms of a watch, until an event proves that it is served at once, lists are sent for
     * those who wait: fewer and fewer.
     *
     * Position. Moves to the highest mod_revision of an answer once all its fragments are here, never to a header's
     * revision: the header may be ahead of the events.
     *
     * Lost events. Real servers have lost some. A lost DELETE only makes somebody wait, until a list corrects it every 5 s
     * or so. A lost PUT would hide an entry that is before somebody: therefore a waiter is judged only after a complete
     * range at or after its own creation was taken in, which shows everything that can ever be before it. In the common
     * case that is the range of its own acquire; what of it the view does not know, and has not seen deleted since, is
     * added.
     *
     * Newcomers. Whose own range was cut off needs a list of a long queue. One after the other, thousands of them would
     * have etcd list thousands of entries for each. So they share lists: the longer the queue, the longer the next list
     * waits for more of them.
     *
     * Holders of a long queue. They know that others wait. A watch of the whole queue would bring each of them every
     * release until 10 s after his own, to hundreds of processes in turn. So they watch their own entry alone, if they hold it for long enough.
     */

    /** Above this many entries before it, a waiter follows its predecessor instead of the whole queue. */
    static final int LONG_ABOVE = 16;

    /** A waiter with at most this many before it comes back to the view. */
    static final int SHORT_AT = 8;

    static final long IDLE_NANOS = 10_000_000_000L;
    static final long RECHECK_NANOS = 5_000_000_000L;
    private static final long RETRY_NANOS = 100_000_000;

    /** For so long after it was created a watch may be late. */
    private static final long MAYBE_LATE_NANOS = 100_000_000;

    /** The first list of a watch that may be late comes after this time, each further one after twice the time. */
    private static final long FIRST_LOOK_NANOS = 5_000_000;

    /**
     * How long, after a list, the next one for newcomers waits for more of them, for each entry that the list had: less than
     * it takes that entry to leave, so that nobody's turn comes before. And the most it waits.
     */
    private static final long PAUSE_PER_ENTRY_NANOS = 100_000;

    private static final long MAX_PAUSE_NANOS = 1_000_000_000;

    /** A holder of a long queue who is done before is not watched for. */
    private static final long OWN_AFTER_NANOS = 100_000_000;

    /** More buffered events than this, and the watch is given up for a new one. */
    private static final int MAX_PENDING = 65_536;

    /** So many deletions are remembered; of one that is forgotten, a list tells again. */
    private static final int MAX_DELETED = 4_096;

    private static final long NOT_CREATED = -1;

    /** Created came without a revision: no range is known to be as new as the watch. */
    private static final long CREATED_SOMEWHEN = Long.MAX_VALUE;

    private final LockName name;
    private final Outbox out;
    private final Views views;
    private final Sessions sessions;
    private final LongSupplier luck;

    private final Set<QueueMachine> waiters = new LinkedHashSet<>();
    private final Map<QueueMachine, LongWait> longWaits = new LinkedHashMap<>();
    private final Set<QueueMachine> followers = new LinkedHashSet<>();

    private @Nullable Watch watch;
    private long created = NOT_CREATED;
    private boolean isBased;
    private long position;
    private final Map<Key, Entry> members = new HashMap<>();
    private final TreeSet<Entry> order = new TreeSet<>();

    /** Whether the newest complete range showed a long queue, and its revision. */
    private boolean isLong;

    private long lookedAt;

    /** When followers who are still there get a watch of their own; null if none is due. */
    private @Nullable Long ownAt;

    /** The watches of the entries of followers, while the queue is not watched. */
    private final Map<QueueMachine, Watch> ownWatches = new HashMap<>(2);

    /** The revision of the newest complete range that was taken in: no older entry can be missing here. */
    private long provenAt;

    /** The revision of the range that everything was last built from. */
    private long basedAt;

    /** When events told since then that a key was deleted; the latest of them. */
    private final Map<Key, Long> deleted = new LinkedHashMap<>();

    private final List<Change> pending = new ArrayList<>();
    private boolean isPendingWhole = true;
    private @Nullable Snapshot candidate;

    private Command.@Nullable ListMembers listing;
    private boolean wantsLinearizable;

    /** Whether the list under way went through the leader after Created, and so cannot be older than the watch. */
    private boolean isListingAfterCreated;

    private boolean wasRechecked;
    private @Nullable Long listAt;

    /** Whether another list is needed after the one under way. */
    private boolean isListedAgain;

    /** When newcomers are looked for; null if nothing is missing, or a list is under way. */
    private @Nullable Long lookAt;

    /** No list for newcomers before that; null before the first one. */
    private @Nullable Long pauseUntil;

    private @Nullable Long rewatchAt;
    private @Nullable Long recheckAt;

    /** Until when the watch may be late; null once it is known not to be. */
    private @Nullable Long lateUntil;

    private @Nullable Long lateLookAt;
    private long lateLookNanos;
    private @Nullable Long dropAt;

    View(LockName name, Outbox out, Views views, Sessions sessions, LongSupplier luck) {
        super(out);
        this.name = name;
        this.out = out;
        this.views = views;
        this.sessions = sessions;
        this.luck = luck;
    }

    LockName name() {
        return name;
    }

    // ---------------------------------------------------------------------------------------------------- interest

    /**
     * A queue's entry waits.
     *
     * @param snapshot what its own transaction showed; null if it showed nothing
     */
    void join(QueueMachine queue, @Nullable Snapshot snapshot, Moment now) {
        waiters.add(queue);
        dropAt = null;
        boolean isTelling = snapshot != null && snapshot.complete();
        if (snapshot != null && isTelling) {
            offer(snapshot, now);
        }
        if (isBased) {
            judge(now);
            if (isUnproven(queue)) {
                look(now);
            }
        } else if (!isTelling && watch == null) {
            // A cut-off range means a queue of some length: look before watching all of it.
            look(now);
        }
        watchIfNeeded(now);
        lookIfLate(now);
    }

    /** A queue's entry is owned and wants to know whether others wait. */
    void follow(QueueMachine queue, Moment now) {
        followers.add(queue);
        dropAt = null;
        if (isBased) {
            judge(now);
        } else {
            // A holder waits for the answer, and must not wait for a watch.
            list(false);
        }
        watchIfNeeded(now);
    }

    /** A queue's entry is of no interest any more. */
    void leave(QueueMachine queue, Moment now) {
        waiters.remove(queue);
        followers.remove(queue);
        Watch ownWatch = ownWatches.remove(queue);
        if (ownWatch != null) {
            out.add(new Command.Unwatch(ownWatch));
        }
        LongWait longWait = longWaits.remove(queue);
        if (longWait != null) {
            longWait.end();
        }
        if (waiters.isEmpty() && followers.isEmpty() && isBased && order.size() > LONG_ABOVE) {
            // Who comes back is far behind, and has no use for it.
            unwatch();
        }
        if (dropAt == null && waiters.isEmpty() && followers.isEmpty() && longWaits.isEmpty()) {
            dropAt = now.nanos() + IDLE_NANOS;
            wakeAt(dropAt);
        }
    }

    /** Nothing more is wanted of it, nor told by it. */
    void end() {
        waiters.clear();
        followers.clear();
        longWaits.values().forEach(LongWait::end);
        longWaits.clear();
        ownWatches.values().forEach(each -> out.add(new Command.Unwatch(each)));
        ownWatches.clear();
        unwatch();
        listing = null;
    }

    private void watchIfNeeded(Moment now) {
        boolean isWanted = !waiters.isEmpty() || !followers.isEmpty();
        boolean isLooking = listing != null || lookAt != null;
        boolean isOwnEnough = waiters.isEmpty() && isLong;
        if (isWanted && watch == null && isOwnEnough) {
            if (ownAt == null) {
                ownAt = now.nanos() + OWN_AFTER_NANOS;
                wakeAt(ownAt);
            }
        } else if (isWanted && watch == null && rewatchAt == null && (!isLooking || waiters.isEmpty())) {
            watch = new Watch(this, name.prefix(), true, 0);
            created = NOT_CREATED;
            out.add(new Command.OpenWatch(watch));
        }
        if (isWanted && recheckAt == null) {
            recheckLater(now);
        }
    }

    private void watchOwn(QueueMachine queue) {
        if (!ownWatches.containsKey(queue)) {
            // From then on, so that nothing is missed.
            long from = Math.max(lookedAt, queue.own().createRevision()) + 1;
            Watch opened = new Watch(this, queue.own().key(), false, from);
            ownWatches.put(queue, opened);
            out.add(new Command.OpenWatch(opened));
        }
    }

    private void recheckLater(Moment now) {
        recheckAt = now.nanos() + spread(RECHECK_NANOS);
        wakeAt(recheckAt);
    }

    /** Plus or minus a fifth, so that many processes do not ask at once. */
    private long spread(long nanos) {
        return nanos * 4 / 5 + Long.remainderUnsigned(luck.getAsLong(), nanos * 2 / 5);
    }

    // ---------------------------------------------------------------------------------------------------- watch

    @Override
    public void onWatchCreated(Watch which, long revision, Moment now) {
        if (which != watch) {
            return;
        }
        created = revision == 0 ? CREATED_SOMEWHEN : revision;
        Snapshot known = candidate;
        candidate = null;
        if (known != null && known.revision() >= Math.max(created, position)) {
            base(known, now);
        } else {
            list(revision == 0);
        }
        lateUntil = now.nanos() + MAYBE_LATE_NANOS;
        lateLookNanos = FIRST_LOOK_NANOS;
        lookIfLate(now);
    }

    private void lookIfLate(Moment now) {
        Long until = lateUntil;
        if (until != null && !waiters.isEmpty() && lateLookAt == null && until - now.nanos() > lateLookNanos) {
            lateLookAt = now.nanos() + lateLookNanos;
            wakeAt(lateLookAt);
        }
    }

    @Override
    public void onWatchEvents(Watch which, List<Change> changes, boolean more, Moment now) {
        if (which != watch) {
            if (ownWatches.containsValue(which)) {
                // A list that is under way may be older than this.
                isListedAgain = listing != null;
                list(true);
            }
            return;
        }
        if (!changes.isEmpty()) {
            lateUntil = null;
            lateLookAt = null;
        }
        for (Change change : changes) {
            if (name.isMember(change.key())) {
                pending.add(change);
            } else {
                views.onNestedTraffic(name);
            }
        }
        isPendingWhole = !more;
        if (isBased) {
            applyPending(now);
        } else if (pending.size() > MAX_PENDING) {
            rewatch(now);
        }
    }

    @Override
    public void onWatchEnded(Watch which, Moment now) {
        if (which == watch) {
            watch = null;
            rewatch(now);
        }
        // Of an entry's own watch, the next list is soon enough to open another.
        ownWatches.values().remove(which);
    }

    /** Gives up what the watch brought; a new one will be opened and listed. */
    private void rewatch(Moment now) {
        unwatch();
        List.copyOf(followers).forEach(queue -> queue.onCompanyUnknown(now));
        rewatchAt = now.nanos() + RETRY_NANOS;
        wakeAt(rewatchAt);
    }

    private void unwatch() {
        if (watch != null) {
            out.add(new Command.Unwatch(watch));
            watch = null;
        }
        created = NOT_CREATED;
        lateUntil = null;
        lateLookAt = null;
        isListingAfterCreated = false;
        isBased = false;
        candidate = null;
        pending.clear();
        isPendingWhole = true;
    }

    private void applyPending(Moment now) {
        if (!isPendingWhole) {
            return;
        }
        long highest = position;
        for (Change change : pending) {
            if (change.modRevision() <= position) {
                continue;
            }
            highest = Math.max(highest, change.modRevision());
            remove(change.key());
            if (change.isDelete()) {
                rememberDeleted(change.key(), change.modRevision());
            } else {
                add(new Entry(change.key(), change.createRevision()));
            }
        }
        pending.clear();
        position = highest;
        judge(now);
    }

    /** Whether something before the queue's entry may be unknown here. */
    private boolean isUnproven(QueueMachine queue) {
        return waiters.contains(queue) && queue.own().createRevision() > provenAt;
    }

    private void add(Entry entry) {
        members.put(entry.key(), entry);
        order.add(entry);
        sessions.onEntrySeen(name, entry);
    }

    private boolean isAnyUnproven() {
        for (QueueMachine queue : waiters) {
            if (isUnproven(queue)) {
                return true;
            }
        }
        return false;
    }

    private void remove(Key key) {
        Entry old = members.remove(key);
        if (old != null) {
            order.remove(old);
        }
    }

    private void rememberDeleted(Key key, long revision) {
        deleted.remove(key);
        deleted.put(key, revision);
        if (deleted.size() > MAX_DELETED) {
            deleted.remove(deleted.keySet().iterator().next());
        }
    }

    // ---------------------------------------------------------------------------------------------------- list

    /** Lists for whoever came since the last list, and whoever comes before the next. */
    private void look(Moment now) {
        Long until = pauseUntil;
        if (listing != null || lookAt != null) {
            return;
        }
        if (until == null || now.nanos() - until >= 0) {
            list(false);
        } else {
            lookAt = until;
            wakeAt(until);
        }
    }

    private void list(boolean isLinearizable) {
        if (listing == null) {
            listing = new Command.ListMembers(this, name, isLinearizable || wantsLinearizable);
            isListingAfterCreated = listing.linearizable() && created != NOT_CREATED;
            wantsLinearizable = false;
            listAt = null;
            lookAt = null;
            out.add(listing);
        } else {
            wantsLinearizable |= isLinearizable;
        }
    }

    @Override
    public void onListed(Command.ListMembers command, Snapshot snapshot, Moment now) {
        if (!command.equals(listing)) {
            return;
        }
        listing = null;
        pauseUntil = now.nanos()
                + Math.min(
                        MAX_PAUSE_NANOS,
                        PAUSE_PER_ENTRY_NANOS * Math.max(1, snapshot.members().size()));
        if (isListingAfterCreated && created == CREATED_SOMEWHEN) {
            created = snapshot.revision();
        }
        offer(snapshot, now);
        boolean isStillWanted = !waiters.isEmpty() || !followers.isEmpty();
        if (isStillWanted && watch != null && created != NOT_CREATED && !isBased) {
            if (isListingAfterCreated) {
                // It cannot be older than the watch, and yet it is: an old answer, repeated by something in between.
                listLater(now);
            } else {
                // It was older than the watch: a list through the leader cannot be.
                list(true);
            }
        } else if (isBased && isAnyUnproven()) {
            look(now);
        } else if (watch == null && isLong && areNewcomers(snapshot)) {
            look(now);
        } else if (isListedAgain || isOlderThanAFollower(snapshot)) {
            list(true);
        }
        isListedAgain = false;
        watchIfNeeded(now);
    }

    /** Whether it says nothing to somebody who asked for it. */
    private boolean isOlderThanAFollower(Snapshot snapshot) {
        for (QueueMachine queue : followers) {
            if (queue.own().createRevision() > snapshot.revision()) {
                return true;
            }
        }
        return false;
    }

    /** Whether there are waiters, all of them younger than that. */
    private boolean areNewcomers(Snapshot snapshot) {
        for (QueueMachine queue : waiters) {
            if (queue.own().createRevision() <= snapshot.revision()) {
                return false;
            }
        }
        return !waiters.isEmpty();
    }

    @Override
    public void onListFailed(Command.ListMembers command, Failure failure, Moment now) {
        if (!command.equals(listing)) {
            return;
        }
        listing = null;
        wantsLinearizable = true;
        listLater(now);
        for (QueueMachine queue : List.copyOf(followers)) {
            // Who cannot ask whether others wait goes on: nobody else can be granted meanwhile either.
            queue.onCompany(true, false, now);
        }
        watchIfNeeded(now);
    }

    private void listLater(Moment now) {
        listAt = now.nanos() + RETRY_NANOS;
        wakeAt(listAt);
    }

    /** A complete snapshot: a base if it is not too old, and in any case a certificate for those it shows. */
    private void offer(Snapshot snapshot, Moment now) {
        if (snapshot.revision() >= lookedAt) {
            isLong = snapshot.members().size() > LONG_ABOVE;
            lookedAt = snapshot.revision();
        }
        if (watch != null && created != NOT_CREATED && snapshot.revision() >= Math.max(created, position)) {
            base(snapshot, now);
            return;
        }
        if (isBased && snapshot.revision() > basedAt) {
            add(snapshot, now);
        }
        if (!isBased && (candidate == null || snapshot.revision() > candidate.revision())) {
            candidate = snapshot;
        }
        snapshot.members().forEach(each -> sessions.onEntrySeen(name, each));
        NavigableSet<Entry> entries = new TreeSet<>(snapshot.members());
        certify(entries, snapshot.revision(), snapshot.revision(), now);
        if (!isBased) {
            tellFollowers(entries, snapshot.revision(), false, now);
        }
    }

    /** Takes in what a range shows that is older than the view's position, but younger than what it was built from. */
    private void add(Snapshot snapshot, Moment now) {
        for (Entry entry : snapshot.members()) {
            Entry known = members.get(entry.key());
            boolean isNewer = known == null || known.createRevision() < entry.createRevision();
            if (isNewer && deleted.getOrDefault(entry.key(), 0L) <= snapshot.revision()) {
                remove(entry.key());
                add(entry);
            }
        }
        provenAt = Math.max(provenAt, snapshot.revision());
        judge(now);
    }

    private void base(Snapshot snapshot, Moment now) {
        members.clear();
        order.clear();
        deleted.clear();
        basedAt = snapshot.revision();
        provenAt = snapshot.revision();
        snapshot.members().forEach(this::add);
        position = snapshot.revision();
        isBased = true;
        applyPending(now);
        if (!isPendingWhole) {
            judge(now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- judge

    private void judge(Moment now) {
        certify(order, provenAt, position, now);
        tellFollowers(order, position, true, now);
    }

    /** Tells each holder whether it is still there, and alone. */
    private void tellFollowers(NavigableSet<Entry> entries, long revision, boolean isLasting, Moment now) {
        for (QueueMachine queue : List.copyOf(followers)) {
            if (!followers.contains(queue) || queue.own().createRevision() > revision) {
                continue;
            }
            boolean isThere = entries.contains(queue.own());
            if (!isThere && isLasting && queue.own().createRevision() > provenAt) {
                // The event that told of it may have been lost.
                list(false);
            } else if (!isThere) {
                followers.remove(queue);
                queue.onEntryGone(now);
            } else {
                queue.onCompany(entries.size() == 1, isLasting, now);
            }
        }
    }

    /** Tells each waiter what these entries mean for it: as of that revision, with nothing missing of what is proven. */
    private void certify(NavigableSet<Entry> entries, long proven, long revision, Moment now) {
        for (QueueMachine queue : List.copyOf(waiters)) {
            if (!waiters.contains(queue) || queue.own().createRevision() > proven) {
                continue;
            }
            Entry own = queue.own();
            if (!entries.contains(own)) {
                waiters.remove(queue);
                queue.onEntryGone(now);
            } else if (entries.first().createRevision() == own.createRevision()) {
                waiters.remove(queue);
                followers.add(queue);
                queue.onAdmitted(revision, now);
            } else if (isLong(entries, own)) {
                enterLongWait(queue, entries, revision);
            }
        }
    }

    private static boolean isLong(NavigableSet<Entry> entries, Entry own) {
        if (entries.size() <= LONG_ABOVE) {
            return false;
        }
        int before = 0;
        for (Entry each : entries) {
            if (each.createRevision() >= own.createRevision()) {
                return false;
            }
            if (++before > LONG_ABOVE) {
                return true;
            }
        }
        return false;
    }

    private void enterLongWait(QueueMachine queue, NavigableSet<Entry> entries, long revision) {
        waiters.remove(queue);
        LongWait longWait = new LongWait(this, out, queue, luck);
        longWaits.put(queue, longWait);
        longWait.follow(entries, revision);
        if (waiters.isEmpty() && followers.isEmpty()) {
            unwatch();
            rewatchAt = null;
            recheckAt = null;
        }
    }

    /** A long wait has come to its end: the queue is short, or it is this entry's turn, or the entry is gone. */
    void leaveLongWait(QueueMachine queue, Snapshot snapshot, Moment now) {
        longWaits.remove(queue);
        join(queue, snapshot, now);
    }

    // ---------------------------------------------------------------------------------------------------- time

    @Override
    void tick(Moment now) {
        long time = now.nanos();
        if (dropAt != null && time - dropAt >= 0) {
            unwatch();
            views.drop(this);
            return;
        }
        if (rewatchAt != null && time - rewatchAt >= 0) {
            rewatchAt = null;
            watchIfNeeded(now);
        }
        if (listAt != null && time - listAt >= 0) {
            listAt = null;
            list(true);
        }
        if (ownAt != null && time - ownAt >= 0) {
            ownAt = null;
            if (watch == null) {
                followers.forEach(this::watchOwn);
            }
        }
        if (lookAt != null && time - lookAt >= 0) {
            lookAt = null;
            if (!waiters.isEmpty()) {
                // Through the leader: the one before may have been older than those it was asked for.
                list(true);
            }
        }
        if (lateLookAt != null && time - lateLookAt >= 0) {
            lateLookAt = null;
            if (!waiters.isEmpty()) {
                list(false);
            }
            lateLookNanos *= 2;
            lookIfLate(now);
        }
        if (recheckAt != null && time - recheckAt >= 0) {
            recheckAt = null;
            if (!waiters.isEmpty() || !followers.isEmpty()) {
                // A stale answer is ignored; so that it is not repeated for ever, every further check asks the leader.
                list(wasRechecked);
                wasRechecked = !wasRechecked;
                recheckLater(now);
            }
        }
        rearm(dropAt);
        rearm(rewatchAt);
        rearm(listAt);
        rearm(lookAt);
        rearm(ownAt);
        rearm(lateLookAt);
        rearm(recheckAt);
    }

    private void rearm(@Nullable Long at) {
        if (at != null) {
            wakeAt(at);
        }
    }
}
