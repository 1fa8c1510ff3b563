package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.HdrHistogram.Histogram;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LatencyTest {

    /** What three digits are worth. */
    private static final Percentage A_THOUSANDTH = Percentage.withPercentage(0.1);

    @Test
    void percentiles_areRightToAThousandth() {
        // Given in no order.
        Histogram histogram = Samples.durations(
                LongStream.rangeClosed(1, 1_000).map(i -> (1_001 - i) * 10_000).toArray());

        Latency latency = Latency.of(histogram);

        assertThat(latency.count()).isEqualTo(1_000);
        assertThat(latency.p50Nanos()).isCloseTo(5_000_000, A_THOUSANDTH);
        assertThat(latency.p99Nanos()).isCloseTo(9_900_000, A_THOUSANDTH);
        assertThat(latency.maxNanos()).isCloseTo(10_000_000, A_THOUSANDTH);
    }

    @Test
    void ofNothing_allAreNought() {
        assertThat(Latency.of(Timing.empty())).isEqualTo(new Latency(0, 0, 0, 0));
    }

    @Test
    void aTiming_collectsWhatWasAddedSince_andForgetsTheWarmUp() {
        Timing timing = new Timing();
        timing.add(7);
        assertThat(timing.collect()).isEqualTo(1);
        timing.add(8);
        timing.restart();
        timing.add(9);
        timing.add(10);

        assertThat(timing.collect()).isEqualTo(2);
        timing.add(11);
        assertThat(timing.collect()).isEqualTo(1);
        assertThat(timing.collect()).isZero();

        assertThat(Latency.of(timing.sum())).isEqualTo(new Latency(3, 10, 11, 11));
    }

    @Test
    void whatTookLongerThanAnHour_countsAsAnHour() {
        Timing timing = new Timing();

        timing.add(TimeUnit.DAYS.toNanos(1));

        assertThat(timing.collect()).isEqualTo(1);
        assertThat(Latency.of(timing.sum()).maxNanos()).isCloseTo(TimeUnit.HOURS.toNanos(1), A_THOUSANDTH);
    }
}
