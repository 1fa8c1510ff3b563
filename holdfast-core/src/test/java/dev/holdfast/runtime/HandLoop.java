package dev.holdfast.runtime;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An event loop that runs when it is told to, on the thread that tells it; or, if that is wanted, on whoever brings a
 * task. Any thread may give it tasks. What it keeps them in is thread-safe, so that a search of interleavings can take
 * {@link #put}, {@link #poll} and what concerns timers for one step each.
 */
final class HandLoop implements Scheduler {

    private static final long START_NANOS = 1_000_000_000L;
    private static final long START_WALL_MILLIS = 1_700_000_000_000L;

    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final List<Runnable> timers = new ArrayList<>();
    private final AtomicReference<@Nullable Thread> runner = new AtomicReference<>();

    /** Whether who brings a task runs it. */
    boolean runsOnBringers;

    /** Runs what there is, and what that brings about, unless another thread does. */
    void run() {
        Thread me = Thread.currentThread();
        while (!isEmpty() && runner.compareAndSet(null, me)) {
            for (Runnable task = poll(); task != null; task = poll()) {
                task.run();
            }
            runner.set(null);
        }
    }

    @Override
    public void execute(Runnable task) {
        put(task);
        if (runsOnBringers) {
            run();
        }
    }

    private synchronized void put(Runnable task) {
        tasks.add(task);
    }

    private synchronized @Nullable Runnable poll() {
        return tasks.poll();
    }

    private synchronized boolean isEmpty() {
        return tasks.isEmpty();
    }

    /** All timers that were not called off are due. */
    synchronized void ring() {
        tasks.addAll(timers);
        timers.clear();
    }

    @Override
    public synchronized Cancellable schedule(long delayNanos, Runnable task) {
        timers.add(task);
        return () -> callOff(task);
    }

    private synchronized void callOff(Runnable task) {
        timers.remove(task);
    }

    @Override
    public boolean isOnLoop() {
        return runner.get() == Thread.currentThread();
    }

    @Override
    public long nanoTime() {
        return START_NANOS;
    }

    @Override
    public long wallMillis() {
        return START_WALL_MILLIS;
    }

    @Override
    public long randomLong() {
        return 7;
    }

    @Override
    public void close() {}
}
