package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DurationTextTest {

    @Test
    void reads_millisecondsSecondsAndMinutes() {
        assertThat(DurationText.parse("500ms")).isEqualTo(Duration.ofMillis(500));
        assertThat(DurationText.parse("2s")).isEqualTo(Duration.ofSeconds(2));
        assertThat(DurationText.parse("1.5s")).isEqualTo(Duration.ofMillis(1_500));
        assertThat(DurationText.parse("3m")).isEqualTo(Duration.ofMinutes(3));
        assertThat(DurationText.parse("0s")).isEqualTo(Duration.ZERO);
        assertThat(DurationText.parse("0")).isEqualTo(Duration.ZERO);
        assertThat(DurationText.parse("60m")).isEqualTo(Duration.ofHours(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2", "s", "-2s", "2 s", "2h", "1e3s", ".5s", "5.s", "2s..8s", "٣s", "99999999999s"})
    void refuses_whatIsNone(String text) {
        assertThatThrownBy(() -> DurationText.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("'" + text + "' is no duration such as 500ms, 2s, 1.5s or 3m");
    }

    @Test
    void refuses_moreThanAnHour() {
        assertThatThrownBy(() -> DurationText.parse("3600001ms")).hasMessage("'3600001ms' is longer than an hour");
    }

    @Test
    void exactText_isReadBack() {
        for (String text : new String[] {"0s", "1ms", "1500ms", "2s", "90s"}) {
            assertThat(DurationText.exact(DurationText.parse(text))).isEqualTo(text);
        }
    }

    @Test
    void roundedText_isForPeople() {
        assertThat(DurationText.rounded(85_400_000L)).isEqualTo("85 ms");
        assertThat(DurationText.rounded(3_240_000_000L)).isEqualTo("3.2 s");
    }

    @Test
    void aRange_goesFromTheShorterToTheLonger() {
        assertThat(DurationRange.parse("2s..8s"))
                .isEqualTo(new DurationRange(Duration.ofSeconds(2), Duration.ofSeconds(8)))
                .hasToString("2s..8s");
        assertThat(DurationRange.parse("700ms"))
                .isEqualTo(new DurationRange(Duration.ofMillis(700), Duration.ofMillis(700)));
        assertThatThrownBy(() -> DurationRange.parse("8s..2s")).hasMessageContaining("8s is longer than 2s");
        assertThatThrownBy(() -> DurationRange.parse("2s..")).hasMessageContaining("'' is no duration");
        assertThatThrownBy(() -> DurationRange.parse("2s...8s")).hasMessageContaining("'.8s' is no duration");
    }
}
