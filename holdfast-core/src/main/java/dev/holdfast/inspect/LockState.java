package dev.holdfast.inspect;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The queue of one lock at one revision. Immutable.
 *
 * @param name the lock's name; text of a stranger, perhaps: show it through {@link SafeText}
 * @param revision at which all of this was so
 * @param queue the entries, first come first
 * @param foreign keys right below the name that are no entries, first come first; at most {@value #MOST_FOREIGN}
 * @param foreignCount how many of those there are
 * @param tokenAtLeast the holder's fencing token has a {@linkplain dev.holdfast.FencingToken#revision() revision} of at
 *     least this: its entry's create revision, or the revision at which whoever was before it left, if that was seen. Only
 *     the holder knows the token itself. 0 if nobody holds the lock
 */
public record LockState(
        String name,
        long revision,
        List<QueueEntry> queue,
        List<ForeignKey> foreign,
        int foreignCount,
        long tokenAtLeast) {

    /** The most foreign keys that are named; the others are counted. */
    public static final int MOST_FOREIGN = 20;

    public LockState {
        Objects.requireNonNull(name, "name");
        queue = List.copyOf(queue);
        foreign = List.copyOf(foreign);
    }

    /**
     * Whose entry is first. Empty if there is none, or if a foreign key is before it. The entry says that its client was
     * granted the lock or is about to be, not that a thread is at work.
     */
    public Optional<QueueEntry> holder() {
        return queue.isEmpty() || blocker().isPresent() ? Optional.empty() : Optional.of(queue.get(0));
    }

    /** Who waits, in the order in which they will be served. */
    public List<QueueEntry> waiters() {
        return holder().isPresent() ? queue.subList(1, queue.size()) : queue;
    }

    /** The foreign key for which everybody waits. */
    public Optional<ForeignKey> blocker() {
        if (foreign.isEmpty()) {
            return Optional.empty();
        }
        ForeignKey first = foreign.get(0);
        return queue.isEmpty() || first.createRevision() < queue.get(0).createRevision()
                ? Optional.of(first)
                : Optional.empty();
    }
}
