package dev.holdfast.cli;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Waits for threads that were told to end. */
public final class Joining {

    private Joining() {}

    /** Returns when all have ended, or that time is over. An interrupt does not end it, and is there again on return. */
    public static void all(List<Thread> threads, Duration atMost) {
        long deadlineNanos = System.nanoTime() + atMost.toNanos();
        boolean interrupted = Thread.interrupted();
        for (Thread thread : threads) {
            try {
                TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, deadlineNanos - System.nanoTime()));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
