package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One entry in the queue of one lock, from the first caller to the last release: the place where the protocol is.
 *
 * <pre>
 * NONE -> AWAITING_SESSION -> ENQUEUING -> OWNED <-> YIELDING
 *                                |  |        ^ |        |
 *                                |  v        | v        v
 *                                | WAITING --+ RELEASING -> NONE
 *                                v    ^           ^
 *                             IN_DOUBT-+----------+
 * </pre>
 *
 * {@code TRYING} stands beside {@code ENQUEUING} for callers who take the lock only if it is free.
 *
 * <p>Confined to the event loop.
 */
public final class QueueMachine extends Clockwork {

    /*
     * One attempt is one key that nothing of this session uses, sent once. Its answer settles it: Then, it is in the queue
     * with the header's revision as its place; Else, it is not, because the session's epoch had moved on (again, with the
     * new epoch) or because the transport delivered the request twice (adopt the key that exists). No answer: IN_DOUBT,
     * until the session's bump has made sure that the attempt can never be applied any more, and read what it left.
     *
     * A key's name is used again only after its entry is known to be gone, and is never an identity: answers and watch
     * events travel on different streams, so a DELETE of an earlier entry may come late. What tells entries apart is the
     * create_revision; the view judges nothing before it has seen the revision of the entry in question.
     *
     * A machine sends an acquire only when its earlier ones are definite or fenced: it has at most one command under way
     * (`pending`), and leaves IN_DOUBT only through the bump.
     */

    /** Where it stands. */
    public enum Phase {
        NONE,
        AWAITING_SESSION,
        ENQUEUING,
        TRYING,
        IN_DOUBT,
        WAITING,
        OWNED,
        YIELDING,
        RELEASING
    }

    /** Whether a holder knows of others in the queue. */
    private enum Company {
        UNKNOWN,
        ALONE,
        OTHERS
    }

    private static final long RETRY_NANOS = 50_000_000;
    private static final long MAX_RETRY_NANOS = 1_000_000_000;

    private final LockName name;
    private final Outbox out;
    private final Sessions sessions;
    private final Views views;
    private final Callers callers;
    private final Supplier<byte[]> values;

    private Phase phase = Phase.NONE;
    private @Nullable SessionMachine session;
    private @Nullable Command pending;
    private @Nullable Entry own;
    private @Nullable Tenure tenure;
    private boolean isTenureLent;
    private Company company = Company.UNKNOWN;
    private Callers.@Nullable Trial trial;
    private boolean isTrialListing;
    private boolean isTrialEnqueued;
    private @Nullable Command again;
    private @Nullable Key yieldedTo;
    private long retryNanos;
    private final Keeping keeping = new Keeping();

    /** Whether the entry is one that is kept, as decided when it was asked for; not if it has to wait for others. */
    private boolean isKeeping;

    /** When the entry that is kept was granted. */
    private long keptSinceNanos;

    /** Since when nothing is known of others, though the entry is kept; null while it is known. */
    private @Nullable Long blindSince;

    /** Whether the yield under way is for somebody who is expected here, and has not come yet. */
    private boolean isExpecting;

    /** When the latest attempt was sent; for people. */
    private long sentNanos;

    /**
     * A machine without an entry.
     *
     * @param values what an entry carries, for people and tools; asked for each attempt, opaque here
     */
    public QueueMachine(
            LockName name, Outbox out, Sessions sessions, Views views, Callers callers, Supplier<byte[]> values) {
        super(out);
        this.name = name;
        this.out = out;
        this.sessions = sessions;
        this.views = views;
        this.callers = callers;
        this.values = values;
    }

    // ---------------------------------------------------------------------------------------------------- callers

    /** Somebody waits. */
    public void onCaller(Moment now) {
        if (phase == Phase.NONE) {
            start(now);
        } else if (phase == Phase.RELEASING) {
            keeping.onWantedAtOnce(false);
        } else if (isExpecting && callers.areWaiting()) {
            isExpecting = false;
            keeping.onWantedAtOnce(true);
        }
    }

    /** Somebody left the queue; if nobody waits any more, the entry is given back. */
    public void onCallerGone(Moment now) {
        if (callers.areWaiting()) {
            return;
        }
        if (phase == Phase.WAITING || (phase == Phase.OWNED && !isTenureLent)) {
            release(now);
        } else if (phase == Phase.AWAITING_SESSION) {
            start(now);
        }
    }

