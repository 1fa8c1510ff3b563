package dev.holdfast.benchmarks.compare;

import java.util.Arrays;
import java.util.Map;

/** How long something took, of many times. Microseconds; NaN if it never happened. */
record Latency(long count, double p50Micros, double p99Micros, double maxMicros) {

    static Latency of(long[] nanos) {
        if (nanos.length == 0) {
            return new Latency(0, Double.NaN, Double.NaN, Double.NaN);
        }
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Latency(
                sorted.length, rank(sorted, 0.50) / 1e3, rank(sorted, 0.99) / 1e3, sorted[sorted.length - 1] / 1e3);
    }

    /* The smallest value that at least this share of all does not exceed. */
    private static long rank(long[] sorted, double share) {
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    void putInto(Map<String, Double> metrics, String name) {
        metrics.put(name + "_count", (double) count);
        if (count > 0) {
            metrics.put(name + "_p50_us", p50Micros);
            metrics.put(name + "_p99_us", p99Micros);
            metrics.put(name + "_max_us", maxMicros);
        }
    }
}
