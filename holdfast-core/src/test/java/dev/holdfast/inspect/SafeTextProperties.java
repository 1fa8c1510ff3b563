package dev.holdfast.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;

final class SafeTextProperties {

    /** Every char there is, halves of characters too, and often those that do harm. */
    @Provide
    Arbitrary<String> wildText() {
        Arbitrary<Character> any = Arbitraries.chars().all();
        Arbitrary<Character> harmful = Arbitraries.chars()
                .range('\u0000', '\u001f')
                .range('\u007f', '\u009f')
                .range('\u2028', '\u202e')
                .range('\u2066', '\u2069')
                .range('\ud800', '\udfff');
        return Arbitraries.oneOf(any, harmful).list().ofMaxSize(60).map(chars -> {
            StringBuilder text = new StringBuilder();
            chars.forEach(text::append);
            return text.toString();
        });
    }

    @Property
    void nothingThatSteersATerminal_survives(@ForAll("wildText") String text) throws CharacterCodingException {
        String safe = SafeText.of(text);
        assertThat(safe.codePoints())
                .noneMatch(each -> each < 0x20
                        || (each >= 0x7f && each <= 0x9f)
                        || (each >= 0x2028 && each <= 0x202e)
                        || (each >= 0x2066 && each <= 0x2069)
                        || each == 0x200e
                        || each == 0x200f
                        || each == 0x061c
                        || (each >= 0xe0000 && each <= 0xe007f));
        // An unpaired surrogate would throw.
        assertThat(StandardCharsets.UTF_8
                        .newEncoder()
                        .encode(CharBuffer.wrap(safe))
                        .remaining())
                .isNotNegative();
    }

    @Property
    void printableAscii_staysAsItIs(@ForAll @CharRange(from = ' ', to = '~') String text) {
        assertThat(SafeText.of(text)).isEqualTo(text);
    }

    @Property
    void cutText_isNoLongerThanAskedFor(
            @ForAll("wildText") String text, @ForAll @IntRange(min = 1, max = 70) int most) {
        assertThat(SafeText.cut(text, most).length()).isLessThanOrEqualTo(most);
        assertThat(SafeText.cut(text, 60)).isEqualTo(text);
    }

    @Example
    void escapes_areReadable() {
        assertThat(SafeText.of("a\u001b[2Jb\u202ec\ud800d")).isEqualTo("a\\u001b[2Jb\\u202ec\\ud800d");
        assertThat(SafeText.of("h\u00f6st \u65e5\u672c \ud83d\udd12")).isEqualTo("h\u00f6st \u65e5\u672c \ud83d\udd12");
        assertThat(SafeText.of("x".repeat(10), 4)).isEqualTo("xxx\u2026");
        assertThat(SafeText.of("ab\ud83d\udd12cd", 4)).isEqualTo("ab\u2026");
    }
}
