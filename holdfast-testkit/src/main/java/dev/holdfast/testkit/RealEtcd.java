package dev.holdfast.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One member of real etcd, running as a process of its own on loopback ports with its data in a temporary directory.
 * Closing it stops the process and deletes the data.
 */
public final class RealEtcd implements AutoCloseable {

    /**
     * An etcd program on this machine.
     *
     * @param version what it says about itself
     * @param etcdctl the command line tool next to it, or null when there is none
     */
    public record Binary(Path etcd, Version version, @Nullable Path etcdctl) {
        @Override
        public String toString() {
            return "etcd " + version;
        }
    }

    /** A release of etcd. */
    public record Version(int major, int minor, int patch) implements Comparable<Version> {
        private static final Pattern PATTERN = Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+)");

        /** Finds the version in what etcd prints about itself. */
        public static Version parse(String text) {
            Matcher matcher = PATTERN.matcher(text);
            if (!matcher.find()) {
                throw new IllegalArgumentException("no version in: " + text);
            }
            return new Version(
                    Integer.parseInt(matcher.group(1)),
                    Integer.parseInt(matcher.group(2)),
                    Integer.parseInt(matcher.group(3)));
        }

        /** Whether it is of an earlier minor line than the given one. */
        public boolean isBefore(int otherMajor, int otherMinor) {
            return major < otherMajor || (major == otherMajor && minor < otherMinor);
        }

        @Override
        public int compareTo(Version other) {
            return Comparator.comparingInt(Version::major)
                    .thenComparingInt(Version::minor)
                    .thenComparingInt(Version::patch)
                    .compare(this, other);
        }

        @Override
        public String toString() {
            return major + "." + minor + "." + patch;
        }
    }

    /** What to tell when {@link #found()} is empty. */
    public static final String NONE_FOUND =
            "no real etcd found: name programs in HOLDFAST_ETCD, or run build/etcd-binaries, or install etcd";

    private static final int ATTEMPTS = 3;
    private static final long START_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final ProcessBuilder program;
    private volatile Process process;
    private final Path directory;
    private final String endpoint;
    private final String metricsUrl;
    private final Thread stopAtExit;

    private RealEtcd(ProcessBuilder program, Path directory, String endpoint, String metricsUrl) throws IOException {
        this.program = program;
        this.process = program.start();
        this.directory = directory;
        this.endpoint = endpoint;
        this.metricsUrl = metricsUrl;
        stopAtExit = new Thread(() -> process.destroyForcibly());
        Runtime.getRuntime().addShutdownHook(stopAtExit);
    }

    /**
     * The programs on this machine, one per version, oldest first: those listed in {@code HOLDFAST_ETCD}, those in {@code
     * ~/.cache/holdfast/etcd/<version>/}, and the one on the PATH.
     */
    public static List<Binary> found() {
        List<Path> candidates = new ArrayList<>();
        for (String path : System.getenv().getOrDefault("HOLDFAST_ETCD", "").split(":", -1)) {
            if (!path.isBlank()) {
                candidates.add(Path.of(path));
            }
        }
        Path cache = Path.of(System.getProperty("user.home"), ".cache", "holdfast", "etcd");
        if (Files.isDirectory(cache)) {
            try (DirectoryStream<Path> versions = Files.newDirectoryStream(cache)) {
                versions.forEach(version -> candidates.add(version.resolve("etcd")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        for (String path : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            candidates.add(Path.of(path, "etcd"));
        }
        Map<Version, Binary> byVersion = new LinkedHashMap<>();
        for (Path candidate : candidates) {
            if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                Version version = Version.parse(run(candidate.toString(), "--version"));
                Path etcdctl = candidate.resolveSibling("etcdctl");
                byVersion.putIfAbsent(
                        version, new Binary(candidate, version, Files.isExecutable(etcdctl) ? etcdctl : null));
            }
        }
        return byVersion.values().stream()
                .sorted(Comparator.comparing(Binary::version))
                .toList();
    }

    /** Starts an empty single-member cluster and returns once it answers that it is healthy. */
    public static RealEtcd start(Binary binary) throws IOException, InterruptedException {
        return start(binary, "http");
    }

    /**
     * As {@link #start(Binary)}.
     *
     * @param scheme of the clients' side, http or https
     * @param more arguments of the program, such as those that name its certificates
     */
    public static RealEtcd start(Binary binary, String scheme, String... more)
            throws IOException, InterruptedException {
        // Another process may take a port between our looking and etcd's listening.
        for (int attempt = 1; ; attempt++) {
            RealEtcd etcd = launch(binary, scheme, List.of(more));
            if (etcd.awaitHealthy()) {
                return etcd;
            }
            String log = etcd.log();
            etcd.close();
            if (attempt == ATTEMPTS) {
                throw new IOException(binary + " did not become healthy:\n" + log);
            }
        }
    }

    private static RealEtcd launch(Binary binary, String scheme, List<String> more) throws IOException {
        String peer = "http://127.0.0.1:" + freePort();
        return launch(binary, scheme, "real", peer, "real=" + peer, more);
    }

    /** Starts one member of a cluster; whether it is healthy is for the caller to wait for. */
    static RealEtcd launch(
            Binary binary, String scheme, String name, String peer, String initialCluster, List<String> more)
            throws IOException {
        Path directory = Files.createTempDirectory("holdfast-etcd-");
        String client = scheme + "://127.0.0.1:" + freePort();
        // Its health is asked for where no certificate is needed.
        String metrics = "http://127.0.0.1:" + freePort();
        List<String> command = new ArrayList<>(List.of(
                binary.etcd().toString(),
                "--name=" + name,
                "--data-dir=" + directory.resolve("data"),
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-metrics-urls=" + metrics,
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster=" + initialCluster));
        command.addAll(more);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("log").toFile()));
        builder.environment().keySet().removeIf(variable -> variable.startsWith("ETCD_"));
        return new RealEtcd(builder, directory, client, metrics);
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Returns false if it ends, or is not healthy after half a minute. */
    boolean awaitHealthy() throws InterruptedException {
        long deadline = System.nanoTime() + START_TIMEOUT_NANOS;
        while (System.nanoTime() - deadline < 0) {
            if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
                return false;
            }
            if (Health.isGood(metricsUrl)) {
                return true;
            }
        }
        return false;
    }

    /** What it has printed so far. */
    String log() throws IOException {
        return Files.readString(directory.resolve("log"));
    }

    /** Where clients reach it, for example {@code http://127.0.0.1:2379}. */
    public String endpoint() {
        return endpoint;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Where its data is; to be touched only while it does not run. */
    public Path dataDirectory() {
        return directory.resolve("data");
    }

    /** Ends it without a word to it, as a crash would, and returns once it has ended. Its data stays. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Starts it anew after {@link #kill}, on its ports and with what is in its data directory; returns once it is healthy. */
    public void startAgain() throws IOException, InterruptedException {
        if (process.isAlive()) {
            throw new IllegalStateException("it is running");
        }
        process = program.start();
        if (!awaitHealthy()) {
            throw new IOException("it did not become healthy again:\n" + log());
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().removeShutdownHook(stopAtExit);
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
