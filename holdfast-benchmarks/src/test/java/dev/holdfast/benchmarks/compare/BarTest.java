package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BarTest {

    private static final Pace PACE = new Pace(1, 1, 5, 5);

    private final Results results = new Results();

    @Test
    void aRatioOnTheGoodSideOfItsLimit_passes_andOnTheOther_misses() {
        assertThat(new Bar("W", "", 3.0, 3, true).verdict()).isEqualTo("pass");
        assertThat(new Bar("W", "", 2.9, 3, true).verdict()).isEqualTo("miss");
        assertThat(new Bar("W", "", 1.3, 1.3, false).verdict()).isEqualTo("pass");
        assertThat(new Bar("W", "", 1.31, 1.3, false).verdict()).isEqualTo("miss");
    }

    @Test
    void whatWasNotMeasured_neitherPassesNorMisses() {
        assertThat(bars()).isNotEmpty().allSatisfy(bar -> assertThat(bar.verdict())
                .isEqualTo("not measured"));
    }

    @Test
    void timesOfPairs_areComparedAsTheInverseOfRates() {
        rate(Workload.W1, Kind.FLOOR, 1_000);
        rate(Workload.W1, Kind.HOLDFAST_UNCACHED, 2_000);
        assertThat(bars())
                .filteredOn(bar -> bar.claim().contains("asynchronous release")
                        && !bar.claim().contains("with synchronous"))
                .singleElement()
                .satisfies(bar -> {
                    assertThat(bar.value()).isEqualTo(0.5);
                    assertThat(bar.verdict()).isEqualTo("pass");
                });
    }

    @Test
    void aPeerThatIsNotDurable_isNotAmongTheDurable() {
        rate(Workload.W2, Kind.HOLDFAST_UNCACHED, 1_000);
        rate(Workload.W2, Kind.REDISSON, 9_000);
        rate(Workload.W2, Kind.CURATOR, 500);
        rate(Workload.W2, Kind.JETCD, 400);
        assertThat(bars())
                .filteredOn(bar -> bar.claim().contains("fastest durable"))
                .singleElement()
                .satisfies(bar -> assertThat(bar.value()).isEqualTo(2));
    }

    @Test
    void onTmpfs_theBarOfDistinctLocksIsAnother() {
        List<Bar> bars = Bar.all(results, List.of("disk (ext4)", "tmpfs"), PACE);
        assertThat(bars)
                .filteredOn(bar ->
                        bar.claim().endsWith("/ Go Mutex") && bar.workload().startsWith("W2"))
                .extracting(Bar::limit)
                .containsExactly(3.0, 2.2);
    }

    @Test
    void whatACachedLockIsAsked_isNoBarOfRoundTrips() {
        rate(Workload.W1, Kind.FLOOR, 1_000);
        rate(Workload.W1, Kind.HOLDFAST, 9_000_000);
        rate(Workload.W2, Kind.GO_MUTEX, 1_000);
        rate(Workload.W2, Kind.HOLDFAST, 9_000_000);
        assertThat(bars())
                .filteredOn(
                        bar -> bar.workload().startsWith("W1") || bar.workload().startsWith("W2"))
                .isNotEmpty()
                .allSatisfy(bar -> assertThat(bar.verdict()).isEqualTo("not measured"));
    }

    @Test
    void aRecall_isToldInFloors() {
        results.add(new Cell(Workload.EVENT, Kind.FLOOR, 0, 1), Map.of("hand_over_p50_us", 400.0));
        results.add(new Cell(Workload.RECALL, Kind.HOLDFAST, 0, 1), Map.of("recall_p50_us", 900.0));
        assertThat(bars())
                .filteredOn(bar -> bar.workload().equals("W7-recall"))
                .singleElement()
                .satisfies(bar -> {
                    assertThat(bar.value()).isEqualTo(2.25);
                    assertThat(bar.verdict()).isEqualTo("miss");
                });
    }

    @Test
    void cachedPairs_areJudgedInNanoseconds() {
        results.add(new Cell(Workload.W7_1, Kind.HOLDFAST, 0, 1), Map.of("pair_p50_ns", 99.0));
        results.add(new Cell(Workload.W7_1, Kind.HOLDFAST_NAMED, 0, 1), Map.of("pair_p50_ns", 151.0));
        assertThat(bars())
                .filteredOn(bar -> bar.workload().equals("W7-1"))
                .extracting(Bar::verdict)
                .containsExactly("pass", "miss");
    }

    @Test
    void theLongestTakeOver_isJudged_notTheMedian() {
        for (int round = 1; round <= 3; round++) {
            results.add(
                    new Cell(Workload.KILL, Kind.HOLDFAST, 0, round),
                    Map.of("take_over_ms", round == 3 ? 6_001.0 : 5.0));
        }
        assertThat(bars())
                .filteredOn(bar -> bar.claim().contains("SIGKILL"))
                .singleElement()
                .satisfies(bar -> assertThat(bar.verdict()).isEqualTo("miss"));
    }

    @Test
    void aVoidCell_isInNoMedian() {
        add(1, 10, 0);
        add(2, 1_000, 1);
        add(3, 20, 0);
        assertThat(results.median(Workload.W4, Kind.REDISSON, 0, "pairs_per_second"))
                .isEqualTo(15);
        assertThat(results.most(Workload.W4, Kind.REDISSON, 0, "pairs_per_second"))
                .isEqualTo(20);
        assertThat(results.voids(Workload.W4, Kind.REDISSON, 0)).isEqualTo(1);
        assertThat(results.rounds(Workload.W4, Kind.REDISSON, 0)).isEqualTo(3);
    }

    private void add(int round, double rate, double overlaps) {
        results.add(
                new Cell(Workload.W4, Kind.REDISSON, 0, round), Map.of("pairs_per_second", rate, "overlaps", overlaps));
    }

    private void rate(Workload workload, Kind kind, double rate) {
        results.add(new Cell(workload, kind, 0, 1), Map.of("pairs_per_second", rate));
    }

    private List<Bar> bars() {
        return Bar.all(results, List.of("disk (ext4)"), PACE);
    }
}
