package dev.holdfast.testkit.contract;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A process that is spoken to in lines. Closing it kills it. */
final class Program implements AutoCloseable {

    private final String name;
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

    private Program(List<String> command) throws IOException {
        name = String.join(" ", command);
        // Their logs are not for us.
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().keySet().removeIf(variable -> variable.startsWith("ETCDCTL_"));
        process = builder.start();
        Thread reader = new Thread(this::read, "output of " + command.get(0));
        reader.setDaemon(true);
        reader.start();
    }

    static Program start(String... command) throws IOException {
        return new Program(List.of(command));
    }

    /** A Java program from the class path of the tests. */
    static Program java(Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        return new Program(command);
    }

    /** The Go clients of etcd, built by {@code build/go-programs}; null where there are none. */
    static @Nullable Path goClients() {
        String given = System.getenv("HOLDFAST_INTEROP");
        if (given != null && !given.isEmpty()) {
            return Path.of(given);
        }
        Path cache = Path.of(System.getProperty("user.home"), ".cache", "holdfast", "go");
        if (!Files.isDirectory(cache)) {
            return null;
        }
        try (Stream<Path> builds = Files.list(cache)) {
            return builds.map(build -> build.resolve("interop"))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElse(null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("the output broke off: " + e);
        }
    }

    void say(String line) throws IOException {
        process.outputWriter(StandardCharsets.UTF_8).write(line + "\n");
        process.outputWriter(StandardCharsets.UTF_8).flush();
    }

    /** The next line it prints. */
    String line() throws InterruptedException {
        String line = lines.poll(Eventually.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        if (line == null) {
            throw new AssertionError(
                    "no line within " + Eventually.PATIENCE.toSeconds() + " s from " + name + ", " + process);
        }
        return line;
    }

    boolean isSilent() {
        return lines.isEmpty();
    }

    /** What it has printed since it was last asked. */
    List<String> linesSoFar() {
        List<String> taken = new ArrayList<>();
        lines.drainTo(taken);
        return taken;
    }

    long pid() {
        return process.pid();
    }

    /** Asks it to end, and waits until it has. */
    void stop() throws InterruptedException {
        // Not Process.destroy(): that closes the pipes, too, and a program that still prints dies of it.
        process.toHandle().destroy();
        awaitEnd();
    }

    /** Ends it without a word to it, as a crash would. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Waits until it has ended by itself. */
    void awaitEnd() throws InterruptedException {
        if (!process.waitFor(Eventually.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError(name + " does not end");
        }
    }

    /** Sends it a signal by its name, such as {@code STOP}. */
    void signal(String signal) throws IOException, InterruptedException {
        signal(pid(), signal);
    }

    static void signal(long pid, String signal) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start();
        if (!kill.waitFor(10, TimeUnit.SECONDS) || kill.exitValue() != 0) {
            throw new AssertionError("kill -" + signal + " " + pid + " failed");
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
