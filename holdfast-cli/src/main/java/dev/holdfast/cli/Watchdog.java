package dev.holdfast.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A small shell script beside a command that kills the command's process group when its time is over, or when this JVM is
 * gone: it needs neither this JVM nor its clock to do so. Confined to one thread.
 *
 * <p>It runs before the command does. The command's process introduces itself to it before it becomes the command, so
 * that there is no moment in which the command runs unguarded.
 */
final class Watchdog implements AutoCloseable {

    /**
     * What becomes the command: tells the watchdog its process id, which is its group's, too. The watchdog's standard input
     * is a pipe, and opened by this path for writing it takes what this JVM does not have to live to pass on.
     */
    private static final String INTRODUCTION =
            "echo \"guard $$\" >\"/proc/$1/fd/0\" || exit " + LockExit.FAILED + "; shift; exec \"$@\"";

    /** How long the rest of a group is waited for, and some. */
    private static final Duration LONGEST_END = Duration.ofSeconds(5);

    private static final Path UPTIME = Path.of("/proc/uptime");

    private final Process script;

    /** Whose process id is that of the group; known only to be able to do without the script. */
    private @Nullable Process leader;

    private Watchdog(Process script) {
        this.script = script;
    }

    /**
     * Starts the script; there is nobody to guard yet.
     *
     * @throws CommandFailure if that is not possible on this machine
     */
    static Watchdog start() {
        try {
            ProcessBuilder builder = new ProcessBuilder("setsid", "sh", "-c", text(), "holdfast-watchdog")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD);
            return new Watchdog(builder.start());
        } catch (IOException e) {
            throw CommandFailure.failed("cannot start the watchdog of the command: " + e.getMessage());
        }
    }

    /** The script without its comments, because it is seen in the list of processes. */
    private static String text() {
        try (InputStream in = Watchdog.class.getResourceAsStream("watchdog.sh")) {
            if (in == null) {
                throw new IllegalStateException("watchdog.sh is missing from the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#") && !line.isBlank())
                    .collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What to start so that it becomes the command, in a session of its own and guarded. */
    List<String> guarded(List<String> command) {
        List<String> all = new ArrayList<>(
                List.of("setsid", "sh", "-c", INTRODUCTION, "holdfast-lock", Long.toString(script.pid())));
        all.addAll(command);
        return all;
    }

    /** Now, on the clock that the script reads, too; it goes on while the machine is suspended. */
    static long uptimeCentis() {
        try {
            String text = Files.readString(UPTIME);
            return Long.parseLong(text.substring(0, text.indexOf(' ')).replace(".", ""));
        } catch (IOException e) {
            throw CommandFailure.failed("cannot read " + UPTIME + ", which the watchdog of the command needs: "
                    + e.getMessage() + "; holdfast lock needs Linux");
        }
    }

    /** Tells what was started as {@link #guarded}: its group is killed without the script if that does not end. */
    void guards(Process process) {
        leader = process;
    }

    /** Kills a process group at once, without the script. */
    static void killGroup(long group) {
        try {
            new ProcessBuilder("sh", "-c", "kill -s KILL -- \"-$1\"", "sh", Long.toString(group))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor(1, TimeUnit.SECONDS);
        } catch (IOException e) {
            // There is no other way to reach a group.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Kills the group at this time of {@link #uptimeCentis}. */
    void until(long uptimeCentis) {
        say("until " + uptimeCentis);
    }

    /** Sends a signal, such as {@code TERM}, to the group. */
    void signal(String name) {
        say("signal " + name);
    }

    /** Completes when the script has ended. */
    CompletableFuture<Process> onExit() {
        return script.onExit();
    }

    private void say(String line) {
        try {
            script.outputWriter(StandardCharsets.US_ASCII).write(line + "\n");
            script.outputWriter(StandardCharsets.US_ASCII).flush();
        } catch (IOException e) {
            // It has ended, and onExit() tells so.
        }
    }

    /** Waits a moment until the group is empty, then kills who is left, and ends the script. */
    @Override
    public void close() {
        say("end");
        boolean wasInterrupted = Thread.interrupted();
        try {
            if (!script.waitFor(LONGEST_END.toMillis(), TimeUnit.MILLISECONDS)) {
                killGroup(script.pid()); // its timers, too
                script.destroyForcibly();
                if (leader != null) {
                    killGroup(leader.pid());
                    leader.destroyForcibly();
                }
            }
        } catch (InterruptedException e) {
            wasInterrupted = true;
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
