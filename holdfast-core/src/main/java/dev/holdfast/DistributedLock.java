package dev.holdfast;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A fair, fenced lock that excludes all processes which use the same name on the same etcd.
 *
 * <p>It has two faces over one queue. As a {@link Lock} it belongs to threads: the thread that holds it may lock it
 * again and must unlock it as often. As {@link #acquire()} and its kin it gives a {@link Hold}, a handle that any thread,
 * virtual thread or callback may use and close; handles are not re-entrant: who holds one and acquires another waits
 * for itself.
 *
 * <p>Costs: an uncontended acquire is one etcd transaction, a release another; callers of one process pass the lock on
 * without etcd. While the session to etcd is down, callers wait, and go on in the queue of the next session.
 *
 * <pre>{@code
 * lock.lock();
 * try {
 *     ledger.write(order, lock.hold().token());
 * } finally {
 *     lock.unlock();
 * }
 * }</pre>
 *
 * <p>Handles of one name from one {@link Holdfast} share its holds, and its entry in the queue unless they are {@link
 * LockOptions#strictFifo()}. Thread-safe.
 */
public interface DistributedLock extends Lock {

    /** The name it was made with. */
    String name();

    /**
     * Acquires the lock for the current thread, waiting as long as it takes. An interrupt does not end the wait; the
     * thread's interrupt status is set again on return.
     *
     * @throws LockException.Refused if the client is closed or etcd refuses
     * @throws LockException.Lost if the current thread holds the lock already and that hold was lost: it must be
     *     unlocked first. So do the other methods by which a thread locks
     */
    @Override
    void lock();

    /**
     * As {@link #lock()}, but an interrupt before or during the wait ends it.
     *
     * @throws InterruptedException if interrupted; nothing is left in the queue
     */
    @Override
    void lockInterruptibly() throws InterruptedException;

    /**
     * Takes the lock for the current thread if nobody holds it or waits for it, without waiting in the queue. At most one
     * round trip in the common case; none if this process knows the lock to be taken. If keys of locks whose names go on
     * below this one ({@code orders/42} below {@code orders}) are all there is, it takes one or two more, and enters the
     * queue: whoever is not first then leaves it at once.
     *
     * @return whether the current thread holds the lock now
     * @throws LockException.Refused if the client is closed or etcd refuses
     * @throws LockException.Indeterminate if etcd did not answer in time; whatever was taken is given back
     */
    @Override
    boolean tryLock();

    /**
     * Waits in the queue for at most the given time. Zero or less is {@link #tryLock()} that observes interrupts.
     *
     * @return whether the current thread holds the lock now; if not, nothing is left in the queue
     */
    @Override
    boolean tryLock(long time, TimeUnit unit) throws InterruptedException;

    /**
     * Gives back one {@code lock} of the current thread; the last one releases the lock.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock
     * @throws LockException.Lost if the hold is known to be lost; the thread does not hold the lock afterwards if this
     *     was its last {@code unlock}
     */
    @Override
    void unlock();

    /** Not supported: a condition over processes would need a queue of its own for each condition. */
    @Override
    Condition newCondition();

    /**
     * The hold of the current thread.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock through {@link #lock()}
     */
    Hold hold();

    /** How many times the current thread has locked without unlocking; 0 if it does not hold the lock. */
    int holdCount();

    /** Whether the current thread has locked it, and the hold is neither lost nor released. */
    boolean isHeldByCurrentThread();

    /**
     * Waits for the lock and returns it as a handle.
     *
     * @throws InterruptedException if interrupted; nothing is left in the queue
     * @throws LockException.Refused if the client is closed or etcd refuses
     */
    Hold acquire() throws InterruptedException;

    /**
     * Takes the lock as a handle if nobody holds it or waits for it, as {@link #tryLock()} does.
     *
     * @throws LockException.Indeterminate if etcd did not answer in time; whatever was taken is given back
     */
    Optional<Hold> tryAcquire();

    /**
     * Waits for at most the given time.
     *
     * @return the hold, or empty if the time ran out; then nothing is left in the queue
     * @throws IllegalArgumentException if the time is negative
     * @throws InterruptedException if interrupted; nothing is left in the queue
     */
    Optional<Hold> tryAcquire(Duration timeout) throws InterruptedException;

    /**
     * Acquires the lock without blocking. Cancelling the future leaves the queue. Dependents run on the executor that
     * the client was built with, never on its event loop.
     */
    CompletableFuture<Hold> acquireAsync();

    /** Enters the queue and returns the place in it. Never blocks. */
    Ticket enqueue();
}
