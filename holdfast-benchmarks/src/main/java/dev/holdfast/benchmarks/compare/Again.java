package dev.holdfast.benchmarks.compare;

import java.util.Arrays;

/**
 * One thread that takes its own lock again and again, where that costs no round trip: too fast to write down each pair, so
 * that pairs are timed by the thousand. Confined to that thread; its results are for others once the thread has ended.
 */
final class Again {

    private static final int PAIRS_AT_ONCE = 1_000;

    /* Of each thread, in some seconds; what is more is counted but not in the percentiles. */
    private static final int MOST_SAMPLES = 1 << 15;

    private final Contender.Seat seat;
    private final int name;
    private final long[] samples = new long[MOST_SAMPLES];
    private int sampled;
    private long pairs;

    Again(Contender.Seat seat, int name) {
        this.seat = seat;
        this.name = name;
    }

    /** Locks and unlocks until then; counts the thousands that began at {@code fromNanos} or later. */
    void run(long fromNanos, long untilNanos) throws Exception {
        for (long begin = System.nanoTime(); begin < untilNanos; ) {
            for (int i = 0; i < PAIRS_AT_ONCE; i++) {
                seat.lock(name);
                seat.unlock(name);
            }
            long end = System.nanoTime();
            if (begin >= fromNanos) {
                pairs += PAIRS_AT_ONCE;
                if (sampled < MOST_SAMPLES) {
                    samples[sampled++] = end - begin;
                }
            }
            begin = end;
        }
    }

    /** How many count. */
    long pairs() {
        return pairs;
    }

    /** What a thousand took, of all threads. */
    static long[] samples(Iterable<Again> threads) {
        long[] all = new long[0];
        for (Again thread : threads) {
            int before = all.length;
            all = Arrays.copyOf(all, before + thread.sampled);
            System.arraycopy(thread.samples, 0, all, before, thread.sampled);
        }
        return all;
    }

    /** What one pair took, of so many nanoseconds for a thousand in microseconds: the thousands cancel out. */
    static double nanosOfPair(double microsOfThousand) {
        return microsOfThousand * 1e3 / PAIRS_AT_ONCE;
    }
}
