package dev.holdfast.cli.bench;

import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * What came of a workload.
 *
 * @param seconds how long it was measured
 * @param handOver empty where nothing was handed over
 * @param rates over time
 * @param violations what broke exclusion, in words; one for each lock. Any makes the rest void
 * @param compilerSeconds how long the JVM compiled code in that time
 */
record Result(
        Workload workload,
        double seconds,
        Histogram lock,
        Histogram unlock,
        Histogram handOver,
        List<Rate> rates,
        List<String> violations,
        double compilerSeconds) {

    Result {
        rates = List.copyOf(rates);
        violations = List.copyOf(violations);
    }

    /** A row of what is shown: a name, and how long that took. */
    record Row(String name, Histogram durations) {}

    /** Each was locked and unlocked once. */
    long pairs() {
        return lock.getTotalCount();
    }

    double pairsPerSecond() {
        return pairs() / seconds;
    }

    boolean isVoid() {
        return !violations.isEmpty();
    }

    /** Those of which there is something to show. */
    List<Row> rows() {
        Row locks = new Row(workload.lockWord(), lock);
        Row unlocks = new Row(workload.unlockWord(), unlock);
        return handOver.getTotalCount() == 0
                ? List.of(locks, unlocks)
                : List.of(locks, unlocks, new Row("hand-over", handOver));
    }
}
