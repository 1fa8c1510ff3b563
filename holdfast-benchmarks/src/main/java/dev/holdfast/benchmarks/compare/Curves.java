package dev.holdfast.benchmarks.compare;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** Lines over a logarithmic axis, on a logarithmic scale, as SVG that needs nothing else. Immutable. */
record Curves(String title, String axis, String unit, List<Line> lines) {

    /** @param points from left to right */
    record Line(String label, List<Point> points) {}

    /** Both above zero. */
    record Point(double x, double y) {}

    private static final int WIDTH = 760;
    private static final int HEIGHT = 360;
    private static final int LEFT = 64;
    private static final int RIGHT = 220;
    private static final int TOP = 46;
    private static final int BOTTOM = 52;
    private static final String[] COLOURS = {"#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#64748b", "#a16207"};

    String svg() {
        double least = ys().min().orElse(1);
        double most = ys().max().orElse(10);
        int from = (int) Math.floor(Math.log10(least));
        int to = Math.max(from + 1, (int) Math.ceil(Math.log10(most)));
        double right = Math.max(2, points().mapToDouble(Point::x).max().orElse(2));
        StringBuilder svg = Svg.begin(WIDTH, HEIGHT, title);
        Svg.add(
                svg,
                "<text x=\"12\" y=\"%d\" fill=\"#555555\">%s</text>%n",
                TOP - 8,
                Svg.escape(unit + ", logarithmic"));
        for (int power = from; power <= to; power++) {
            double y = y(Math.pow(10, power), from, to);
            Svg.add(
                    svg,
                    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>%n",
                    LEFT,
                    y,
                    WIDTH - RIGHT,
                    y);
            Svg.add(
                    svg,
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555555\">%s</text>%n",
                    LEFT - 6,
                    y + 4,
                    Numbers.shorten(Math.pow(10, power)));
        }
        for (double x : points().mapToDouble(Point::x).distinct().sorted().toArray()) {
            Svg.add(
                    svg,
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555555\">%s</text>%n",
                    x(x, right),
                    HEIGHT - BOTTOM + 16,
                    Numbers.shorten(x));
        }
        Svg.add(svg, "<text x=\"%d\" y=\"%d\" fill=\"#555555\">%s</text>%n", LEFT, HEIGHT - 14, Svg.escape(axis));
        for (int i = 0; i < lines.size(); i++) {
            line(svg, lines.get(i), COLOURS[i % COLOURS.length], TOP + 8 + 20 * i, from, to, right);
        }
        return svg.append("</svg>\n").toString();
    }

    private static void line(StringBuilder svg, Line line, String colour, int legend, int from, int to, double right) {
        String points = line.points().stream()
                .map(point -> String.format(Locale.ROOT, "%.1f,%.1f", x(point.x, right), y(point.y, from, to)))
                .collect(Collectors.joining(" "));
        Svg.add(svg, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>%n", points, colour);
        for (Point point : line.points()) {
            Svg.add(
                    svg,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>%n",
                    x(point.x, right),
                    y(point.y, from, to),
                    colour);
        }
        int x = WIDTH - RIGHT + 14;
        Svg.add(svg, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"3\" fill=\"%s\"/>%n", x, legend - 5, colour);
        Svg.add(svg, "<text x=\"%d\" y=\"%d\" fill=\"#111111\">%s</text>%n", x + 18, legend, Svg.escape(line.label()));
    }

    private Stream<Point> points() {
        return lines.stream().flatMap(line -> line.points().stream());
    }

    private DoubleStream ys() {
        return points().mapToDouble(Point::y);
    }

    private static double x(double value, double right) {
        return LEFT + 12 + (WIDTH - LEFT - RIGHT - 24) * Math.log(value) / Math.log(right);
    }

    private static double y(double value, int from, int to) {
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (Math.log10(value) - from) / (to - from);
    }
}
