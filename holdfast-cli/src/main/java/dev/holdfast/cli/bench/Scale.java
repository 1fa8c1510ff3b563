package dev.holdfast.cli.bench;

import java.util.Collection;
import org.HdrHistogram.Histogram;

/**
 * A logarithmic scale of durations, from one power of ten of nanoseconds to another, divided into equal bins. Immutable.
 *
 * @param toPower above {@code fromPower}
 */
record Scale(int fromPower, int toPower, int bins) {

    /** One that has room for all of them. */
    static Scale over(Collection<Result> results, int bins) {
        long least = Long.MAX_VALUE;
        long most = 1;
        for (Result result : results) {
            for (Result.Row row : result.rows()) {
                if (row.durations().getTotalCount() > 0) {
                    least = Math.min(least, Math.max(1, row.durations().getMinValue()));
                    most = Math.max(most, row.durations().getMaxValue());
                }
            }
        }
        int from = (int) Math.floor(Math.log10((double) Math.min(least, most)));
        return new Scale(from, Math.max(from + 1, (int) Math.ceil(Math.log10((double) most))), bins);
    }

    /** How many durations fall into each bin; what is beyond an end counts at that end. */
    long[] counts(Histogram durations) {
        long[] counts = new long[bins];
        durations.recordedValues().forEach(value -> {
            counts[bin(value.getValueIteratedTo())] += value.getCountAtValueIteratedTo();
        });
        return counts;
    }

    int bin(long nanos) {
        double place = (Math.log10((double) Math.max(1, nanos)) - fromPower) / (toPower - fromPower);
        return Math.min(bins - 1, Math.max(0, (int) (place * bins)));
    }

    /** Where a power of ten stands, from 0 to the number of bins. */
    double place(int power) {
        return (double) (power - fromPower) * bins / (toPower - fromPower);
    }
}
