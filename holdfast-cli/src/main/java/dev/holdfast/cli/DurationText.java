package dev.holdfast.cli;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How people write durations: {@code 500ms}, {@code 2s}, {@code 1.5s}, {@code 3m}, {@code 0}. */
public final class DurationText {

    /** The longest duration there is a use for on a command line. */
    private static final Duration LONGEST = Duration.ofHours(1);

    private static final Pattern FORM = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|s|m)");

    private DurationText() {}

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none, or longer than an hour
     */
    public static Duration parse(String text) {
        if (text.equals("0")) {
            return Duration.ZERO; // nothing needs no unit
        }
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no duration such as 500ms, 2s, 1.5s or 3m");
        }
        BigDecimal unitNanos =
                switch (form.group(2)) {
                    case "ms" -> BigDecimal.valueOf(1_000_000L);
                    case "s" -> BigDecimal.valueOf(1_000_000_000L);
                    default -> BigDecimal.valueOf(60_000_000_000L);
                };
        BigDecimal nanos = new BigDecimal(form.group(1)).multiply(unitNanos);
        if (nanos.compareTo(BigDecimal.valueOf(LONGEST.toNanos())) > 0) {
            throw new IllegalArgumentException("'" + text + "' is longer than an hour");
        }
        return Duration.ofNanos(nanos.longValue());
    }

    /** The shortest text that {@link #parse} reads back as the same duration, of whole milliseconds. */
    public static String exact(Duration duration) {
        long millis = duration.toMillis();
        return millis % 1_000 == 0 ? millis / 1_000 + "s" : millis + "ms";
    }

    /** For people: {@code 3.2 s}, or {@code 85 ms} when it is short. */
    public static String rounded(long nanos) {
        return nanos < 100_000_000L
                ? nanos / 1_000_000L + " ms"
                : String.format(Locale.ROOT, "%.1f s", nanos / 1_000_000_000.0);
    }
}
