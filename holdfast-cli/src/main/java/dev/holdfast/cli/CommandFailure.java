package dev.holdfast.cli;

/** A command cannot go on. The message is one line that says what is wrong and what to do about it. */
public final class CommandFailure extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int exitCode;

    private CommandFailure(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** What the user gave is no good. */
    public static CommandFailure badInput(String message) {
        return new CommandFailure(ExitCode.USAGE, message);
    }

    /** No etcd answers where it should. */
    public static CommandFailure unreachable(String message) {
        return new CommandFailure(ExitCode.UNREACHABLE, message);
    }

    /** Anything else. */
    public static CommandFailure failed(String message) {
        return new CommandFailure(ExitCode.FAILED, message);
    }

    /** One of {@link ExitCode}. */
    public int exitCode() {
        return exitCode;
    }
}
