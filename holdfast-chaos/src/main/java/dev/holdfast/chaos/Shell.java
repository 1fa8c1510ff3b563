package dev.holdfast.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Short commands of the machine, each at most {@value #LIMIT_SECONDS} s. */
final class Shell {

    private static final int LIMIT_SECONDS = 20;

    private Shell() {}

    /**
     * How a command ended.
     *
     * @param status its exit status, or -1 if it could not be started or took too long
     */
    record Result(int status, String output) {
        boolean isDone() {
            return status == 0;
        }
    }

    /** Runs a command whose failure is an answer, too. */
    static Result attempt(String... command) {
        return attempt(List.of(command));
    }

    /** As {@link #attempt(String...)}. */
    static Result attempt(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            try {
                // What these commands print fits into a pipe.
                if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                    return new Result(-1, "no end of " + command);
                }
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return new Result(process.exitValue(), output.strip());
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            return new Result(-1, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Result(-1, "interrupted");
        }
    }

    /**
     * Runs a command that has to work; what it printed.
     *
     * @throws UncheckedIOException if it fails, with what it printed
     */
    static String run(String... command) {
        return run(List.of(command));
    }

    /** As {@link #run(String...)}. */
    static String run(List<String> command) {
        Result result = attempt(command);
        if (!result.isDone()) {
            throw new UncheckedIOException(new IOException(
                    String.join(" ", command) + ": status " + result.status() + ": " + result.output()));
        }
        return result.output();
    }

    /** Whether there is a program of that name. */
    static boolean has(String program) {
        return attempt("sh", "-c", "command -v \"$1\"", "sh", program).isDone();
    }

    /** Sends a signal such as {@code STOP}; false if the process is gone. */
    static boolean signal(long pid, String signal) {
        return attempt("kill", "-" + signal, Long.toString(pid)).isDone();
    }
}
