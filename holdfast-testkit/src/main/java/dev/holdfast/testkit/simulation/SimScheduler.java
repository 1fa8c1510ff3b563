package dev.holdfast.testkit.simulation;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;

/** The event loop of a simulated process. */
final class SimScheduler implements Scheduler {

    /** The simulation has one thread, and it is always on the loop. */
    @Override
    public boolean isOnLoop() {
        return true;
    }

    /** How often a timer looks whether its suspended host is awake again. */
    private static final long SUSPENDED_POLL_NANOS = 20 * World.MILLI;

    private final World world;
    private final String who;
    private final SimClock clock;
    private final Lane loop;
    private final Luck luck;

    SimScheduler(World world, String who, SimClock clock, Lane loop, Luck luck) {
        this.world = world;
        this.who = who;
        this.clock = clock;
        this.loop = loop;
        this.luck = luck;
    }

    @Override
    public long nanoTime() {
        return clock.nanoTime();
    }

    @Override
    public long wallMillis() {
        return clock.wallMillis();
    }

    @Override
    public long randomLong() {
        return luck.nextLong();
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }

    @Override
    public Cancellable schedule(long delayNanos, Runnable task) {
        Timer timer = new Timer(clock.nanoTime() + Math.max(0, delayNanos), task);
        timer.arm();
        return timer;
    }

    @Override
    public void close() {
        loop.kill();
    }

    private final class Timer implements Cancellable {
        private final long dueNanos;
        private final Runnable task;
        private boolean isCancelled;

        Timer(long dueNanos, Runnable task) {
            this.dueNanos = dueNanos;
            this.task = task;
        }

        private void arm() {
            long left = clock.trueNanos(dueNanos - clock.nanoTime());
            world.after(clock.isSuspended() ? Math.max(left, SUSPENDED_POLL_NANOS) : left, "timer", who, this::ring);
        }

        private void ring() {
            if (isCancelled || loop.isDead()) {
                return;
            }
            if (clock.nanoTime() - dueNanos < 0) {
                // The clock stood still meanwhile, or rounding left a nanosecond.
                world.after(
                        clock.isSuspended() ? SUSPENDED_POLL_NANOS : clock.trueNanos(dueNanos - clock.nanoTime()) + 1,
                        "timer",
                        who,
                        this::ring);
                return;
            }
            loop.execute(() -> {
                if (!isCancelled) {
                    task.run();
                }
            });
        }

        @Override
        public void cancel() {
            isCancelled = true;
        }
    }
}
