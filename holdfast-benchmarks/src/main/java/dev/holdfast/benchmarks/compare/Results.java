package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** The cells that are done, over their rounds. A void cell counts in none but {@link #voids}. What there is not is NaN. */
final class Results {

    /** How much of the machine's CPU time the host gave to others while a cell was measured. */
    static final String STOLEN = "stolen_percent";

    private static final String OVERLAPS = "overlaps";

    private final Map<Place, List<Map<String, Double>>> rounds = new HashMap<>();

    static Results of(Plan plan, Cells cells) throws IOException {
        Results results = new Results();
        for (Cell cell : plan.cells()) {
            cells.get(cell).ifPresent(metrics -> results.add(cell, metrics));
        }
        return results;
    }

    void add(Cell cell, Map<String, Double> metrics) {
        rounds.computeIfAbsent(new Place(cell.workload().id(), cell.kind(), cell.data()), absent -> new ArrayList<>())
                .add(metrics);
    }

    boolean has(Workload workload, Kind kind, int data) {
        return !all(workload, kind, data).isEmpty();
    }

    /** How many rounds are done. */
    int rounds(Workload workload, Kind kind, int data) {
        return all(workload, kind, data).size();
    }

    /** How many of them are void: two held one lock. */
    int voids(Workload workload, Kind kind, int data) {
        return (int) all(workload, kind, data).stream().filter(Results::isVoid).count();
    }

    double median(Workload workload, Kind kind, int data, String metric) {
        double[] sorted = values(workload, kind, data, metric).sorted().toArray();
        int middle = sorted.length / 2;
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    double least(Workload workload, Kind kind, int data, String metric) {
        return values(workload, kind, data, metric).min().orElse(Double.NaN);
    }

    double most(Workload workload, Kind kind, int data, String metric) {
        return values(workload, kind, data, metric).max().orElse(Double.NaN);
    }

    /** What the host of a virtual machine took away while the cells were measured, as a line of a list; empty if unknown. */
    String stolen() {
        double[] sorted = rounds.values().stream()
                .flatMap(List::stream)
                .mapToDouble(metrics -> metrics.getOrDefault(STOLEN, Double.NaN))
                .filter(value -> !Double.isNaN(value))
                .sorted()
                .toArray();
        return sorted.length == 0
                ? ""
                : "* How quiet: the host gave " + Numbers.shorten(sorted[sorted.length / 2])
                        + " % of the machine's CPU time to others in the median cell, "
                        + Numbers.shorten(sorted[sorted.length - 1]) + " % in the worst.\n";
    }

    /** The greatest of what these contenders have. */
    static double mostOf(List<Kind> kinds, ToDoubleFunction<Kind> value) {
        return kinds.stream()
                .mapToDouble(value)
                .filter(each -> !Double.isNaN(each))
                .max()
                .orElse(Double.NaN);
    }

    private DoubleStream values(Workload workload, Kind kind, int data, String metric) {
        return all(workload, kind, data).stream()
                .filter(metrics -> !isVoid(metrics))
                .mapToDouble(metrics -> metrics.getOrDefault(metric, Double.NaN))
                .filter(value -> !Double.isNaN(value));
    }

    private List<Map<String, Double>> all(Workload workload, Kind kind, int data) {
        return rounds.getOrDefault(new Place(workload.id(), kind, data), List.of());
    }

    private static boolean isVoid(Map<String, Double> metrics) {
        return metrics.getOrDefault(OVERLAPS, 0.0) > 0;
    }

    static List<Kind> kinds() {
        return Arrays.asList(Kind.values());
    }

    private record Place(String workload, Kind kind, int data) {}
}
