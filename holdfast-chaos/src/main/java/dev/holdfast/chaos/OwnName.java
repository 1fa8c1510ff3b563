package dev.holdfast.chaos;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of things that outlive a process: {@code hfc<process id in base 36>-<what>}. So what a dead process has left behind
 * is known as such, and runs at the same time do not meet. Short enough for the name of a network link.
 */
final class OwnName {

    private static final Pattern PATTERN = Pattern.compile("hfc([0-9a-z]{1,6})-[a-z]+\\d*");

    private OwnName() {}

    /** @param what letters, and digits after them */
    static String of(String what) {
        return of(ProcessHandle.current().pid(), what);
    }

    static String of(long pid, String what) {
        return "hfc" + Long.toString(pid, 36) + "-" + what;
    }

    /** Owners that are dead. */
    static boolean isDead(long pid) {
        return ProcessHandle.of(pid).isEmpty();
    }

    /** This process. */
    static boolean isThis(long pid) {
        return pid == ProcessHandle.current().pid();
    }

    /** Those of the names that are owned by such a process. A name that only begins or ends like one is somebody else's. */
    static Set<String> owned(Collection<String> names, LongPredicate byWhom) {
        Set<String> owned = new TreeSet<>();
        for (String name : names) {
            Matcher matcher = PATTERN.matcher(name);
            if (matcher.matches() && byWhom.test(Long.parseLong(matcher.group(1), 36))) {
                owned.add(name);
            }
        }
        return owned;
    }
}
