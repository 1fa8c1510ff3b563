package dev.holdfast.cli;

/** The exit codes of {@code holdfast lock} that are not the command's own. */
final class LockExit {
    /** The lock was not acquired in time; the code by which mailers are told to try again later. */
    static final int NOT_ACQUIRED = 75;
    /** The lock was lost, and the command was ended for it. */
    static final int LOST = 76;
    /** A failure of {@code holdfast lock} itself: wrong usage, no etcd. */
    static final int FAILED = 125;
    /** The command is there but cannot be executed. */
    static final int NOT_EXECUTABLE = 126;
    /** There is no such command. */
    static final int NOT_FOUND = 127;
    /** Ended by a signal: this plus its number. */
    static final int SIGNAL_BASE = 128;

    private LockExit() {}
}
