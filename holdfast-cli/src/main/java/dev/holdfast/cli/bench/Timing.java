package dev.holdfast.cli.bench;

import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/** How long something took, of many times. Any thread adds; one thread at a time does the rest. */
final class Timing {

    /** What takes longer counts as this long. */
    private static final long LONGEST_NANOS = TimeUnit.HOURS.toNanos(1);

    /** A value is kept to a thousandth of itself. */
    private static final int DIGITS = 3;

    private final Recorder recorder = new Recorder(1, LONGEST_NANOS, DIGITS);
    private final Histogram sum = empty();
    private Histogram latest = recorder.getIntervalHistogram();

    static Histogram empty() {
        return new Histogram(1, LONGEST_NANOS, DIGITS);
    }

    void add(long nanos) {
        recorder.recordValue(Math.min(nanos, LONGEST_NANOS));
    }

    /** Sums up what was added since the last time, and returns how often that was. */
    long collect() {
        latest = recorder.getIntervalHistogram(latest);
        sum.add(latest);
        return latest.getTotalCount();
    }

    /** Forgets everything so far. */
    void restart() {
        recorder.reset();
        sum.reset();
    }

    /** All that was collected; changes with the next collection. */
    Histogram sum() {
        return sum;
    }
}
