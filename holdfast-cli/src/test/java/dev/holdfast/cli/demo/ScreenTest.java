package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ScreenTest {

    private static final Map<String, String> XTERM = Map.of("TERM", "xterm");

    @Test
    void size_isRowsThenColumns() {
        assertThat(Screen.of("40 120\n", XTERM)).contains(new Screen(120, 40, false));
    }

    @Test
    void noTerminal_noScreen() {
        assertThat(Screen.of("", XTERM)).isEmpty();
        assertThat(Screen.of("wide", XTERM)).isEmpty();
        assertThat(Screen.of("40 120", Map.of())).isEmpty();
        assertThat(Screen.of("40 120", Map.of("TERM", "dumb"))).isEmpty();
    }

    @Test
    void aTerminalThatDoesNotKnowItsSize_isAnUsualOne() {
        assertThat(Screen.of("0 0", XTERM)).contains(new Screen(80, 24, false));
    }

    @Test
    void unicode_isWhatTheFirstSetLocaleSays() {
        assertThat(Screen.of("40 120", Map.of("TERM", "xterm", "LANG", "en_US.UTF-8")))
                .get()
                .matches(Screen::isUnicode);
        assertThat(Screen.of("40 120", Map.of("TERM", "xterm", "LANG", "C.utf8", "LC_ALL", "C")))
                .get()
                .matches(screen -> !screen.isUnicode());
    }
}
