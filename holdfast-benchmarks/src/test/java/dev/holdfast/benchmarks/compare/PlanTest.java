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
                List.of(Workload.W3_8, Workload.W4B_2), List.of(Kind.HOLDFAST, Kind.GO_MUTEX), 1, new Pace(1, 1, 2, 5));
        assertThat(plan.cells())
                .extracting(Cell::id)
                .containsExactly(
                        "W3-8.holdfast.0.1",
                        "W3-8.go.0.1",
                        "W3-8.holdfast.0.2",
                        "W3-8.go.0.2",
                        "W4b-2.holdfast.0.1",
                        "W4b-2.go.0.1",
                        "W4b-2.holdfast.0.2",
                        "W4b-2.go.0.2");
    }

    @Test
    void onFurtherDataFolders_onlyDistinctLocksOfWhatIsDurableAreMeasured() {
        List<Kind> kinds = List.of(Kind.HOLDFAST_UNCACHED, Kind.REDISSON, Kind.REDISSON_AOF);
        Plan plan = Plan.of(List.of(Workload.W1, Workload.W2), kinds, 2, new Pace(1, 1, 1, 5));
        assertThat(plan.cells())
                .filteredOn(cell -> cell.data() == 1)
                .containsExactly(
                        new Cell(Workload.W2, Kind.HOLDFAST_UNCACHED, 1, 1),
                        new Cell(Workload.W2, Kind.REDISSON_AOF, 1, 1));
    }

    @Test
    void aPlan_lastsAsLongAsItsCells() {
        Plan plan = Plan.of(List.of(Workload.W1), List.of(Kind.HOLDFAST_UNCACHED), 1, THREE_ROUNDS);
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
    void whereRoundTripsAreCompared_cachingIsOff_andWhatItMakesOfThem_isAWorkloadOfItsOwn() {
        assertThat(Workload.all())
                .filteredOn(workload -> workload.shape() == Workload.Shape.PAIRS && !workload.isShared())
                .extracting(Workload::id)
                .containsExactly("W1", "W2", "W9-W2");
        assertThat(Workload.all())
                .filteredOn(workload -> workload.shape() == Workload.Shape.PAIRS)
                .allSatisfy(workload -> {
                    assertThat(Kind.HOLDFAST.takesPart(workload)).isEqualTo(workload.isShared());
                    assertThat(Kind.HOLDFAST_UNCACHED.takesPart(workload))
                            .isEqualTo(!workload.isShared() || workload.equals(Workload.W8));
                });
        assertThat(Results.kinds())
                .filteredOn(kind -> kind.takesPart(Workload.W7_1))
                .containsExactlyInAnyOrder(Kind.HOLDFAST, Kind.HOLDFAST_NAMED, Kind.FAIR_LOCK);
        assertThat(Results.kinds())
                .filteredOn(kind -> kind.takesPart(Workload.W7_64))
                .containsExactly(Kind.HOLDFAST);
    }

    @Test
    void growth_isAtMostAnHour_andTheQuickOne10Minutes_withCellsOfTheirOwnNames() {
        List<Workload> all = Series.all().stream()
                .flatMap(series -> series.workloads().stream())
                .toList();
        Plan whole = Plan.of(all, Results.kinds(), 1, Pace.FULL, Series::takesPart);
        assertThat(whole.seconds(cell -> true)).isBetween(20.0 * 60, 60.0 * 60);
        assertThat(Plan.of(all, Results.kinds(), 1, Pace.QUICK, Series::takesPart)
                        .seconds(cell -> true))
                .isBetween(60.0, 10.0 * 60);
        List<String> ids = whole.cells().stream().map(Cell::id).toList();
        assertThat(new HashSet<>(ids)).hasSameSizeAs(ids);
    }

    @Test
    void ofASeries_onlyItsContendersTakePart_thoughAllAreThere() {
        Plan plan = Plan.of(Series.HELD.workloads(), Results.kinds(), 1, new Pace(1, 1, 1, 5), Series::takesPart);
        assertThat(plan.cells())
                .hasSameSizeAs(Series.HELD.workloads())
                .extracting(Cell::kind)
                .containsOnly(Kind.HOLDFAST);
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
