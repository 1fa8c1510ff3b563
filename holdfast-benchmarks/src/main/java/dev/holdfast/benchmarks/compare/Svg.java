package dev.holdfast.benchmarks.compare;

import java.util.Locale;

/** Drawings as text. */
final class Svg {

    private Svg() {}

    /** The beginning of a drawing with a title, on white. */
    static StringBuilder begin(int width, int height, String title) {
        StringBuilder svg = new StringBuilder();
        add(
                svg,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">%n",
                width,
                height);
        add(svg, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>%n", width, height);
        add(svg, "<text x=\"12\" y=\"22\" font-size=\"15\" fill=\"#111111\">%s</text>%n", escape(title));
        return svg;
    }

    static void add(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values));
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
