package dev.holdfast.runtime;

import static dev.holdfast.runtime.Interleaving.require;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Validate;

/** Threads that bring tasks to a real event loop. It has a thread of its own, so it is tried by stress only. */
final class EventLoopInterleavings {

    private static final int TASKS = 100;
    private static final int MOST_SPINS = 25;
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private EventLoopInterleavings() {}

    /**
     * Two threads bring a task each at the same time, and again when both have run: all of them run, one at a time, and
     * those of a thread in its order.
     */
    @SuppressWarnings("NullAway.Init") // Made by begin().
    public static final class TasksFromTwoThreads implements Interleaving {
        private final AtomicInteger ran = new AtomicInteger();
        private final AtomicBoolean isRunning = new AtomicBoolean();
        private volatile boolean isCrowded;
        private volatile boolean isOutOfOrder;
        private EventLoop loop;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("bring"), List.of("bringLater"));
        }

        @Override
        public void begin() {
            loop = new EventLoop("interleavings");
        }

        public void bring() {
            bring(0);
        }

        public void bringLater() {
            bring(MOST_SPINS);
        }

        /** Each a little later than the one before, up to a limit, so that it comes at any step of the other thread. */
        private void bring(int mostSpins) {
            AtomicInteger last = new AtomicInteger(-1);
            for (int i = 0; i < TASKS; i++) {
                int number = i;
                for (int spins = i * mostSpins / TASKS; spins > 0; spins--) {
                    Thread.onSpinWait();
                }
                loop.execute(() -> {
                    if (!isRunning.compareAndSet(false, true)) {
                        isCrowded = true;
                    }
                    if (last.getAndSet(number) != number - 1) {
                        isOutOfOrder = true;
                    }
                    isRunning.set(false);
                    ran.incrementAndGet();
                });
                if (!hasRun(2 * (i + 1))) {
                    return;
                }
            }
        }

        private boolean hasRun(int wanted) {
            long start = System.nanoTime();
            while (ran.get() < wanted && System.nanoTime() - start < PATIENCE_NANOS) {
                Thread.onSpinWait();
            }
            return ran.get() >= wanted;
        }

        @Override
        @Validate
        public void check() {
            loop.close();
            require(ran.get() == 2 * TASKS, "every task runs, but only " + ran.get() + " did");
            require(!isCrowded, "one task at a time");
            require(!isOutOfOrder, "the tasks of a thread run in its order");
        }
    }
}
