package dev.holdfast.cli.inspect;

import dev.holdfast.inspect.ForeignKey;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Locks as a table for people: one row for the holder, one for each waiter, one for the foreign keys. */
public final class LockTable {

    private static final String GAP = "  ";
    private static final List<String> HEADING = List.of("LOCK", "PLACE", "WHO", "PURPOSE", "SINCE", "TOKEN");
    private static final List<String> MORE_HEADING = List.of("ENTRY", "TRACE");

    private final boolean isVerbose;
    private final Instant now;
    private final List<List<String>> rows = new ArrayList<>();

    private LockTable(boolean isVerbose, Instant now) {
        this.isVerbose = isVerbose;
        this.now = now;
    }

    /**
     * The lines of the table with a heading; none if there is no lock.
     *
     * @param isVerbose with the entries' keys and traces
     * @param now by our clock, for ages
     */
    public static List<String> lines(Collection<LockState> locks, boolean isVerbose, Instant now) {
        LockTable table = new LockTable(isVerbose, now);
        locks.forEach(table::add);
        return table.rows.isEmpty() ? List.of() : table.render();
    }

    private void add(LockState lock) {
        String name = Who.safe(lock.name());
        boolean isFirstRow = true;
        if (lock.blocker().isPresent()) {
            add(isFirstRow ? name : "", "blocks", foreign(lock), List.of("", "", ""), List.of("", ""));
            isFirstRow = false;
        }
        if (lock.holder().isPresent()) {
            QueueEntry holder = lock.holder().get();
            add(name, isCached(holder) ? "cached" : "holds", holder, ">=" + lock.tokenAtLeast());
            isFirstRow = false;
        }
        int place = 0;
        for (QueueEntry waiter : lock.waiters()) {
            add(isFirstRow ? name : "", "waits " + ++place, waiter, "");
            isFirstRow = false;
        }
        if (lock.blocker().isEmpty() && lock.foreignCount() > 0) {
            add("", "foreign", foreign(lock), List.of("", "", ""), List.of("", ""));
        }
    }

    /** It stays with its process while nobody there wants it: perhaps nobody does just now. */
    private static boolean isCached(QueueEntry entry) {
        return entry.info().map(HolderInfo::cached).orElse(false);
    }

    private static String foreign(LockState lock) {
        ForeignKey first = lock.foreign().get(0);
        String key = "key " + Who.safe(first.key());
        return lock.foreignCount() == 1 ? key : key + " and " + (lock.foreignCount() - 1) + " more";
    }

    private void add(String lock, String place, QueueEntry entry, String token) {
        add(
                lock,
                place,
                Who.briefly(entry),
                List.of(Who.purpose(entry), Who.since(entry, now), token),
                List.of(
                        Who.safe(entry.key()),
                        entry.info().map(HolderInfo::traceId).map(Who::safe).orElse("")));
    }

    private void add(String lock, String place, String who, List<String> rest, List<String> more) {
        List<String> row = new ArrayList<>(List.of(lock, place, who));
        row.addAll(rest);
        if (isVerbose) {
            row.addAll(more);
        }
        rows.add(row);
    }

    private List<String> render() {
        List<String> heading = new ArrayList<>(HEADING);
        if (isVerbose) {
            heading.addAll(MORE_HEADING);
        }
        rows.add(0, heading);
        int[] widths = new int[heading.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size(); i++) {
                widths[i] = Math.max(widths[i], length(row.get(i)));
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                line.append(row.get(i))
                        .append(" ".repeat(widths[i] - length(row.get(i))))
                        .append(GAP);
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
