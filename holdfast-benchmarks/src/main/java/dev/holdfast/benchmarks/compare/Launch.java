package dev.holdfast.benchmarks.compare;

import java.util.concurrent.Callable;
import picocli.CommandLine;

/** How the commands of this module are begun. */
public final class Launch {

    private Launch() {}

    /** Of a command: what it is given that cannot be is told in a line, and is wrong usage. */
    public static CommandLine of(Callable<Integer> command) {
        return new CommandLine(command).setExecutionExceptionHandler((e, line, parsed) -> {
            if (e instanceof IllegalArgumentException) {
                line.getErr().println(line.getCommandName() + ": " + e.getMessage());
                return CommandLine.ExitCode.USAGE;
            }
            throw e;
        });
    }
}
