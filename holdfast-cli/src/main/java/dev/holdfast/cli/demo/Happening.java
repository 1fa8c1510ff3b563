package dev.holdfast.cli.demo;

import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.Operation;

/** Something that happened in the demo, for people to see and for the verdict to judge. Immutable. */
sealed interface Happening {

    /** On the monotonic clock that all workers share. */
    long atNanos();

    /** A worker, or the demo itself, noted an operation for the history. */
    record Noted(Operation.ByClient operation) implements Happening {
        @Override
        public long atNanos() {
            return operation.atNanos();
        }
    }

    /** The watch saw an operation; the time is when it saw it. */
    record Seen(long atNanos, Operation.InEtcd operation) implements Happening {}

    /** A worker said something that is not for the history. */
    record Said(long atNanos, String who, Mood mood, String words) implements Happening {}

    /** What a worker does from here on. */
    enum Mood {
        /** The same as before. */
        UNCHANGED,
        WAITS,
        PAUSES,
        /** Something went wrong, and the demo with it. */
        FAILS
    }

    /** The line by which a worker's process tells its parent. */
    static String encode(Happening happening) {
        if (happening instanceof Noted noted) {
            return "noted\t" + HistoryCodec.encode(noted.operation());
        } else if (happening instanceof Said said) {
            return String.join(
                    "\t",
                    "said",
                    Long.toString(said.atNanos()),
                    said.who(),
                    said.mood().name(),
                    said.words().replaceAll("[\\t\\r\\n]+", " "));
        }
        throw new IllegalArgumentException("workers do not watch: " + happening);
    }

    /**
     * Reads what {@link #encode} wrote.
     *
     * @throws IllegalArgumentException if it did not write the line
     */
    static Happening decode(String line) {
        if (line.startsWith("noted\t")
                && HistoryCodec.decode(line.substring(6), 1) instanceof Operation.ByClient operation) {
            return new Noted(operation);
        }
        String[] parts = line.split("\t", -1);
        if (parts[0].equals("said") && parts.length == 5) {
            return new Said(Long.parseLong(parts[1]), parts[2], Mood.valueOf(parts[3]), parts[4]);
        }
        throw new IllegalArgumentException("a worker does not say: " + line);
    }
}
