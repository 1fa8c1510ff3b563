package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.NameMode;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class KeyNamesTest {

    private static final KeyNames RAW = KeyNames.of("team/", NameMode.RAW);
    private static final KeyNames STRICT = KeyNames.of("", NameMode.STRICT);

    private static KeyNames.@Nullable Place place(KeyNames names, String key) {
        return names.placeOf(ByteString.copyFromUtf8(key));
    }

    @ParameterizedTest
    @CsvSource({
        "team/orders/7b.0,     orders,    7b.0, 123",
        "team/orders/7b,       orders,    7b,   123",
        "team/a/b/7b.zz,       a/b,       7b.zz, 123",
        "team/orders/07b,      orders,    07b,  ",
        "team/orders/7B,       orders,    7B,   ",
        "team/orders/note,     orders,    note, ",
        "team/_holdfastx/7b,   _holdfastx, 7b,  123",
    })
    void aKeyRightBelowAName_isFound(String key, String name, String suffix, @Nullable Long lease) {
        KeyNames.Place place = Objects.requireNonNull(place(RAW, key));
        assertThat(RAW.nameOf(place.parent())).isEqualTo(name);
        assertThat(place.suffix()).isEqualTo(suffix);
        assertThat(place.lease()).isEqualTo(lease);
        assertThat("team/" + RAW.textOf(place)).isEqualTo(key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"other/orders/7b", "team/alone", "team/_holdfast/sess/7b", "team/_holdfast/forced/a/7b.0"})
    void keysOfOthers_andThoseUnderTheRoot_areNone(String key) {
        assertThat(place(RAW, key)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b/7b", "50%/7b", "a%2fb/7b", "a%41/7b"})
    void whatNoStrictNameIsEncodedAs_isNone(String key) {
        assertThat(place(STRICT, key)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b", "50%", "%2F", "%252F", "a%/%b", "ü/日"})
    void strictNames_comeBackAsTheyWere(String name) {
        KeyNames.Place place =
                Objects.requireNonNull(place(STRICT, STRICT.lock(name).prefix() + "7b.0"));
        assertThat(STRICT.nameOf(place.parent())).isEqualTo(name);
    }

    @Test
    void thePrefixOfEverything_isTheNamespace() {
        assertThat(RAW.prefixOf("").toString()).isEqualTo("team/");
        Scope all = Scope.ofPrefix(STRICT, "");
        assertThat(all.from()).isEqualTo(ByteString.copyFrom(new byte[1]));
        assertThat(all.to()).isEqualTo(ByteString.copyFrom(new byte[1]));
    }
}
