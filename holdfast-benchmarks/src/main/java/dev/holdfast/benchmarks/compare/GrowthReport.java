package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;

/** How cost grows, as tables in Markdown, and as plots. */
final class GrowthReport {

    private static final double MICROS_PER_SECOND = 1e6;
    private static final double QUOTA_BYTES = 2L << 30;

    private final Results results;
    private final Report.Conditions conditions;

    GrowthReport(Results results, Report.Conditions conditions) {
        this.results = results;
        this.conditions = conditions;
    }

    /** Writes the plots into a folder {@code benchmarks} beside the page, and returns the page's text. */
    String write(Path beside) throws IOException {
        Path folder = Files.createDirectories(beside.resolve("benchmarks"));
        for (Map.Entry<String, Curves> plot : plots().entrySet()) {
            Files.writeString(
                    folder.resolve(plot.getKey() + ".svg"), plot.getValue().svg());
        }
        return text();
    }

    String text() {
        StringBuilder text = new StringBuilder();
        conditions.lines().forEach(line -> text.append("* ").append(line).append('\n'));
        text.append(results.stolen());
        model(text);
        for (Series series : Series.all()) {
            if (series.workloads().stream()
                    .noneMatch(workload -> series.kinds().stream().anyMatch(kind -> results.has(workload, kind, 0)))) {
                continue;
            }
            text.append("\n### What grows: ").append(series.title()).append("\n\n");
            plots().forEach((name, plot) -> {
                if (name.startsWith("growth-" + series.id() + "-")) {
                    text.append("![")
                            .append(plot.title())
                            .append("](benchmarks/")
                            .append(name)
                            .append(".svg)\n\n");
                }
            });
            if (series.equals(Series.HELD)) {
                held(text);
            } else if (series.equals(Series.KEPT)) {
                kept(text);
            } else {
                pairs(text, series);
            }
        }
        if (!conditions.missing().isEmpty()) {
            text.append("\n### What is not here\n\n");
            conditions.missing().forEach(line -> text.append("* ").append(line).append('\n'));
        }
        return text.toString();
    }

    // --------------------------------------------------------------------------------------------------- model

    /* The numbers that the model on the page asks for, and what follows from them. A lock that many want costs what the
     * hand-over between processes costs; hand-overs inside a process ask nothing of etcd.
     */
    private void model(StringBuilder text) {
        double alone = ours(Series.LOCKS, 1, "server_cpu_us_per_pair");
        double shared = ours(Series.LOCKS, 64, "server_cpu_us_per_pair");
        double handOver = ours(Series.PROCESSES, 2, "server_cpu_us_per_pair");
        double bytesAlone = ours(Series.LOCKS, 1, "database_bytes_per_pair");
        double bytesShared = ours(Series.LOCKS, 64, "database_bytes_per_pair");
        text.append("\n### The numbers of the model\n\n| | what | measured |\n|---|---|--:|\n");
        number(text, "`C1`", "CPU of the server for a pair of its own transactions, us", alone);
        number(text, "`C64`", "the same with 64 locks wanted at a time, us", shared);
        number(text, "`Ch`", "CPU of the server for a pair handed over between two processes, us", handOver);
        number(text, "`P1`", "proposals for a pair, alone", ours(Series.LOCKS, 1, "proposals_per_pair"));
        number(text, "`P64`", "the same with 64 locks wanted at a time", ours(Series.LOCKS, 64, "proposals_per_pair"));
        number(text, "`B1`", "bytes of the database for a pair, alone", bytesAlone);
        number(text, "`B64`", "the same with 64 locks wanted at a time", bytesShared);
        number(text, "`Ms`", "memory of the server for a held lock, bytes", heldMetric("server_memory_bytes_each"));
        number(text, "`Mc`", "heap of the client for a held lock, bytes", heldMetric("heap_bytes_each"));
        Workload mostKept = Series.KEPT.workload(10_000);
        double keptMemory = results.median(mostKept, Kind.HOLDFAST, 0, "server_memory_bytes_each");
        double keptCpu = results.median(mostKept, Kind.HOLDFAST, 0, "idle_server_cpu_us_per_second") / mostKept.names();
        number(text, "`Mk`", "memory of the server for a kept lock and its watch, bytes", keptMemory);
        number(text, "`Ck`", "CPU of the server for a kept lock that is not used, us a second", keptCpu);
        text.append("\n| what follows | |\n|---|--:|\n");
        follows(text, "pairs/s of one core of the server, one by one: 1 / C1", MICROS_PER_SECOND / alone);
        follows(text, "pairs/s of one core of the server, 64 at a time: 1 / C64", MICROS_PER_SECOND / shared);
        follows(text, "pairs/s of one core of the server, handed over: 1 / Ch", MICROS_PER_SECOND / handOver);
        follows(
                text,
                "pairs until a quota of 2 GiB is full without compaction, one by one: Q / B1",
                QUOTA_BYTES / bytesAlone);
        follows(text, "the same, 64 at a time: Q / B64", QUOTA_BYTES / bytesShared);
        follows(
                text,
                "kept locks, not used, that take a tenth of a core of the server: 0.1 / Ck",
                MICROS_PER_SECOND / 10 / keptCpu);
    }

