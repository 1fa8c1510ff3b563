package dev.holdfast.history;

/** A line that is no operation. The message begins with the number of the line, counted from 1. */
public final class HistoryFormatException extends IllegalArgumentException {

    private static final long serialVersionUID = 1;

    private final int line;

    HistoryFormatException(int line, String reason) {
        super("line " + line + ": " + reason);
        this.line = line;
    }

    /** The number of the line, counted from 1. */
    public int line() {
        return line;
    }
}
