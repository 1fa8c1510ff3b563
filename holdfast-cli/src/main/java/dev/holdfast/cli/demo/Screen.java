package dev.holdfast.cli.demo;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The terminal that the output goes to.
 *
 * @param isUnicode whether it shows more than ASCII
 */
public record Screen(int columns, int rows, boolean isUnicode) {

    private static final Pattern SIZE = Pattern.compile("(\\d{1,4}) (\\d{1,4})");

    /** Terminals that do not know their size say 0 or something tiny. */
    private static final Screen USUAL = new Screen(80, 24, false);

    private static final int LEAST_COLUMNS = 20;
    private static final int LEAST_ROWS = 5;

    /**
     * What the launcher found out.
     *
     * @param size {@code rows columns} as {@code stty size} prints them, or empty
     * @return empty when standard output is no terminal, or one that cannot move its cursor
     */
    public static Optional<Screen> of(String size, Map<String, String> environment) {
        Matcher form = SIZE.matcher(size.strip());
        if (!form.matches() || environment.getOrDefault("TERM", "dumb").equals("dumb")) {
            return Optional.empty();
        }
        int rows = Integer.parseInt(form.group(1));
        int columns = Integer.parseInt(form.group(2));
        return Optional.of(new Screen(
                columns < LEAST_COLUMNS ? USUAL.columns : columns,
                rows < LEAST_ROWS ? USUAL.rows : rows,
                isUnicode(environment)));
    }

    /** Whether what is printed may be more than ASCII. The first of these that is set decides, as in every program. */
    public static boolean isUnicode(Map<String, String> environment) {
        return List.of("LC_ALL", "LC_CTYPE", "LANG").stream()
                .map(variable -> environment.getOrDefault(variable, ""))
                .filter(locale -> !locale.isEmpty())
                .findFirst()
                .filter(locale ->
                        locale.toUpperCase(Locale.ROOT).replace("-", "").contains("UTF8"))
                .isPresent();
    }
}
