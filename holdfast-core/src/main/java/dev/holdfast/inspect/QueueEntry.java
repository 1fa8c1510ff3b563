package dev.holdfast.inspect;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One place in a lock's queue: a leased key that names its lease. Immutable.
 *
 * @param key the entry's key without the namespace
 * @param createRevision its place: lower is earlier; together with the key it tells the entry from every other
 * @param leaseId the lease on which it lives
 * @param writer what its value says about who wrote it: a claim, not a proof; null if it says nothing that we understand,
 *     as those of Go's clients and etcdctl do
 */
public record QueueEntry(String key, long createRevision, long leaseId, @Nullable HolderInfo writer) {

    public QueueEntry {
        Objects.requireNonNull(key, "key");
    }

    /** What its value says about who wrote it; empty for another kind of client. */
    public Optional<HolderInfo> info() {
        return Optional.ofNullable(writer);
    }
}
