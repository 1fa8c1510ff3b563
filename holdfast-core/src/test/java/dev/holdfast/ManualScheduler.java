package dev.holdfast;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An event loop in a test's hands: tasks run when the test says, on the test's thread, and time moves only when the test
 * moves it. Any thread may give it tasks.
 *
 * <p>Its monotonic clock overflows three seconds after the start, so that code which compares its values instead of their
 * differences fails.
 */
public final class ManualScheduler implements Scheduler {

    private static final long START_NANOS = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(3);
    private static final long START_WALL_MILLIS = 1_700_000_000_000L;

    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.<Timer>comparingLong(t -> t.dueNanos).thenComparingLong(t -> t.number));
    private final SplittableRandom random;
    private final Thread owner = Thread.currentThread();
    private long elapsedNanos;
    private long nextNumber;
    private boolean isClosed;

    public ManualScheduler() {
        this(42);
    }

    public ManualScheduler(long seed) {
        random = new SplittableRandom(seed);
    }

    /* dueNanos counts from the start, so that the queue need not care about overflow. */
    private record Timer(long dueNanos, long number, Runnable task) {}

    /** Runs what is due now, and what that brings about, without moving the clock. */
    public void run() {
        for (Runnable task = next(); task != null; task = next()) {
            task.run();
        }
    }

    /** Runs one task that is due now. @return false if there is none */
    public boolean step() {
        Runnable task = next();
        if (task != null) {
            task.run();
        }
        return task != null;
    }

    /** Moves the clock from timer to timer until the time has passed, running everything on the way. */
    public void advance(Duration time) {
        long endNanos = elapsedNanos + time.toNanos();
        run();
        for (Timer first = firstTimer(); first != null && first.dueNanos <= endNanos; first = firstTimer()) {
            setElapsed(Math.max(elapsedNanos, first.dueNanos));
            run();
        }
        setElapsed(endNanos);
    }

    /**
     * Runs tasks as other threads give them until the condition holds; the virtual clock stands still.
     *
     * @throws AssertionError if it does not hold within ten seconds of real time
     */
    public void runUntil(BooleanSupplier condition) {
        long start = System.nanoTime();
        while (true) {
            run();
            if (condition.getAsBoolean()) {
                return;
            }
            if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(10)) {
                throw new AssertionError("did not happen within 10 s");
            }
            try {
                Runnable task = tasks.poll(10, TimeUnit.MILLISECONDS);
                if (task != null) {
                    task.run();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting", e);
            }
        }
    }

    /** How many timers are armed. */
    public int timers() {
        lock.lock();
        try {
            return timers.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long nanoTime() {
        lock.lock();
        try {
            return START_NANOS + elapsedNanos;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long wallMillis() {
        lock.lock();
        try {
            return START_WALL_MILLIS + TimeUnit.NANOSECONDS.toMillis(elapsedNanos);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long randomLong() {
        return random.nextLong();
    }

    @Override
    public void execute(Runnable task) {
        lock.lock();
        try {
            if (!isClosed) {
                tasks.add(task);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Cancellable schedule(long delayNanos, Runnable task) {
        lock.lock();
        try {
            Timer timer = new Timer(elapsedNanos + Math.max(0, delayNanos), nextNumber++, task);
            if (!isClosed) {
                timers.add(timer);
            }
            return () -> remove(timer);
        } finally {
            lock.unlock();
        }
    }

    /** The test's own thread, the one that made this, is the loop. */
    @Override
    public boolean isOnLoop() {
        return Thread.currentThread() == owner;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            tasks.clear();
            timers.clear();
        } finally {
            lock.unlock();
        }
    }

    private void remove(Timer timer) {
        lock.lock();
        try {
            timers.remove(timer);
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Runnable next() {
        lock.lock();
        try {
            Timer timer = timers.peek();
            if (timer != null && timer.dueNanos <= elapsedNanos) {
                timers.remove();
                tasks.add(timer.task);
            }
            return tasks.poll();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Timer firstTimer() {
        lock.lock();
        try {
            return timers.peek();
        } finally {
            lock.unlock();
        }
    }

    private void setElapsed(long nanos) {
        lock.lock();
        try {
            elapsedNanos = nanos;
        } finally {
            lock.unlock();
        }
    }
}
