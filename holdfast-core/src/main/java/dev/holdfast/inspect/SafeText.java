package dev.holdfast.inspect;

/**
 * Makes text that strangers wrote fit to be shown in a terminal or a log: what steers a terminal, turns the direction of
 * reading or cannot be written as UTF-8 is shown as {@code \\u001b}, and long text is cut.
 */
public final class SafeText {

    private static final char CUT = '\u2026';

    private SafeText() {}

    /**
     * One line without control characters.
     *
     * @param mostChars the longest result but for what is escaped, at least 1; a longer text ends in an ellipsis
     */
    public static String of(String text, int mostChars) {
        return escape(cut(text, mostChars));
    }

    /** The whole of it, on one line without control characters. */
    public static String of(String text) {
        return escape(text);
    }

    /** No longer than that, with an ellipsis for what was cut; never between the halves of a character. */
    static String cut(String text, int mostChars) {
        if (text.length() <= mostChars) {
            return text;
        }
        int end = Math.max(0, mostChars - 1);
        if (end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end) + CUT;
    }

    private static String escape(String text) {
        int firstUnsafe = 0;
        while (firstUnsafe < text.length() && isPlain(text.charAt(firstUnsafe))) {
            firstUnsafe++;
        }
        if (firstUnsafe == text.length()) {
            return text;
        }
        StringBuilder safe = new StringBuilder(text.length() + 16).append(text, 0, firstUnsafe);
        for (int i = firstUnsafe; i < text.length(); ) {
            int character = text.codePointAt(i);
            if (isSafe(character)) {
                safe.appendCodePoint(character);
            } else if (Character.isBmpCodePoint(character)) {
                safe.append(String.format("\\u%04x", character));
            } else {
                safe.append(String.format("\\u{%x}", character));
            }
            i += Character.charCount(character);
        }
        return safe.toString();
    }

    private static boolean isPlain(char character) {
        return character >= ' ' && character < 0x7f;
    }

    private static boolean isSafe(int character) {
        return switch (Character.getType(character)) {
            // FORMAT: marks and overrides of direction, tags, what has no width at all.
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}
