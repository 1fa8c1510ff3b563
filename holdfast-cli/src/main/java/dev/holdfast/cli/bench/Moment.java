package dev.holdfast.cli.bench;

import java.util.List;
import java.util.Locale;

/**
 * How a workload stands.
 *
 * @param isWarmUp whether it is not counted yet
 * @param seconds of this phase, so far
 * @param ofSeconds how long it is to be
 * @param rates so far, the latest last
 * @param lock how long locking took so far
 */
record Moment(Workload workload, boolean isWarmUp, double seconds, double ofSeconds, List<Rate> rates, Latency lock) {

    /** The line that says so. */
    String line() {
        String latest =
                rates.isEmpty() ? "-" : Figures.rate(rates.get(rates.size() - 1).perSecond());
        return String.format(
                        "%-12s %-8s %4s of %s s  %9s pairs/s  %s p50 %7s  p99 %7s",
                        workload,
                        isWarmUp ? "warm-up" : "measured",
                        String.format(Locale.ROOT, "%.1f", seconds),
                        Figures.seconds(ofSeconds),
                        latest,
                        workload.lockWord(),
                        Figures.time(lock.p50Nanos()),
                        Figures.time(lock.p99Nanos()))
                .stripTrailing();
    }
}
