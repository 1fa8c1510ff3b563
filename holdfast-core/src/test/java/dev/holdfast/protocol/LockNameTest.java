package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LockNameTest {

    private static LockName raw(String name) {
        return LockName.of(name, "", "_holdfast", false);
    }

    private static LockName strict(String name) {
        return LockName.of(name, "", "_holdfast", true);
    }

    @Test
    void raw_isGosLayout() {
        assertThat(raw("orders/42").prefix()).isEqualTo(Key.ofText("orders/42/"));
        assertThat(raw("orders").entryKey(0x1fL, 36)).isEqualTo(Key.ofText("orders/1f.10"));
    }

    @Test
    void namespace_comesBeforeTheName() {
        assertThat(LockName.of("a", "team/", "_holdfast", false).prefix()).isEqualTo(Key.ofText("team/a/"));
    }

    @Test
    void strict_encodesSlashesSoThatNoNameIsAPrefixOfAnother() {
        assertThat(strict("orders/42").prefix()).isEqualTo(Key.ofText("orders%2F42/"));
        assertThat(strict("orders%2F42").prefix()).isEqualTo(Key.ofText("orders%252F42/"));
    }

    @Test
    void member_isAKeyRightUnderThePrefix() {
        assertThat(raw("orders").isMember(Key.ofText("orders/1f.0"))).isTrue();
        assertThat(raw("orders").isMember(Key.ofText("orders/42/1f.0"))).isFalse();
        assertThat(raw("orders").isMember(Key.ofText("orders2/1f.0"))).isFalse();
    }

    @Test
    void leaseOf_readsOursAndGos() {
        LockName name = raw("orders");
        assertThat(name.leaseOf(Key.ofText("orders/1f.0"))).isEqualTo(0x1fL);
        assertThat(name.leaseOf(Key.ofText("orders/694d7f5b1f3a2c01"))).isEqualTo(0x694d7f5b1f3a2c01L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".0", "zebra", "+1f", "-1f", "1F", "001f", "11112222333344445"})
    void leaseOf_aForeignKey_isNull(String suffix) {
        assertThat(raw("orders").leaseOf(Key.ofText("orders/" + suffix))).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\0", "a\nb", "\u007f", "\u0085", "_holdfast", "_holdfast/sess/1f"})
    void of_rejectsWhatCannotBeALock(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> raw(name));
        assertThatIllegalArgumentException().isThrownBy(() -> strict(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\ud800", "a\udc00b"})
    void of_rejectsUnpairedSurrogates(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> raw(name)).withMessageContaining("surrogate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"_holdfast2", "a/_holdfast", " ", "ä/€", "a//b", "/"})
    void of_takesTheRestAsItStands(String name) {
        assertThat(raw(name).prefix()).isEqualTo(Key.ofText(name + "/"));
    }

    @Test
    void of_countsBytesNotCharacters() {
        assertThat(raw("x".repeat(512)).name()).hasSize(512);
        assertThat(raw("€".repeat(170) + "xx").name()).hasSize(172);
        assertThatIllegalArgumentException().isThrownBy(() -> raw("x".repeat(513)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> raw("€".repeat(171)))
                .withMessageContaining("513 bytes");
    }

    /** Unicode is not normalised: what looks alike may be two locks. */
    @Test
    @Tag("F26")
    void composedAndDecomposedForms_areTwoLocks() {
        assertThat(raw("\u00e9").prefix()).isNotEqualTo(raw("e\u0301").prefix());
    }
}
