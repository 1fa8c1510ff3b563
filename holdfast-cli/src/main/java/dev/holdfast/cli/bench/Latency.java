package dev.holdfast.cli.bench;

import org.HdrHistogram.Histogram;

/**
 * What is told of many durations. Of none all are 0. Immutable.
 *
 * @param p50Nanos half of them were no longer than this, to a thousandth
 * @param p99Nanos as long as this, or shorter, were 99 of 100
 */
record Latency(long count, long p50Nanos, long p99Nanos, long maxNanos) {

    static Latency of(Histogram histogram) {
        return new Latency(
                histogram.getTotalCount(),
                histogram.getValueAtPercentile(50),
                histogram.getValueAtPercentile(99),
                histogram.getMaxValue());
    }
}
