package dev.holdfast.cli.demo;

import dev.holdfast.cli.DurationText;
import dev.holdfast.cli.ExitCode;
import dev.holdfast.history.Checker;
import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Verdict;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What comes last: the grants in their order, what became of the others, and the verdict on all of it. */
record Summary(List<Row> rows, List<Verdict> verdicts) {

    /**
     * What became of one hold, or of a worker that never held.
     *
     * @param place the place in the order of grants, or empty
     */
    record Row(String place, String worker, String waited, String token, String held, String end) {
        private static final Row HEADING = new Row("#", "worker", "waited", "token", "held", "end");

        String line() {
            return String.format(Locale.ROOT, "%3s  %-6s  %8s  %-14s  %8s  %s", place, worker, waited, token, held, end)
                    .stripTrailing();
        }
    }

    static Summary of(History history) {
        return new Summary(
                rows(history),
                Checker.all().stream().map(checker -> checker.check(history)).toList());
    }

    boolean isKept() {
        return verdicts.stream().allMatch(Verdict::isKept);
    }

    private boolean isBroken() {
        return verdicts.stream().anyMatch(Verdict::isBroken);
    }

    /**
     * Prints the table and the verdict.
     *
     * @param keysLeft how many entries the lock still has in etcd, of whomever
     */
    void print(PrintWriter out, int keysLeft) {
        out.println();
        out.println(Row.HEADING.line());
        rows.forEach(row -> out.println(row.line()));
        out.println("keys left in etcd: " + keysLeft);
        out.println();
        printVerdict(out);
    }

    void printVerdict(PrintWriter out) {
        for (Verdict verdict : verdicts) {
            out.println((verdict.isKept() ? "  ok   " : verdict.isBroken() ? " FAIL  " : "  ??   ") + verdict);
        }
        out.println(
                isKept()
                        ? "verdict: every promise was kept"
                        : isBroken() ? "verdict: VIOLATED" : "verdict: UNDECIDED, this history is too hard to judge");
        out.flush();
    }

    /** What the verdict means as an {@link ExitCode}. */
    int exitCode() {
        return isKept() ? ExitCode.OK : isBroken() ? ExitCode.VIOLATED : ExitCode.FAILED;
    }

    private static List<Row> rows(History history) {
        Map<String, Long> requestedNanos = new HashMap<>();
        List<Operation.Granted> grants = new ArrayList<>();
        List<Operation.ByClient> ends = new ArrayList<>();
        for (Operation operation : history.operations()) {
            if (operation instanceof Operation.Requested requested) {
                requestedNanos.merge(requested.who(), requested.atNanos(), Math::min);
            } else if (operation instanceof Operation.Granted granted) {
                grants.add(granted);
            } else if (operation instanceof Operation.ByClient end) {
                ends.add(end);
            }
        }
        ends.sort(Comparator.comparingLong(Operation.ByClient::atNanos));
        grants.sort(Comparator.comparingLong(Operation.Granted::atNanos));
        List<Row> rows = new ArrayList<>();
        for (Operation.Granted granted : grants) {
            Optional<Operation.ByClient> end =
                    ends.stream().filter(e -> ends(e, granted)).findFirst();
            rows.add(new Row(
                    Integer.toString(rows.size() + 1),
                    granted.who(),
                    between(requestedNanos.get(granted.who()), granted.atNanos()),
                    granted.token().toString(),
                    between(
                            granted.atNanos(),
                            end.map(Operation.ByClient::atNanos).orElse(null)),
                    end.map(Summary::word).orElse("never ended")));
        }
        for (Operation.ByClient end : ends) {
            if (end instanceof Operation.GaveUp) {
                rows.add(new Row(
                        "-", end.who(), between(requestedNanos.get(end.who()), end.atNanos()), "-", "-", word(end)));
            }
        }
        return rows;
    }

    private static boolean ends(Operation.ByClient end, Operation.Granted granted) {
        if (!end.who().equals(granted.who())) {
            return false;
        }
        return end instanceof Operation.Killed
                || (end instanceof Operation.Released released
                        && released.token().equals(granted.token()))
                || (end instanceof Operation.Lost lost && lost.token().equals(granted.token()));
    }

    private static String word(Operation.ByClient end) {
        if (end instanceof Operation.Released) {
            return "released";
        } else if (end instanceof Operation.Lost) {
            return "lost";
        }
        return end instanceof Operation.Killed ? "killed" : "gave up";
    }

    private static String between(@Nullable Long fromNanos, @Nullable Long toNanos) {
        return fromNanos == null || toNanos == null ? "?" : DurationText.rounded(toNanos - fromNanos);
    }
}
