package dev.holdfast.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ForcedReleaseTest {

    private static final Instant AT = Instant.parse("2031-02-03T04:05:06.789Z");

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void writtenAndRead_isTheSame() {
        ForcedRelease forced = new ForcedRelease("ops@höst", "it \"hangs\"\n<since> noon", AT, "orders/42", 1L << 42);
        assertThat(ForcedRelease.fromJson(forced.toJson())).contains(forced);
    }

    @Test
    void format_isTheAgreedOne() {
        assertThat(new String(new ForcedRelease("a@b", "why", AT, "n", 7).toJson(), StandardCharsets.UTF_8))
                .isEqualTo("{\"by\":\"a@b\",\"reason\":\"why\",\"at\":\"2031-02-03T04:05:06.789Z\",\"lock\":\"n\","
                        + "\"createRevision\":7}");
    }

    @Test
    void key_isUnderTheRoot() {
        assertThat(ForcedRelease.key("team/_holdfast", "orders/42/7b.0"))
                .isEqualTo("team/_holdfast/forced/orders/42/7b.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"createRevision\":7}",
                "{\"createRevision\":7,\"at\":\"yesterday\"}",
                "{\"createRevision\":7,\"at\":5}",
                "{\"createRevision\":-1,\"at\":\"2031-02-03T04:05:06Z\"}",
                "{\"createRevision\":1.5,\"at\":\"2031-02-03T04:05:06Z\"}",
                "{\"createRevision\":7,\"at\":\"2031-02-03T04:05:06Z\"} more"
            })
    void foreignValue_isNone(String value) {
        assertThat(ForcedRelease.fromJson(bytes(value))).isEmpty();
    }

    @Test
    void longTexts_areCut() {
        ForcedRelease forced = new ForcedRelease("me", "x".repeat(5_000), AT, "n", 7);
        assertThat(ForcedRelease.fromJson(forced.toJson())).hasValueSatisfying(read -> assertThat(read.reason())
                .hasSize(ForcedRelease.MAX_TEXT)
                .endsWith("x\u2026"));
    }

    @Test
    void revisionBelowOne_isRefused() {
        assertThatThrownBy(() -> new ForcedRelease("me", "why", AT, "n", 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("createRevision must be above 0");
    }
}
