package dev.holdfast.testkit.contract;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what must come true, for as long as a busy machine may need. */
final class Eventually {

    /** Nothing that is waited for here takes a tenth of this on an idle machine. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final long POLL_NANOS = 1_000_000;

    private Eventually() {}

    /** Returns once the condition holds. */
    static void that(String claim, BooleanSupplier condition) {
        that(() -> claim, condition);
    }

    /** Returns once the condition holds; the claim is put into words only when it does not. */
    static void that(Supplier<String> claim, BooleanSupplier condition) {
        that(PATIENCE, claim, condition);
    }

    /** As the other, for what is more than others wait for. */
    static void that(Duration patience, Supplier<String> claim, BooleanSupplier condition) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline >= 0) {
                throw new AssertionError("not within " + patience.toSeconds() + " s: " + claim.get());
            }
            LockSupport.parkNanos(POLL_NANOS);
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("interrupted while waiting: " + claim.get());
            }
        }
    }

    /** What the future brings; an exception of its own is thrown as it is. */
    static <T> T get(Future<T> future) throws Exception {
        try {
            return future.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("no result within " + PATIENCE.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception exception) {
                throw exception;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }
}
