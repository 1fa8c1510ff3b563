package dev.holdfast.runtime;

import dev.holdfast.inspect.SafeText;

/**
 * One line of the log: {@code event=owned lock="nightly report" lease=4f2a}. Pairs of a key and a value, separated by one
 * space. A value is bare if it consists of ASCII letters, digits and {@code . _ : / @ + -}; otherwise it stands between
 * quotes, in which a backslash goes before a quote and before a backslash, and whatever steers a terminal is written as
 * {@code \\u001b}. Not thread-safe.
 */
final class LogLine {

    /** The longest value, in characters. */
    private static final int MAX_VALUE = 1_024;

    private final StringBuilder text = new StringBuilder(160);

    private LogLine(String event) {
        text.append("event=").append(event);
    }

    /** @param event one bare word */
    static LogLine of(String event) {
        return new LogLine(event);
    }

    LogLine with(String key, long value) {
        text.append(' ').append(key).append('=').append(value);
        return this;
    }

    LogLine with(String key, Object value) {
        text.append(' ').append(key).append('=');
        String plain = String.valueOf(value);
        if (isBare(plain)) {
            text.append(plain);
        } else {
            String cut = SafeText.of(plain.replace("\\", "\\\\").replace("\"", "\\\""), MAX_VALUE);
            text.append('"').append(cut).append('"');
        }
        return this;
    }

    private static boolean isBare(String value) {
        if (value.isEmpty() || value.length() > MAX_VALUE) {
            return false;
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            boolean isLetterOrDigit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!isLetterOrDigit && "._:/@+-".indexOf(c) < 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
