package dev.holdfast.cli.inspect;

import dev.holdfast.cli.demo.Screen;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockState;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A table in a terminal that follows what happens. Confined to one thread. */
public final class LiveTable {

    private static final String ERASE_TO_END = "\u001b[J";
    private static final String NO_WRAP = "\u001b[?7l";
    private static final String WRAP = "\u001b[?7h";

    private final PrintWriter out;
    private final Screen screen;
    private final boolean isVerbose;
    private final Map<String, LockState> locks = new TreeMap<>();
    private long revision;
    private String trouble = "";
    private int drawnRows;

    /** Draws nothing yet. */
    public LiveTable(PrintWriter out, Screen screen, boolean isVerbose) {
        this.out = out;
        this.screen = screen;
        this.isVerbose = isVerbose;
    }

    /** Takes note of what happened. */
    public void add(LockEvent event) {
        if (event instanceof LockEvent.Listed listed) {
            locks.clear();
            listed.listing().locks().forEach(lock -> locks.put(lock.name(), lock));
            revision = listed.listing().revision();
            trouble = "";
        } else if (event instanceof LockEvent.OfEntry ofEntry) {
            LockState after = ofEntry.after();
            revision = ofEntry.revision();
            if (after.queue().isEmpty()) {
                locks.remove(after.name());
            } else {
                locks.put(after.name(), after);
            }
        } else if (event instanceof LockEvent.Interrupted) {
            trouble = "; connection lost, this may be old";
        } else if (event instanceof LockEvent.Resumed) {
            trouble = "";
        }
    }

    /** Draws the table over the one before. */
    public void draw(Instant now) {
        List<String> lines = new ArrayList<>();
        lines.add((locks.size() == 1 ? "1 lock" : locks.size() + " locks") + " at revision " + revision + trouble);
        lines.addAll(LockTable.lines(locks.values(), isVerbose, now));
        int rows = screen.rows() - 1;
        if (lines.size() > rows) {
            int hidden = lines.size() - (rows - 1);
            lines.subList(rows - 1, lines.size()).clear();
            lines.add("... and " + hidden + " more lines");
        }
        if (drawnRows > 0) {
            out.print("\u001b[" + drawnRows + "A\r");
        }
        out.print(ERASE_TO_END + NO_WRAP);
        lines.forEach(out::println);
        out.print(WRAP);
        out.flush();
        drawnRows = lines.size();
    }
}
