package dev.holdfast;

import dev.holdfast.inspect.Inspection;

/**
 * A client of one etcd: its session, and the locks taken through it. Make one per process and etcd cluster, and close it
 * at the end. Thread-safe.
 *
 * <pre>{@code
 * try (Holdfast holdfast = Holdfast.connect("http://127.0.0.1:2379")) {
 *     DistributedLock lock = holdfast.lock("orders/42");
 *     try (Hold hold = lock.acquire()) {
 *         ledger.write(order, hold.token());
 *     }
 * }
 * }</pre>
 */
public interface Holdfast extends AutoCloseable {

    /**
     * Connects with default settings; see {@link #builder()}.
     *
     * @param endpoints such as {@code http://127.0.0.1:2379}; at least one
     */
    static Holdfast connect(String... endpoints) {
        return builder().endpoints(endpoints).build();
    }

    /** Settings for a new client. */
    static HoldfastBuilder builder() {
        return new HoldfastBuilder();
    }

    /**
     * The lock of this name with {@link LockOptions#defaults()}. Costs nothing; nothing is sent.
     *
     * @param name 1 to 512 bytes of UTF-8 without control characters; a leading {@code /} is part of it
     * @throws IllegalArgumentException if the name cannot be a lock's, with the reason
     */
    default DistributedLock lock(String name) {
        return lock(name, LockOptions.defaults());
    }

    /**
     * As {@link #lock(String)}, with options. Handles of one name share one entry in etcd's queue, whatever their options,
     * but for those with {@link LockOptions#strictFifo()}: each of their callers has an entry of its own. All exclude each
     * other, and a thread's holds are common to all of them.
     *
     * @throws IllegalArgumentException also if {@link LockOptions#minHold()} is more than half of the session's TTL
     */
    DistributedLock lock(String name, LockOptions options);

    /** Looks at locks: who holds, who waits, what happens. Costs nothing; nothing is sent before it is asked. */
    Inspection inspect();

    /**
     * Releases every lock, fails every waiting caller with {@link LockException.Refused}, revokes the leases and
     * disconnects; takes at most a few seconds if etcd does not answer (then the leases run out by themselves). Holds still
     * open are lost for the reason {@link LossReason#CLIENT_CLOSED}. Closing again does nothing.
     */
    @Override
    void close();
}
