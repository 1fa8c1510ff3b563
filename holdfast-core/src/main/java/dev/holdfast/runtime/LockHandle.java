package dev.holdfast.runtime;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.Ticket;
import dev.holdfast.runtime.NamedLock.ThreadHold;
import dev.holdfast.spi.Cancellable;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/** A lock as its users see it: a name, options, and the queue behind them. */
final class LockHandle implements DistributedLock {

    private final NamedLock home;
    private final LockClient client;
    private final LockOptions options;

    LockHandle(NamedLock home, LockClient client, LockOptions options) {
        this.home = home;
        this.client = client;
        this.options = options;
    }

    @Override
    public String name() {
        return home.name().name();
    }

    // ---------------------------------------------------------------------------------------------------- threads

    @Override
    public void lock() {
        if (!reenter() && takeAtOnce(Thread.currentThread()) == null) {
            Parking parking = new Parking();
            enter(parking, Thread.currentThread()).await(parking, false, Long.MAX_VALUE);
        }
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        requireNotInterrupted();
        if (!reenter() && takeAtOnce(Thread.currentThread()) == null) {
            Parking parking = new Parking();
            Parking.Outcome outcome = enter(parking, Thread.currentThread()).await(parking, true, Long.MAX_VALUE);
            requireNotInterrupted(outcome);
        }
    }

    @Override
    public boolean tryLock() {
        return reenter() || takeAtOnce(Thread.currentThread()) != null || attempt(Thread.currentThread()) != null;
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        requireNotInterrupted();
        if (time <= 0) {
            return tryLock();
        }
        if (reenter() || takeAtOnce(Thread.currentThread()) != null) {
            return true;
        }
        Parking parking = new Parking();
        Parking.Outcome outcome = enter(parking, Thread.currentThread()).await(parking, true, unit.toNanos(time));
        requireNotInterrupted(outcome);
        return outcome == Parking.Outcome.GRANTED;
    }

    @Override
    public void unlock() {
        Thread thread = Thread.currentThread();
        ThreadHold mine = requireHold("unlock");
        if (--mine.count > 0) {
            Loss known = mine.hold.currentLoss(client.now());
            if (known != null) {
                throw new LockException.Lost(known);
            }
            return;
        }
        try {
            mine.hold.close();
        } finally {
            // Afterwards: closing may be what finds it lost.
            home.left(thread);
        }
    }

    @Override
    public Condition newCondition() {
        throw new UnsupportedOperationException("lock '" + name() + "' has no conditions: a condition over processes"
                + " would need a queue of its own in etcd; watch a key of your own instead");
    }

    @Override
    public Hold hold() {
        return requireHold("hold()").hold;
    }

    @Override
    public int holdCount() {
        ThreadHold mine = home.holdOf(Thread.currentThread());
        return mine == null ? 0 : mine.count;
    }

    @Override
    public boolean isHeldByCurrentThread() {
        ThreadHold mine = home.holdOf(Thread.currentThread());
        if (mine == null) {
            return false;
        }
        Hold.State state = mine.hold.state();
        return state == Hold.State.HELD || state == Hold.State.AT_RISK;
    }

    /** Locks once more if the thread holds it; a hold that was lost cannot be entered again. */
    private boolean reenter() {
        ThreadHold mine = home.holdOf(Thread.currentThread());
        if (mine == null) {
            return false;
        }
        Loss known = mine.hold.currentLoss(client.now());
        if (known != null) {
            throw new LockException.Lost(known);
        }
        if (mine.count == Integer.MAX_VALUE) {
            throw new IllegalStateException("lock '" + name() + "' was locked 2^31 - 1 times by one thread");
        }
        mine.count++;
        return true;
    }

    private ThreadHold requireHold(String what) {
        ThreadHold mine = home.holdOf(Thread.currentThread());
        if (mine == null) {
            throw new IllegalMonitorStateException(
                    what + ": thread '" + Thread.currentThread().getName() + "' does not hold lock '" + name() + "'");
        }
        return mine;
    }

    // ---------------------------------------------------------------------------------------------------- handles

    @Override
    public Hold acquire() throws InterruptedException {
        requireNotInterrupted();
        LockHold idle = takeAtOnce(null);
        if (idle != null) {
            return idle;
        }
        Parking parking = new Parking();
        requireNotInterrupted(enter(parking, null).await(parking, true, Long.MAX_VALUE));
        return parking.hold();
    }

    @Override
    public Optional<Hold> tryAcquire() {
        LockHold idle = takeAtOnce(null);
        return Optional.ofNullable(idle != null ? idle : attempt(null));
    }

