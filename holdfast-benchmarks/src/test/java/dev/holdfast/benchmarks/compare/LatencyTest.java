package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatencyTest {

    @Test
    void percentiles_areValuesThatOccurred() {
        // Given in no order.
        long[] nanos =
                LongStream.rangeClosed(1, 200).map(i -> (201 - i) * 1_000).toArray();
        assertThat(Latency.of(nanos)).isEqualTo(new Latency(200, 100, 198, 200));
    }

    @Test
    void oneValue_isAllOfThem() {
        assertThat(Latency.of(new long[] {5_000})).isEqualTo(new Latency(1, 5, 5, 5));
    }

    @Test
    void noValue_hasNoPercentiles() {
        assertThat(Latency.of(new long[0])).isEqualTo(new Latency(0, Double.NaN, Double.NaN, Double.NaN));
    }
}
