package dev.holdfast.runtime;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An event loop with real clocks: one task at a time, in order, on whichever thread finds the loop idle; and one daemon
 * thread for timers and for what is left over.
 */
public final class EventLoop implements Scheduler {

    /*
     * A lock is one request and one answer. A loop with a thread of its own would add two changes of threads to each.
     * So who brings a task runs it, if nobody is
     * running tasks just then: a caller sends its own acquire, the transport's thread handles the answer and wakes the
     * caller. `runner` is the right to run; whoever lets go of it looks once more for a task that came meanwhile.
     *
     * A visitor runs a bounded number of tasks of others, and leaves the rest to the loop's own thread.
     */

    private static final Logger LOG = System.getLogger(EventLoop.class.getName());

    /** As many tasks a visiting thread runs before it goes its own way. */
    private static final int VISITORS_SHARE = 64;

    private static final long NEVER = Long.MAX_VALUE;

    /** With so many timers, the cancelled ones among them are looked for. */
    private static final int MIN_PURGE_SIZE = 1_024;

    private final SecureRandom random = new SecureRandom();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Thread> runner = new AtomicReference<>();
    private final Thread thread;
    private volatile boolean isClosed;

    /** When the loop's thread wakes next, measured from {@link #origin}. */
    private volatile long wakeAtNanos = NEVER;

    private final long origin = System.nanoTime();

    /* Used by whoever is the runner. */
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private long timersMade;
    private int nextPurgeSize = MIN_PURGE_SIZE;

    /** Starts the thread. */
    public EventLoop(String name) {
        thread = new Thread(this::watchTheClock, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public long wallMillis() {
        return System.currentTimeMillis();
    }

    @Override
    public long randomLong() {
        return random.nextLong();
    }

    @Override
    public boolean isOnLoop() {
        return runner.get() == Thread.currentThread();
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (isVirtual(Thread.currentThread())) {
            // It might lose its carrier in the middle, to code that keeps all of them busy.
            LockSupport.unpark(thread);
        } else {
            run(VISITORS_SHARE);
        }
    }

    /* Virtual threads are newer than the Java that this is compiled for. */
    private static boolean isVirtual(Thread thread) {
        return thread.getClass().getName().equals("java.lang.VirtualThread");
    }

    @Override
    public Cancellable schedule(long delayNanos, Runnable task) {
        Timer timer = new Timer(sinceOrigin() + Math.max(0, delayNanos), task);
        if (isOnLoop()) {
            arm(timer);
        } else {
            execute(() -> arm(timer));
        }
        return timer;
    }

    @Override
    public void close() {
        isClosed = true;
        LockSupport.unpark(thread);
    }

    /** Runs tasks, unless another thread is doing so. */
    private void run(int share) {
        Thread me = Thread.currentThread();
        int left = share;
        while (!isClosed && !tasks.isEmpty() && runner.compareAndSet(null, me)) {
            try {
                while (left > 0 && !isClosed) {
                    Runnable task = tasks.poll();
                    if (task == null) {
                        break;
                    }
                    left--;
                    runSafely(task);
                }
            } finally {
                runner.set(null);
            }
            if (left == 0) {
                LockSupport.unpark(thread);
                return;
            }
        }
    }

    private void watchTheClock() {
        while (!isClosed) {
            run(Integer.MAX_VALUE);
            if (wakeAtNanos - sinceOrigin() <= 0) {
                wakeAtNanos = NEVER;
                execute(this::runTimers);
            } else if (wakeAtNanos == NEVER) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, wakeAtNanos - sinceOrigin());
            }
        }
    }

    private void runTimers() {
        // Only what is due by now: a timer that arms itself for the past must not keep everybody else waiting.
        long now = sinceOrigin();
        for (Timer next = timers.peek(); next != null && !isClosed; next = timers.peek()) {
            if (!next.isCancelled && next.dueNanos > now) {
                wakeAt(next.dueNanos);
                return;
            }
            timers.remove();
            Runnable task = next.task;
            if (!next.isCancelled && task != null) {
                runSafely(task);
            }
        }
    }

    private void arm(Timer timer) {
        timer.order = timersMade++;
        if (timers.size() >= nextPurgeSize) {
            timers.removeIf(each -> each.isCancelled);
            nextPurgeSize = Math.max(MIN_PURGE_SIZE, 2 * timers.size());
        }
        timers.add(timer);
        if (timers.peek() == timer) {
            wakeAt(timer.dueNanos);
        }
    }

    private void wakeAt(long nanos) {
        if (nanos < wakeAtNanos) {
            wakeAtNanos = nanos;
            LockSupport.unpark(thread);
        }
    }

    private long sinceOrigin() {
        return System.nanoTime() - origin;
    }

    private static void runSafely(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "a task on the event loop failed", e);
        }
    }

    private static final class Timer implements Cancellable, Comparable<Timer> {
        private final long dueNanos;
        private @Nullable Runnable task;
        private long order;
        private volatile boolean isCancelled;

        Timer(long dueNanos, Runnable task) {
            this.dueNanos = dueNanos;
            this.task = task;
        }

        @Override
        public void cancel() {
            isCancelled = true;
            task = null;
        }

        @Override
        public int compareTo(Timer other) {
            int byTime = Long.compare(dueNanos, other.dueNanos);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }
}
