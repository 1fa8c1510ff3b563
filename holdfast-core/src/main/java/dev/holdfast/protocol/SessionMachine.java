package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One lease: how it is opened, kept alive, believed in, fenced and ended.
 *
 * <pre>
 * NEW -> GRANTING -> WRITING_KEY -> ALIVE -> LOST
 *                                         -> CLOSED
 * </pre>
 *
 * Confined to the event loop, but for its {@link #deadline()}.
 */
public final class SessionMachine extends Clockwork implements Watcher {

    /*
     * Deadline. The lease cannot end at the server before the last renewal plus TTL, and a renewal cannot happen before
     * the request for it was sent; so sent + TTL, less a margin for clock drift, is a time until which the lease is
     * surely alive - if the answer came from a server that could renew. A leader that lost its office without noticing
     * answers keep-alives of leases which the cluster has already revoked. Hence a renewal counts only once a transaction
     * through the log, sent after the keep-alive's answer arrived, shows the session key alive under the same raft
     * term: the term in the keep-alive's header is that of an entry applied before the renewal; the transaction was
     * committed in that same term after it; so there was no later leader at the renewal, and later leaders start the
     * lease anew.
     *
     * Epoch. The mod_revision of the session key. Every acquire compares it, so writing the key once more (BUMP) makes
     * sure that no acquire sent before can be applied any more: the only way to learn what became of one that was not
     * answered, since the server may carry it out arbitrarily late.
     */

    /** A keep-alive whose answer has arrived but whose truth is not confirmed yet. */
    public record Renewal(Moment sentAt, int ttlSeconds, long term) {}

    /** Who uses the session. */
    public interface Owner {
        /** It can be used now; called once. */
        void onOpened(SessionMachine session, Moment now);

        /** The server refuses to open it, and will again. */
        void onRefused(SessionMachine session, Failure failure, Moment now);

        /** It is gone, and with it every hold and entry on it; called once. */
        void onLost(SessionMachine session, LossReason reason, String detail, Moment now);

        /** The deadline was moved on. */
        void onRenewed(SessionMachine session, Moment now);

        /** Who is told what it does, for people. */
        default Observer observer() {
            return Observer.NONE;
        }
    }

    /** An entry of ours that no queue knows of, and whether a delete of it is under way. */
    private record Ghost(Entry entry, boolean isDeleteUnderWay) {}

    enum Phase {
        NEW,
        GRANTING,
        WRITING_KEY,
        ALIVE,
        LOST,
        CLOSED
    }

    /** The most keys one bump reads along; etcd allows 128 operations. */
    static final int MAX_BUMP_KEYS = 60;

    /** The least time between two bumps, so that an overloaded server is not bumped to death. */
    private static final long BUMP_PAUSE_NANOS = 50_000_000;

    private static final long RETRY_NANOS = 100_000_000;

    /** As many slots are tried in order before a free one is looked for at random. */
    private static final int LINEAR_SLOTS = 8;

    /** How often a session looks for entries of its own that it does not know of, give or take a fifth. */
    private static final long SWEEP_NANOS = 30_000_000_000L;

    /** The most of them that are looked at in one sweep. */
    private static final int MAX_STRAYS = 64;

    private static final int MAX_GONE = 1_024;
    private static final long SECOND = 1_000_000_000;

    private final Outbox out;
    private final Owner owner;
    private final Key keyPrefix;
    private final int ttlSeconds;
    private final LongSupplier luck;
    private final Deadline deadline = new Deadline();
    private final Chronicle chronicle = new Chronicle();

    private Phase phase = Phase.NEW;
    private long leaseId;
    private Key key = new Key("");
    private long nonce;
    private boolean isRetriedGrant;
    private Moment openedAt = new Moment(0, 0);
    private int grantedTtlSeconds;
    private @Nullable Long retryAt;
    private @Nullable Runnable retry;

    private long epoch;
    private @Nullable Watch watch;
    private @Nullable Long rewatchAt;

    private long nextKeepAliveAt;
    private long hedgeAt;
    private long sweepAt;
    private int lane;
    private @Nullable Renewal renewal;
    private Moment lastConfirmed = new Moment(0, 0);
    private boolean isAtRisk;

    private int lockCount;
    private final Set<Key> liveKeys = new HashSet<>();

    /** Ghosts by name, from the first delete of them until one is definite. */
    private final Map<Key, Ghost> condemned = new LinkedHashMap<>();

    /** The latest entries known to be gone, by name; of the names used last. */
    private final Map<Key, Long> gone = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Long> eldest) {
            return size() > MAX_GONE;
        }
    };

    private final Map<Key, QueueMachine> doubtful = new LinkedHashMap<>();
    private final Set<QueueMachine> awaitingBump = new LinkedHashSet<>();
    private Command.@Nullable Bump bump;
    private @Nullable Long bumpAt;
    private long lastBumpNanos;

    /**
     * Makes a session that is not opened yet.
     *
     * @param keyPrefix of session keys: {@code <namespace><root>/sess/}
     * @param ttlSeconds 2 to 60
     * @param luck random numbers
     */
    public SessionMachine(Outbox out, Owner owner, Key keyPrefix, int ttlSeconds, LongSupplier luck) {
        super(out);
        this.out = out;
        this.owner = owner;
        this.keyPrefix = keyPrefix;
        this.ttlSeconds = ttlSeconds;
        this.luck = luck;
    }

    // ---------------------------------------------------------------------------------------------------- open

    /** Starts: a lease with a random id, then the session key. */
    public void open(Moment now) {
        require(phase == Phase.NEW);
        leaseId = luck.getAsLong() & Long.MAX_VALUE;
        if (leaseId == 0) {
            leaseId = 1;
        }
        key = keyPrefix.plus(Long.toHexString(leaseId));
        nonce = luck.getAsLong();
        isRetriedGrant = false;
        openedAt = now;
        phase = Phase.GRANTING;
        out.add(new Command.GrantLease(this, leaseId, ttlSeconds));
    }

    /** The lease exists now, with this TTL. */
    public void onGranted(long lease, int ttl, Moment now) {
        if (phase != Phase.GRANTING || lease != leaseId) {
            return;
        }
        if (ttl <= 0) {
            openAnew(now);
            return;
        }
        grantedTtlSeconds = ttl;
        phase = Phase.WRITING_KEY;
        out.add(new Command.WriteSessionKey(this, key, leaseId, nonce));
    }

    /** No lease, or none that we know of. */
    public void onGrantFailed(long lease, Failure failure, Moment now) {
        if (phase != Phase.GRANTING || lease != leaseId) {
            return;
        }
        chronicle.failed(failure.text(), now);
        switch (failure.kind()) {
            case LEASE_EXISTS -> {
                if (isRetriedGrant) {
                    out.add(new Command.AskTimeToLive(this, leaseId));
                } else {
                    openAnew(now);
                }
            }
            case LEASE_GONE -> openAnew(now);
            case REFUSED -> refused(failure, now);
            case AMBIGUOUS, BUSY -> {
                // Only an unanswered try can have made the lease that a later one finds.
                isRetriedGrant |= failure.kind() == Failure.Kind.AMBIGUOUS;
                boolean isTooOld = now.nanos() - openedAt.nanos() > ttlSeconds * SECOND / 2;
                retryLater(now, () -> {
                    if (isTooOld) {
                        out.add(new Command.RevokeLease(this, leaseId));
                        phase = Phase.NEW;
                    } else {
                        out.add(new Command.GrantLease(this, leaseId, ttlSeconds));
                    }
                });
            }
        }
    }

    /** The session key is written, by this request or by an earlier one with our nonce. */
    public void onKeyWritten(long lease, long modRevision, Moment now) {
        if (phase != Phase.WRITING_KEY || lease != leaseId) {
            return;
        }
        epoch = modRevision;
        phase = Phase.ALIVE;
        lastConfirmed = openedAt;
        deadline.extend(openedAt, beliefMillis(grantedTtlSeconds));
        chronicle.confirmed(openedAt, now, beliefMillis(grantedTtlSeconds));
        look(now);
        if (deadline.isPassed(now)) {
            lose(LossReason.DEADLINE_PASSED, "opening took longer than the TTL of " + grantedTtlSeconds + " s", now);
            return;
        }
        openWatch(epoch + 1);
        nextKeepAliveAt = openedAt.nanos() + keepAliveNanos();
        hedgeAt = nextKeepAliveAt + hedgeNanos();
        sweepLater(now);
        owner.onOpened(this, now);
        armAlive();
    }

    /** The key is there with a foreign nonce, or could not be written. */
    public void onKeyNotWritten(long lease, @Nullable Failure failure, Moment now) {
        if (phase != Phase.WRITING_KEY || lease != leaseId) {
            return;
        }
        if (failure == null || failure.kind() == Failure.Kind.LEASE_GONE) {
            openAnew(now);
        } else if (failure.kind() == Failure.Kind.REFUSED) {
            out.add(new Command.RevokeLease(this, leaseId));
            refused(failure, now);
        } else if (now.nanos() - openedAt.nanos() > ttlSeconds * SECOND / 2) {
            out.add(new Command.RevokeLease(this, leaseId));
            openAnew(now);
        } else {
            retryLater(now, () -> out.add(new Command.WriteSessionKey(this, key, leaseId, nonce)));
        }
    }

    /* Not at once: what a server has said of one lease it may say of every lease, as often as it is asked. */
    private void openAnew(Moment now) {
        phase = Phase.NEW;
        retryLater(now, () -> {});
    }

    private void refused(Failure failure, Moment now) {
        phase = Phase.NEW;
        owner.onRefused(this, failure, now);
    }

    private void retryLater(Moment now, Runnable what) {
        retry = what;
        retryAt = now.nanos() + RETRY_NANOS;
        wakeAt(retryAt);
    }

    // ---------------------------------------------------------------------------------------------------- keep alive

    @Override
    void late(long nanos, Moment now) {
        if (phase == Phase.ALIVE && chronicle.look(nanos, now)) {
            owner.observer().onInterlude(this);
        }
    }

    /** Looks at the clocks: what happens after a pause may come before the tick that is late because of it. */
    private void look(Moment now) {
        late(overdueNanos(now), now);
    }

    @Override
    void tick(Moment now) {
        if (phase == Phase.LOST || phase == Phase.CLOSED) {
            return;
        }
        Runnable what = retry;
        if (what != null && retryAt != null && now.nanos() - retryAt >= 0) {
            retry = null;
            retryAt = null;
            what.run();
            if (phase == Phase.NEW) {
                open(now);
            }
        } else if (retryAt != null) {
            wakeAt(retryAt);
        }
        if (phase != Phase.ALIVE) {
            return;
        }
        if (loseIfPassed(now)) {
            return;
        }
        long leftNanos = deadline.remainingNanos(now.nanos(), now.wallMillis());
        if (!isAtRisk && leftNanos < grantedTtlSeconds * SECOND / 3) {
            isAtRisk = true;
            owner.observer().onAtRisk(this, leftNanos);
        }
        if (now.nanos() - nextKeepAliveAt >= 0) {
            lane = 0;
            sendKeepAlive(now);
            nextKeepAliveAt = now.nanos() + keepAliveNanos();
            hedgeAt = now.nanos() + hedgeNanos();
        } else if (now.nanos() - hedgeAt >= 0) {
            // The last keep-alive is unanswered or unconfirmed: ask somebody else as well.
            lane++;
            sendKeepAlive(now);
            hedgeAt = now.nanos() + hedgeNanos();
        }
        if (rewatchAt != null && now.nanos() - rewatchAt >= 0) {
            rewatchAt = null;
            openWatch(0);
        }
        if (now.nanos() - sweepAt >= 0) {
            sweepLater(now);
            deleteAgain();
            out.add(new Command.ListKeys(this, leaseId));
        }
        if (bumpAt != null && now.nanos() - bumpAt >= 0) {
            bumpAt = null;
            sendBump();
        }
        armAlive();
    }

    /** An answer to a keep-alive. */
    public void onKeepAlive(Command.KeepAlive sent, int ttl, long term, Moment now) {
        if (phase != Phase.ALIVE || sent.leaseId() != leaseId) {
            return;
        }
        look(now);
        if (ttl <= 0) {
            lose(LossReason.LEASE_GONE, "the server does not know lease " + leaseHex() + " any more", now);
            return;
        }
        chronicle.answered(now);
        if (renewal == null || sent.sentAt().nanos() - renewal.sentAt().nanos() > 0) {
            renewal = new Renewal(sent.sentAt(), ttl, term);
        }
        out.add(new Command.Confirm(this, key, epoch, renewal, sent.lane()));
    }

    /**
     * A transaction through the log, sent with {@link #renewal()} as it was then, showed the session key.
     *
     * @param stamp what {@link #renewal()} was when it was sent
     * @param term the raft term of its answer
     * @param isAlive whether the key was there
     */
    public void onConfirmed(@Nullable Renewal stamp, long term, boolean isAlive, Moment now) {
        if (phase != Phase.ALIVE) {
            return;
        }
        if (!isAlive) {
            lose(LossReason.LEASE_GONE, "the session key of lease " + leaseHex() + " is gone", now);
            return;
        }
        if (loseIfPassed(now)
                || stamp == null
                || stamp.term() != term
                || stamp.sentAt().nanos() - lastConfirmed.nanos() <= 0) {
            return;
        }
        look(now);
        deadline.extend(stamp.sentAt(), beliefMillis(stamp.ttlSeconds()));
        chronicle.confirmed(stamp.sentAt(), now, beliefMillis(stamp.ttlSeconds()));
        lastConfirmed = stamp.sentAt();
        isAtRisk = false;
        hedgeAt = nextKeepAliveAt + hedgeNanos();
        lane = 0;
        owner.observer().onRenewalConfirmed(this, deadline.remainingNanos(now.nanos(), now.wallMillis()));
        owner.onRenewed(this, now);
    }

    /** A confirming transaction is answered: what it showed of the session key, mod_revision 0 = gone. */
    public void onKeyShown(Command.Confirm sent, long modRevision, long term, Moment now) {
        onSeen(modRevision, sent.epoch(), now);
        onConfirmed(sent.renewal(), term, modRevision != 0, now);
    }

    /** A request of this session, or one for a lock on it, failed; for people. */
    public void onTrouble(String text, Moment now) {
        if (phase == Phase.ALIVE) {
            chronicle.failed(text, now);
        }
    }

    private void sendKeepAlive(Moment now) {
        chronicle.sent(now);
        owner.observer().onRenewalSent(this);
        out.add(new Command.KeepAlive(this, leaseId, now, lane, grantedTtlSeconds * SECOND));
    }

    private void armAlive() {
        if (phase != Phase.ALIVE) {
            return;
        }
        wakeAt(nextKeepAliveAt);
        wakeAt(hedgeAt);
        wakeAt(deadline.nanos());
        wakeAt(sweepAt);
        if (bumpAt != null) {
            wakeAt(bumpAt);
        }
        if (rewatchAt != null) {
            wakeAt(rewatchAt);
        }
    }

    private boolean loseIfPassed(Moment now) {
        if (!deadline.isPassed(now)) {
            return false;
        }
        long agoMillis = (now.nanos() - lastConfirmed.nanos()) / 1_000_000;
        lose(
                LossReason.DEADLINE_PASSED,
                "the last confirmed renewal of lease " + leaseHex() + " was sent " + agoMillis + " ms ago, its TTL is "
                        + grantedTtlSeconds + " s" + chronicle.troubleSince(),
                now);
        return true;
    }

    private long keepAliveNanos() {
        return grantedTtlSeconds * SECOND / 3;
    }

    private long hedgeNanos() {
        return Math.min(SECOND, grantedTtlSeconds * SECOND / 6);
    }

    /** How long a lease is believed in from before its renewal was sent: its TTL less the margin. */
    private static long beliefMillis(int ttl) {
        long ttlMillis = ttl * 1_000L;
        return ttlMillis - Math.max(500, ttlMillis / 20);
    }

    // ---------------------------------------------------------------------------------------------------- watch

    private void openWatch(long fromRevision) {
        watch = new Watch(this, key, false, fromRevision);
        out.add(new Command.OpenWatch(watch));
    }

    @Override
    public void onWatchCreated(Watch which, long revision, Moment now) {}

    @Override
    public void onWatchEvents(Watch which, List<Change> changes, boolean more, Moment now) {
        if (phase != Phase.ALIVE || which != watch) {
            return;
        }
        for (Change change : changes) {
            if (change.isDelete()) {
                lose(LossReason.LEASE_GONE, "the session key of lease " + leaseHex() + " was deleted", now);
                return;
            }
        }
    }

    @Override
    public void onWatchEnded(Watch which, Moment now) {
        if (phase == Phase.ALIVE && which == watch) {
            // What is missed in between, the next confirmation shows.
            watch = null;
            rewatchAt = now.nanos() + RETRY_NANOS;
            armAlive();
        }
    }

    // ---------------------------------------------------------------------------------------------------- epoch

    /** Whether an acquire may leave now: alive, and no bump under way. */
    public boolean canAcquire() {
        return phase == Phase.ALIVE && bump == null;
    }

    /** Will call {@link QueueMachine#onSessionReady} when the bump under way is settled. */
    void awaitBump(QueueMachine queue) {
        awaitingBump.add(queue);
    }

    /** It is unknown whether this key exists or will: finds out and calls {@link QueueMachine#onSettled}. */
    void settle(QueueMachine queue, Key attempt, Moment now) {
        doubtful.put(attempt, queue);
        scheduleBump(now);
    }

    private void scheduleBump(Moment now) {
        if (bump != null || bumpAt != null || doubtful.isEmpty() || phase != Phase.ALIVE) {
            return;
        }
        if (lastBumpNanos == 0 || now.nanos() - lastBumpNanos >= BUMP_PAUSE_NANOS) {
            sendBump();
        } else {
            bumpAt = lastBumpNanos + BUMP_PAUSE_NANOS;
            armAlive();
        }
    }

    private void sendBump() {
        require(bump == null);
        List<Key> keys = new ArrayList<>();
        for (Key each : doubtful.keySet()) {
            if (keys.size() == MAX_BUMP_KEYS) {
                break;
            }
            keys.add(each);
        }
        owner.observer().onBump(this, keys.size());
        bump = new Command.Bump(this, key, epoch, leaseId, luck.getAsLong(), List.copyOf(keys));
        out.add(bump);
    }

    /**
     * The bump is definite.
     *
     * @param modRevision of the session key now: its own write's if that was applied; 0 if the key is gone
     * @param isOurs whether the session key carries this bump's nonce
     * @param createRevisions of the doubtful keys in the order asked for; 0 = absent, and so for ever
     */
    public void onBumped(Command.Bump sent, long modRevision, boolean isOurs, List<Long> createRevisions, Moment now) {
        if (phase != Phase.ALIVE || !sent.equals(bump)) {
            return;
        }
        if (modRevision == 0) {
            lose(LossReason.LEASE_GONE, "the session key of lease " + leaseHex() + " is gone", now);
            return;
        }
        if (!isOurs && modRevision < sent.epoch()) {
            regressed(modRevision, sent.epoch(), now);
            return;
        }
        if (!isOurs) {
            lose(LossReason.LEASE_GONE, "somebody else wrote the session key of lease " + leaseHex(), now);
            return;
        }
        bump = null;
        lastBumpNanos = now.nanos();
        epoch = modRevision;
        owner.observer().onBumped(this);
        List<QueueMachine> ready = List.copyOf(awaitingBump);
        awaitingBump.clear();
        Map<Entry, QueueMachine> settled = new LinkedHashMap<>();
        for (int i = 0; i < sent.doubtful().size(); i++) {
            Key each = sent.doubtful().get(i);
            QueueMachine queue = doubtful.remove(each);
            if (queue != null) {
                settled.put(new Entry(each, createRevisions.get(i)), queue);
            }
        }
        scheduleBump(now);
        settled.forEach((found, queue) -> queue.onSettled(found, now));
        ready.forEach(queue -> queue.onSessionReady(now));
    }

    /** The bump's fate is unknown, or it was refused for now: again, with the same nonce. */
    public void onBumpFailed(Command.Bump sent, Failure failure, Moment now) {
        if (phase != Phase.ALIVE || !sent.equals(bump)) {
            return;
        }
        chronicle.failed(failure.text(), now);
        if (failure.kind() == Failure.Kind.LEASE_GONE) {
            lose(LossReason.LEASE_GONE, "lease " + leaseHex() + " is gone: " + failure.text(), now);
            return;
        }
        Command.Bump again = sent;
        retryLater(now, () -> {
            if (again.equals(bump)) {
                out.add(again);
            }
        });
    }

    /**
     * The session key's mod_revision as the answer of a transaction of ours, through the log, showed it; 0 = gone.
     *
     * @param sentEpoch the epoch that it compared, which was known before it was sent
     */
    void onSeen(long modRevision, long sentEpoch, Moment now) {
        if (phase != Phase.ALIVE) {
            return;
        }
        if (modRevision == 0) {
            lose(LossReason.LEASE_GONE, "the session key of lease " + leaseHex() + " is gone", now);
        } else if (modRevision < sentEpoch) {
            regressed(modRevision, sentEpoch, now);
        } else if (modRevision > epoch && bump == null) {
            // No bump of ours is under way, so our epoch would never be right again.
            lose(LossReason.LEASE_GONE, "somebody else wrote the session key of lease " + leaseHex(), now);
        }
    }

    /**
     * What a transaction through the log found under the name of an attempt. The name was free when it was chosen, so an
     * entry that was known to be gone by then has been brought back. To take it for the attempt's would be to grant the
     * same token twice.
     */
    void onFound(Entry found, Moment now) {
        if (phase == Phase.ALIVE && found.exists() && isGone(found)) {
            regressed(found + " was gone, and is there again", now);
        }
    }

    private void regressed(long modRevision, long sentEpoch, Moment now) {
        regressed(
                "the session key of lease " + leaseHex() + " was written at revision " + sentEpoch
                        + ", and etcd knows it as of revision " + modRevision,
                now);
    }

    /**
     * A write that etcd has answered is not there any more, and no acquire with its epoch would ever be applied. What one
     * session finds out so is true of all: see {@link Sessions}.
     */
    private void regressed(String proof, Moment now) {
        lose(LossReason.CLUSTER_REGRESSED, proof + ": it was restored from a snapshot; raise clusterEpoch", now);
    }

    // ---------------------------------------------------------------------------------------------------- end

    /** Ends the session and everything on it; the lease is revoked, which removes its keys at once. */
    public void lose(LossReason reason, String detail, Moment now) {
        if (phase == Phase.LOST || phase == Phase.CLOSED) {
            return;
        }
        // Before anybody can see that it is lost, so that he also sees why.
        look(now);
        deadline.end(reason, detail);
        boolean wasAlive = phase == Phase.ALIVE;
        phase = reason == LossReason.CLIENT_CLOSED ? Phase.CLOSED : Phase.LOST;
        if (watch != null) {
            out.add(new Command.Unwatch(watch));
            watch = null;
        }
        retry = null;
        retryAt = null;
        doubtful.clear();
        awaitingBump.clear();
        bump = null;
        liveKeys.clear();
        if (leaseId != 0) {
            out.add(new Command.RevokeLease(this, leaseId));
        }
        if (wasAlive) {
            owner.onLost(this, reason, detail, now);
        }
    }

    // ---------------------------------------------------------------------------------------------------- facts

    /**
     * An entry key of this session for a lock that no live entry or doubtful attempt has, counted as live from now on:
     * the lowest one, since every name ever used costs the server a look at each range until it is compacted away.
     */
    Key freshKey(LockName name) {
        long slot = 0;
        Key fresh = name.entryKey(leaseId, slot);
        while (condemned.containsKey(fresh) || !liveKeys.add(fresh)) {
            slot++;
            if (slot >= LINEAR_SLOTS) {
                // Very many callers with an entry each: looking for the lowest one would take longer than it saves.
                // Among twice as many as can be taken, so that a free one is found soon.
                long taken = (long) liveKeys.size() + condemned.size();
                slot = LINEAR_SLOTS + Long.remainderUnsigned(luck.getAsLong(), 2 * taken + 2);
            }
            fresh = name.entryKey(leaseId, slot);
        }
        return fresh;
    }

    /** The attempt was not applied and will not be. */
    void forget(Key entryKey) {
        liveKeys.remove(entryKey);
    }

    /** The entry is gone; what is late in telling of it is no ghost. */
    void forget(Entry entry) {
        liveKeys.remove(entry.key());
        markGone(entry);
    }

    /**
     * Sees an entry of this session in a queue. One that no queue knows of is a ghost: an attempt that was applied late
     * or twice. It is deleted, and its name is not used again before it surely is: else the delete might meet an entry
     * that was found under that name and adopted.
     */
    void onEntrySeen(Entry entry) {
        if (!isGone(entry)) {
            condemn(entry);
        }
    }

    /* The delete of an old ghost may be answered after that of a later entry of its name. */
    private void markGone(Entry entry) {
        gone.merge(entry.key(), entry.createRevision(), Math::max);
    }

    private boolean isGone(Entry entry) {
        return entry.createRevision() <= gone.getOrDefault(entry.key(), 0L);
    }

    private void condemn(Entry entry) {
        if (liveKeys.contains(entry.key())) {
            return;
        }
        Ghost known = condemned.put(entry.key(), new Ghost(entry, true));
        if (known == null || !known.isDeleteUnderWay()) {
            out.add(new Command.Release(null, this, entry));
        }
    }

    /**
     * A delete without an answer may have been carried out: then nobody sees its ghost again, and only one more delete can
     * tell that the name is free.
     */
    private void deleteAgain() {
        for (Ghost each : List.copyOf(condemned.values())) {
            if (!each.isDeleteUnderWay()) {
                condemn(each.entry());
            }
        }
    }

    /*
     * A ghost is seen by whoever looks at its queue. When its session has no business there any more, nobody of it looks,
     * and everybody else waits behind it for as long as the session lives: an acquire that was delivered once more after
     * its entry had been released, or an entry that a restored snapshot has brought back. So the session looks for itself
     * at times, at what is on its lease.
     */

    private void sweepLater(Moment now) {
        sweepAt = now.nanos() + SWEEP_NANOS + luck.getAsLong() % (SWEEP_NANOS / 5);
    }

    /** What is on the lease. */
    public void onKeysListed(List<Key> keys, Moment now) {
        if (phase != Phase.ALIVE) {
            return;
        }
        int strays = 0;
        for (Key each : keys) {
            if (isEntry(each) && !liveKeys.contains(each) && strays < MAX_STRAYS) {
                strays++;
                out.add(new Command.ReadStray(this, each));
            }
        }
    }

    private boolean isEntry(Key each) {
        String text = each.toString();
        return text.startsWith(leaseHex() + ".", text.lastIndexOf('/') + 1);
    }

    /**
     * An entry on the lease that no queue knew of when the lease was looked at; read afterwards. Also one that was known to be
     * gone: a restored snapshot has brought it back.
     */
    public void onStray(Entry entry) {
        if (phase == Phase.ALIVE) {
            condemn(entry);
        }
    }

    /** The ghost is gone, if its delete is definite; else it is deleted again when it is seen again, or by the next sweep. */
    public void onGhostReleased(Entry entry, boolean isDefinite) {
        if (isDefinite) {
            condemned.remove(entry.key());
            markGone(entry);
        } else {
            condemned.computeIfPresent(entry.key(), (name, ghost) -> new Ghost(ghost.entry(), false));
        }
    }

    /** How many keys it has, or may have, on its lease. */
    int liveKeyCount() {
        return liveKeys.size();
    }

    /** One more lock has chosen this session for its entries. */
    void attach() {
        lockCount++;
    }

    /** A lock has no entry any more. */
    void detach() {
        lockCount--;
    }

    /** How many locks have chosen it, with an entry or on the way to one. */
    public int lockCount() {
        return lockCount;
    }

    /** Until when its holds are believed in. */
    public Deadline deadline() {
        return deadline;
    }

    /** What befell it lately. */
    public Chronicle chronicle() {
        return chronicle;
    }

    /** The session epoch: the mod_revision of the session key. */
    public long epoch() {
        return epoch;
    }

    /** The session key. */
    public Key key() {
        return key;
    }

    /** The newest renewal whose answer has arrived; to be remembered when a transaction is sent. */
    public @Nullable Renewal renewal() {
        return renewal;
    }

    /** The lease. */
    public long leaseId() {
        return leaseId;
    }

    /** The TTL that the server granted, in seconds. */
    public int ttlSeconds() {
        return phase == Phase.ALIVE ? grantedTtlSeconds : ttlSeconds;
    }

    public boolean isAlive() {
        return phase == Phase.ALIVE;
    }

    /** The lease as in its keys. */
    public String leaseHex() {
        return Long.toHexString(leaseId);
    }

    private static void require(boolean condition) {
        if (!condition) {
            throw new IllegalStateException("an invariant of the session does not hold");
        }
    }

    @Override
    public String toString() {
        return "session " + leaseHex() + " " + phase;
    }
}
