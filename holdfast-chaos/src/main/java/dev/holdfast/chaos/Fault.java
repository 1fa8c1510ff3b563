package dev.holdfast.chaos;

/**
 * Something bad that was done on purpose. Times are {@link System#nanoTime()}, which all processes of one Linux host share.
 *
 * @param kind what was done, such as {@code partition}
 * @param target to whom: a member of the cluster or a client
 * @param fromNanos before it was begun
 * @param untilNanos after it was over
 * @param detail for people; may be empty
 */
record Fault(String kind, String target, long fromNanos, long untilNanos, String detail) {
    Fault {
        if (kind.isBlank() || target.isBlank() || untilNanos - fromNanos < 0) {
            throw new IllegalArgumentException("no fault: " + kind + " of " + target);
        }
    }
}
