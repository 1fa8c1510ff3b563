package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StripTest {

    @Test
    void theHighestIsFull_andTheLowestIsSeen() {
        assertThat(Strip.ASCII.draw(new double[] {0, 1, 500, 1_000})).isEqualTo(" .=@");
        assertThat(Strip.UNICODE.draw(new double[] {0, 1, 500, 1_000})).isEqualTo(" ▁▄█");
        assertThat(Strip.ASCII.draw(new double[] {0, 0})).isEqualTo("  ");
    }

    @Test
    void durations_standWhereTheScaleSays() {
        Scale scale = new Scale(3, 6, 6); // 1 us to 1 ms, two bins for each power of ten

        Result.Row row = new Result.Row("lock", Samples.durations(1_100, 50_000, 50_000, 990_000));

        assertThat(Strip.ASCII.draw(scale, row)).isEqualTo("=  @ =");
    }

    @Test
    void whatIsBeyondTheScale_standsAtItsEnd() {
        Scale scale = new Scale(3, 6, 6);

        assertThat(scale.counts(Samples.durations(1, 5_000_000_000L))).containsExactly(1, 0, 0, 0, 0, 1);
        assertThat(scale.bin(0)).isZero();
    }

    @Test
    void theScale_hasRoomForAll() {
        Scale scale = Scale.over(List.of(Samples.good(Workload.CLIENTS_2)), 10);

        assertThat(scale).isEqualTo(new Scale(3, 8, 10)); // from 1 us to 40 ms
    }

    @Test
    void theAxis_leavesOutWhatThereIsNoRoomFor() {
        assertThat(Strip.axis(new Scale(2, 5, 24))).isEqualTo("100ns   1us     10us");
        assertThat(Strip.axis(new Scale(0, 9, 18))).isEqualTo("1ns 100ns 100us 1s");
    }

    @Test
    void rates_arePutTogether_soThatTheyFit() {
        List<Rate> rates = List.of(new Rate(1, 10), new Rate(2, 20), new Rate(3, 30), new Rate(4, 50));

        assertThat(Strip.squeezed(rates, 2)).containsExactly(15, 40);
        assertThat(Strip.squeezed(rates, 9)).containsExactly(10, 20, 30, 50);
        assertThat(Strip.squeezed(List.of(), 9)).isEmpty();
        assertThat(Strip.ASCII.draw(rates, 0)).isEmpty();
    }
}
