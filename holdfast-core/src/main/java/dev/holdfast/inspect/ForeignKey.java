package dev.holdfast.inspect;

import java.util.Comparator;
import java.util.Objects;

/**
 * A key right below a lock's name that is no entry: it has no lease, or does not name the one it has. Locks respect it all
 * the same: who comes after it waits until it is deleted.
 *
 * @param key without the namespace
 * @param createRevision its place among the entries
 */
public record ForeignKey(String key, long createRevision) implements Comparable<ForeignKey> {

    public ForeignKey {
        Objects.requireNonNull(key, "key");
    }

    /** By place, then by name. */
    @Override
    public int compareTo(ForeignKey other) {
        return Comparator.comparingLong(ForeignKey::createRevision)
                .thenComparing(ForeignKey::key)
                .compare(this, other);
    }
}
