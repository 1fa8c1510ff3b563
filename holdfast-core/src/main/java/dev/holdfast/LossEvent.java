package dev.holdfast;

import dev.holdfast.inspect.SafeText;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * Something that happened to a session before one of its holds was lost; {@link Loss#timeline()} has the few that tell why.
 * Times are those of this process's wall clock, but for {@link Forced}.
 */
public sealed interface LossEvent {

    /** When it happened. */
    Instant at();

    /** The last renewal of the lease was sent. */
    record RenewalSent(Instant at) implements LossEvent {
        public RenewalSent {
            Objects.requireNonNull(at, "at");
        }

        @Override
        public String toString() {
            return "last renewal sent";
        }
    }

    /** The last answer to a renewal came: the server said that it had renewed the lease. */
    record RenewalAnswered(Instant at) implements LossEvent {
        public RenewalAnswered {
            Objects.requireNonNull(at, "at");
        }

        @Override
        public String toString() {
            return "last renewal answered";
        }
    }

    /**
     * A renewal was confirmed through etcd's log, the last one that was; or, if none ever was, the lease was granted.
     *
     * @param sentAt when that renewal was sent: from then on the TTL counts
     * @param deadline until when the lease was believed in because of it
     */
    record RenewalConfirmed(Instant at, Instant sentAt, Instant deadline) implements LossEvent {
        public RenewalConfirmed {
            Objects.requireNonNull(at, "at");
            Objects.requireNonNull(sentAt, "sentAt");
            Objects.requireNonNull(deadline, "deadline");
        }

        @Override
        public String toString() {
            return "last renewal confirmed, sent "
                    + Duration.between(sentAt, at).toMillis()
                    + " ms before, good for another "
                    + Duration.between(at, deadline).toMillis() + " ms";
        }
    }

    /**
     * The client's event loop went on after it had not run: the process or its host was stopped, a garbage collection took
     * long, or the processors were busy with something else. The longest such pause since the last confirmed renewal.
     *
     * @param at when it went on
     * @param length for how long it did not run, at least
     */
    record Paused(Instant at, Duration length) implements LossEvent {
        public Paused {
            Objects.requireNonNull(at, "at");
            Objects.requireNonNull(length, "length");
        }

        @Override
        public String toString() {
            return "went on after a pause of " + length.toMillis() + " ms";
        }
    }

    /**
     * The wall clock and the monotonic clock did not go on alike: the host was suspended, or its clock was set. The largest
     * such jump since the last confirmed renewal.
     *
     * @param at when it was noticed
     * @param by how far the wall clock went on more than the monotonic one; negative if it was set back
     */
    record ClockJumped(Instant at, Duration by) implements LossEvent {
        public ClockJumped {
            Objects.requireNonNull(at, "at");
            Objects.requireNonNull(by, "by");
        }

        @Override
        public String toString() {
            return "the wall clock had jumped by " + by.toMillis() + " ms";
        }
    }

    /**
     * A request of the session failed, or one for a lock on it; the last one that did.
     *
     * @param text what etcd or the transport said; text of strangers, with control characters escaped
     */
    record ErrorSeen(Instant at, String text) implements LossEvent {
        /** The longest text, in characters. */
        public static final int MAX_TEXT = 500;

        public ErrorSeen {
            Objects.requireNonNull(at, "at");
            text = SafeText.of(text, MAX_TEXT);
        }

        @Override
        public String toString() {
            return "last error: " + text;
        }
    }

    /**
     * An operator released the lock by force.
     *
     * @param at by the operator's clock
     * @param by who, such as {@code user@host}; text of strangers, with control characters escaped
     * @param reason what he gave as his reason; likewise
     */
    record Forced(Instant at, String by, String reason) implements LossEvent {
        /** The longest text of each kind, in characters. */
        public static final int MAX_TEXT = 1_024;

        public Forced {
            Objects.requireNonNull(at, "at");
            by = SafeText.of(by, MAX_TEXT);
            reason = SafeText.of(reason, MAX_TEXT);
        }

        @Override
        public String toString() {
            return "released by force by " + by + ": " + reason;
        }
    }
}
