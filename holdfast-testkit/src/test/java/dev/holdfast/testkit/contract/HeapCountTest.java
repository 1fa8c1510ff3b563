package dev.holdfast.testkit.contract;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class HeapCountTest {

    /** 816 bytes of clay, and 16 of its own. */
    private static final class Brick {
        @SuppressWarnings("unused") // Only there to be large.
        private final long[] clay = new long[100];
    }

    private static List<Brick> bricks() {
        return Stream.generate(Brick::new).limit(10_000).toList();
    }

    private static HeapCount megabytes(int megabytes) {
        return HeapCount.parse("   1:            10     %d  a.B".formatted(megabytes * 1_000_000));
    }

    @Test
    void countsWhatIsReachable_byClass() throws Exception {
        HeapCount more = HeapCount.leftBy(HeapCountTest::bricks);
        assertThat(more.bytes() / 10_000).isBetween(832L, 840L);
        assertThat(more.perItem(10_000)).contains("1.00 objects  " + Brick.class.getName());
    }

    /** In the JVM of a whole build there is always something of an earlier test that is about to go. */
    @Test
    void whatWasThereBefore_andGoesAway_isNotCounted() throws Exception {
        Deque<long[][]> old = new ArrayDeque<>();
        for (int i = 0; i < 5; i++) {
            old.add(new long[5_000][100]);
        }
        HeapCount more = HeapCount.leftBy(HeapCountTest::bricks, () -> {
            old.poll();
            return HeapCount.now();
        });
        assertThat(old).isEmpty();
        assertThat(more.bytes() / 10_000).isBetween(832L, 840L);
    }

    /** A heap that pauses on its way down is not at rest. */
    @Test
    void aHeapIsAtRest_whenSeveralCountsInARowAreAlike() throws Exception {
        Deque<HeapCount> counts = Stream.of(5, 4, 4, 4, 3, 3, 3, 3, 7)
                .map(HeapCountTest::megabytes)
                .collect(toCollection(ArrayDeque::new));
        HeapCount more = HeapCount.leftBy(() -> "nothing", counts::remove);
        assertThat(more.bytes()).isEqualTo(4_000_000);
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
