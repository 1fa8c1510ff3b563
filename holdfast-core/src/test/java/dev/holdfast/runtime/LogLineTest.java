package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

/** Lines of the log: what programs read out of them is what was put in, and what terminals get does not steer them. */
final class LogLineTest {

    @Test
    void plainValues_standBare_othersBetweenQuotes() {
        assertThat(LogLine.of("owned")
                        .with("lock", "orders/42")
                        .with("waited_ms", 17)
                        .with("purpose", "")
                        .with("name", "nightly report")
                        .toString())
                .isEqualTo("event=owned lock=orders/42 waited_ms=17 purpose=\"\" name=\"nightly report\"");
    }

    @Test
    void controlCharacters_areEscaped_andNeverLookLikeWhatWasEscapedBefore() {
        assertThat(LogLine.of("x").with("v", "a\u001b[31mb\nc").toString())
                .isEqualTo("event=x v=\"a\\u001b[31mb\\u000ac\"");
        assertThat(LogLine.of("x").with("v", "\\u001b").toString()).isEqualTo("event=x v=\"\\\\u001b\"");
    }

    @Test
    void longValues_areCut() {
        assertThat(LogLine.of("x").with("v", "y".repeat(100_000)).toString()).hasSizeLessThan(1_100);
    }

    @Property(tries = 500)
    void pairs_canBeReadBack(
            @ForAll @StringLength(max = 40) @CharRange(from = ' ', to = '~') String lock,
            @ForAll @StringLength(max = 40) @CharRange(from = ' ', to = '~') String reason) {
        String line =
                LogLine.of("lost").with("lock", lock).with("reason", reason).toString();
        assertThat(pairsOf(line))
                .containsExactly(Map.entry("event", "lost"), Map.entry("lock", lock), Map.entry("reason", reason));
    }

    /** As a reader of the log would do it. */
    private static Map<String, String> pairsOf(String line) {
        Map<String, String> pairs = new LinkedHashMap<>();
        int i = 0;
        while (i < line.length()) {
            int equals = line.indexOf('=', i);
            String key = line.substring(i, equals);
            StringBuilder value = new StringBuilder();
            i = equals + 1;
            if (i < line.length() && line.charAt(i) == '"') {
                for (i++; line.charAt(i) != '"'; i++) {
                    if (line.charAt(i) == '\\') {
                        i++;
                    }
                    value.append(line.charAt(i));
                }
                i++;
            } else {
                for (; i < line.length() && line.charAt(i) != ' '; i++) {
                    value.append(line.charAt(i));
                }
            }
            pairs.put(key, value.toString());
            i++;
        }
        return pairs;
    }
}
