package dev.holdfast.benchmarks.compare;

import java.util.Locale;

/** How numbers are written for people. */
public final class Numbers {

    private static final String NONE = "–";

    private Numbers() {}

    /** With about three digits that count; a dash for NaN. */
    public static String shorten(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return NONE;
        }
        double size = Math.abs(value);
        if (size >= 1e6) {
            return write("%.3gM", value / 1e6);
        }
        if (size >= 1e4) {
            return write("%.1fk", value / 1e3);
        }
        if (size >= 100 || size == Math.rint(size)) {
            return write("%.0f", value);
        }
        if (size >= 10) {
            return write("%.1f", value);
        }
        return write(size >= 0.01 ? "%.2f" : "%.4f", value);
    }

    /** Microseconds as milliseconds. */
    public static String millis(double micros) {
        return Double.isNaN(micros)
                ? NONE
                : write(micros >= 100_000 ? "%.0f" : micros >= 1_000 ? "%.2f" : "%.3f", micros / 1e3);
    }

    /** With three digits after the point. */
    public static String share(double value) {
        return Double.isNaN(value) ? NONE : write("%.3f", value);
    }

    private static String write(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
