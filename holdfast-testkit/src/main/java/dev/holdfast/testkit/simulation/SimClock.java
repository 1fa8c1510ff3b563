package dev.holdfast.testkit.simulation;

/**
 * The two clocks of one process: both go a little too fast or too slow; the monotonic one stands still while the host is
 * suspended, the wall clock may step.
 */
final class SimClock {

    private static final long WALL_ORIGIN_MILLIS = 1_700_000_000_000L;

    private final World world;
    private final long offsetNanos;
    private final long ratePpm;
    private long wallOffsetMillis;
    private long suspendedNanos;
    private long suspendedSinceNanos = -1;

    /**
     * @param offsetNanos what the monotonic clock shows at time zero; any number
     * @param wallOffsetMillis how far off the wall clock is at time zero
     * @param ratePpm parts per million by which both are too fast
     */
    SimClock(World world, long offsetNanos, long wallOffsetMillis, long ratePpm) {
        this.world = world;
        this.offsetNanos = offsetNanos;
        this.wallOffsetMillis = wallOffsetMillis;
        this.ratePpm = ratePpm;
    }

    long nanoTime() {
        long until = isSuspended() ? suspendedSinceNanos : world.nowNanos();
        return offsetNanos + drifted(until - suspendedNanos);
    }

    long wallMillis() {
        return WALL_ORIGIN_MILLIS + wallOffsetMillis + drifted(world.nowNanos()) / World.MILLI;
    }

    /** How long it truly takes until this clock has gone on by so much. */
    long trueNanos(long localNanos) {
        return localNanos > 1L << 50 ? localNanos : localNanos * 1_000_000 / (1_000_000 + ratePpm);
    }

    private long drifted(long trueNanos) {
        return trueNanos + trueNanos * ratePpm / 1_000_000;
    }

    void stepWall(long millis) {
        wallOffsetMillis += millis;
    }

    boolean isSuspended() {
        return suspendedSinceNanos >= 0;
    }

    void suspend() {
        if (!isSuspended()) {
            suspendedSinceNanos = world.nowNanos();
        }
    }

    void wakeUp() {
        if (isSuspended()) {
            suspendedNanos += world.nowNanos() - suspendedSinceNanos;
            suspendedSinceNanos = -1;
        }
    }
}
