package dev.holdfast.inspect;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link LockWatch} tells, in the order in which it happened in etcd. Immutable. */
public sealed interface LockEvent {

    /** Something happened to one entry. */
    sealed interface OfEntry extends LockEvent {
        /** The entry it happened to. */
        QueueEntry entry();

        /** The lock right after it. */
        LockState after();

        /** The revision at which it happened. */
        default long revision() {
            return after().revision();
        }
    }

    /**
     * The locks as they were read: the first event, and again after a gap. What happened within the gap is not known and
     * not guessed at.
     *
     * @param why what happened, for people; empty at the start
     */
    record Listed(LockListing listing, String why) implements LockEvent {
        public Listed {
            Objects.requireNonNull(listing, "listing");
            Objects.requireNonNull(why, "why");
        }

        /** Whether events before this one are missing. */
        public boolean isAfterGap() {
            return !why.isEmpty();
        }
    }

    /** An entry was put into the queue, behind others. */
    record Queued(QueueEntry entry, LockState after) implements OfEntry {}

    /** An entry became the first one, at once or after waiting: its client is granted the lock. */
    record Acquired(QueueEntry entry, LockState after) implements OfEntry {}

    /**
     * An entry is gone.
     *
     * @param wasHolder whether it was the first one; otherwise it left the queue without having been granted the lock
     * @param forced who did it, if {@code how} is {@link How#FORCED}
     */
    record Left(QueueEntry entry, LockState after, boolean wasHolder, How how, @Nullable ForcedRelease forced)
            implements OfEntry {

        /** Who released it by force and why. */
        public Optional<ForcedRelease> force() {
            return Optional.ofNullable(forced);
        }
    }

    /** The connection is lost: nothing is told until {@link Resumed} or {@link Listed}, whatever happens. */
    record Interrupted(String why) implements LockEvent {}

    /** The connection is back, and no event was missed: those of the meantime follow. */
    record Resumed() implements LockEvent {}

    /** How an entry went, as far as etcd shows it. */
    enum How {
        /** Deleted while its session lived on: released by its client, or deleted by hand. */
        RELEASED,
        /** Its session ended with it: closed, expired or revoked, which cannot be told apart. */
        SESSION_ENDED,
        /** Released by an operator, who left a record. */
        FORCED,
        /** Another kind of client, or the traces are gone: released, expired or deleted. */
        UNKNOWN
    }
}
