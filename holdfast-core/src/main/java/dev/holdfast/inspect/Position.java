package dev.holdfast.inspect;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Where this client stands in the queue of one lock. Callers of one client share an entry, but for those with {@link
 * dev.holdfast.LockOptions#strictFifo()}; {@link dev.holdfast.Ticket#localPosition()} is the place among them. Immutable.
 *
 * @param lock the whole queue
 * @param own this client's entries in it, first come first
 */
public record Position(LockState lock, List<QueueEntry> own) {

    public Position {
        Objects.requireNonNull(lock, "lock");
        own = List.copyOf(own);
    }

    /** Whether this client's entry is first. */
    public boolean isHolder() {
        return lock.holder().filter(own::contains).isPresent();
    }

    /** Who is before this client's first entry; empty if it has none. */
    public Optional<List<QueueEntry>> ahead() {
        return own.isEmpty() ? Optional.empty() : Optional.of(aheadOf(own.get(0)));
    }

    /**
     * Who is before this entry.
     *
     * @throws IllegalArgumentException if it is not in the queue
     */
    public List<QueueEntry> aheadOf(QueueEntry entry) {
        int place = lock.queue().indexOf(entry);
        if (place < 0) {
            throw new IllegalArgumentException(entry + " is not in the queue of lock '" + lock.name() + "'");
        }
        return lock.queue().subList(0, place);
    }
}
