package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class KeyTest {

    @Test
    void ofText_keepsOneCharacterForEachByteOfUtf8() {
        Key key = Key.ofText("ä€😀");
        assertThat(key.latin1()).hasSize(2 + 3 + 4);
        assertThat(key.latin1().getBytes(StandardCharsets.ISO_8859_1))
                .isEqualTo("ä€😀".getBytes(StandardCharsets.UTF_8));
        assertThat(key).hasToString("ä€😀");
    }

    @Test
    void order_isThatOfUnsignedBytes() {
        assertThat(Key.ofText("a")).isLessThan(Key.ofText("ä"));
        assertThat(Key.ofText("a")).isLessThan(Key.ofText("a/"));
        assertThat(new Key("\u00ff")).isGreaterThan(new Key("\u007f"));
    }

    @Test
    void prefixEnd_isTheFirstKeyBehindThePrefix() {
        assertThat(Key.ofText("orders/").prefixEnd()).isEqualTo(Key.ofText("orders0"));
        assertThat(new Key("a\u00ff").prefixEnd()).isEqualTo(new Key("b"));
        assertThat(new Key("\u00ff\u00ff").prefixEnd())
                .as("etcd's sign for: all keys from here on")
                .isEqualTo(new Key("\0"));
    }
}
