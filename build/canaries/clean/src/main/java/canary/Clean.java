package canary;

import org.jspecify.annotations.NullMarked;

/** Nothing to complain about. */
@NullMarked
public final class Clean {
    private Clean() {}

    /** Returns the time at which a lease granted for {@code ttlMillis} ends. */
    public static long deadlineNanos(long sentNanos, long ttlMillis) {
        return sentNanos + ttlMillis * 1_000_000;
    }
}
