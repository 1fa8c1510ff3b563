package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one client: one to begin with, kept open always, and more as its locks need more keys than one lease
 * should carry. Confined to the event loop.
 */
public final class Sessions implements SessionMachine.Owner {

    /** The most locks, each with one key, on one lease: revoking a lease with very many keys stalls the server. */
    public static final int MAX_KEYS = 2_000;

    /** The most locks that are kept though nobody wants them. */
    static final int MAX_KEPT = 10_000;

    /** Who wants to know how the sessions fare. */
    public interface Listener {
        /** A session can be used. */
        void onSessionOpened(SessionMachine session);

        /** The server refuses sessions. */
        void onSessionRefused(Failure failure, Moment now);

        /** A session is gone. */
        void onSessionLost(SessionMachine session, LossReason reason, String detail, Moment now);

        /** Who is told what the machines do, for people. */
        default Observer observer() {
            return Observer.NONE;
        }
    }

    private final Outbox out;
    private final Listener listener;
    private final Key keyPrefix;
    private final int ttlSeconds;
    private final LongSupplier luck;
    private final int maxKeys;

    private final List<SessionMachine> alive = new ArrayList<>();
    private @Nullable SessionMachine opening;
    private final Set<QueueMachine> awaiting = new LinkedHashSet<>();
    private final Map<QueueMachine, SessionMachine> attached = new LinkedHashMap<>();
    private final Set<QueueMachine> keeping = new LinkedHashSet<>();
    private boolean isClosed;

    /** At most {@link #MAX_KEYS} locks on one lease. Parameters as for {@link SessionMachine}. */
    public Sessions(Outbox out, Listener listener, Key keyPrefix, int ttlSeconds, LongSupplier luck) {
        this(out, listener, keyPrefix, ttlSeconds, luck, MAX_KEYS);
    }

    /**
     * Other parameters as for {@link SessionMachine}.
     *
     * @param maxKeys the most locks on one lease, at least 1
     */
    public Sessions(Outbox out, Listener listener, Key keyPrefix, int ttlSeconds, LongSupplier luck, int maxKeys) {
        this.maxKeys = maxKeys;
        this.out = out;
        this.listener = listener;
        this.keyPrefix = keyPrefix;
        this.ttlSeconds = ttlSeconds;
        this.luck = luck;
    }

    /** Opens one more session unless one is being opened. */
    public void open(Moment now) {
        if (opening == null && !isClosed) {
            opening = new SessionMachine(out, this, keyPrefix, ttlSeconds, luck);
            opening.open(now);
        }
    }

    /** A session with room for one more lock, or null: then {@link QueueMachine#onSessionReady} is called later. */
    @Nullable
    SessionMachine choose(QueueMachine queue, Moment now) {
        for (int i = alive.size() - 1; i >= 0; i--) {
            SessionMachine session = alive.get(i);
            if (session.lockCount() < maxKeys) {
                attached.put(queue, session);
                session.attach();
                return session;
            }
        }
        awaiting.add(queue);
        open(now);
        return null;
    }

    /** The lock is back to having no entry. */
    void detach(QueueMachine queue) {
        SessionMachine left = attached.remove(queue);
        if (left != null) {
            left.detach();
        }
        awaiting.remove(queue);
    }

    /** The queue keeps its entry from now on, also while nobody wants it. Of too many, the one that came first gives way. */
    void keep(QueueMachine queue, Moment now) {
        keeping.add(queue);
        if (keeping.size() > MAX_KEPT) {
            keeping.iterator().next().stopKeeping(now);
        }
    }

    /** The queue does not keep its entry any more. */
    void unkeep(QueueMachine queue) {
        keeping.remove(queue);
    }

    /** Lets the session whose entry this is, if it is one of ours, see it in a queue. */
    void onEntrySeen(LockName name, Entry entry) {
        Long lease = name.leaseOf(entry.key());
        if (lease == null) {
            return;
        }
        for (SessionMachine session : alive) {
            if (session.leaseId() == lease) {
                session.onEntrySeen(entry);
            }
        }
    }

    @Override
    public void onOpened(SessionMachine session, Moment now) {
        opening = null;
        alive.add(session);
        listener.onSessionOpened(session);
        List<QueueMachine> ready = List.copyOf(awaiting);
        awaiting.clear();
        ready.forEach(queue -> queue.onSessionReady(now));
    }

    @Override
    public void onRefused(SessionMachine session, Failure failure, Moment now) {
        opening = null;
        listener.onSessionRefused(failure, now);
        refuseAwaiting(failure, now);
    }

    private void refuseAwaiting(Failure failure, Moment now) {
        List<QueueMachine> refused = List.copyOf(awaiting);
        awaiting.clear();
        refused.forEach(queue -> queue.onSessionRefused(failure, now));
    }

    @Override
    public Observer observer() {
        return listener.observer();
    }

    @Override
    public void onRenewed(SessionMachine session, Moment now) {
        for (QueueMachine queue : attached.keySet()) {
            queue.onRenewed(session, now);
        }
    }

    @Override
    public void onLost(SessionMachine session, LossReason reason, String detail, Moment now) {
        alive.remove(session);
        if (opening == session) {
            opening = null;
        }
        if (alive.isEmpty() || !awaiting.isEmpty()) {
            open(now);
        }
        listener.onSessionLost(session, reason, detail, now);
        if (reason == LossReason.CLUSTER_REGRESSED) {
            // The others have not noticed, and may never: their keys are older than the snapshot, their entries need
            // not be. Before any queue starts anew, so that none chooses one of them.
            List.copyOf(alive).forEach(other -> other.lose(reason, detail, now));
        }
        for (QueueMachine queue : List.copyOf(attached.keySet())) {
            queue.onSessionLost(session, reason, detail, now);
        }
    }

    /** Every session is gone: the ground has moved. */
    public void loseAll(LossReason reason, String detail, Moment now) {
        SessionMachine half = opening;
        if (half != null) {
            opening = null;
            half.lose(reason, detail, now);
        }
        for (SessionMachine session : List.copyOf(alive)) {
            session.lose(reason, detail, now);
        }
        open(now);
    }

    /** Ends every session; none is opened any more. */
    public void close(Moment now) {
        isClosed = true;
        String why = "the client was closed";
        loseAll(LossReason.CLIENT_CLOSED, why, now);
        // Who entered a queue while it was being emptied would wait for ever.
        refuseAwaiting(new Failure(Failure.Kind.REFUSED, why), now);
    }

    /** The sessions that can be used. */
    public List<SessionMachine> alive() {
        return List.copyOf(alive);
    }
}
