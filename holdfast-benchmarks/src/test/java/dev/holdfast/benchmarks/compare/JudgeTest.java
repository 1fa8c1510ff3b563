package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JudgeTest {

    private static final long SECOND = 1_000_000_000;

    @Test
    void holdsThatFollowEachOther_doNotOverlap() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 20), pair(1, 0, 0, 6, 20, 30)))
                .contains(entry("overlaps", 0.0), entry("pairs", 2.0), entry("pairs_per_second", 2.0));
    }

    @Test
    void aHoldThatBeginsBeforeAnotherIsGivenBack_isAnOverlap() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 20), pair(1, 0, 0, 6, 19, 30))).contains(entry("overlaps", 1.0));
    }

    @Test
    void twoThreadsOfOneProcess_mustNotOverlapEither() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 20), pair(0, 1, 0, 6, 12, 14))).contains(entry("overlaps", 1.0));
    }

    @Test
    void aLongHold_overlapsAllThatBeginInIt() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 100), pair(1, 0, 0, 6, 20, 30), pair(1, 0, 0, 31, 40, 50)))
                .contains(entry("overlaps", 2.0));
    }

    @Test
    void holdsOfDifferentLocks_doNotOverlap() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 20), pair(1, 0, 1, 6, 12, 30))).contains(entry("overlaps", 0.0));
    }

    @Test
    void anOverlapInTheWarmUp_counts() {
        List<Pair> pairs = List.of(pair(0, 0, 0, -9, -8, -5), pair(1, 0, 0, -9, -6, -4));
        assertThat(Judge.judge(pairs, 2, 1, 0, SECOND)).contains(entry("overlaps", 1.0), entry("pairs", 0.0));
    }

    @Test
    void aHandOver_lastsFromTheReleaseToTheReturnOfWhoWaited() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 1_000), pair(1, 0, 0, 6, 4_000, 5_000)))
                .contains(entry("hand_over_count", 1.0), entry("hand_over_p50_us", 3.0));
    }

    @Test
    void nothingIsHandedOverToWhoAskedAfterTheRelease() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 1_000), pair(1, 0, 0, 1_001, 4_000, 5_000)))
                .contains(entry("hand_over_count", 0.0))
                .doesNotContainKey("hand_over_p50_us");
    }

    @Test
    void whoTakesTheLockAgainHimself_handsNothingOver() {
        assertThat(judge(pair(0, 0, 0, 5, 10, 1_000), pair(0, 0, 0, 1_000, 4_000, 5_000)))
                .contains(entry("hand_over_count", 0.0));
    }

    @Test
    void onlyWhatWasAcquiredInTime_counts() {
        List<Pair> pairs =
                List.of(pair(0, 0, 0, -20, -10, -5), pair(0, 0, 0, 0, 10, 20), pair(0, 0, 0, 30, SECOND, SECOND + 10));
        assertThat(Judge.judge(pairs, 1, 1, 0, SECOND)).contains(entry("pairs", 1.0), entry("acquire_max_us", 0.01));
    }

    @Test
    void whoNeverGotTheLock_countsInTheFairness() {
        Map<String, Double> metrics = Judge.judge(List.of(pair(0, 0, 0, 5, 10, 20)), 4, 2, 0, SECOND);
        assertThat(metrics).contains(entry("jain_processes", 0.25), entry("jain_threads", 0.125));
    }

    @Test
    void theMeanTurn_isHowLongItTakesThroughAll() {
        // Four threads, two pairs in a second.
        Map<String, Double> metrics = judge(pair(0, 0, 0, 5, 10, 20), pair(1, 0, 0, 6, 20, 30));
        assertThat(metrics.getOrDefault("mean_turn_us", 0.0)).isEqualTo(2e6, within(1e-6));
    }

    @Test
    void recalls_areWhatTheTakerWaited_oncePastTheWarmUp() {
        List<Pair> owner = List.of(pair(0, 0, 7, 0, 1, 2), pair(0, 0, 8, 10_000, 10_001, 10_002));
        List<Pair> taker = List.of(pair(1, 0, 7, 2, 9_002, 9_003), pair(1, 0, 8, 10_002, 15_002, 15_003));
        assertThat(Judge.judgeRecalls(owner, taker, 9_999))
                .containsOnlyKeys("overlaps", "recall_count", "recall_p50_us", "recall_p99_us", "recall_max_us")
                .contains(entry("overlaps", 0.0), entry("recall_count", 1.0), entry("recall_p50_us", 5.0));
    }

    @Test
    void aRecallThatCameBeforeTheOwnerGaveBack_isAnOverlap() {
        assertThat(Judge.judgeRecalls(List.of(pair(0, 0, 7, 0, 1, 9)), List.of(pair(1, 0, 7, 2, 8, 10)), 0))
                .contains(entry("overlaps", 1.0));
    }

    @Test
    void jain_isOneForEqualShares_andFallsWithTheInequality() {
        assertThat(Judge.jain(new double[] {7, 7, 7})).isEqualTo(1, within(1e-9));
        assertThat(Judge.jain(new double[] {1, 3})).isEqualTo(0.8, within(1e-9));
        assertThat(Judge.jain(new double[] {0, 0})).isNaN();
    }

    private static Map<String, Double> judge(Pair... pairs) {
        return Judge.judge(List.of(pairs), 2, 2, 0, SECOND);
    }

    private static Pair pair(int process, int thread, int lock, long request, long acquired, long release) {
        return new Pair(process, thread, lock, request, acquired, release, release + 1);
    }
}
