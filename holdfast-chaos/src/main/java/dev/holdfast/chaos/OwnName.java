package dev.holdfast.chaos;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of things that outlive a process: {@code hfc<process id in base 36>-<what>}. So what a dead process has left behind
 * is known as such, and runs at the same time do not meet. Short enough for the name of a network link.
 */
final class OwnName {

    private static final Pattern PATTERN = Pattern.compile("\\bhfc([0-9a-z]{1,6})-([a-z]+\\d*)\\b");

    private OwnName() {}

    /** @param what letters, and digits after them */
    static String of(String what) {
        return of(ProcessHandle.current().pid(), what);
    }

    static String of(long pid, String what) {
        return "hfc" + Long.toString(pid, 36) + "-" + what;
    }

    /** The names in a text whose owners are dead. */
    static Set<String> ofTheDead(String text) {
        Set<String> names = new TreeSet<>();
        Matcher matcher = PATTERN.matcher(text);
        while (matcher.find()) {
            if (ProcessHandle.of(Long.parseLong(matcher.group(1), 36)).isEmpty()) {
                names.add(matcher.group());
            }
        }
        return names;
    }
}
