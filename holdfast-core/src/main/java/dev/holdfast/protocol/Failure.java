package dev.holdfast.protocol;

/**
 * A request that got no answer, or an error for one.
 *
 * @param kind what may have happened
 * @param text what the server or the transport said
 */
public record Failure(Kind kind, String text) {

    /** What may have happened. */
    public enum Kind {
        /** Nothing was or will be applied, and asking again would be answered the same way. */
        REFUSED,
        /** Nothing was or will be applied; asking again later may succeed. */
        BUSY,
        /** Nothing was or will be applied: the lease does not exist. */
        LEASE_GONE,
        /** Nothing was or will be applied: the lease id is taken. */
        LEASE_EXISTS,
        /** It may have been applied, or may still be. */
        AMBIGUOUS
    }
}
