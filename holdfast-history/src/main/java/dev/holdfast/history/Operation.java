package dev.holdfast.history;

import org.jspecify.annotations.Nullable;

/**
 * One thing that happened to a lock, noted by a client of it or recorded by etcd. Immutable.
 *
 * <p>{@code toString()} of each is the line that {@link HistoryCodec} writes for it.
 */
public sealed interface Operation {

    /** Whether this says something about the lock of that name. */
    boolean concerns(String lock);

    /**
     * What a client noted. {@code atNanos} is a monotonic clock in nanoseconds that all clients of one history share:
     * {@link System#nanoTime()} of one process, or of several on one Linux host, where it reads {@code CLOCK_MONOTONIC}.
     *
     * <p>A belief is measured from the inside: the grant is noted after the library handed the lock over, the release
     * before the library is asked to take it back. So two beliefs that overlap in a history overlapped in truth.
     */
    sealed interface ByClient extends Operation {
        /** The client's name, unique in its history. */
        String who();

        long atNanos();

        @Override
        String toString();
    }

    /** What a client noted about one lock. */
    sealed interface OnLock extends ByClient {
        String lock();

        @Override
        default boolean concerns(String lock) {
            return lock().equals(lock);
        }
    }

    /**
     * What a client noted about a session of its own: how long it may believe in its holds, and why. A lease belongs to
     * one session and is never used again, so its name is the session's.
     *
     * <p>These times are compared with those of the same session alone, so they may be of a clock that only its client
     * has.
     */
    sealed interface OnSession extends ByClient {
        String lease();

        @Override
        default boolean concerns(String lock) {
            return false;
        }
    }

    /**
     * What somebody noted who is no client: who runs the clients, makes the faults, or watches the server. The clock is
     * the clients'.
     */
    sealed interface ByObserver extends Operation {
        long atNanos();

        @Override
        String toString();
    }

    /** What etcd recorded, in revision space. */
    sealed interface InEtcd extends Operation {
        String lock();

        Entry entry();

        /** The revision at which it happened. */
        long revision();

        @Override
        default boolean concerns(String lock) {
            return lock().equals(lock);
        }
    }

