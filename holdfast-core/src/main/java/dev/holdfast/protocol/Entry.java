package dev.holdfast.protocol;

/**
 * One entry of a lock's queue. A key alone is never an identity, because Go's clients use theirs again; the key and its
 * create_revision are.
 *
 * @param key the entry's key
 * @param createRevision its place in the queue: lower is earlier
 */
public record Entry(Key key, long createRevision) implements Comparable<Entry> {
    /** Whether it was there, for one that was looked for under its name: absent keys have create_revision 0. */
    boolean exists() {
        return createRevision != 0;
    }

    /** By place in the queue; keys of one revision, which only foreign clients make, by name. */
    @Override
    public int compareTo(Entry other) {
        int byPlace = Long.compare(createRevision, other.createRevision);
        return byPlace != 0 ? byPlace : key.compareTo(other.key);
    }

    @Override
    public String toString() {
        return key + "@" + createRevision;
    }
}
