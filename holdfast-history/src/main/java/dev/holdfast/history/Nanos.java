package dev.holdfast.history;

import java.util.Locale;

/** A length of time in words. */
final class Nanos {

    private Nanos() {}

    /** Exact below a microsecond, otherwise to three digits after the point of the greatest unit up to seconds. */
    static String text(long nanos) {
        if (nanos < 1_000) {
            return nanos + " ns";
        } else if (nanos < 1_000_000) {
            return String.format(Locale.ROOT, "%.3f us", nanos / 1e3);
        } else if (nanos < 1_000_000_000) {
            return String.format(Locale.ROOT, "%.3f ms", nanos / 1e6);
        }
        return String.format(Locale.ROOT, "%.3f s", nanos / 1e9);
    }
}
