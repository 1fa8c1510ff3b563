package dev.holdfast.history;

/**
 * An entry of a lock's queue. A key name alone is no identity, because a key may be deleted and written again; the key
 * together with the revision that created it is.
 */
public record Entry(String key, long createRevision) {

    /** @throws IllegalArgumentException if the revision is not positive */
    public Entry {
        if (createRevision <= 0) {
            throw new IllegalArgumentException("a create revision is positive: " + createRevision);
        }
    }

    @Override
    public String toString() {
        return key + "@" + createRevision;
    }
}
