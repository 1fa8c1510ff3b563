package dev.holdfast.benchmarks.compare;

import dev.holdfast.benchmarks.compare.Workload.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The results as tables in Markdown, and as plots. */
final class Report {

    private static final String RATE = "pairs_per_second";

    private final Plan plan;
    private final Results results;
    private final Conditions conditions;

    /**
     * What belongs beside the numbers.
     *
     * @param lines what they were measured on and how, in order
     * @param storages what is under each data folder
     * @param missing what did not take part or failed, with the reason
     */
    record Conditions(List<String> lines, List<String> storages, List<String> missing) {}

    Report(Plan plan, Results results, Conditions conditions) {
        this.plan = plan;
        this.results = results;
        this.conditions = conditions;
    }

    /** Writes the plots into a folder {@code benchmarks} beside the page, and returns the page's text. */
    String write(Path beside) throws IOException {
        Path folder = Files.createDirectories(beside.resolve("benchmarks"));
        for (Map.Entry<String, Chart> chart : charts().entrySet()) {
            Files.writeString(
                    folder.resolve(chart.getKey() + ".svg"), chart.getValue().svg());
        }
        return text();
    }

    String text() {
        StringBuilder text = new StringBuilder();
        conditions.lines().forEach(line -> text.append("* ").append(line).append('\n'));
        text.append(results.stolen());
        text.append("\n### Bars\n\n| workload | what | measured | bar | |\n|---|---|--:|--:|---|\n");
        for (Bar bar : Bar.all(results, conditions.storages(), plan.pace())) {
            text.append(row(
                    bar.workload(),
                    bar.claim(),
                    Numbers.shorten(bar.value()),
                    (bar.isAtLeast() ? "≥ " : "≤ ") + Numbers.shorten(bar.limit()),
                    bar.verdict().equals("miss") ? "**miss**" : bar.verdict()));
        }
        for (Workload workload : workloads()) {
            for (int data = 0; data < conditions.storages().size(); data++) {
                section(text, workload, data);
            }
        }
        if (!conditions.missing().isEmpty()) {
            text.append("\n### What is not here\n\n");
            conditions.missing().forEach(line -> text.append("* ").append(line).append('\n'));
        }
        return text.toString();
    }

    private void section(StringBuilder text, Workload workload, int data) {
        List<Kind> kinds = Results.kinds().stream()
                .filter(kind -> results.has(workload, kind, data))
                .toList();
        if (kinds.isEmpty()) {
            return;
        }
        text.append("\n### ")
                .append(workload.id())
                .append(": ")
                .append(workload.title())
                .append(" (data on ")
                .append(conditions.storages().get(data))
                .append(")\n\n");
        switch (workload.shape()) {
            case PAIRS -> pairs(text, workload, data, kinds);
            case KILL, TERMINATE -> crashes(text, workload, data, kinds);
            case EVENT, AGAIN, RECALL, HELD, KEPT, WAITERS -> measures(text, workload, data, kinds);
        }
    }