    /** Somebody takes the lock if it is free. */
    public void onTrial(Callers.Trial wanted, Moment now) {
        if (phase == Phase.NONE) {
            trial = wanted;
            isTrialListing = false;
            start(now);
        } else if ((phase == Phase.RELEASING || isExpecting) && trial == null) {
            trial = wanted;
            isTrialListing = false;
        } else {
            wanted.onBusy();
        }
    }

    /** The lent tenure comes back: nobody holds the entry. */
    public void onTenureReturned(Tenure returned, Tenure.Return why, Moment now) {
        if (phase != Phase.OWNED || returned != tenure || !isTenureLent) {
            return;
        }
        isTenureLent = false;
        if (!callers.areWaiting()) {
            boolean isExpected = !isKeeping && keeping.isExpectedAtOnce();
            keeping.onReleased(now);
            if (why == Tenure.Return.IDLE && isExpected) {
                // Also if nobody else is there: an entry that one client enters again and again must end some time.
                yieldPlace(now);
                isExpecting = phase == Phase.YIELDING;
            } else {
                release(now);
            }
        } else if (why == Tenure.Return.BUDGET_OVER) {
            decideOnBudget(now);
        } else if (why != Tenure.Return.MUST_LEAVE && company == Company.ALONE) {
            lend(returned, now);
        } else {
            // Who came after the release comes after everybody who was waiting then, in other processes, too.
            yieldPlace(now);
        }
    }

    private void decideOnBudget(Moment now) {
        Tenure mine = tenure;
        if (phase != Phase.OWNED || mine == null || isTenureLent) {
            return;
        }
        switch (company) {
            case OTHERS -> yieldPlace(now);
            case ALONE -> lend(mine, now);
            case UNKNOWN -> views.of(name).follow(this, now);
        }
    }

