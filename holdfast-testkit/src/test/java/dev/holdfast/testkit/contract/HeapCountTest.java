package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(HeapCount.ALONE)
final class HeapCountTest {

    /** 816 bytes of clay, and 16 of its own. */
    private static final class Brick {
        @SuppressWarnings("unused") // Only there to be large.
        private final long[] clay = new long[100];
    }

    private static List<Brick> bricks() {
        return Stream.generate(Brick::new).limit(10_000).toList();
    }

    @Test
    void countsWhatIsReachable_byClass() throws Exception {
        HeapCount more = HeapCount.leftBy(HeapCountTest::bricks);
        assertThat(more.bytes() / 10_000).isBetween(832L, 840L);
        assertThat(more.perItem(10_000)).contains("1.00 objects  " + Brick.class.getName());
    }

    @Test
    void addsUpTheSameName_ofSeveralLoaders_andSkipsTheRest() {
        HeapCount count = HeapCount.parse(
                """
                 num     #instances         #bytes  class name (module)
                -------------------------------------------------------
                   1:            10            160  a.B
                   2:             3             48  a.B (java.base@17)
                Total            13            208
                """);
        assertThat(count.bytes()).isEqualTo(208);
        assertThat(count.perItem(13)).isEqualTo("    16.0 bytes,   1.00 objects  a.B");
    }
}
