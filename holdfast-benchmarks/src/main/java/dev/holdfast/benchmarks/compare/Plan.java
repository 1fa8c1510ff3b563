package dev.holdfast.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/** Which cells there are, in the order in which they run: workload by workload, and there round by round through all contenders. */
record Plan(List<Cell> cells, Pace pace) {

    /**
     * @param workloads in this order
     * @param kinds that take part, as far as a workload is for them
     * @param dataFolders how many there are; the first serves all, the others what feels the disk
     */
    static Plan of(List<Workload> workloads, List<Kind> kinds, int dataFolders, Pace pace) {
        return of(workloads, kinds, dataFolders, pace, Kind::takesPart);
    }

    /** @param takesPart whether a workload is for a contender */
    static Plan of(
            List<Workload> workloads,
            List<Kind> kinds,
            int dataFolders,
            Pace pace,
            BiPredicate<Kind, Workload> takesPart) {
        List<Cell> cells = new ArrayList<>();
        for (Workload workload : workloads) {
            for (int round = 1; round <= pace.rounds(workload); round++) {
                for (int data = 0; data < dataFolders; data++) {
                    for (Kind kind : kinds) {
                        if (takesPart.test(kind, workload) && (data == 0 || kind.feelsTheDisk(workload))) {
                            cells.add(new Cell(workload, kind, data, round));
                        }
                    }
                }
            }
        }
        return new Plan(cells, pace);
    }

    /** What those cells are thought to take. */
    double seconds(Predicate<Cell> which) {
        return cells.stream()
                .filter(which)
                .mapToDouble(cell -> pace.seconds(cell.workload()))
                .sum();
    }
}
