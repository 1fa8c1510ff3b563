package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class HeapCountTest {

    /** 816 bytes of clay, and 16 of its own. */
    private static final class Brick {
        @SuppressWarnings("unused") // Only there to be large.
        private final long[] clay = new long[100];
    }

    private final long[][] old = new long[50_000][100];

    @Test
    void countsWhatIsReachable_byClass() throws Exception {
        HeapCount more =
                HeapCount.leftBy(() -> Stream.generate(Brick::new).limit(10_000).toList());
        assertThat(more.bytes() / 10_000).isBetween(832L, 840L);
        assertThat(more.perItem(10_000)).contains("1.00 objects  " + Brick.class.getName());
    }

    /** In the JVM of a whole build there is always something of an earlier test that is about to go. */
    @Test
    void whatWasThereBefore_andGoesAway_isNotCounted() throws Exception {
        Thread leaving = new Thread(() -> {
            for (int i = 0; i < old.length; i++) {
                old[i] = null;
                if (i % 100 == 0) {
                    LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
                }
            }
        });
        leaving.start();
        HeapCount more =
                HeapCount.leftBy(() -> Stream.generate(Brick::new).limit(10_000).toList());
        leaving.join();
        assertThat(more.bytes() / 10_000).isBetween(832L, 840L);
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
