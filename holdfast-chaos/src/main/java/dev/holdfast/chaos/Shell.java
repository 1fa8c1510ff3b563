package dev.holdfast.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Short commands of the machine, each at most {@value #LIMIT_SECONDS} s. An interrupt does not end them, since most of them
 * put something right: it is kept for whoever waits next.
 */
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
                if (!awaitEnd(process, LIMIT_SECONDS)) {
                    return new Result(-1, "no end of " + command);
                }
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return new Result(process.exitValue(), output.strip());
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            return new Result(-1, String.valueOf(e.getMessage()));
        }
    }

    /** Waits until a process is dead, whether or not this thread is interrupted; whether it died in time. */
    static boolean awaitEnd(Process process, long seconds) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        boolean isInterrupted = false;
        try {
            while (true) {
                try {
                    return process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    isInterrupted = true;
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
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
