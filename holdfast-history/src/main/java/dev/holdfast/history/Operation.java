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
    record Requested(long atNanos, String who, String lock) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return this.lock.equals(lock);
        }

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
    record Granted(long atNanos, String who, String lock, Token token, @Nullable String key) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return this.lock.equals(lock);
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client is about to give a lock back; its belief ends. */
    record Released(long atNanos, String who, String lock, Token token) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return this.lock.equals(lock);
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client was told that it has lost a lock; its belief ends. */
    record Lost(long atNanos, String who, String lock, Token token) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return this.lock.equals(lock);
        }

        @Override
        public String toString() {
            return HistoryCodec.encode(this);
        }
    }

    /** A client stopped waiting without having got the lock. */
    record GaveUp(long atNanos, String who, String lock) implements ByClient {
        @Override
        public boolean concerns(String lock) {
            return this.lock.equals(lock);
        }

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