    private void lend(Tenure mine, Moment now) {
        isTenureLent = true;
        Callers.Trial tried = trial;
        trial = null;
        if (tried != null) {
            callers.lendTo(tried, mine, now);
        } else {
            callers.lend(mine, now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- enqueue

    private void start(Moment now) {
        if (trial != null && !trial.isWanted()) {
            trial = null;
        }
        if (trial == null && !callers.areWaiting()) {
            become(Phase.NONE);
            session = null;
            sessions.detach(this);
            callers.onIdle();
            return;
        }
        SessionMachine with = session;
        if (with == null) {
            with = sessions.choose(this, now);
            session = with;
        }
        become(Phase.AWAITING_SESSION);
        if (with == null) {
            return;
        }
        if (!with.canAcquire()) {
            with.awaitBump(this);
            return;
        }
        isTrialEnqueued = false;
        isKeeping = callers.mayKeep() && keeping.isWorthIt(now);
        sentNanos = now.nanos();
        Key key = with.freshKey(name);
        if (trial != null) {
            become(Phase.TRYING);
            send(new Command.TryAcquire(this, with, with.epoch(), key, isTrialListing));
        } else {
            become(Phase.ENQUEUING);
            send(new Command.Acquire(this, with, key));
        }
    }

    private void become(Phase next) {
        phase = next;
        isExpecting = false;
        sessions.observer().onPhase(this);
    }

    private void send(Command command) {
        pending = command;
        out.add(command);
    }

    /** A session is open, or its bump is settled. */
    void onSessionReady(Moment now) {
        if (phase == Phase.AWAITING_SESSION) {
            start(now);
        }
    }

    /** There is no session to be had. */
    void onSessionRefused(Failure failure, Moment now) {
        if (phase == Phase.AWAITING_SESSION) {
            giveUp(failure, now);
        }
    }

    /** Tells everybody who waits that etcd refuses, and is back at the beginning. */
    private void giveUp(Failure failure, Moment now) {
        Callers.Trial tried = trial;
        trial = null;
        become(Phase.NONE);
        if (tried != null) {
            tried.onRefused(failure);
        }
        callers.refuse(failure, now);
        start(now);
    }

    /**
     * The attempt is in the queue.
     *
     * @param createRevision its place: the header's revision
     */
    public void onAcquired(Command.Acquire sent, long createRevision, Snapshot snapshot, Moment now) {
        if (sent != pending) {
            return;
        }
        pending = null;
        own = new Entry(sent.key(), createRevision);
        enterQueue(snapshot, now);
    }

    /**
     * The attempt was not applied by this delivery of it.
     *
     * @param sentEpoch the epoch it compared
     * @param sessionRevision the session key's mod_revision; 0 = gone
     * @param keyRevision the attempt's create_revision; 0 = absent
     */
    public void onNotAcquired(
            Command.Acquire sent, long sentEpoch, long sessionRevision, long keyRevision, Moment now) {
        if (sent != pending) {
            return;
        }
        Entry found = new Entry(sent.key(), keyRevision);
        sent.session().onSeen(sessionRevision, sentEpoch, now);
        sent.session().onFound(found, now);
        if (sent != pending) {
            return;
        }
        pending = null;
        if (found.exists()) {
            own = found;
            enterQueue(null, now);
        } else {
            sent.session().forget(sent.key());
            startAgain(sessionRevision == sentEpoch, now);
        }
    }

    /** The attempt has no answer, or an error for one. */
    public void onAcquireFailed(Command.Acquire sent, Failure failure, Moment now) {
        if (sent == pending) {
            attemptFailed(sent.session(), sent.key(), failure, now);
        }
    }

    private void attemptFailed(SessionMachine with, Key key, Failure failure, Moment now) {
        switch (failure.kind()) {
            case AMBIGUOUS -> {
                pending = null;
                become(Phase.IN_DOUBT);
                with.settle(this, key, now);
            }
            case LEASE_GONE -> with.lose(LossReason.LEASE_GONE, failure.text(), now);
            case BUSY -> {
                pending = null;
                with.forget(key);
                startAgain(true, now);
            }
            case REFUSED, LEASE_EXISTS -> {
                pending = null;
                with.forget(key);
                giveUp(failure, now);
            }
        }
    }

    /** Starts over, after a pause if what happened would happen again at once. */
    private void startAgain(boolean isLater, Moment now) {
        if (isLater) {
            become(Phase.AWAITING_SESSION);
            wakeAt(now.nanos() + backOff());
        } else {
            start(now);
        }
    }

    /** The bump is over: what it found of the doubtful key, 0 = absent, will stay so. */
    void onSettled(Entry found, Moment now) {
        SessionMachine with = session;
        if (phase != Phase.IN_DOUBT || with == null) {
            return;
        }
        with.onFound(found, now);
        if (with != session) {
            return;
        }
        if (!found.exists()) {
            with.forget(found.key());
            start(now);
        } else {
            own = found;
            enterQueue(null, now);
        }
    }

    /** The entry exists: owned if it is first, else it waits. */
    private void enterQueue(@Nullable Snapshot snapshot, Moment now) {
        Entry mine = required(own);
        retryNanos = 0;
        tenure = null;
        company = Company.UNKNOWN;
        if (snapshot != null) {
            snapshot.members().forEach(each -> sessions.onEntrySeen(name, each));
        }
        if (callers.isForced(mine, now)) {
            // Deleted before its attempt was answered: given back to be sure, and then enqueued anew.
            release(now);
            return;
        }
        boolean areAnyWaiting = callers.areWaiting();
        if (isExpecting && areAnyWaiting) {
            // Somebody came, and his word is still on its way here.
            keeping.onWantedAtOnce(true);
        }
        if (trial == null && !areAnyWaiting) {
            noteExpectedInVain();
            release(now);
            return;
        }
        if (snapshot != null && snapshot.complete() && isFirst(mine, snapshot.members())) {
            // As of what was seen, not of the entry's creation: one that is adopted may have had others before it then.
            owned(snapshot.revision(), now);
            return;
        }
        if (isTrialEnqueued || !areAnyWaiting) {
            if (isTrialEnqueued) {
                endTrialAsBusy();
            }
            release(now);
            return;
        }
        become(Phase.WAITING);
        // Others want it, too.
        isKeeping = false;
        sessions.observer().onWaiting(this, mine, snapshot);
        views.of(name).join(this, snapshot, now);
    }

    private void noteExpectedInVain() {
        if (isExpecting) {
            keeping.onExpectedInVain();
        }
    }

    /** A yield has put an entry there: as after an acquire, but somebody may have tried before anybody came who waits now. */
    private void enterQueueAgain(Entry fresh, @Nullable Snapshot snapshot, Moment now) {
        own = fresh;
        enterQueue(snapshot, now);
        if (phase == Phase.WAITING) {
            endTrialAsBusy();
        }
    }

    private void endTrialAsBusy() {
        Callers.Trial tried = trial;
        trial = null;
        if (tried != null) {
            tried.onBusy();
        }
    }

    private static boolean isFirst(Entry mine, List<Entry> members) {
        for (Entry each : members) {
            if (each.createRevision() < mine.createRevision()) {
                return false;
            }
        }
        return true;
    }

    // ---------------------------------------------------------------------------------------------------- try

    /** The lock was free and is ours. */
    public void onTried(Command.TryAcquire sent, long createRevision, Moment now) {
        if (sent != pending) {
            return;
        }
        pending = null;
        Entry mine = new Entry(sent.key(), createRevision);
        own = mine;
        if (callers.isForced(mine, now)) {
            release(now);
        } else {
            owned(createRevision, now);
        }
    }

    /**
     * Something is under the prefix, or the session's epoch has moved on.
     *
     * @param keyRevision the attempt's create_revision; 0 = absent
     * @param snapshot the lock's members, perhaps not all
     */
    public void onNotTried(
            Command.TryAcquire sent, long sessionRevision, long keyRevision, Snapshot snapshot, Moment now) {
        if (sent != pending) {
            return;
        }
        Entry found = new Entry(sent.key(), keyRevision);
        sent.session().onSeen(sessionRevision, sent.epoch(), now);
        sent.session().onFound(found, now);
        if (sent != pending) {
            return;
        }
        pending = null;
        if (found.exists()) {
            // Delivered twice: the first delivery took it.
            own = found;
            enterQueue(snapshot, now);
            return;
        }
        sent.session().forget(sent.key());
        snapshot.members().forEach(each -> sessions.onEntrySeen(name, each));
        if (sessionRevision != sent.epoch()) {
            start(now);
        } else if (!snapshot.members().isEmpty()) {
            endTrialAsBusy();
            start(now);
        } else if (!snapshot.complete()) {
            // The first few keys are all of locks below this one: a member may be among the others.
            isTrialListing = true;
            start(now);
        } else {
            // Only locks whose names go on below this one: they do not count, but the transaction cannot tell.
            isTrialEnqueued = true;
            become(Phase.ENQUEUING);
            send(new Command.Acquire(this, sent.session(), sent.session().freshKey(name), true));
        }
    }

    /** The attempt has no answer, or an error for one. */
    public void onTryFailed(Command.TryAcquire sent, Failure failure, Moment now) {
        if (sent == pending) {
            attemptFailed(sent.session(), sent.key(), failure, now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- wait and own

    /** The view proves that at this revision the entry was there and nothing was before it. */
    void onAdmitted(long revision, Moment now) {
        if (phase == Phase.WAITING) {
            owned(revision, now);
        }
    }

    /** The view proves that the entry is gone though nobody here deleted it. */
    void onEntryGone(Moment now) {
        Entry gone = required(own);
        SessionMachine with = required(session);
        views.leave(this, now);
        switch (phase) {
            case WAITING -> {
                with.forget(gone);
                own = null;
                start(now);
            }
            case OWNED -> {
                with.forget(gone);
                own = null;
                endKeeping();
                Tenure ended = required(tenure);
                tenure = null;
                callers.endTenure(ended, LossReason.ENTRY_DELETED, "somebody deleted " + gone, now);
                start(now);
            }
            default -> {
                // The command under way will say so itself.
            }
        }
    }

    /** A transaction guarded by the entry has found it gone. */
    public void onFoundGone(Entry gone, Moment now) {
        if (phase == Phase.OWNED && gone.equals(own)) {
            onEntryGone(now);
        }
    }

    /**
     * An operator deleted that entry, and said so beside the queue: whoever holds it has lost it, whoever waits is enqueued
     * anew. Does nothing if it is not this queue's entry, or on its way out anyway.
     *
     * <p>It is deleted once more to be sure: what stands beside the queue proves nothing about it.
     */
    public void onForced(Entry gone, String detail, Moment now) {
        if (!gone.equals(own)) {
            return;
        }
        if (phase == Phase.WAITING) {
            release(now);
        } else if (phase == Phase.OWNED) {
            Tenure ended = required(tenure);
            release(now);
            callers.endTenure(ended, LossReason.FORCED, detail, now);
        }
    }

    /** Whether it has an entry that was created at or before that revision, or one that it does not know of yet. */
    public boolean mayHaveEntryBefore(long revision) {
        Entry mine = own;
        return isAttempting() || (mine != null && mine.createRevision() <= revision);
    }

    /** Whether that may turn out to be its entry, once the attempt under way is settled. */
    public boolean mayGet(Entry entry) {
        SessionMachine with = session;
        if (with == null || !isAttempting() || !name.isMember(entry.key())) {
            return false;
        }
        Long lease = name.leaseOf(entry.key());
        return lease != null && lease == with.leaseId();
    }

    /** Whether an attempt may have been applied of which the outcome is not known. */
    private boolean isAttempting() {
        return switch (phase) {
            case ENQUEUING, TRYING, IN_DOUBT, YIELDING -> true;
            case RELEASING -> yieldedTo != null;
            case NONE, AWAITING_SESSION, WAITING, OWNED -> false;
        };
    }

    /**
     * A holder learns whether anybody else is in the queue.
     *
     * @param isLasting whether changes will be told, too; else it is known for this moment only
     */
    void onCompany(boolean isAlone, boolean isLasting, Moment now) {
        company = isAlone ? Company.ALONE : Company.OTHERS;
        Tenure mine = tenure;
        if (mine != null) {
            mine.setAlone(isAlone && isLasting);
            keepOrRecall(mine, isAlone, isLasting, now);
            decideOnBudget(now);
        }
        if (!isLasting) {
            company = Company.UNKNOWN;
        }
    }

    /** What was told of the company does not last any more. */
    void onCompanyUnknown(Moment now) {
        company = Company.UNKNOWN;
        Tenure mine = tenure;
        if (mine != null) {
            mine.setAlone(false);
            if (mine.isKept()) {
                mine.setKept(false);
                blindSince = now.nanos();
                wakeAt(now.nanos() + Keeping.BLIND_NANOS);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- keep

    /*
     * A kept entry stays lent, so that callers here are granted without the loop. It is kept only while a view shows that
     * nobody else is in the queue: the first other entry recalls it, as does a limit of time. Whoever has it just then
     * goes on, and hands it back when he is done, as always when others wait.
     */

    private void keepOrRecall(Tenure mine, boolean isAlone, boolean isLasting, Moment now) {
        if (!isKeeping) {
            return;
        }
        if (!isAlone) {
            keeping.onRecalled(now);
            stopKeeping(now);
        } else if (isLasting && !mine.isKept()) {
            blindSince = null;
            mine.setKept(true);
        }
    }

    /** From now on the entry is given back as soon as nobody here wants it: at once, perhaps. */
    void stopKeeping(Moment now) {
        Tenure mine = tenure;
        endKeeping();
        if (phase == Phase.OWNED && mine != null && isTenureLent) {
            callers.giveBackIfIdle(mine, now);
        }
    }

    private void endKeeping() {
        if (isKeeping) {
            keeping.onKept();
        }
        isKeeping = false;
        blindSince = null;
        sessions.unkeep(this);
        Tenure mine = tenure;
        if (mine != null) {
            mine.setKept(false);
        }
    }

    private void stopKeepingInTime(Moment now) {
        Long blind = blindSince;
        long until = keptSinceNanos + Keeping.LONGEST_NANOS;
        if (blind != null && blind + Keeping.BLIND_NANOS - until < 0) {
            until = blind + Keeping.BLIND_NANOS;
        }
        if (now.nanos() - until >= 0) {
            stopKeeping(now);
        } else {
            wakeAt(until);
        }
    }

    /** Whether its entry is one that stays when nobody here wants it. */
    public boolean isKeeping() {
        return isKeeping;
    }

    private void owned(long grantRevision, Moment now) {
        isTrialEnqueued = false;
        Tenure granted = new Tenure(required(own), grantRevision, required(session));
        tenure = granted;
        become(Phase.OWNED);
        sessions.observer().onOwned(this, granted, now.nanos() - sentNanos);
        lend(granted, now);
        if (isKeeping && tenure == granted) {
            keptSinceNanos = now.nanos();
            wakeAt(keptSinceNanos + Keeping.LONGEST_NANOS);
            sessions.keep(this, now);
            views.of(name).follow(this, now);
        }
    }

    /** The session's deadline moved on. */
    void onRenewed(SessionMachine renewed, Moment now) {
        Tenure mine = tenure;
        if (renewed == session && mine != null && isTenureLent) {
            callers.onRenewed(mine, now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- yield

    /** Goes to the end of the queue in one transaction, because others wait too, or may. */
    private void yieldPlace(Moment now) {
        SessionMachine with = required(session);
        become(Phase.YIELDING);
        endKeeping();
        views.leave(this, now);
        if (!with.canAcquire()) {
            release(now);
            return;
        }
        isKeeping = callers.mayKeep() && keeping.isWorthIt(now);
        sentNanos = now.nanos();
        send(new Command.Yield(this, with, required(own), with.freshKey(name)));
    }

    /** The old entry is gone and the new one is in the queue. */
    public void onYielded(Command.Yield sent, long createRevision, Snapshot snapshot, Moment now) {
        if (sent != pending) {
            return;
        }
        pending = null;
        sent.session().forget(sent.own());
        callers.onReleased(sent.own(), true, now);
        enterQueueAgain(new Entry(sent.fresh(), createRevision), snapshot, now);
    }

    /**
     * This delivery of the yield was not applied.
     *
     * @param sentEpoch the epoch it compared
     * @param sessionRevision the session key's mod_revision; 0 = gone
     * @param ownRevision create_revision of the old key; 0 = absent
     * @param freshRevision create_revision of the new key; 0 = absent
     */
    public void onNotYielded(
            Command.Yield sent,
            long sentEpoch,
            long sessionRevision,
            long ownRevision,
            long freshRevision,
            Moment now) {
        if (sent != pending) {
            return;
        }
        Entry found = new Entry(sent.fresh(), freshRevision);
        sent.session().onSeen(sessionRevision, sentEpoch, now);
        sent.session().onFound(found, now);
        if (sent != pending) {
            return;
        }
        pending = null;
        boolean isOwnThere = ownRevision == sent.own().createRevision();
        if (found.exists() && !isOwnThere) {
            // Delivered twice: the first delivery was applied.
            sent.session().forget(sent.own());
            callers.onReleased(sent.own(), true, now);
            enterQueueAgain(found, null, now);
            return;
        }
        sent.session().forget(sent.fresh());
        if (found.exists()) {
            // An attempt of an earlier user of the name was applied late.
            sent.session().onEntrySeen(found);
        }
        if (isOwnThere && isExpecting) {
            noteExpectedInVain();
            release(now);
        } else if (isOwnThere) {
            become(Phase.OWNED);
            yieldPlace(now);
        } else {
            sent.session().forget(sent.own());
            callers.onReleased(sent.own(), false, now);
            own = null;
            tenure = null;
            start(now);
        }
    }

    /** The yield has no answer, or an error for one. */
    public void onYieldFailed(Command.Yield sent, Failure failure, Moment now) {
        if (sent != pending) {
            return;
        }
        noteExpectedInVain();
        switch (failure.kind()) {
            case AMBIGUOUS -> {
                // Once the old entry is surely gone, the yield cannot be applied any more: its compare needs it. So
                // this doubt is settled without a write that takes space, and without the session's other locks.
                pending = null;
                release(now);
                yieldedTo = sent.fresh();
            }
            case LEASE_GONE -> sent.session().lose(LossReason.LEASE_GONE, failure.text(), now);
            case BUSY, REFUSED, LEASE_EXISTS -> {
                pending = null;
                sent.session().forget(sent.fresh());
                release(now);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- release

    private void release(Moment now) {
        endKeeping();
        views.leave(this, now);
        become(Phase.RELEASING);
        tenure = null;
        retryNanos = 0;
        yieldedTo = null;
        send(new Command.Release(this, required(session), required(own)));
    }

    /**
     * The entry does not exist any more.
     *
     * @param wasThere whether this delivery of the release deleted it
     */
    public void onReleased(Command.Release sent, boolean wasThere, Moment now) {
        if (sent != pending) {
            return;
        }
        boolean wasRetried = retryNanos != 0;
        Key fresh = yieldedTo;
        pending = null;
        retryNanos = 0;
        sent.session().forget(sent.entry());
        if (fresh != null && !wasThere) {
            // Deleted by an earlier delivery of this release, or by the yield.
            become(Phase.IN_DOUBT);
            send(new Command.ReadEntry(this, fresh));
            return;
        }
        if (fresh != null) {
            yieldedTo = null;
            sent.session().forget(fresh);
        }
        own = null;
        boolean isReleased = wasThere || wasRetried || fresh != null;
        sessions.observer().onReleased(this, sent.entry(), isReleased);
        callers.onReleased(sent.entry(), isReleased, now);
        done(now);
    }

    /** Back to having no entry, and on for whoever waits. */
    private void done(Moment now) {
        session = null;
        sessions.detach(this);
        start(now);
    }

    /** What became of a yield in doubt, after its old entry was gone: the new entry's create_revision; 0 = absent. */
    public void onEntryRead(Command.ReadEntry sent, long createRevision, Moment now) {
        if (sent != pending) {
            return;
        }
        Entry found = new Entry(sent.key(), createRevision);
        required(session).onFound(found, now);
        if (sent != pending) {
            return;
        }
        pending = null;
        yieldedTo = null;
        Entry old = required(own);
        callers.onReleased(old, true, now);
        if (found.exists()) {
            enterQueueAgain(found, null, now);
        } else {
            required(session).forget(sent.key());
            own = null;
            done(now);
        }
    }

    /** No answer: again, until there is one. */
    public void onEntryReadFailed(Command.ReadEntry sent, Moment now) {
        if (sent == pending) {
            again = sent;
            wakeAt(now.nanos() + backOff());
        }
    }

    /** No answer, or an error for one: again, until it is definite. */
    public void onReleaseFailed(Command.Release sent, Failure failure, Moment now) {
        if (sent == pending) {
            again = sent;
            wakeAt(now.nanos() + backOff());
        }
    }

    private long backOff() {
        retryNanos = retryNanos == 0 ? RETRY_NANOS : Math.min(2 * retryNanos, MAX_RETRY_NANOS);
        return retryNanos;
    }

    @Override
    void tick(Moment now) {
        Command resend = again;
        again = null;
        if (resend != null && resend == pending) {
            out.add(resend);
        } else if (phase == Phase.AWAITING_SESSION) {
            start(now);
        } else if (phase == Phase.OWNED && isKeeping) {
            stopKeepingInTime(now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- loss

    /** The session is gone: so is the entry, if there is one; whoever waits is enqueued anew in another session. */
    void onSessionLost(SessionMachine lost, LossReason reason, String detail, Moment now) {
        if (lost != session) {
            return;
        }
        if (own != null) {
            views.leave(this, now);
        }
        endKeeping();
        Tenure ended = tenure;
        Entry entry = own;
        Phase was = phase;
        pending = null;
        again = null;
        own = null;
        yieldedTo = null;
        tenure = null;
        session = null;
        sessions.detach(this);
        become(Phase.NONE);
        if (was == Phase.OWNED && ended != null) {
            callers.endTenure(ended, reason, detail, now);
        } else if (entry != null && (was == Phase.RELEASING || was == Phase.YIELDING || was == Phase.IN_DOUBT)) {
            // It was given up before the session was lost, and goes with the session: released, and no loss.
            callers.onReleased(entry, true, now);
        }
        start(now);
    }

    // ---------------------------------------------------------------------------------------------------- facts

    /** The lock. */
    public LockName name() {
        return name;
    }

    /** Where it stands. */
    public Phase phase() {
        return phase;
    }

    /** The session of its entry; null if it has none. */
    public @Nullable SessionMachine session() {
        return session;
    }

    /** Its entry, as far as is known; null if it has none. */
    public @Nullable Entry entry() {
        return own;
    }

    /** What an entry that is written now carries. */
    public byte[] value() {
        return values.get();
    }

    Entry own() {
        return required(own);
    }

    /** Whether it has nothing to do and nothing in etcd. */
    public boolean isIdle() {
        return phase == Phase.NONE;
    }

    private static <T> T required(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("an invariant of the queue does not hold");
        }
        return value;
    }

    @Override
    public String toString() {
        return name + " " + phase + " " + own;
    }
}
