package dev.holdfast;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A lock in hand. Closing it releases the lock; closing it again does nothing.
 *
 * <p>A hold lives on a lease that this process keeps alive. It believes in itself only until a deadline that every
 * confirmed renewal moves on, measured from before the renewal was sent; past it the hold is {@link State#LOST}, whether
 * or not the server thinks so. What it cannot promise: a process that is paused <em>between</em> asking {@link #state()}
 * and acting on the answer acts late. Work that must never be done twice checks {@link #token()} at the resource.
 *
 * <p>Thread-safe: any thread may use it, not only the one that acquired it.
 */
public interface Hold extends AutoCloseable {

    /** Where a hold stands. {@code HELD} and {@code AT_RISK} may alternate; {@code LOST} and {@code RELEASED} are final. */
    enum State {
        /** Held, and the lease was renewed in time. */
        HELD,
        /** Still held, but less than a third of the session's TTL is left: renewals are overdue. */
        AT_RISK,
        /** Not held any more though it was not released: somebody else may hold the lock. */
        LOST,
        /** Released by its owner. */
        RELEASED
    }

    /** The name of the lock. */
    String lockName();

    /** The key of the lock entry in etcd, as text. */
    String key();

    /** The fencing token of this hold. It never changes, re-entry included. */
    FencingToken token();

    /**
     * Where the hold stands now. Costs no round trip: two volatile reads and two clocks. An estimate {@linkplain
     * HoldfastBuilder#behindGrpcProxy behind etcd's own proxy}.
     */
    State state();

    /**
     * How long the hold lasts at least from now on if no further renewal succeeds, by this machine's clocks; zero when
     * it is lost or released. An estimate {@linkplain HoldfastBuilder#behindGrpcProxy behind etcd's own proxy}.
     */
    Duration remaining();

    /**
     * Returns if at least this much time is left, else throws.
     *
     * @throws LockException.Lost if the hold is lost, or fewer than {@code atLeast} are {@link #remaining()}: in the
     *     latter case it is still held and must still be closed
     * @throws IllegalMonitorStateException if the hold was released
     */
    void ensure(Duration atLeast);

    /**
     * Tells the listener once, should this hold be lost, or at once when it is lost already. Called on an executor of
     * its own; what it throws is logged, and if it blocks it delays nobody but other listeners.
     *
     * <p>If the entry was deleted it may take up to a second to find out who did it, {@link LossReason#FORCED} or {@link
     * LossReason#ENTRY_DELETED}; {@link #state()} says that it is lost at once.
     */
    void onLost(Consumer<Loss> listener);

    /**
     * Carries out an etcd transaction only if this hold still exists in etcd, atomically with it: the one use of a lock
     * that needs no trust in clocks. One round trip. Wait for its result before closing the hold: a release does not wait
     * for transactions under way, and one that comes after it finds the hold gone.
     *
     * @return completes with the result; exceptionally with {@link LockException.Lost} if the hold was gone (nothing was
     *     written), with {@link LockException.Refused} if etcd refused it, with {@link LockException.Indeterminate} if it
     *     is unknown whether it was carried out (it never will be once the lock has another holder)
     */
    CompletableFuture<CommitResult> commit(Transaction transaction);

    /**
     * Releases the lock. Returns when the release is on its way ({@link LockOptions#synchronousRelease()}: when etcd
     * answered). Does nothing if it was released before.
     *
     * @throws LockException.Lost if the hold is known to be lost: the section ran without its guarantee. In a
     *     try-with-resources statement an exception of the body stays the primary one and this one is attached to it
     */
    @Override
    void close();
}
