package dev.holdfast.cli.inspect;

import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.inspect.SafeText;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/** Events of locks as lines for people. */
public final class EventLine {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private EventLine() {}

    /**
     * One line or several.
     *
     * @param now when the event was seen here, which is not when it happened
     * @param isLockNamed whether the lock's name is part of the line
     */
    public static List<String> of(LockEvent event, Instant now, boolean isLockNamed) {
        String time = TIME.format(now) + "  ";
        List<String> lines = new ArrayList<>();
        if (event instanceof LockEvent.Listed listed) {
            if (listed.isAfterGap()) {
                lines.add(time + "events are missing: " + SafeText.of(listed.why()));
            }
            lines.add(time + "as it is at revision " + listed.listing().revision() + ":");
            LockTable.lines(listed.listing().locks(), false, now).forEach(line -> lines.add("  " + line));
            if (listed.listing().locks().stream().allMatch(lock -> lock.queue().isEmpty())) {
                lines.add("  nobody holds, nobody waits");
            }
        } else if (event instanceof LockEvent.Interrupted interrupted) {
            lines.add(time + "connection lost: " + SafeText.of(interrupted.why()));
        } else if (event instanceof LockEvent.Resumed) {
            lines.add(time + "connected again; no event was missed");
        } else if (event instanceof LockEvent.OfEntry ofEntry) {
            String lock = isLockNamed ? SafeText.of(ofEntry.after().name()) + "  " : "";
            lines.add(time + "revision " + ofEntry.revision() + "  " + lock + what(ofEntry));
        }
        return lines;
    }

    private static String what(LockEvent.OfEntry event) {
        QueueEntry entry = event.entry();
        LockState after = event.after();
        String purpose = Who.purpose(entry);
        String who = "  " + Who.briefly(entry) + (purpose.isEmpty() ? "" : " " + purpose);
        if (event instanceof LockEvent.Queued) {
            String foreign = after.blocker()
                    .map(key -> ", all behind foreign key " + Who.safe(key.key()))
                    .orElse("");
            return "queued" + who + "; " + after.queue().indexOf(entry) + " ahead" + foreign;
        }
        if (event instanceof LockEvent.Acquired) {
            return "acquired" + who + "; token at least " + after.tokenAtLeast() + ", " + waiting(after);
        }
        LockEvent.Left left = (LockEvent.Left) event;
        String how =
                switch (left.how()) {
                    case RELEASED -> left.wasHolder() ? "released" : "left the queue";
                    case SESSION_ENDED -> "session ended (closed or expired)";
                    case FORCED -> "released by force";
                    case UNKNOWN -> "gone (released, expired or deleted)";
                };
        return how + who + left.force().map(EventLine::force).orElse("");
    }

    private static String force(ForcedRelease forced) {
        return "; by " + SafeText.of(forced.by()) + ": " + SafeText.of(forced.reason());
    }

    private static String waiting(LockState lock) {
        int count = lock.waiters().size();
        return count == 0 ? "nobody waits" : count == 1 ? "1 waits" : count + " wait";
    }
}
