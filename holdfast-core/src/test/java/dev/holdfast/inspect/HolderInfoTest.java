package dev.holdfast.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HolderInfoTest {

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void writtenAndRead_isTheSame() {
        HolderInfo info =
                new HolderInfo("höst", 42, "<shop>", "blue-1", "nightly \"close\"", 1_234_567_890_123L, "4bf9", true);
        assertThat(HolderInfo.fromJson(info.toJson())).contains(info);
    }

    @Test
    void ofThisProcess_namesIt() {
        HolderInfo info = HolderInfo.ofThisProcess("shop", "blue-1", "close");
        assertThat(info.pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(info.host()).isNotBlank();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "5", "[]", "{", "text", "{\"pid\":\"many\"}", "\u0000\u0001"})
    void foreignValue_isNobody(String value) {
        assertThat(HolderInfo.fromJson(bytes(value))).isEmpty();
    }

    @Test
    void bytesThatAreNoText_areNobody() {
        assertThat(HolderInfo.fromJson(new byte[] {(byte) 0xff, (byte) 0xfe})).isEmpty();
    }

    /** What is read from etcd is untrusted: what is not there must not surface later as a null. */
    @Test
    void missingFields_areEmpty() {
        assertThat(HolderInfo.fromJson(bytes("{\"pid\":7,\"host\":null,\"more\":{}}")))
                .contains(new HolderInfo("", 7, "", "", "", 0, "", false));
    }

    @Test
    void deeplyNestedValue_doesNoHarm() {
        String deep = "{\"more\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThat(HolderInfo.fromJson(bytes(deep)))
                .satisfiesAnyOf(read -> assertThat(read).isEmpty(), read -> assertThat(read)
                        .contains(new HolderInfo("", 0, "", "", "", 0, "", false)));
    }
}