    private void pairs(StringBuilder text, Workload workload, int data, List<Kind> kinds) {
        if (charts().containsKey(plot(workload, data))) {
            text.append("![")
                    .append(workload.title())
                    .append("](benchmarks/")
                    .append(plot(workload, data))
                    .append(".svg)\n\n");
        }
        text.append(
                "| | pairs/s (least to most) | of Holdfast's | acquire p50 / p99 / max, ms | release p50 / p99 / max, ms"
                        + " | hand-over p50 / p99, ms | client CPU, us | server CPU, us | allocated, B"
                        + " | proposals / ranges / watch messages"
                        + " | Jain processes / threads | longest wait in turns | |\n"
                        + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        Kind reference = results.has(workload, Kind.HOLDFAST, data) ? Kind.HOLDFAST : Kind.HOLDFAST_UNCACHED;
        double ours = results.median(workload, reference, data, RATE);
        List<Kind> faster = new ArrayList<>();
        for (Kind kind : kinds) {
            double rate = results.median(workload, kind, data, RATE);
            boolean isFaster = !kind.isHoldfast() && rate > ours;
            if (isFaster) {
                faster.add(kind);
            }
            text.append(row(
                    kind.title(),
                    Numbers.shorten(rate) + " (" + Numbers.shorten(results.least(workload, kind, data, RATE)) + " to "
                            + Numbers.shorten(results.most(workload, kind, data, RATE)) + ")",
                    Numbers.shorten(rate / ours),
                    latency(workload, kind, data, "acquire", true),
                    latency(workload, kind, data, "release", true),
                    latency(workload, kind, data, "hand_over", false),
                    shown(workload, kind, data, "client_cpu_us_per_pair"),
                    shown(workload, kind, data, "server_cpu_us_per_pair"),
                    shown(workload, kind, data, "allocated_bytes_per_pair"),
                    shown(workload, kind, data, "proposals_per_pair") + " / "
                            + shown(workload, kind, data, "ranges_per_pair") + " / "
                            + shown(workload, kind, data, "watch_messages_per_pair"),
                    Numbers.share(results.median(workload, kind, data, "jain_processes")) + " / "
                            + Numbers.share(results.median(workload, kind, data, "jain_threads")),
                    Numbers.shorten(longestWaitInTurns(workload, kind, data)),
                    remark(workload, kind, data, isFaster)));
        }
        if (!faster.isEmpty()) {
            text.append("\nFaster than Holdfast here:\n\n");
            faster.forEach(kind -> text.append("* ")
                    .append(kind.title())
                    .append(": ")
                    .append(kind.promisesNot())
                    .append(".\n"));
        }
    }

    /* Whoever is alone waits for nobody's turn. */
    private double longestWaitInTurns(Workload workload, Kind kind, int data) {
        return workload.processes() * workload.threads() == 1
                ? Double.NaN
                : results.median(workload, kind, data, "acquire_max_us")
                        / results.median(workload, kind, data, "mean_turn_us");
    }

    private String remark(Workload workload, Kind kind, int data, boolean isFaster) {
        int voids = results.voids(workload, kind, data);
        if (voids > 0) {
            return "**void: two held one lock** (" + voids + " of " + results.rounds(workload, kind, data) + " rounds)";
        }
        return isFaster ? "faster" : "";
    }

    private void crashes(StringBuilder text, Workload workload, int data, List<Kind> kinds) {
        if (workload.shape() == Shape.TERMINATE) {
            text.append("What each client does by itself when its process is told to end; Holdfast with"
                    + " `releaseAtShutdown(true)`.\n\n");
        }
        text.append("| | time to the next hold, ms (least to most) | |\n|---|--:|---|\n");
        for (Kind kind : kinds) {
            text.append(row(
                    kind.title(),
                    shown(workload, kind, data, "take_over_ms") + " ("
                            + Numbers.shorten(results.least(workload, kind, data, "take_over_ms")) + " to "
                            + Numbers.shorten(results.most(workload, kind, data, "take_over_ms")) + ")",
                    remark(workload, kind, data, false)));
        }
    }

    private void measures(StringBuilder text, Workload workload, int data, List<Kind> kinds) {
        Map<String, String> measures =
                switch (workload.shape()) {
                    case EVENT -> Map.of("hand_over_p50_us", "p50, us", "hand_over_p99_us", "p99, us");
                    case AGAIN ->
                        Map.of(
                                "pair_p50_ns", "a pair, p50, ns",
                                "pair_p99_ns", "a pair, p99, ns",
                                "pairs_per_second", "pairs/s, all threads",
                                "allocated_bytes_per_pair", "allocated for a pair, B",
                                "txns_per_pair", "transactions for a pair");
                    case RECALL ->
                        Map.of(
                                "recall_p50_us", "lock(), p50, us",
                                "recall_p99_us", "lock(), p99, us",
                                "recall_max_us", "lock(), longest, us",
                                "recall_count", "recalls");
                    case HELD ->
                        Map.of(
                                "acquired_seconds", "acquired in, s",
                                "heap_bytes_each", "heap of each, bytes",
                                "threads", "threads of the process");
                    default ->
                        Map.of(
                                "hand_over_mean_us", "a hand-over, us",
                                "ranges_per_hand_over", "ranges for each",
                                "txns_per_hand_over", "transactions for each",
                                "watch_messages_per_hand_over", "watch messages for each");
                };
        text.append("| | | median (least to most) |\n|---|---|--:|\n");
        for (Kind kind : kinds) {
            for (String metric : new TreeSet<>(measures.keySet())) {
                text.append(row(
                        kind.title(),
                        measures.getOrDefault(metric, metric),
                        shown(workload, kind, data, metric) + " ("
                                + Numbers.shorten(results.least(workload, kind, data, metric)) + " to "
                                + Numbers.shorten(results.most(workload, kind, data, metric)) + ")"
                                + (results.voids(workload, kind, data) > 0
                                        ? " " + remark(workload, kind, data, false)
                                        : "")));
            }
        }
    }

    /** By the names of their files. */
    Map<String, Chart> charts() {
        Map<String, Chart> charts = new LinkedHashMap<>();
        for (Workload workload : workloads()) {
            if (workload.shape() != Shape.PAIRS) {
                continue;
            }
            for (int data = 0; data < conditions.storages().size(); data++) {
                int folder = data;
                List<Chart.Row> rows = Results.kinds().stream()
                        .map(kind -> new Chart.Row(
                                kind.title(), results.median(workload, kind, folder, RATE), kind.isHoldfast()))
                        .filter(row -> row.value() > 0)
                        .sorted(Comparator.comparingDouble(Chart.Row::value).reversed())
                        .toList();
                if (!rows.isEmpty()) {
                    charts.put(
                            plot(workload, data),
                            new Chart(
                                    workload.id() + ": " + workload.title() + ", "
                                            + conditions.storages().get(data),
                                    "pairs/s, logarithmic",
                                    rows));
                }
            }
        }
        return charts;
    }

    private static String plot(Workload workload, int data) {
        return workload.id() + (data == 0 ? "" : "-data" + (data + 1));
    }

    private Set<Workload> workloads() {
        Set<Workload> workloads = new LinkedHashSet<>();
        plan.cells().forEach(cell -> workloads.add(cell.workload()));
        return workloads;
    }

    private String latency(Workload workload, Kind kind, int data, String what, boolean withMost) {
        String text = Numbers.millis(results.median(workload, kind, data, what + "_p50_us")) + " / "
                + Numbers.millis(results.median(workload, kind, data, what + "_p99_us"));
        return withMost ? text + " / " + Numbers.millis(results.median(workload, kind, data, what + "_max_us")) : text;
    }

    private String shown(Workload workload, Kind kind, int data, String metric) {
        return Numbers.shorten(results.median(workload, kind, data, metric));
    }

    private static String row(String... cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }
}
