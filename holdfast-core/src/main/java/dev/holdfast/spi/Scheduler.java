package dev.holdfast.spi;

import java.util.concurrent.Executor;

/**
 * One event loop with its clocks and its source of randomness: a thread with real clocks, or a simulated process in
 * virtual time. Tasks run one at a time, in the order in which they were given; each sees the effects of those before.
 *
 * <p>All methods may be called from any thread.
 */
public interface Scheduler extends Executor, AutoCloseable {

    /** A monotonic clock in nanoseconds, as {@link System#nanoTime()}: only differences mean anything. */
    long nanoTime();

    /** The wall clock in milliseconds since 1970, which may step. It goes on while a host is suspended. */
    long wallMillis();

    /** A uniformly distributed random number, unpredictable outside simulation. */
    long randomLong();

    /** Runs the task on the loop, after all that were given before. Tasks given after {@link #close()} are dropped. */
    @Override
    void execute(Runnable task);

    /** Whether the current thread is running a task of the loop, and so must not wait for another one. */
    boolean isOnLoop();

    /** Runs the task on the loop not before {@code delayNanos} from now; zero or less means as soon as possible. */
    Cancellable schedule(long delayNanos, Runnable task);

    /** Ends the loop; pending timers and tasks are dropped. */
    @Override
    void close();
}
