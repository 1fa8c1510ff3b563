package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlanTest {

    private static final Pace THREE_ROUNDS = new Pace(1, 2, 3, 5);

    @Test
    void contenders_takeTurnsRoundByRound() {
        Plan plan = Plan.of(
                List.of(Workload.W1, Workload.W4B_2), List.of(Kind.HOLDFAST, Kind.GO_MUTEX), 1, new Pace(1, 1, 2, 5));
        assertThat(plan.cells())
                .extracting(Cell::id)
                .containsExactly(
                        "W1.holdfast.0.1",
                        "W1.go.0.1",
                        "W1.holdfast.0.2",
                        "W1.go.0.2",
                        "W4b-2.holdfast.0.1",
                        "W4b-2.go.0.1",
                        "W4b-2.holdfast.0.2",
                        "W4b-2.go.0.2");
    }

    @Test
    void onFurtherDataFolders_onlyDistinctLocksOfWhatIsDurableAreMeasured() {
        List<Kind> kinds = List.of(Kind.HOLDFAST, Kind.REDISSON, Kind.REDISSON_AOF);
        Plan plan = Plan.of(List.of(Workload.W1, Workload.W2), kinds, 2, new Pace(1, 1, 1, 5));
        assertThat(plan.cells())
                .filteredOn(cell -> cell.data() == 1)
                .containsExactly(
                        new Cell(Workload.W2, Kind.HOLDFAST, 1, 1), new Cell(Workload.W2, Kind.REDISSON_AOF, 1, 1));
    }

    @Test
    void aPlan_lastsAsLongAsItsCells() {
        Plan plan = Plan.of(List.of(Workload.W1), List.of(Kind.HOLDFAST), 1, THREE_ROUNDS);
        assertThat(plan.seconds(cell -> true)).isEqualTo(3 * THREE_ROUNDS.seconds(Workload.W1));
        assertThat(plan.seconds(cell -> cell.round() == 2)).isEqualTo(THREE_ROUNDS.seconds(Workload.W1));
        assertThat(THREE_ROUNDS.seconds(Workload.W1)).isGreaterThan(1 + 2);
    }

    @Test
    void theWholePlan_isAtMost90Minutes_andTheQuickOne10() {
        List<Workload> few = Workload.all().stream().filter(Workload::isShort).toList();
        assertThat(Plan.of(Workload.all(), Results.kinds(), 2, Pace.FULL).seconds(cell -> true))
                .isBetween(30.0 * 60, 90.0 * 60);
        assertThat(Plan.of(few, Results.kinds(), 1, Pace.QUICK).seconds(cell -> true))
                .isBetween(60.0, 10.0 * 60);
        assertThat(Pace.FULL.rounds()).isGreaterThanOrEqualTo(5);
    }

    @Test
    void everyCell_hasANameOfItsOwn() {
        Plan plan = Plan.of(Workload.all(), Results.kinds(), 2, THREE_ROUNDS);
        List<String> ids = plan.cells().stream().map(Cell::id).toList();
        assertThat(new HashSet<>(ids)).hasSameSizeAs(ids);
    }

    @Test
    void localLocksAndFloors_takePartOnlyWhereTheyMeanSomething() {
        assertThat(Kind.FAIR_LOCK.takesPart(Workload.W3_64)).isTrue();
        assertThat(Kind.FAIR_LOCK.takesPart(Workload.W4)).isFalse();
        assertThat(Kind.FLOOR.takesPart(Workload.W1)).isTrue();
        assertThat(Kind.FLOOR.takesPart(Workload.W2)).isFalse();
        assertThat(Kind.CURATOR.takesPart(Workload.W4)).isTrue();
    }
}
