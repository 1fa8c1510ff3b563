package dev.holdfast.runtime;

import dev.holdfast.LockOptions;
import dev.holdfast.protocol.Callers;
import dev.holdfast.protocol.Failure;
import org.jspecify.annotations.Nullable;

/**
 * One caller in a queue, and what to do when its turn comes. Settled exactly once: granted, failed or cancelled; its
 * queue's mutex guards the settling, and the continuation is called outside of it.
 */
final class Waiter extends Line.Member<Waiter> implements Callers.Trial {

    /** What the caller does then. Must not block. */
    interface Continuation {
        /** It is the caller's turn. */
        void onGranted(LockHold hold);

        /** It will never be: etcd refuses, or the client was closed. */
        void onFailed(RuntimeException failure);

        /** Only for callers who take the lock if it is free: it is not. */
        default void onBusy() {}
    }

    final LocalQueue queue;
    final LockOptions options;
    final Continuation continuation;
    final @Nullable Thread owner;

    /** The trace for which the lock is asked, as it was on the caller's thread. */
    final String traceId;

    /** For the Flight Recorder; null if nobody records. */
    final @Nullable Object flight = Flight.waiting();

    /* Guarded by the queue's mutex. */
    boolean isSettled;
    int ahead;

    /** @param owner the thread that will own the hold; null for handles */
    Waiter(LocalQueue queue, LockOptions options, Continuation continuation, @Nullable Thread owner) {
        this.queue = queue;
        this.options = options;
        this.continuation = continuation;
        this.owner = owner;
        this.traceId = queue.currentTraceId();
    }

    /** Whether only one was before it when it came. For the thread that entered it. */
    boolean isNext() {
        return ahead == 1;
    }

    /** Leaves the queue. @return false if it was settled before */
    boolean cancel() {
        return queue.cancel(this, "cancelled");
    }

    /** Leaves the queue because its time is over. @return false if it was settled before */
    boolean timeOut() {
        return queue.cancel(this, "timeout");
    }

    @Override
    public boolean isWanted() {
        return queue.isWaiting(this);
    }

    @Override
    public void onBusy() {
        if (queue.settle(this, "busy")) {
            continuation.onBusy();
        }
    }

    @Override
    public void onRefused(Failure failure) {
        queue.fail(this, failure.text());
    }
}
