package dev.holdfast.chaos;

/**
 * Something bad that was done on purpose. Times are {@link System#nanoTime()}, which all processes of one Linux host share.
 *
 * @param kind what was done, such as {@code partition}
 * @param target to whom: a member of the cluster or a client
 * @param fromNanos before it was begun
 * @param untilNanos after it was over
 * @param detail for people; may be empty
 * @param effect whether anything was seen of it
 */
record Fault(String kind, String target, long fromNanos, long untilNanos, String detail, Effect effect) {

    /** Whether it was seen to do anything. */
    enum Effect {
        SEEN,
        /** It was looked for in vain. */
        NOT_SEEN,
        /** It cannot be seen from here. */
        HIDDEN
    }

    /** One whose effect cannot be seen from here. */
    Fault(String kind, String target, long fromNanos, long untilNanos, String detail) {
        this(kind, target, fromNanos, untilNanos, detail, Effect.HIDDEN);
    }

    Fault with(Effect seen) {
        return new Fault(kind, target, fromNanos, untilNanos, detail, seen);
    }

    Fault {
        if (kind.isBlank() || target.isBlank() || untilNanos - fromNanos < 0) {
            throw new IllegalArgumentException("no fault: " + kind + " of " + target);
        }
    }
}
