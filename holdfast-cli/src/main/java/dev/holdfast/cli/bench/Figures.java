package dev.holdfast.cli.bench;

import java.util.Locale;

/** How numbers are written for people. */
final class Figures {

    private static final double NANOS_PER_MICRO = 1e3;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double NANOS_PER_SECOND = 1e9;

    private Figures() {}

    /** Three digits that count and a unit: {@code 47 ns}, {@code 1.23 ms}. */
    static String time(double nanos) {
        if (nanos < 999.5) {
            return write("%.0f ns", nanos);
        }
        if (nanos < 999.5e3) {
            return digits(nanos / NANOS_PER_MICRO) + " us";
        }
        return nanos < 999.5e6 ? digits(nanos / NANOS_PER_MILLI) + " ms" : digits(nanos / NANOS_PER_SECOND) + " s";
    }

    /** As {@link #time(double)}. */
    static String time(long nanos) {
        return time((double) nanos);
    }

    private static String digits(double value) {
        return write(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
    }

    /** A power of ten of nanoseconds: {@code 10us}. */
    static String decade(int power) {
        String[] units = {"ns", "us", "ms", "s"};
        int unit = Math.min(Math.max(0, power / 3), units.length - 1);
        return Math.round(Math.pow(10, power - 3.0 * unit)) + units[unit];
    }

    /** So many a second, with commas. */
    static String rate(double perSecond) {
        return write(perSecond < 100 ? "%.1f" : "%,.0f", perSecond);
    }

    static String count(long number) {
        return write("%,d", number);
    }

    static String bytes(long bytes) {
        return bytes < 1_000_000 ? write("%d kB", bytes / 1_000) : write("%.1f MB", bytes / 1e6);
    }

    /** Seconds as somebody would type them: {@code 10}, {@code 0.5}. */
    static String seconds(double seconds) {
        return seconds == Math.rint(seconds) ? write("%.0f", seconds) : write("%.1f", seconds);
    }

    private static String write(String format, Object value) {
        return String.format(Locale.ROOT, format, value);
    }
}
