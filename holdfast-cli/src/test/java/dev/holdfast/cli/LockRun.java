package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * {@code holdfast lock} as a process of its own. Everything it starts carries a mark in its environment, by which it is
 * found and, at the end of the test, killed.
 */
final class LockRun implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(40);

    private static final String MARK = "HOLDFAST_TEST_MARK";

    private final Process process;
    private final Path folder;
    private final String mark;

    private LockRun(Process process, Path folder, String mark) {
        this.process = process;
        this.folder = folder;
        this.mark = mark;
    }

    /** Starts it; what it prints goes to files in a new folder below the given one, in which it also runs. */
    static LockRun start(Path below, String endpoint, String... args) throws IOException {
        Path folder = Files.createTempDirectory(below, "run");
        String mark = UUID.randomUUID().toString();
        List<String> all = new ArrayList<>(java());
        all.add("lock");
        all.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(all)
                .directory(folder.toFile())
                .redirectInput(Files.writeString(folder.resolve("in"), "what came in\n")
                        .toFile())
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("ETCDCTL_") || name.equals("JAVA_TOOL_OPTIONS"));
        builder.environment().put("ETCDCTL_ENDPOINTS", endpoint);
        builder.environment().put("ETCDCTL_DIAL_TIMEOUT", "30s"); // of a busy machine
        builder.environment().put(MARK, mark);
        return new LockRun(builder.start(), folder, mark);
    }

    /** The command line of this build, without a command. */
    static List<String> java() {
        return List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.holdfast.cli.Main");
    }

    Process process() {
        return process;
    }

    Path folder() {
        return folder;
    }

    /** Sends a signal to the JVM. */
    LockRun signal(String name) throws IOException, InterruptedException {
        int status = new ProcessBuilder("kill", "-s", name, Long.toString(process.pid()))
                .start()
                .waitFor();
        assertThat(status).as("kill -s %s", name).isZero();
        return this;
    }

    int awaitExit() throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .as("ends; so far: %s", err())
                .isTrue();
        return process.exitValue();
    }

    /** What the command has written to a file in its folder, once there is something. */
    String awaitFile(String name) {
        eventually(name + " of the command", () -> !read(name).isEmpty());
        return read(name);
    }

    String out() {
        return read("out");
    }

    String err() {
        return read("err");
    }

    private String read(String name) {
        try {
            return Files.exists(folder.resolve(name)) ? Files.readString(folder.resolve(name)) : "";
        } catch (IOException e) {
            return "";
        }
    }

    /** The processes with the mark that run, the JVM among them; zombies do not run. */
    List<String> processes() {
        List<String> found = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            for (Path process :
                    (Iterable<Path>) all.filter(p -> p.getFileName().toString().matches("\\d+"))::iterator) {
                try {
                    if (Files.readString(process.resolve("environ"), StandardCharsets.ISO_8859_1)
                            .contains(MARK + "=" + mark)) {
                        found.add(process.getFileName() + " "
                                + Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                                        .replace('\0', ' '));
                    }
                } catch (IOException e) {
                    // it has ended meanwhile, or is somebody else's
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    void awaitNobodyLeft() {
        eventually("nobody left", () -> processes().isEmpty());
    }

    static void eventually(String claim, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline >= 0) {
                throw new AssertionError("not within " + PATIENCE.toSeconds() + " s: " + claim);
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        for (String left : processes()) {
            ProcessHandle.of(Long.parseLong(left.substring(0, left.indexOf(' '))))
                    .ifPresent(ProcessHandle::destroyForcibly);
        }
    }
}
