package dev.holdfast.chaos;

import dev.holdfast.history.Token;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client noted and a history has no word for. In the file of its notes it is a line that begins with {@code #},
 * which those who read histories skip; the fields are separated by tabs. Nothing that is noted contains one.
 */
sealed interface Aside {

    /** The line, without its end. */
    String line();

    /** How an addition to the guarded set came out, as its client knows it. */
    enum Outcome {
        /** etcd said that it was carried out. */
        ACKNOWLEDGED,
        /** The client was told that nothing was written. */
        REFUSED,
        /** Nobody knows. */
        INDETERMINATE
    }

    /**
     * A holder is about to add an element to the guarded set.
     *
     * @param element the key it writes
     * @param entry the key of the queue entry that guards it
     */
    record Adding(long atNanos, String who, String lock, Token token, String entry, String element) implements Aside {
        @Override
        public String line() {
            return "# adding\t" + atNanos + "\t" + who + "\t" + lock + "\t" + token + "\t" + entry + "\t" + element;
        }
    }

    /**
     * What became of it.
     *
     * @param revision of the transaction; 0 unless acknowledged
     */
    record Added(String element, Outcome outcome, long revision) implements Aside {
        @Override
        public String line() {
            return "# added\t" + element + "\t" + outcome + "\t" + revision;
        }
    }

    /**
     * A client was told of a loss by its listener.
     *
     * @param deadlineNanos the latest deadline that it had read from the hold
     */
    record LossHeard(long atNanos, String who, String lock, Token token, String reason, long deadlineNanos)
            implements Aside {
        @Override
        public String line() {
            return "# loss\t" + atNanos + "\t" + who + "\t" + lock + "\t" + token + "\t" + reason + "\t"
                    + deadlineNanos;
        }
    }

    /**
     * A client saw its wall clock jump.
     *
     * @param byMillis forward, compared with the monotonic clock
     */
    record ClockMoved(long atNanos, String who, long byMillis) implements Aside {
        @Override
        public String line() {
            return "# clock\t" + atNanos + "\t" + who + "\t" + byMillis;
        }
    }

    /** Something that should not happen to a client, whatever is done to it. */
    record Problem(String who, String what) implements Aside {
        @Override
        public String line() {
            return "# problem\t" + who + "\t" + what.replaceAll("[\\t\\r\\n]+", " ");
        }
    }

    /**
     * Reads a line.
     *
     * @return null if it is some other comment
     * @throws IllegalArgumentException if it is neither
     */
    static @Nullable Aside parse(String line) {
        List<String> fields = List.of(line.split("\t", -1));
        return switch (fields.get(0)) {
            case "# adding" ->
                new Adding(
                        Long.parseLong(fields.get(1)),
                        fields.get(2),
                        fields.get(3),
                        Token.parse(fields.get(4)),
                        fields.get(5),
                        fields.get(6));
            case "# added" -> new Added(fields.get(1), Outcome.valueOf(fields.get(2)), Long.parseLong(fields.get(3)));
            case "# loss" ->
                new LossHeard(
                        Long.parseLong(fields.get(1)),
                        fields.get(2),
                        fields.get(3),
                        Token.parse(fields.get(4)),
                        fields.get(5),
                        Long.parseLong(fields.get(6)));
            case "# clock" ->
                new ClockMoved(Long.parseLong(fields.get(1)), fields.get(2), Long.parseLong(fields.get(3)));
            case "# problem" -> new Problem(fields.get(1), fields.get(2));
            default -> null;
        };
    }
}
