package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HappeningTest {

    @Test
    void whatAWorkerTellsItsParent_comesBack() {
        Happening noted = new Happening.Noted(new Operation.Granted(-7, "w1", "a\tb", new Token(1, 2, 3), "a\tb/1"));
        Happening said = new Happening.Said(-7, "w1", Happening.Mood.PAUSES, "pauses 3 s");

        assertThat(Happening.decode(Happening.encode(noted))).isEqualTo(noted);
        assertThat(Happening.decode(Happening.encode(said))).isEqualTo(said);
    }

    @Test
    void words_stayOnOneLine() {
        assertThat(Happening.encode(new Happening.Said(1, "w1", Happening.Mood.FAILS, "a\n\tb")))
                .isEqualTo("said\t1\tw1\tFAILS\ta b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "sai",
                "said\t1\tw1\tWAITS",
                "said\tx\tw1\tWAITS\twords",
                "said\t1\tw1\tSULKS\twords",
                "noted\tgranted\tat=1",
                "noted\tput\tlock=l\tkey=k\tcreate=1\trevision=1"
            })
    void halfALine_isRefused(String line) {
        assertThatThrownBy(() -> Happening.decode(line)).isInstanceOf(IllegalArgumentException.class);
    }
}
