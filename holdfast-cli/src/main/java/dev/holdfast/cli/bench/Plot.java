package dev.holdfast.cli.bench;

import dev.holdfast.inspect.SafeText;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The run as a picture, SVG that needs nothing else: how latencies are distributed, and the throughput over time. */
final class Plot {

    private static final int WIDTH = 960;
    private static final int TOP = 70;
    private static final int PANEL = 96;
    private static final int PANEL_HEIGHT = 64;
    private static final int LEFT = 170;
    private static final int LATENCY_WIDTH = 400;
    private static final int RATE_LEFT = 760;
    private static final int RATE_WIDTH = 190;
    private static final int BOTTOM = 30;
    private static final int BINS = 100;
    private static final int MOST_POINTS = 190;

    private static final String INK = "#111111";
    private static final String FAINT = "#dddddd";
    private static final String GREY = "#555555";
    /** Of locking, unlocking and handing over. */
    private static final List<String> COLOURS = List.of("#c2410c", "#64748b", "#0f766e");

    private final StringBuilder svg = new StringBuilder();

    private Plot() {}

    static String of(Outcome outcome) {
        return new Plot().draw(outcome);
    }

    private String draw(Outcome outcome) {
        List<Result> results = outcome.results();
        Scale scale = Scale.over(results, BINS);
        int height = TOP + PANEL * results.size() + BOTTOM;
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">",
                WIDTH, height);
        add("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>", WIDTH, height);
        text(12, 22, "start", INK, 15, "Holdfast's locks on " + outcome.target());
        text(12, 40, "start", GREY, 12, caption(outcome));
        text(LEFT, 60, "start", GREY, 12, "latency: share of all by how long it took");
        text(LEFT + LATENCY_WIDTH + 8, 60, "start", GREY, 12, "half took at most");
        text(RATE_LEFT, 60, "start", GREY, 12, "pairs a second over time");
        for (int i = 0; i < results.size(); i++) {
            drawResult(results.get(i), scale, TOP + PANEL * i);
        }
        for (int power = scale.fromPower(); power <= scale.toPower(); power++) {
            text(x(scale, scale.place(power)), height - 12, "middle", GREY, 12, Figures.decade(power));
        }
        return svg.append("</svg>\n").toString();
    }

    private static String caption(Outcome outcome) {
        StringBuilder text = new StringBuilder(outcome.version());
        outcome.servers().servers().forEach(server -> text.append(", etcd ").append(server.version()));
        return text + ", " + Figures.seconds(outcome.plan().seconds()) + " s each after "
                + Figures.seconds(outcome.plan().warmUpSeconds()) + " s of warm-up"
                + (outcome.isVoid() ? " - VOID: two held one lock" : "");
    }

    private void drawResult(Result result, Scale scale, int top) {
        int base = top + 10 + PANEL_HEIGHT;
        text(12, top + 26, "start", INK, 14, result.workload().toString());
        text(12, top + 43, "start", INK, 12, Figures.rate(result.pairsPerSecond()) + " pairs/s");
        if (result.isVoid()) {
            text(LEFT, top + 43, "start", "#b91c1c", 14, "VOID");
            return;
        }
        for (int power = scale.fromPower(); power <= scale.toPower(); power++) {
            double x = x(scale, scale.place(power));
            line(x, base - PANEL_HEIGHT, x, base, FAINT);
        }
        line(LEFT, base, LEFT + LATENCY_WIDTH, base, GREY);
        List<Result.Row> rows = result.rows();
        for (int i = 0; i < rows.size(); i++) {
            String colour = COLOURS.get(i);
            drawDistribution(rows.get(i), scale, base, colour);
            Latency latency = Latency.of(rows.get(i).durations());
            text(
                    LEFT + LATENCY_WIDTH + 8,
                    top + 26 + 17 * i,
                    "start",
                    colour,
                    11,
                    rows.get(i).name() + " " + Figures.time(latency.p50Nanos()));
        }
        drawRates(result, base);
    }

    private void drawDistribution(Result.Row row, Scale scale, int base, String colour) {
        long[] counts = scale.counts(row.durations());
        double most = Math.max(1, Arrays.stream(counts).max().orElse(1));
        StringBuilder path = new StringBuilder();
        for (int bin = 0; bin < counts.length; bin++) {
            double y = base - PANEL_HEIGHT * (counts[bin] / most);
            path.append(write("%s%.1f,%.1f H%.1f ", bin == 0 ? "M" : "L", x(scale, bin), y, x(scale, bin + 1)));
        }
        add(
                "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\"/>",
                path.toString().strip(), colour);
    }

    private void drawRates(Result result, int base) {
        double[] rates = Strip.squeezed(result.rates(), MOST_POINTS);
        double most = Math.max(1, Arrays.stream(rates).max().orElse(1));
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < rates.length; i++) {
            points.append(write(
                    "%.1f,%.1f ",
                    RATE_LEFT + (i + 0.5) * RATE_WIDTH / rates.length, base - PANEL_HEIGHT * (rates[i] / most)));
        }
        line(RATE_LEFT, base, RATE_LEFT + RATE_WIDTH, base, GREY);
        add(
                "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\"/>",
                points.toString().strip(), COLOURS.get(0));
        text(RATE_LEFT - 6, base - PANEL_HEIGHT + 8, "end", GREY, 10, Figures.rate(most));
        text(RATE_LEFT - 6, base, "end", GREY, 10, "0");
    }

    private static double x(Scale scale, double bin) {
        return LEFT + LATENCY_WIDTH * bin / scale.bins();
    }

    private void line(double x1, double y1, double x2, double y2, String colour) {
        add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>", x1, y1, x2, y2, colour);
    }

    private void text(double x, double y, String anchor, String colour, int size, String text) {
        add(
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\" font-size=\"%d\">%s</text>",
                x,
                y,
                anchor,
                colour,
                size,
                SafeText.of(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
    }

    private void add(String format, Object... values) {
        svg.append(write(format, values)).append('\n');
    }

    private static String write(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
