package dev.holdfast;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A lock operation failed; the subclass says what may have happened. */
public abstract sealed class LockException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private LockException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Nothing happened: no lock was taken and nothing is left in the queue. */
    public static final class Refused extends LockException {
        private static final long serialVersionUID = 1L;

        public Refused(String message) {
            super(message, null);
        }

        public Refused(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** It was yours and is not any more: since {@link #loss()} somebody else may have held the lock. */
    public static final class Lost extends LockException {
        private static final long serialVersionUID = 1L;

        private final transient Loss loss;

        public Lost(Loss loss) {
            super(loss.toString(), null);
            this.loss = loss;
        }

        /** What is known of the loss. */
        public Loss loss() {
            return loss;
        }
    }

    /** It may have happened or not; whatever it left in etcd is gone for certain after {@link #cleanAfter()}. */
    public static final class Indeterminate extends LockException {
        private static final long serialVersionUID = 1L;

        private final Duration cleanAfter;

        public Indeterminate(String message, Duration cleanAfter) {
            super(message, null);
            this.cleanAfter = cleanAfter;
        }

        /** Measured from when this was thrown; the session's TTL, should this process die now, and sooner otherwise. */
        public Duration cleanAfter() {
            return cleanAfter;
        }
    }
}
