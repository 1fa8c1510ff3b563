package dev.holdfast.runtime;

import dev.holdfast.LockException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread that waits for its turn. */
final class Parking implements Waiter.Continuation {

    /** How a wait ended. */
    enum Outcome {
        GRANTED,
        BUSY,
        TIMED_OUT,
        INTERRUPTED
    }

    private static final Object TAKEN = new Object();

    /** As long as it is worth to look for the answer before parking: less than parking and being unparked take. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    private final Thread thread = Thread.currentThread();
    private volatile @Nullable Object answer;

    @Override
    public void onGranted(LockHold hold) {
        answer(hold);
    }

    @Override
    public void onFailed(RuntimeException failure) {
        answer(failure);
    }

    @Override
    public void onBusy() {
        answer(TAKEN);
    }

    private void answer(Object what) {
        answer = what;
        LockSupport.unpark(thread);
    }

    /**
     * Waits for the turn. If the time runs out or the thread is interrupted, leaves the queue, unless the turn came at
     * that very moment.
     *
     * @param nanos at most; {@code Long.MAX_VALUE} = without limit
     * @throws RuntimeException what the queue failed the waiter with
     */
    Outcome await(Waiter waiter, boolean isInterruptible, long nanos) {
        long start = System.nanoTime();
        boolean isInterrupted = false;
        for (int i = 0; i < SPINS && answer == null && waiter.isNext(); i++) {
            Thread.onSpinWait();
        }
        try {
            while (answer == null) {
                long left = nanos == Long.MAX_VALUE ? Long.MAX_VALUE : nanos - (System.nanoTime() - start);
                if (left <= 0 && waiter.timeOut()) {
                    return Outcome.TIMED_OUT;
                }
                if (Thread.interrupted()) {
                    if (isInterruptible && waiter.cancel()) {
                        return Outcome.INTERRUPTED;
                    }
                    isInterrupted = true;
                }
                if (answer == null) {
                    // Not cancelled but without an answer: it is on its way, and comes without waiting for anybody.
                    LockSupport.parkNanos(this, Math.max(left, 1_000_000));
                }
            }
        } finally {
            if (isInterrupted) {
                thread.interrupt();
            }
        }
        Object what = answer;
        if (what instanceof LockException.Refused refused) {
            // Made anew, so that its stack trace shows the caller and not the loop.
            throw new LockException.Refused(String.valueOf(refused.getMessage()), refused);
        }
        if (what instanceof RuntimeException failure) {
            throw failure;
        }
        return what == TAKEN ? Outcome.BUSY : Outcome.GRANTED;
    }

    /** The hold, after {@link Outcome#GRANTED}. */
    LockHold hold() {
        if (answer instanceof LockHold hold) {
            return hold;
        }
        throw new IllegalStateException("the lock was not granted");
    }
}
