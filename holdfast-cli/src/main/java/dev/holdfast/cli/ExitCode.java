package dev.holdfast.cli;

/** What the command line's exit status means. Ended by a signal, a command exits with 128 + its number as usual. */
public final class ExitCode {
    /** Done, and every promise was kept. */
    public static final int OK = 0;
    /** The verdict: a promise of the lock was broken. */
    public static final int VIOLATED = 1;
    /** What was to be changed was not found as expected, or the user said no: nothing was changed. */
    public static final int NOT_AS_FOUND = 1;
    /** Wrong usage or bad input; nothing was done. */
    public static final int USAGE = 2;
    /** No etcd answers at the endpoints. */
    public static final int UNREACHABLE = 3;
    /** Anything else, such as an address in use. */
    public static final int FAILED = 4;

    /** Ended early by an interrupt. */
    public static final int INTERRUPTED = 130;

    private ExitCode() {}
}
