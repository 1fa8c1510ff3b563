package dev.holdfast.history;

import dev.holdfast.history.Operation.Claimed;
import dev.holdfast.history.Operation.Confirmed;
import dev.holdfast.history.Operation.DeadlineMoved;
import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Exited;
import dev.holdfast.history.Operation.Faulted;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.KeptAlive;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.LeaseEnded;
import dev.holdfast.history.Operation.Left;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Operation.Opened;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Reentered;
import dev.holdfast.history.Operation.Released;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Operation.WatchedUntil;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A history as text, one operation per line: the kind, then fields {@code name=value}, all separated by tabs.
 *
 * <pre>
 * granted  at=81234567  who=w2  lock=/tmp/go/lock  token=0.17.0
 * put      lock=/tmp/go/lock  key=/tmp/go/lock/5c1.1  create=12  revision=12  owner=w2
 * claimed  at=81299999  who=w2  lock=/tmp/go/lock  token=0.17.0  deadline=89000000  lease=5c1
 * </pre>
 *
 * Within values, backslashes, control characters, line separators and surrogates are written as {@code \\uXXXX}, so a
 * line never breaks and what was written is read back exactly. Empty lines and lines that begin with {@code #} are
 * skipped. A field that is missing, unknown, given twice or not of its type is an error that names the line.
 */
public final class HistoryCodec {

    private HistoryCodec() {}

    /** The line of one operation, without a line break. */
    public static String encode(Operation operation) {
        if (operation instanceof Requested o) {
            return client("requested", o).with("lock", o.lock()).line();
        } else if (operation instanceof Granted o) {
            return client("granted", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .with("key", o.key())
                    .line();
        } else if (operation instanceof Released o) {
            return client("released", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .line();
        } else if (operation instanceof Lost o) {
            return client("lost", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .line();
        } else if (operation instanceof GaveUp o) {
            return client("gave-up", o).with("lock", o.lock()).line();
        } else if (operation instanceof Killed o) {
            return client("killed", o).line();
        } else if (operation instanceof Reentered o) {
            return client("reentered", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .with("entries", o.entries())
                    .line();
        } else if (operation instanceof Exited o) {
            return client("exited", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .with("entries", o.entries())
                    .line();
        } else if (operation instanceof Claimed o) {
            return client("claimed", o)
                    .with("lock", o.lock())
                    .with("token", o.token().toString())
                    .with("deadline", o.deadlineNanos())
                    .with("lease", o.lease())
                    .line();
        } else if (operation instanceof Opened o) {
            return client("opened", o)
                    .with("lease", o.lease())
                    .with("sent", o.sentNanos())
                    .with("ttl", o.ttlMillis())
                    .with("deadline", o.deadlineNanos())
                    .line();
        } else if (operation instanceof KeptAlive o) {
            return client("kept-alive", o)
                    .with("lease", o.lease())
                    .with("sent", o.sentNanos())
                    .with("ttl", o.ttlMillis())
                    .with("term", o.term())
                    .line();
        } else if (operation instanceof Confirmed o) {
            return client("confirmed", o)
                    .with("lease", o.lease())
                    .with("sent", o.sentNanos())
                    .with("term", o.term())
                    .line();
        } else if (operation instanceof DeadlineMoved o) {
            return client("deadline-moved", o)
                    .with("lease", o.lease())
                    .with("deadline", o.deadlineNanos())
                    .line();
        } else if (operation instanceof LeaseEnded o) {
            return observed("lease-ended", o).with("lease", o.lease()).line();
        } else if (operation instanceof Faulted o) {
            return observed("faulted", o)
                    .with("until", o.untilNanos())
                    .with("what", o.what())
                    .line();
        } else if (operation instanceof WatchedUntil o) {
            return observed("watched-until", o).line();
        } else if (operation instanceof Put o) {
            return recorded("put", o).with("owner", o.owner()).line();
        } else if (operation instanceof Deleted o) {
            return recorded("deleted", o).line();
        } else if (operation instanceof Left o) {
            return recorded("left", o).with("owner", o.owner()).line();
        }
        throw new AssertionError("no line for " + operation.getClass());
    }

    /** The whole text, each line ended by a line feed. */
    public static String encode(History history) {
        StringBuilder text = new StringBuilder();
        for (Operation operation : history.operations()) {
            text.append(encode(operation)).append('\n');
        }
        return text.toString();
    }

    /**
     * Reads what {@link #encode(History)} wrote.
     *
     * @throws HistoryFormatException at the first line that is no operation
     */
    public static History decode(String text) {
        List<Operation> operations = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\r?\n", -1)) {
            number++;
            if (!line.isBlank() && !line.startsWith("#")) {
                operations.add(decode(line, number));
            }
        }
        return new History(operations);
    }

    /**
     * Reads one line.
     *
     * @param number its number, for the message
     * @throws HistoryFormatException if it is no operation
     */
    public static Operation decode(String line, int number) {
        try {
            Fields fields = Fields.of(line);
            Operation operation = operation(fields);
            fields.requireAllUsed();
            return operation;
        } catch (IllegalArgumentException e) {
            throw new HistoryFormatException(number, String.valueOf(e.getMessage()));
        }
    }

    private static Operation operation(Fields f) {
        return switch (f.kind) {
            case "requested" -> new Requested(f.number("at"), f.text("who"), f.text("lock"));
            case "granted" ->
                new Granted(
                        f.number("at"),
                        f.text("who"),
                        f.text("lock"),
                        Token.parse(f.text("token")),
                        f.textIfAny("key"));
            case "released" ->
                new Released(f.number("at"), f.text("who"), f.text("lock"), Token.parse(f.text("token")));
            case "lost" -> new Lost(f.number("at"), f.text("who"), f.text("lock"), Token.parse(f.text("token")));
            case "gave-up" -> new GaveUp(f.number("at"), f.text("who"), f.text("lock"));
            case "killed" -> new Killed(f.number("at"), f.text("who"));
            case "reentered" ->
                new Reentered(
                        f.number("at"),
                        f.text("who"),
                        f.text("lock"),
                        Token.parse(f.text("token")),
                        f.count("entries"));
            case "exited" ->
                new Exited(
                        f.number("at"),
                        f.text("who"),
                        f.text("lock"),
                        Token.parse(f.text("token")),
                        f.count("entries"));
            case "claimed" ->
                new Claimed(
                        f.number("at"),
                        f.text("who"),
                        f.text("lock"),
                        Token.parse(f.text("token")),
                        f.number("deadline"),
                        f.textIfAny("lease"));
            case "opened" ->
                new Opened(
                        f.number("at"),
                        f.text("who"),
                        f.text("lease"),
                        f.number("sent"),
                        f.number("ttl"),
                        f.number("deadline"));
            case "kept-alive" ->
                new KeptAlive(
                        f.number("at"),
                        f.text("who"),
                        f.text("lease"),
                        f.number("sent"),
                        f.number("ttl"),
                        f.number("term"));
            case "confirmed" ->
                new Confirmed(f.number("at"), f.text("who"), f.text("lease"), f.number("sent"), f.number("term"));
            case "deadline-moved" ->
                new DeadlineMoved(f.number("at"), f.text("who"), f.text("lease"), f.number("deadline"));
            case "lease-ended" -> new LeaseEnded(f.number("at"), f.text("lease"));
            case "faulted" -> new Faulted(f.number("at"), f.number("until"), f.text("what"));
            case "watched-until" -> new WatchedUntil(f.number("at"));
            case "put" -> new Put(f.text("lock"), f.entry(), f.number("revision"), f.textIfAny("owner"));
            case "deleted" -> new Deleted(f.text("lock"), f.entry(), f.number("revision"));
            case "left" -> new Left(f.text("lock"), f.entry(), f.number("revision"), f.textIfAny("owner"));
            default -> throw new IllegalArgumentException("unknown operation '" + f.kind + "'");
        };
    }

    private static Line client(String kind, Operation.ByClient operation) {
        return new Line(kind).with("at", operation.atNanos()).with("who", operation.who());
    }

    private static Line observed(String kind, Operation.ByObserver operation) {
        return new Line(kind).with("at", operation.atNanos());
    }

    private static Line recorded(String kind, Operation.InEtcd operation) {
        return new Line(kind)
                .with("lock", operation.lock())
                .with(operation.entry())
                .with("revision", operation.revision());
    }

    /** A line being written. */
    private static final class Line {
        private final StringBuilder text;

        Line(String kind) {
            text = new StringBuilder(kind);
        }

        Line with(String name, @Nullable String value) {
            if (value != null) {
                text.append('\t').append(name).append('=');
                value.chars().forEach(this::append);
            }
            return this;
        }

        Line with(String name, long value) {
            return with(name, Long.toString(value));
        }

        Line with(Entry entry) {
            return with("key", entry.key()).with("create", entry.createRevision());
        }

        private void append(int c) {
            if (c == '\\'
                    || Character.isISOControl(c)
                    || c == '\u2028'
                    || c == '\u2029'
                    || Character.isSurrogate((char) c)) {
                text.append(String.format("\\u%04x", c));
            } else {
                text.append((char) c);
            }
        }

        String line() {
            return text.toString();
        }
    }

    /** The fields of a line being read; each is taken once. */
    private static final class Fields {
        private final String kind;
        private final Map<String, String> values = new HashMap<>();

        private Fields(String kind) {
            this.kind = kind;
        }

        static Fields of(String line) {
            String[] parts = line.split("\t", -1);
            Fields fields = new Fields(parts[0]);
            for (int i = 1; i < parts.length; i++) {
                int equals = parts[i].indexOf('=');
                if (equals <= 0) {
                    throw new IllegalArgumentException("'" + parts[i] + "' is not name=value");
                }
                String name = parts[i].substring(0, equals);
                if (fields.values.put(name, unescaped(parts[i].substring(equals + 1))) != null) {
                    throw new IllegalArgumentException(name + " is given twice");
                }
            }
            return fields;
        }

        private static String unescaped(String value) {
            StringBuilder text = new StringBuilder(value.length());
            int i = 0;
            while (i < value.length()) {
                char c = value.charAt(i);
                if (c != '\\') {
                    text.append(c);
                    i++;
                    continue;
                }
                if (!value.regionMatches(i, "\\u", 0, 2) || i + 6 > value.length()) {
                    throw new IllegalArgumentException("a backslash begins \\uXXXX, in '" + value + "'");
                }
                String digits = value.substring(i + 2, i + 6);
                if (!digits.matches("[0-9a-f]{4}")) {
                    throw new IllegalArgumentException("a backslash begins \\uXXXX, in '" + value + "'");
                }
                text.append((char) Integer.parseInt(digits, 16));
                i += 6;
            }
            return text.toString();
        }

        @Nullable
        String textIfAny(String name) {
            return values.remove(name);
        }

        String text(String name) {
            String value = textIfAny(name);
            if (value == null) {
                throw new IllegalArgumentException(kind + " needs " + name);
            }
            return value;
        }

        long number(String name) {
            String value = text(name);
            try {
                return Long.parseLong(value);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(name + " is not a number: '" + value + "'", e);
            }
        }

        int count(String name) {
            long value = number(name);
            if (value != (int) value) {
                throw new IllegalArgumentException(name + " is out of range: " + value);
            }
            return (int) value;
        }

        Entry entry() {
            return new Entry(text("key"), number("create"));
        }

        void requireAllUsed() {
            if (!values.isEmpty()) {
                throw new IllegalArgumentException(
                        kind + " has no field " + values.keySet().iterator().next());
            }
        }
    }
}