    @Override
    public Optional<Hold> tryAcquire(Duration timeout) throws InterruptedException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout must not be negative, but is " + timeout);
        }
        requireNotInterrupted();
        if (timeout.isZero()) {
            return tryAcquire();
        }
        LockHold idle = takeAtOnce(null);
        if (idle != null) {
            return Optional.of(idle);
        }
        Parking parking = new Parking();
        Parking.Outcome outcome = enter(parking, null).await(parking, true, LockTicket.nanosOf(timeout));
        requireNotInterrupted(outcome);
        return outcome == Parking.Outcome.GRANTED ? Optional.of(parking.hold()) : Optional.empty();
    }

    @Override
    public CompletableFuture<Hold> acquireAsync() {
        return enqueue().grant();
    }

    @Override
    public Ticket enqueue() {
        return enqueue(null);
    }

    /** @param owner the thread that will own the hold; null for a handle */
    Ticket enqueue(@Nullable Thread owner) {
        LockTicket ticket = new LockTicket(client, home.queueFor(options), options, owner);
        ticket.enter();
        return ticket;
    }

    /**
     * As {@link #tryAcquire()}, for callers that have no thread to block. Whoever ends the future himself, by cancelling it
     * say, gives up the attempt; if it is granted all the same, the hold is given back.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // Nothing is thrown there that concerns anybody.
    CompletableFuture<Optional<Hold>> tryAcquireAsync() {
        LocalQueue queue = home.queueFor(options);
        CompletableFuture<Optional<Hold>> answer = new CompletableFuture<>();
        Waiter waiter = new Waiter(
                queue,
                options,
                new Waiter.Continuation() {
                    @Override
                    public void onGranted(LockHold hold) {
                        client.complete(() -> {
                            if (!answer.complete(Optional.of(hold))) {
                                LockTicket.giveBack(hold);
                            }
                        });
                    }

                    @Override
                    public void onFailed(RuntimeException failure) {
                        client.complete(() -> answer.completeExceptionally(failure));
                    }

                    @Override
                    public void onBusy() {
                        client.complete(() -> answer.complete(Optional.empty()));
                    }
                },
                null);
        queue.attempt(waiter);
        Cancellable patience = client.later(client.requestTimeoutNanos(), () -> {
            if (waiter.timeOut()) {
                client.complete(() -> answer.completeExceptionally(undecided()));
            }
        });
        answer.whenComplete((taken, failure) -> {
            patience.cancel();
            // Settled long ago, unless the user has ended the future.
            waiter.cancel();
        });
        return answer;
    }

    // ---------------------------------------------------------------------------------------------------- waiting

    /** A waiter that has entered the queue. */
    private record Entered(Waiter waiter) {
        Parking.Outcome await(Parking parking, boolean isInterruptible, long nanos) {
            return parking.await(waiter, isInterruptible, nanos);
        }
    }

    /** What each blocking call tries first. */
    private @Nullable LockHold takeAtOnce(@Nullable Thread owner) {
        client.requireNotOnLoop();
        return takeIdle(owner);
    }

    /** If the lock is kept here and nobody wants it; else null. */
    @Nullable
    LockHold takeIdle(@Nullable Thread owner) {
        return options.isStrictFifo() ? null : home.queueFor(options).takeIdle(options, owner);
    }

    private Entered enter(Parking parking, @Nullable Thread owner) {
        client.requireNotOnLoop();
        LocalQueue queue = home.queueFor(options);
        Waiter waiter = new Waiter(queue, options, parking, owner);
        queue.enter(waiter);
        return new Entered(waiter);
    }

    private @Nullable LockHold attempt(@Nullable Thread owner) {
        client.requireNotOnLoop();
        LocalQueue queue = home.queueFor(options);
        Parking parking = new Parking();
        Waiter waiter = new Waiter(queue, options, parking, owner);
        queue.attempt(waiter);
        return switch (parking.await(waiter, false, client.requestTimeoutNanos())) {
            case GRANTED -> parking.hold();
            case BUSY -> null;
            default -> throw undecided();
        };
    }

    private LockException.Indeterminate undecided() {
        return new LockException.Indeterminate(
                "etcd did not say within "
                        + Duration.ofNanos(client.requestTimeoutNanos()).toMillis() + " ms whether lock '" + name()
                        + "' is free; if it was taken it is given back",
                Duration.ofNanos(client.ttlNanos()));
    }

    private static void requireNotInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    private static void requireNotInterrupted(Parking.Outcome outcome) throws InterruptedException {
        if (outcome == Parking.Outcome.INTERRUPTED) {
            throw new InterruptedException();
        }
    }

    @Override
    public String toString() {
        return "DistributedLock[" + name() + "]";
    }
}
