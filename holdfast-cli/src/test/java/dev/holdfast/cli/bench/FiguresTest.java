package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FiguresTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0 ns",
        "47.2, 47 ns",
        "999.4, 999 ns",
        "999.6, 1.00 us",
        "1234, 1.23 us",
        "12340, 12.3 us",
        "312400, 312 us",
        "999600, 1.00 ms",
        "99960000, 100 ms",
        "2100000000, 2.10 s",
        "3600000000000, 3600 s",
    })
    void aTime_hasThreeDigitsThatCount(double nanos, String text) {
        assertThat(Figures.time(nanos)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0, 1ns", "2, 100ns", "3, 1us", "7, 10ms", "9, 1s", "11, 100s", "13, 10000s"})
    void aDecade_hasTheUnitThatFits(int power, String text) {
        assertThat(Figures.decade(power)).isEqualTo(text);
    }

    @Test
    void rates_haveCommas_andADigitMoreWhenTheyAreSmall() {
        assertThat(Figures.rate(2_345_678.9)).isEqualTo("2,345,679");
        assertThat(Figures.rate(3.25)).isEqualTo("3.3");
        assertThat(Figures.seconds(10)).isEqualTo("10");
        assertThat(Figures.seconds(0.5)).isEqualTo("0.5");
        assertThat(Figures.bytes(20_480)).isEqualTo("20 kB");
        assertThat(Figures.bytes(2_500_000)).isEqualTo("2.5 MB");
    }
}
