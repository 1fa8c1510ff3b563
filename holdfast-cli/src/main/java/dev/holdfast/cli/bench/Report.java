package dev.holdfast.cli.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What is printed: a heading before, tables and plots after. Immutable.
 *
 * @param strip how plots are drawn
 * @param columns of the paper
 */
record Report(Strip strip, int columns) {

    private static final int BEFORE_PLOT = 44;
    private static final int LEAST_PLOT = 20;
    private static final int MOST_PLOT = 64;

    /** More of the time than this in the compiler, and the numbers are those of a program that is still warming up. */
    private static final double MUCH_COMPILING = 0.1;

    /** What is known before anything is measured. */
    static List<String> heading(Outcome outcome) {
        Plan plan = outcome.plan();
        List<String> lines = new ArrayList<>();
        lines.add(outcome.version() + "; JIT compilers: " + outcome.compilers());
        lines.add("on " + outcome.target() + "; " + outcome.servers().lines().get(0));
        lines.addAll(
                outcome.servers().lines().subList(1, outcome.servers().lines().size()));
        lines.add("each workload: "
                + (plan.warmUpSeconds() > 0
                        ? Figures.seconds(plan.warmUpSeconds()) + " s of warm-up, not counted, then "
                        : "no warm-up: the first numbers are those of a cold JVM; ")
                + Figures.seconds(plan.seconds()) + " s; clients with a TTL of " + plan.ttlSeconds() + " s");
        lines.add("of each pair about " + Figures.time(outcome.nanosOfMeasuring()) + " are the measuring itself");
        return lines;
    }

    /** One workload that has ended, in short. */
    static String line(Result result) {
        if (result.isVoid()) {
            return String.format(Locale.ROOT, "%-12s VOID", result.workload());
        }
        Latency lock = Latency.of(result.lock());
        return String.format(
                Locale.ROOT,
                "%-12s %9s pairs/s  %s p50 %7s  p99 %7s",
                result.workload(),
                Figures.rate(result.pairsPerSecond()),
                result.workload().lockWord(),
                Figures.time(lock.p50Nanos()),
                Figures.time(lock.p99Nanos()));
    }

    /** All that was measured. */
    List<String> lines(Outcome outcome) {
        int plot = Math.min(MOST_PLOT, Math.max(LEAST_PLOT, columns - BEFORE_PLOT - 1));
        Scale scale = Scale.over(outcome.results(), plot);
        List<String> lines = new ArrayList<>();
        for (Result result : outcome.results()) {
            lines.add(result.workload() + ": " + result.workload().description(outcome.plan()));
            if (result.isVoid()) {
                lines.add("  VOID: " + String.join("; ", result.violations()));
            } else {
                addRows(lines, result, scale);
            }
        }
        if (outcome.results().stream().anyMatch(result -> !result.isVoid())) {
            lines.add(" ".repeat(BEFORE_PLOT) + Strip.axis(scale));
        }
        lines.add("");
        String cold = outcome.results().stream()
                .filter(result -> result.compilerSeconds() > MUCH_COMPILING * result.seconds())
                .map(result -> result.workload().toString())
                .collect(Collectors.joining(", "));
        if (!cold.isEmpty()) {
            lines.add(
                    "the JIT compilers were still at work in: " + cold + "; a longer --warm-up gives steadier numbers");
        }
        lines.addAll(verdict(outcome));
        return lines;
    }

    private void addRows(List<String> lines, Result result, Scale scale) {
        lines.add(row(
                "",
                "p50",
                "p99",
                "max",
                rates(result) + "  "
                        + strip.draw(
                                result.rates(),
                                Math.max(0, scale.bins() - rates(result).length() - 2))));
        for (Result.Row row : result.rows()) {
            Latency latency = Latency.of(row.durations());
            lines.add(row(
                    row.name(),
                    Figures.time(latency.p50Nanos()),
                    Figures.time(latency.p99Nanos()),
                    Figures.time(latency.maxNanos()),
                    strip.draw(scale, row)));
        }
    }

    private static String rates(Result result) {
        String pairs = Figures.rate(result.pairsPerSecond()) + " pairs/s";
        long handOvers = result.handOver().getTotalCount();
        return handOvers == 0 ? pairs : pairs + ", " + Figures.rate(handOvers / result.seconds()) + " hand-overs/s";
    }

    private static String row(String name, String p50, String p99, String max, String plot) {
        return String.format(Locale.ROOT, "  %-9s %9s %9s %9s   %s", name, p50, p99, max, plot)
                .stripTrailing();
    }

    private static List<String> verdict(Outcome outcome) {
        List<String> lines = new ArrayList<>();
        if (outcome.isVoid()) {
            lines.add("VOID: two held one lock at the same time, so no number above counts. Please report this.");
        } else {
            long pairs = outcome.results().stream()
                    .filter(result -> result.workload() != Workload.FLOOR)
                    .mapToLong(Result::pairs)
                    .sum();
            lines.add("never did two hold one lock at the same time, by the clock of this process, in "
                    + Figures.count(pairs) + " pairs that count and those of the warm-up");
        }
        if (!outcome.isComplete()) {
            lines.add("ended early: " + outcome.results().size() + " of "
                    + outcome.plan().workloads().size() + " workloads were measured");
        }
        return lines;
    }
}
