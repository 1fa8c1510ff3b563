package dev.holdfast.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class HolderInfoWriterTest {

    private final HolderInfoWriter writer = new HolderInfoWriter("sh\"op", "blue-1");

    @Test
    void spliced_isTheSameAsTheWhole() {
        for (boolean cached : new boolean[] {false, true}) {
            for (String trace : new String[] {"", "4bf92f", "tr\"ace\u0001"}) {
                HolderInfo here = HolderInfo.ofThisProcess("sh\"op", "blue-1", "nightly");
                HolderInfo whole = new HolderInfo(
                        here.host(),
                        here.pid(),
                        here.application(),
                        here.instance(),
                        here.purpose(),
                        1_234L,
                        trace,
                        cached);
                assertThat(writer.write("nightly", 1_234L, trace, cached)).isEqualTo(whole.toJson());
            }
        }
    }

    @Test
    void eachCall_bringsItsOwnTimeAndPurpose() {
        assertThat(HolderInfo.fromJson(writer.write("a", 1, "t1", false))).hasValueSatisfying(read -> {
            assertThat(read.purpose()).isEqualTo("a");
            assertThat(read.sinceMillis()).isEqualTo(1);
        });
        assertThat(HolderInfo.fromJson(writer.write("b", 2, "t2", false))).hasValueSatisfying(read -> {
            assertThat(read.purpose()).isEqualTo("b");
            assertThat(read.traceId()).isEqualTo("t2");
        });
    }

    @Test
    void aPurposeForEachLock_isServed_beyondWhatIsRemembered() {
        for (int i = 0; i < 3_000; i++) {
            String purpose = "purpose " + i;
            assertThat(HolderInfo.fromJson(writer.write(purpose, 1, "", false)))
                    .hasValueSatisfying(read -> assertThat(read.purpose()).isEqualTo(purpose));
        }
    }

    @Test
    void longTexts_areCut() {
        assertThat(HolderInfo.fromJson(writer.write("p".repeat(10_000), 1, "t".repeat(10_000), false)))
                .hasValueSatisfying(read -> {
                    assertThat(read.purpose()).hasSize(HolderInfo.MAX_TEXT);
                    assertThat(read.traceId()).hasSize(HolderInfo.MAX_TEXT);
                });
    }
}
