package dev.holdfast.inspect;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Looks at locks without taking part: who holds, who waits, what happens; and an operator's way to release a lock by force.
 * Needs no session and no lease of its own. Thread-safe.
 *
 * <p>A lock is found by its entries: leased keys right below the lock's name that name their lease, as clients of Holdfast,
 * Go's {@code concurrency} package and {@code etcdctl lock} write them. What entries say about who wrote them is untrusted:
 * show it through {@link SafeText}.
 *
 * <p>The futures complete exceptionally with {@link dev.holdfast.LockException.Refused} if etcd refuses or does not answer,
 * reads being repeated up to three times, and if the client is closed. Cancelling one changes nothing in etcd.
 *
 * <pre>{@code
 * for (LockState lock : holdfast.inspect().locks("orders/").locks()) {
 *     lock.holder().flatMap(QueueEntry::info).ifPresent(info -> log(lock.name(), info.host(), info.pid()));
 * }
 * }</pre>
 */
public interface Inspection {

    /**
     * The locks whose names start with the prefix, all at one revision. Costs two round trips for up to 100 entries, and one
     * more for each further 100 entries and 10,000 keys of any kind under the prefix, whose values are not read.
     *
     * @param prefix of names as they are given to {@link dev.holdfast.Holdfast#lock(String)}; empty for all
     */
    CompletableFuture<LockListing> locksAsync(String prefix);

    /** The queue of one lock, empty or not. Round trips as for {@link #locksAsync}. */
    CompletableFuture<LockState> lockAsync(String name);

    /** Where this client stands in the queue of one lock. Round trips as for {@link #locksAsync}. */
    CompletableFuture<Position> positionAsync(String name);

    /**
     * Watches one lock: first its state, then every change, until closed. Survives lost connections without a gap unless
     * etcd compacted its history meanwhile or was restored: then it says so and starts with a new {@link LockEvent.Listed}.
     * Costs one watch, and one read for the entries that went since the last one, to find out how they went.
     *
     * @param listener called for one event after the other, on the client's threads for callbacks; if it falls behind by
     *     more than 10,000 events they are dropped for a new {@link LockEvent.Listed}
     */
    LockWatch watch(String name, Consumer<LockEvent> listener);

    /**
     * As {@link #watch}, for all locks whose names start with the prefix. etcd sends every change under the prefix, those of
     * keys that belong to no lock too.
     */
    LockWatch watchAll(String prefix, Consumer<LockEvent> listener);

    /**
     * Deletes the entry if it is still there, and leaves a {@link ForcedRelease} from which its client learns who did it and
     * why. The client is told that its hold is lost; what it was doing is not stopped, so whatever the lock protects must
     * check fencing tokens. Clients of other kinds learn nothing.
     *
     * <p>Costs two round trips. If etcd does not answer, up to three more find out what happened; the future completes with
     * {@link dev.holdfast.LockException.Indeterminate} if they do not, and with {@link
     * dev.holdfast.LockException.Refused} if it is certain that nothing was deleted and nothing will be.
     *
     * @param name the lock
     * @param entry whose place is to be taken away, as it was seen by one of the other methods
     * @param by the operator; 1 to 1,024 characters
     * @param reason shown to people; 1 to 1,024 characters
     */
    CompletableFuture<ForceResult> forceReleaseAsync(String name, QueueEntry entry, String by, String reason);

    /** As {@link #locksAsync}, waiting for it. */
    LockListing locks(String prefix) throws InterruptedException;

    /** As {@link #lockAsync}, waiting for it. */
    LockState lock(String name) throws InterruptedException;

    /** As {@link #positionAsync}, waiting for it. */
    Position position(String name) throws InterruptedException;

    /** As {@link #forceReleaseAsync}, waiting for it. */
    ForceResult forceRelease(String name, QueueEntry entry, String by, String reason) throws InterruptedException;
}
