package dev.holdfast.benchmarks.compare;

import java.util.List;

/** Horizontal bars on a logarithmic scale, as SVG that needs nothing else. Immutable. */
record Chart(String title, String unit, List<Row> rows) {

    /**
     * @param value above zero
     * @param isOurs drawn in another colour
     */
    record Row(String label, double value, boolean isOurs) {}

    private static final int WIDTH = 760;
    private static final int LEFT = 250;
    private static final int RIGHT = 90;
    private static final int TOP = 46;
    private static final int LINE = 24;
    private static final int BOTTOM = 34;

    String svg() {
        double least = rows.stream().mapToDouble(Row::value).min().orElse(1);
        double most = rows.stream().mapToDouble(Row::value).max().orElse(1);
        int from = (int) Math.floor(Math.log10(least) - 0.3);
        int to = Math.max(from + 1, (int) Math.ceil(Math.log10(most)));
        int height = TOP + LINE * rows.size() + BOTTOM;
        StringBuilder svg = Svg.begin(WIDTH, height, title);
        for (int power = from; power <= to; power++) {
            double x = x(power, from, to);
            Svg.add(
                    svg,
                    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#dddddd\"/>%n",
                    x,
                    TOP - 8,
                    x,
                    height - BOTTOM);
            Svg.add(
                    svg,
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555555\">%s</text>%n",
                    x,
                    height - BOTTOM + 16,
                    Numbers.shorten(Math.pow(10, power)));
        }
        Svg.add(svg, "<text x=\"12\" y=\"%d\" fill=\"#555555\">%s</text>%n", height - BOTTOM + 16, Svg.escape(unit));
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            int y = TOP + LINE * i;
            double end = x(Math.log10(row.value()), from, to);
            Svg.add(
                    svg,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#111111\">%s</text>%n",
                    LEFT - 8,
                    y + 13,
                    Svg.escape(row.label()));
            Svg.add(
                    svg,
                    "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"16\" fill=\"%s\"/>%n",
                    LEFT,
                    y,
                    Math.max(1, end - LEFT),
                    row.isOurs() ? "#c2410c" : "#64748b");
            Svg.add(
                    svg,
                    "<text x=\"%.1f\" y=\"%d\" fill=\"#111111\">%s</text>%n",
                    end + 6,
                    y + 13,
                    Numbers.shorten(row.value()));
        }
        return svg.append("</svg>\n").toString();
    }

    private static double x(double power, int from, int to) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (power - from) / (to - from);
    }
}
