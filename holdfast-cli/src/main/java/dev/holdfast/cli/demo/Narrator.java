package dev.holdfast.cli.demo;

import dev.holdfast.cli.DurationText;
import dev.holdfast.history.Entry;
import dev.holdfast.history.Operation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Puts each happening into one line: when, who, what. It remembers what came before. Confined to the display. */
final class Narrator {

    private final long startNanos;
    private final Map<String, Long> requestedNanos = new HashMap<>();
    private final Map<String, Long> grantedNanos = new HashMap<>();
    private final Map<Entry, String> ownerOfEntry = new HashMap<>();
    private final Set<String> killed = new HashSet<>();
    private final Set<String> stillWaiting = new HashSet<>();
    private long killedNanos;
    private boolean isTakeOverAwaited;

    Narrator(long startNanos) {
        this.startNanos = startNanos;
    }

    /** The line, or null when the happening is told by another one. */
    @Nullable
    String line(Happening happening) {
        if (happening instanceof Happening.Noted noted) {
            Operation.ByClient operation = noted.operation();
            String words = words(operation);
            return words == null ? null : line(operation.atNanos(), operation.who(), words);
        } else if (happening instanceof Happening.Seen seen) {
            String words = words(seen.operation());
            return words == null ? null : line(seen.atNanos(), "etcd", words);
        }
        Happening.Said said = (Happening.Said) happening;
        return line(said.atNanos(), said.who(), said.words());
    }

    private String line(long atNanos, String who, String words) {
        return String.format(Locale.ROOT, "%8.3f  %-4s  %s", (atNanos - startNanos) / 1e9, who, words);
    }

    private @Nullable String words(Operation.ByClient operation) {
        if (operation instanceof Operation.Requested requested) {
            requestedNanos.putIfAbsent(requested.who(), requested.atNanos());
            stillWaiting.add(requested.who());
            return null; // the worker says that it waits
        } else if (operation instanceof Operation.Granted granted) {
            grantedNanos.put(granted.who(), granted.atNanos());
            stillWaiting.remove(granted.who());
            String words = "HOLDS the lock, token " + granted.token() + ", after "
                    + since(requestedNanos.get(granted.who()), granted.atNanos());
            if (isTakeOverAwaited) {
                isTakeOverAwaited = false;
                words += ", " + since(killedNanos, granted.atNanos()) + " after the kill";
            }
            return words;
        } else if (operation instanceof Operation.Released released) {
            return "releases after " + since(grantedNanos.get(released.who()), released.atNanos()) + ", token "
                    + released.token();
        } else if (operation instanceof Operation.Lost lost) {
            return "has LOST the lock, token " + lost.token();
        } else if (operation instanceof Operation.GaveUp gaveUp) {
            stillWaiting.remove(gaveUp.who());
            return "gives up after " + since(requestedNanos.get(gaveUp.who()), gaveUp.atNanos());
        }
        Operation.Killed kill = (Operation.Killed) operation;
        killed.add(kill.who());
        killedNanos = kill.atNanos();
        isTakeOverAwaited = true;
        return "KILLED (SIGKILL) while it held the lock; its lease must run out before the next is served";
    }

    private @Nullable String words(Operation.InEtcd operation) {
        if (operation instanceof Operation.Put put) {
            ownerOfEntry.put(put.entry(), put.owner() == null ? "unknown" : put.owner());
            return "PUT    " + put.entry().key() + "  revision " + put.revision() + "  owner "
                    + ownerOfEntry.get(put.entry());
        } else if (operation instanceof Operation.Deleted deleted) {
            String owner = ownerOfEntry.getOrDefault(deleted.entry(), "unknown");
            return "DELETE " + deleted.entry().key() + "  revision " + deleted.revision() + "  owner " + owner
                    + (killed.contains(owner) ? "  (its lease ran out)" : "");
        }
        return "LEFT   " + operation.entry().key() + "  revision " + operation.revision();
    }

    private static String since(@Nullable Long fromNanos, long toNanos) {
        return fromNanos == null ? "an unknown time" : DurationText.rounded(toNanos - fromNanos);
    }
}
