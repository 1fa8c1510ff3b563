package dev.holdfast.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** What is read from etcd is untrusted: no bytes may do more than not be understood. */
final class FlatJsonProperties {

    @Property
    void anyBytes_areReadOrNot_withoutAnException(@ForAll @Size(max = 200) byte[] value) {
        assertThat(FlatJson.read(value)).isNotNull();
        assertThat(HolderInfo.fromJson(value)).isNotNull();
        assertThat(ForcedRelease.fromJson(value)).isNotNull();
    }

    @Property
    void aDamagedValue_isReadOrNot_withoutAnException(@ForAll int place, @ForAll byte damage, @ForAll String purpose) {
        byte[] value = new HolderInfo("host", 42, "shop", "blue", purpose, 1_234, "trace", false).toJson();
        value[Math.floorMod(place, value.length)] = damage;
        assertThat(HolderInfo.fromJson(value)).isNotNull();
    }

    @Property
    void whatWasWritten_isRead(@ForAll String host, @ForAll String purpose) {
        HolderInfo info = new HolderInfo(host, 42, "shop", "blue", purpose, 1_234, "trace", true);
        byte[] value = info.toJson();
        String wellFormed = new String(value, StandardCharsets.UTF_8);
        Optional<HolderInfo> read = HolderInfo.fromJson(wellFormed.getBytes(StandardCharsets.UTF_8));
        assertThat(read).hasValueSatisfying(found -> assertThat(found.toJson()).isEqualTo(value));
    }

    @Example
    void depth_doesNotUseTheStack() {
        String deep = "{\"more\":" + "[".repeat(30_000) + "]".repeat(30_000) + ",\"pid\":7}";
        assertThat(deep.length()).isLessThan(FlatJson.MAX_BYTES);
        assertThat(FlatJson.read(deep.getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    @Example
    void tooLongAValue_isNotLookedInto() {
        String longer = "{\"pid\":7,\"more\":\"" + "x".repeat(FlatJson.MAX_BYTES) + "\"}";
        assertThat(FlatJson.read(longer.getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    @Example
    void numbersThatAreNone_areZero() {
        FlatJson json = FlatJson.read("{\"a\":1e400,\"b\":9223372036854775808,\"c\":\"5\",\"d\":-3,\"d\":4}"
                        .getBytes(StandardCharsets.UTF_8))
                .orElseThrow();
        assertThat(json.number("a")).isZero();
        assertThat(json.number("b")).isZero();
        assertThat(json.number("c")).isZero();
        assertThat(json.number("d")).isEqualTo(-3);
    }
}