    private static void number(StringBuilder text, String letter, String what, double value) {
        text.append(row(letter, what, Double.isNaN(value) ? "not yet measured" : Numbers.shorten(value)));
    }

    private static void follows(StringBuilder text, String what, double value) {
        text.append(row(what, Double.isNaN(value) ? "not yet measured" : Numbers.shorten(value)));
    }

    private double ours(Series series, int size, String metric) {
        return results.median(series.workload(size), Kind.HOLDFAST_UNCACHED, 0, metric);
    }

    private double heldMetric(String metric) {
        return results.median(Series.HELD.workload(100_000), Kind.HOLDFAST, 0, metric);
    }

    // -------------------------------------------------------------------------------------------------- tables

    private void pairs(StringBuilder text, Series series) {
        text.append("| ")
                .append(series.axis())
                .append(
                        " | | pairs/s (least to most) | acquire p50 / p99, ms | hand-over p50, ms | server CPU, us | client CPU,"
                                + " us | proposals a pair | locks and unlocks in a proposal | ranges a pair | database bytes a pair | |\n"
                                + "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        for (Workload workload : series.workloads()) {
            for (Kind kind : series.kinds()) {
                if (!results.has(workload, kind, 0)) {
                    continue;
                }
                text.append(row(
                        Integer.toString(series.size(workload)),
                        kind.title(),
                        shown(workload, kind, "pairs_per_second") + " ("
                                + Numbers.shorten(results.least(workload, kind, 0, "pairs_per_second")) + " to "
                                + Numbers.shorten(results.most(workload, kind, 0, "pairs_per_second")) + ")",
                        millis(workload, kind, "acquire_p50_us") + " / " + millis(workload, kind, "acquire_p99_us"),
                        millis(workload, kind, "hand_over_p50_us"),
                        shown(workload, kind, "server_cpu_us_per_pair"),
                        shown(workload, kind, "client_cpu_us_per_pair"),
                        shown(workload, kind, "proposals_per_pair"),
                        Numbers.shorten(operationsPerProposal(workload, kind)),
                        shown(workload, kind, "ranges_per_pair"),
                        shown(workload, kind, "database_bytes_per_pair"),
                        voids(workload, kind)));
            }
        }
    }

