package dev.holdfast.chaos;

import dev.holdfast.chaos.Finding.Breach;
import dev.holdfast.history.Operation;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A run as one HTML file that needs nothing else: the verdict, what was measured, and a timeline of each lock with what was
 * done to whom. Every text of the run is escaped.
 */
final class Page {

    /** More holds than that make a file that no browser opens with joy; the rest is not drawn. */
    private static final int MOST_HOLDS = 200_000;

    /** How many breaches of one promise are listed. */
    private static final int MOST_BREACHES = 50;

    /** How many of them are not folded away. */
    private static final int IN_SIGHT = 3;

    private static final Pattern BLANK = Pattern.compile("\\{\\{(\\w+)}}");

    private final RunRecord run;
    private final Report report;
    private final List<Holding> holdings;
    private final Map<String, Integer> locks = new LinkedHashMap<>();
    private final Map<String, Integer> clients = new LinkedHashMap<>();
    private final Map<String, Integer> names = new LinkedHashMap<>();

    private Page(RunRecord run, Report report) {
        this.run = run;
        this.report = report;
        holdings = Holding.of(run.history());
        Set<String> used = new LinkedHashSet<>();
        holdings.forEach(holding -> used.add(holding.lock()));
        used.stream().sorted().forEach(lock -> locks.put(lock, locks.size()));
        run.history().clients().stream().sorted().forEach(who -> {
            names.put(who, names.size());
            clients.computeIfAbsent(Holding.clientOf(who), client -> clients.size());
        });
    }

    static void write(Path file, RunRecord run, Report report) throws IOException {
        Files.writeString(file, new Page(run, report).html(), StandardCharsets.UTF_8);
    }

    private String html() throws IOException {
        Map<String, String> blanks = Map.of(
                "title", escaped(run.title()),
                "class", report.sum().name().toLowerCase(Locale.ROOT),
                "word", word(),
                "subtitle", escaped(subtitle()),
                "command", escaped(run.command()),
                "findings", findings(),
                "rules", rules(),
                "numbers", numbers(),
                "faults", faults(),
                "data", data());
        Matcher matcher = BLANK.matcher(template());
        StringBuilder html = new StringBuilder();
        while (matcher.find()) {
            String text = blanks.get(matcher.group(1));
            if (text == null) {
                throw new IllegalStateException("nothing to put for " + matcher.group());
            }
            matcher.appendReplacement(html, Matcher.quoteReplacement(text));
        }
        return matcher.appendTail(html).toString();
    }