    /** A client began to wait for a lock. */
    record Requested(long atNanos, String who, String lock) implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A client got a lock, and believes from here on that it holds it.
     *
     * @param key the key of the queue entry it holds by, or null when the client does not know; then the entry is found
     *     by its owner
     */
    record Granted(long atNanos, String who, String lock, Token token, @Nullable String key) implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client is about to give a lock back; its belief ends. */
    record Released(long atNanos, String who, String lock, Token token) implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client was told that it has lost a lock; its belief ends. */
    record Lost(long atNanos, String who, String lock, Token token) implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client stopped waiting without having got the lock. */
    record GaveUp(long atNanos, String who, String lock) implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client's process is certainly dead. Every belief it had ends here at the latest. */
    record Killed(long atNanos, String who) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return true;
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A client that holds a lock entered it once more, and now has that many entries to give back.
     *
     * @param token of the hold, as the inner entry was given it
     */
    record Reentered(long atNanos, String who, String lock, Token token, int entries) implements OnLock {
        /** @throws IllegalArgumentException if there are fewer than two entries */
        public Reentered {
            if (entries < 2) {
                throw new IllegalArgumentException("whoever enters again has at least 2 entries: " + entries);
            }
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client is about to give back an inner entry; it goes on holding the lock by that many others. */
    record Exited(long atNanos, String who, String lock, Token token, int entries) implements OnLock {
        /** @throws IllegalArgumentException if no entry is left; then it is {@link Released} */
        public Exited {
            if (entries < 1) {
                throw new IllegalArgumentException("whoever gives back an inner entry keeps at least 1: " + entries);
            }
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A client asked its hold whether it is held, and the answer was yes.
     *
     * @param atNanos from before it asked, so the answer is no older
     * @param deadlineNanos the hold's deadline, read after the answer, since deadlines only move on; on the same clock,
     *     so of a client with a clock of its own it is {@code atNanos} and what was left by its own clock
     * @param lease the lease of the hold's entry, or null when the client does not know; then nobody can say when the
     *     server ended it
     */
    record Claimed(long atNanos, String who, String lock, Token token, long deadlineNanos, @Nullable String lease)
            implements OnLock {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A client opened a session.
     *
     * @param sentNanos from before the first request for its lease was sent
     * @param ttlMillis the TTL that the server granted
     * @param deadlineNanos until when the client believes in the holds of the session
     */
    record Opened(long atNanos, String who, String lease, long sentNanos, long ttlMillis, long deadlineNanos)
            implements OnSession {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * The answer to a keep-alive arrived. Alone it proves nothing: a leader that was deposed answers, too.
     *
     * @param sentNanos from before the keep-alive was sent
     * @param term the raft term in the header of the answer
     */
    record KeptAlive(long atNanos, String who, String lease, long sentNanos, long ttlMillis, long term)
            implements OnSession {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * The answer to a request through the log arrived and showed the session's key.
     *
     * @param sentNanos when the request was sent, so that it is known which keep-alives had been answered by then
     * @param term the raft term in the header of the answer
     */
    record Confirmed(long atNanos, String who, String lease, long sentNanos, long term) implements OnSession {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A client moved the deadline of its session on.
     *
     * @param atNanos what the client took for now when it decided to
     */
    record DeadlineMoved(long atNanos, String who, String lease, long deadlineNanos) implements OnSession {
        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * The server has ended a lease: it expired or was revoked.
     *
     * @param atNanos no earlier than it happened
     */
    record LeaseEnded(long atNanos, String lease) implements ByObserver {
        @Override
        public boolean concerns(String lock) {
            return false;
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * Something was made to go wrong, for a time.
     *
     * @param untilNanos when it was put right; the same as {@code atNanos} for what takes no time, and {@link
     *     Long#MAX_VALUE} for what never was
     * @param what in words
     */
    record Faulted(long atNanos, long untilNanos, String what) implements ByObserver {
        /** @throws IllegalArgumentException if it ended before it began */
        public Faulted {
            if (untilNanos < atNanos) {
                throw new IllegalArgumentException("a fault that began at " + atNanos + " ended at " + untilNanos);
            }
        }

        @Override
        public boolean concerns(String lock) {
            return true;
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * Until here every client was watched: had one got a lock, or given up, it would have been noted. A history without
     * this may have been cut off anywhere.
     */
    record WatchedUntil(long atNanos) implements ByObserver {
        @Override
        public boolean concerns(String lock) {
            return true;
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A queue entry was written.
     *
     * @param revision its mod_revision: the create revision, or a later one when the value was written again
     * @param owner the client that wrote it, as its value says, or null when the value does not say
     */
    record Put(String lock, Entry entry, long revision, @Nullable String owner) implements InEtcd {
        /** @throws IllegalArgumentException if the revision is before the create revision */
        public Put {
            if (revision < entry.createRevision()) {
                throw new IllegalArgumentException("revision " + revision + " is before the creation of " + entry);
            }
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A queue entry was deleted: released, withdrawn, or taken by the end of its lease. */
    record Deleted(String lock, Entry entry, long revision) implements InEtcd {
        /** @throws IllegalArgumentException if the revision is not after the create revision */
        public Deleted {
            if (revision <= entry.createRevision()) {
                throw new IllegalArgumentException("revision " + revision + " is not after the creation of " + entry);
            }
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /**
     * A queue entry was there when somebody looked at the end, when nothing should be.
     *
     * @param revision the revision of the answer
     */
    record Left(String lock, Entry entry, long revision, @Nullable String owner) implements InEtcd {
        /** @throws IllegalArgumentException if the revision is before the create revision */
        public Left {
            if (revision < entry.createRevision()) {
                throw new IllegalArgumentException("revision " + revision + " is before the creation of " + entry);
            }
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }
}