    private void held(StringBuilder text) {
        text.append(
                "| locks held | acquired in, s | acquired/s | one more: p50 / p99, ms | the same with none held: p50, ms |"
                        + " heap each, B | server CPU each, us | server memory each, B | database bytes each | proposals each | |\n"
                        + "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        Kind kind = Kind.HOLDFAST;
        for (Workload workload : Series.HELD.workloads()) {
            if (!results.has(workload, kind, 0)) {
                continue;
            }
            text.append(row(
                    String.format(Locale.ROOT, "%,d", workload.names()),
                    shown(workload, kind, "acquired_seconds"),
                    shown(workload, kind, "acquired_per_second"),
                    millis(workload, kind, "one_more_p50_us") + " / " + millis(workload, kind, "one_more_p99_us"),
                    millis(workload, kind, "one_more_before_p50_us"),
                    shown(workload, kind, "heap_bytes_each"),
                    shown(workload, kind, "server_cpu_us_each"),
                    shown(workload, kind, "server_memory_bytes_each"),
                    shown(workload, kind, "database_bytes_each"),
                    shown(workload, kind, "proposals_each"),
                    voids(workload, kind)));
        }
    }

    private void kept(StringBuilder text) {
        text.append(
                "| locks kept | kept/s, from the first use on | heap each, B | server memory each, B | while idle: server CPU,"
                        + " us a second | ranges/s | proposals/s | still kept then | |\n"
                        + "|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        Kind kind = Kind.HOLDFAST;
        for (Workload workload : Series.KEPT.workloads()) {
            if (!results.has(workload, kind, 0)) {
                continue;
            }
            text.append(row(
                    String.format(Locale.ROOT, "%,d", workload.names()),
                    shown(workload, kind, "kept_per_second"),
                    shown(workload, kind, "heap_bytes_each"),
                    shown(workload, kind, "server_memory_bytes_each"),
                    shown(workload, kind, "idle_server_cpu_us_per_second"),
                    shown(workload, kind, "idle_ranges_per_second"),
                    shown(workload, kind, "idle_proposals_per_second"),
                    Numbers.share(results.median(workload, kind, 0, "still_kept")),
                    voids(workload, kind)));
        }
    }

    private double operationsPerProposal(Workload workload, Kind kind) {
        return 2 / results.median(workload, kind, 0, "proposals_per_pair");
    }

    private String voids(Workload workload, Kind kind) {
        int voids = results.voids(workload, kind, 0);
        return voids == 0
                ? ""
                : "**void: two held one lock** (" + voids + " of " + results.rounds(workload, kind, 0) + " rounds)";
    }

    private String shown(Workload workload, Kind kind, String metric) {
        return Numbers.shorten(results.median(workload, kind, 0, metric));
    }

    private String millis(Workload workload, Kind kind, String metric) {
        return Numbers.millis(results.median(workload, kind, 0, metric));
    }

    private static String row(String... cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }

    // --------------------------------------------------------------------------------------------------- plots

    /** By the names of their files. */
    Map<String, Curves> plots() {
        Map<String, Curves> plots = new LinkedHashMap<>();
        for (Series series : List.of(Series.THREADS, Series.PROCESSES, Series.LOCKS)) {
            plot(
                    plots,
                    series,
                    "rate",
                    "pairs/s",
                    (workload, kind) -> results.median(workload, kind, 0, "pairs_per_second"));
            plot(
                    plots,
                    series,
                    "latency",
                    "acquire, median, ms",
                    (workload, kind) -> results.median(workload, kind, 0, "acquire_p50_us") / 1e3);
        }
        plot(plots, Series.LOCKS, "batch", "locks and unlocks in a proposal", this::operationsPerProposal);
        plot(
                plots,
                Series.HELD,
                "rate",
                "acquired/s",
                (workload, kind) -> results.median(workload, kind, 0, "acquired_per_second"));
        plot(
                plots,
                Series.HELD,
                "latency",
                "one more, median, ms",
                (workload, kind) -> results.median(workload, kind, 0, "one_more_p50_us") / 1e3);
        plot(
                plots,
                Series.KEPT,
                "idle",
                "CPU of the server while idle, us a second",
                (workload, kind) -> results.median(workload, kind, 0, "idle_server_cpu_us_per_second"));
        return plots;
    }

    private void plot(
            Map<String, Curves> plots,
            Series series,
            String what,
            String unit,
            ToDoubleBiFunction<Workload, Kind> value) {
        List<Curves.Line> lines = series.kinds().stream()
                .map(kind -> new Curves.Line(
                        kind.title(),
                        series.workloads().stream()
                                .map(workload ->
                                        new Curves.Point(series.size(workload), value.applyAsDouble(workload, kind)))
                                .filter(point -> point.y() > 0 && Double.isFinite(point.y()))
                                .toList()))
                .filter(line -> !line.points().isEmpty())
                .toList();
        if (!lines.isEmpty()) {
            plots.put("growth-" + series.id() + "-" + what, new Curves(series.title(), series.axis(), unit, lines));
        }
    }
}