    private static String template() throws IOException {
        try (InputStream in = Page.class.getResourceAsStream("page.html")) {
            if (in == null) {
                throw new FileNotFoundException("page.html");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String subtitle() {
        long broken = report.count(Finding.Standing.BROKEN);
        long undecided = report.count(Finding.Standing.UNDECIDED);
        return "etcd " + run.etcd() + ", seed " + run.seed() + ", " + seconds(run.endNanos() - run.startNanos()) + ", "
                + holdings.size() + " holds of " + locks.size() + " locks, "
                + run.faults().size() + " faults, "
                + (broken == 0
                        ? "no promise broken"
                        : broken + " of " + report.findings().size() + " promises broken")
                + (undecided == 0 ? "" : ", " + undecided + " undecided");
    }

    private String word() {
        return switch (report.sum()) {
            case GOOD -> "ALL KEPT";
            case UNDECIDED -> "UNDECIDED";
            case BAD -> "BROKEN";
        };
    }

    // ---------------------------------------------------------------------------------------------- tables

    private String findings() {
        StringBuilder html = new StringBuilder();
        for (Finding finding : report.findings()) {
            String standing = finding.standing().name().toLowerCase(Locale.ROOT);
            html.append("<tr><td class=\"stands\"><span class=\"stand ")
                    .append(standing)
                    .append("\">")
                    .append(standing)
                    .append("</span></td><td class=\"claim\">")
                    .append(escaped(finding.claim()))
                    .append("</td><td class=\"evidence\">")
                    .append(escaped(finding.evidence()));
            html.append(breaches(finding));
            html.append("</td></tr>\n");
        }
        return html.toString();
    }

    /** The first ones in sight if they are breaches indeed; the rest, and what is excused, folded away. */
    private String breaches(Finding finding) {
        int count = finding.breaches().size();
        if (count == 0) {
            return "";
        }
        List<Breach> worstFirst = finding.breaches().stream()
                .sorted(Comparator.comparing(breach -> !breach.excuse().isEmpty()))
                .limit(MOST_BREACHES)
                .toList();
        int inSight = finding.standing() == Finding.Standing.BROKEN ? Math.min(IN_SIGHT, worstFirst.size()) : 0;
        StringBuilder html = new StringBuilder(listed(worstFirst.subList(0, inSight)));
        if (count > inSight) {
            html.append("<details><summary>")
                    .append(inSight == 0 ? "" : "and ")
                    .append(count - inSight)
                    .append(count - inSight == 1 ? " time" : " times")
                    .append(inSight == 0 ? " not" : " more")
                    .append("</summary>")
                    .append(listed(worstFirst.subList(inSight, worstFirst.size())))
                    .append("</details>");
        }
        return html.toString();
    }

    private String listed(List<Breach> breaches) {
        StringBuilder html = new StringBuilder();
        breaches.forEach(breach -> html.append(breach(breach)));
        return html.isEmpty() ? "" : "<ul>" + html + "</ul>";
    }

    private String breach(Breach breach) {
        StringBuilder html = new StringBuilder("<li>");
        Long at = nanosOf(breach);
        if (at != null) {
            html.append("<a class=\"jump\" data-at=\"")
                    .append(millis(at))
                    .append("\" data-lock=\"")
                    .append(locks.getOrDefault(lockOf(breach), -1))
                    .append("\">at ")
                    .append(seconds(at - run.startNanos()))
                    .append("</a> ");
        }
        html.append(escaped(breach.what()));
        if (!breach.excuse().isEmpty()) {
            html.append(" (").append(escaped(breach.excuse())).append(')');
        }
        if (breach.excuse().isEmpty() && !breach.operations().isEmpty()) {
            html.append("<pre>");
            breach.operations().forEach(operation -> html.append(escaped(operation.toString()))
                    .append('\n'));
            html.append("</pre>");
        }
        return html.append("</li>").toString();
    }

    private static @Nullable Long nanosOf(Breach breach) {
        Long latest = null;
        for (Operation operation : breach.operations()) {
            if (operation instanceof Operation.ByClient noted && (latest == null || noted.atNanos() > latest)) {
                latest = noted.atNanos();
            }
        }
        return latest;
    }

    private static String lockOf(Breach breach) {
        for (Operation operation : breach.operations()) {
            if (operation instanceof Operation.OnLock noted) {
                return noted.lock();
            }
        }
        return "";
    }

    private String rules() {
        StringBuilder html = new StringBuilder();
        report.rules()
                .forEach(rule ->
                        html.append("<p class=\"hint\">").append(escaped(rule)).append("</p>\n"));
        return html.toString();
    }

    private String numbers() {
        StringBuilder html = new StringBuilder();
        report.numbers().forEach((what, number) -> html.append("<div><b>")
                .append(escaped(what))
                .append("</b>")
                .append(escaped(number))
                .append("</div>\n"));
        return html.toString();
    }

    private String faults() {
        StringBuilder html = new StringBuilder();
        for (Fault fault : run.faults()) {
            html.append("<tr><td><a class=\"jump\" data-at=\"")
                    .append(millis(fault.fromNanos()))
                    .append("\" data-lock=\"-1\">")
                    .append(seconds(fault.fromNanos() - run.startNanos()))
                    .append("</a></td><td>")
                    .append(seconds(fault.untilNanos() - fault.fromNanos()))
                    .append("</td><td>")
                    .append(escaped(fault.kind()))
                    .append("</td><td>")
                    .append(escaped(fault.target()))
                    .append("</td><td class=\"evidence\">")
                    .append(escaped(fault.detail()))
                    .append(fault.effect() == Fault.Effect.NOT_SEEN ? " (nothing was seen of it)" : "")
                    .append("</td></tr>\n");
        }
        return html.toString();
    }

    // ---------------------------------------------------------------------------------------------- for the timeline

    /** What is drawn, as JSON; times in milliseconds since the beginning. */
    private String data() {
        List<String> holds = new ArrayList<>();
        for (Holding holding : holdings.subList(0, Math.min(MOST_HOLDS, holdings.size()))) {
            int lock = locks.getOrDefault(holding.lock(), -1);
            int client = clients.getOrDefault(Holding.clientOf(holding.who()), -1);
            long granted = holding.grant().atNanos();
            holds.add("[" + lock + "," + client + "," + millis(holding.requestedNanos()) + "," + millis(granted) + ","
                    + millis(holding.believedUntil(run.endNanos())) + ",\"" + end(holding) + "\","
                    + quoted(holding.token().toString()) + "," + names.get(holding.who()) + "]");
        }
        List<String> kills = new ArrayList<>();
        Set<String> killed = new LinkedHashSet<>();
        for (Operation operation : run.history().operations()) {
            if (operation instanceof Operation.Killed kill && killed.add(Holding.clientOf(kill.who()))) {
                kills.add("[" + clients.get(Holding.clientOf(kill.who())) + "," + millis(kill.atNanos()) + "]");
            }
        }
        List<String> stale = new ArrayList<>();
        new ResourceJudge(run, holdings, new Lives(run))
                .anomalies()
                .keySet()
                .forEach(write -> stale.add("["
                        + locks.getOrDefault(write.lock(), -1) + ","
                        + clients.getOrDefault(Holding.clientOf(write.who()), -1) + "," + millis(write.atNanos())
                        + "]"));
        List<String> marks = new ArrayList<>();
        for (Finding finding : report.findings()) {
            for (Breach breach : finding.breaches()) {
                Long at = nanosOf(breach);
                if (at != null && breach.excuse().isEmpty()) {
                    marks.add("[" + locks.getOrDefault(lockOf(breach), -1) + "," + millis(at) + "]");
                }
            }
        }
        List<String> bands = new ArrayList<>();
        for (Fault fault : run.faults()) {
            bands.add("[" + quoted(fault.kind()) + "," + quoted(fault.target()) + "," + millis(fault.fromNanos()) + ","
                    + millis(fault.untilNanos()) + "," + quoted(fault.detail()) + "]");
        }
        List<String> seats = clients.keySet().stream()
                .map(client -> "[" + quoted(seatOf(client)) + "," + quoted(Holding.kindOf(client)) + "]")
                .toList();
        return "{\"length\":" + millis(run.endNanos())
                + ",\"locks\":"
                + array(locks.keySet().stream().map(Page::quoted).toList())
                + ",\"clients\":" + array(seats)
                + ",\"names\":"
                + array(names.keySet().stream().map(Page::quoted).toList())
                + ",\"faults\":" + array(bands)
                + ",\"kills\":" + array(kills)
                + ",\"stale\":" + array(stale)
                + ",\"marks\":" + array(marks)
                + ",\"waits\":" + array(waits())
                + ",\"holds\":" + array(holds) + "}";
    }

    /** From each request to what ended it: a grant, giving up, asking anew, death, or the end of the run. */
    private List<String> waits() {
        List<Operation.ByClient> notes = new ArrayList<>();
        for (Operation operation : run.history().operations()) {
            if (operation instanceof Operation.Requested
                    || operation instanceof Operation.Granted
                    || operation instanceof Operation.GaveUp
                    || operation instanceof Operation.Killed) {
                notes.add((Operation.ByClient) operation);
            }
        }
        notes.sort(Comparator.comparingLong(Operation.ByClient::atNanos));
        // A client, or a thread of one, waits for one lock at a time.
        Map<String, Operation.Requested> waiting = new HashMap<>();
        List<String> waits = new ArrayList<>();
        for (Operation.ByClient note : notes) {
            Operation.Requested request = waiting.remove(note.who());
            if (request != null) {
                waits.add(wait(request, note.atNanos()));
            }
            if (note instanceof Operation.Requested next) {
                waiting.put(next.who(), next);
            }
        }
        waiting.values().forEach(request -> waits.add(wait(request, run.endNanos())));
        return waits.subList(0, Math.min(MOST_HOLDS, waits.size()));
    }

    private String wait(Operation.Requested request, long untilNanos) {
        return "[" + locks.getOrDefault(request.lock(), -1) + ","
                + clients.getOrDefault(Holding.clientOf(request.who()), -1) + "," + millis(request.atNanos()) + ","
                + millis(untilNanos) + "]";
    }

    /** The row of a client: that of the one whose part it took. */
    private static String seatOf(String client) {
        int tilde = client.indexOf('~');
        return tilde < 0 ? client : client.substring(0, tilde);
    }

    private static String end(Holding holding) {
        Operation end = holding.end();
        if (end instanceof Operation.Lost || holding.believedUntil(Long.MAX_VALUE) < holding.endNanos(Long.MAX_VALUE)) {
            return "l";
        }
        return end instanceof Operation.Killed ? "k" : end == null ? "n" : "r";
    }

    private static String array(List<String> elements) {
        return "[" + String.join(",\n", elements) + "]";
    }

    private String millis(long nanos) {
        return String.format(Locale.ROOT, "%.3f", (nanos - run.startNanos()) / 1e6);
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.2f s", nanos / 1e9);
    }

    /** As text of an HTML element or attribute. */
    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    /** As a string of JSON that may stand inside a script element. */
    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        text.chars().forEach(c -> {
            boolean isPlain = c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
            json.append(isPlain ? String.valueOf((char) c) : String.format("\\u%04x", c));
        });
        return json.append('"').toString();
    }
}
