package dev.holdfast.protocol;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a machine wants done. The answer goes to the machine that the command names. */
public sealed interface Command {

    /** Call {@link Clockwork#onTick} at that time. */
    record WakeAt(Clockwork who, long nanos) implements Command {}

    // --- session ---

    /** LeaseGrant with an id of our choice. */
    record GrantLease(SessionMachine session, long leaseId, int ttlSeconds) implements Command {}

    /** LeaseTimeToLive: an earlier grant of ours worked, unanswered. */
    record AskTimeToLive(SessionMachine session, long leaseId) implements Command {}

    /** {@code If create(key)=0 Then put(key, nonce, lease) Else Range(key)}. */
    record WriteSessionKey(SessionMachine session, Key key, long leaseId, long nonce) implements Command {}

    /** One keep-alive, over the stream of that lane. */
    record KeepAlive(SessionMachine session, long leaseId, Moment sentAt, int lane, long timeoutNanos)
            implements Command {}

    /** A write-capable transaction that changes nothing, to prove through the log that the session key is alive. */
    record Confirm(SessionMachine session, Key key, long epoch, SessionMachine.Renewal renewal, int lane)
            implements Command {}

    /** {@code If mod(key)=epoch Then put(key, nonce), Range(doubtful) Else Range(key), Range(doubtful)}. */
    record Bump(SessionMachine session, Key key, long epoch, long leaseId, long nonce, List<Key> doubtful)
            implements Command {}

    /** LeaseTimeToLive with keys: which are on the lease, ghosts included. */
    record ListKeys(SessionMachine session, long leaseId) implements Command {}

    /** Reads one key of the lease that no queue knows of. */
    record ReadStray(SessionMachine session, Key key) implements Command {}

    /** LeaseRevoke. */
    record RevokeLease(SessionMachine session, long leaseId) implements Command {}

    // --- queue ---

    /** What puts an entry into a queue, with the session's epoch at the time it is sent; may share a transaction with others. */
    sealed interface Enqueue extends Command {
        /** Whose entry it is. */
        QueueMachine queue();

        /** On whose lease it is put. */
        SessionMachine session();
    }

    /**
     * ACQUIRE.
     *
     * @param listsAll whether its range must be complete, however many keys there are
     */
    record Acquire(QueueMachine queue, SessionMachine session, Key key, boolean listsAll) implements Enqueue {
        /** With a range of the first few keys, as is enough for whoever waits if it is not. */
        public Acquire(QueueMachine queue, SessionMachine session, Key key) {
            this(queue, session, key, false);
        }
    }

    /**
     * The transaction of tryLock: writes the entry only if nothing is under the prefix.
     *
     * @param listsAll whether the range that says what is there must be complete
     */
    record TryAcquire(QueueMachine queue, SessionMachine session, long epoch, Key key, boolean listsAll)
            implements Command {
        /** With a range of the first few keys. */
        public TryAcquire(QueueMachine queue, SessionMachine session, long epoch, Key key) {
            this(queue, session, epoch, key, false);
        }
    }

    /** Leaves the queue's front and enters its end in one transaction. */
    record Yield(QueueMachine queue, SessionMachine session, Entry own, Key fresh) implements Enqueue {}

    /** Deletes that very entry if it is there. Without a queue it is a ghost's, and its session is told. */
    record Release(@Nullable QueueMachine queue, SessionMachine session, Entry entry) implements Command {}

    /** Reads one key through the log. */
    record ReadEntry(QueueMachine queue, Key key) implements Command {}

    // --- view ---

    /** Opens a watch. */
    record OpenWatch(Watch watch) implements Command {}

    /** Cancels a watch; nothing more is delivered. */
    record Unwatch(Watch watch) implements Command {}

    /** A complete range of a lock's members. */
    record ListMembers(Lister lister, LockName name, boolean linearizable) implements Command {}

    /** A serializable read of two keys at one revision. */
    record ReadPair(LongWait waiter, Key predecessor, Key own) implements Command {}

    /** Who asked for a list. */
    interface Lister {
        /** The members at some revision. */
        void onListed(ListMembers command, Snapshot snapshot, Moment now);

        /** No answer. */
        void onListFailed(ListMembers command, Failure failure, Moment now);
    }
}
