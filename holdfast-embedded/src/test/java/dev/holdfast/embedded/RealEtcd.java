package dev.holdfast.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
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
final class RealEtcd implements AutoCloseable {

    /**
     * An etcd program on this machine.
     *
     * @param version what it says about itself
     * @param etcdctl the command line tool next to it, or null when there is none
     */
    record Binary(Path etcd, Version version, @Nullable Path etcdctl) {
        @Override
        public String toString() {
            return "etcd " + version;
        }
    }

    /** A release of etcd. */
    record Version(int major, int minor, int patch) implements Comparable<Version> {
        private static final Pattern PATTERN = Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+)");

        static Version parse(String text) {
            Matcher matcher = PATTERN.matcher(text);
            if (!matcher.find()) {
                throw new IllegalArgumentException("no version in: " + text);
            }
            return new Version(
                    Integer.parseInt(matcher.group(1)),
                    Integer.parseInt(matcher.group(2)),
                    Integer.parseInt(matcher.group(3)));
        }

        boolean isBefore(int otherMajor, int otherMinor) {
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
    static final String NONE_FOUND =
            "no real etcd found: name programs in HOLDFAST_ETCD, or run build/etcd-binaries, or install etcd";

    private static final int ATTEMPTS = 3;
    private static final long START_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Process process;
    private final Path directory;
    private final String endpoint;
    private final Thread stopAtExit;

    private RealEtcd(Process process, Path directory, String endpoint) {
        this.process = process;
        this.directory = directory;
        this.endpoint = endpoint;
        stopAtExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(stopAtExit);
    }

    /**
     * The programs on this machine, one per version, oldest first: those listed in {@code HOLDFAST_ETCD}, those in {@code
     * ~/.cache/holdfast/etcd/<version>/}, and the one on the PATH.
     */
    static List<Binary> found() {
        List<Path> candidates = new ArrayList<>();
        listed("HOLDFAST_ETCD").forEach(path -> candidates.add(Path.of(path)));
        Path cache = Path.of(System.getProperty("user.home"), ".cache", "holdfast", "etcd");
        if (Files.isDirectory(cache)) {
            try (DirectoryStream<Path> versions = Files.newDirectoryStream(cache)) {
                versions.forEach(version -> candidates.add(version.resolve("etcd")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        listed("PATH").forEach(path -> candidates.add(Path.of(path, "etcd")));
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

    private static List<String> listed(String variable) {
        return Pattern.compile(":")
                .splitAsStream(System.getenv().getOrDefault(variable, ""))
                .filter(path -> !path.isBlank())
                .toList();
    }

    /** Starts an empty single-member cluster and returns once it answers that it is healthy. */
    static RealEtcd start(Binary binary) throws IOException, InterruptedException {
        return start(binary, Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** The same, with its data in a new directory below {@code parent}. */
    static RealEtcd start(Binary binary, Path parent) throws IOException, InterruptedException {
        // Another process may take a port between our looking and etcd's listening.
        for (int attempt = 1; ; attempt++) {
            RealEtcd etcd = launch(binary, parent);
            if (etcd.awaitHealthy()) {
                return etcd;
            }
            String log = Files.readString(etcd.directory.resolve("log"));
            etcd.close();
            if (attempt == ATTEMPTS) {
                throw new IOException(binary + " did not become healthy:\n" + log);
            }
        }
    }

    private static RealEtcd launch(Binary binary, Path parent) throws IOException {
        Path directory = Files.createTempDirectory(parent, "holdfast-etcd-");
        String client = "http://127.0.0.1:" + freePort();
        String peer = "http://127.0.0.1:" + freePort();
        ProcessBuilder builder = new ProcessBuilder(
                        binary.etcd().toString(),
                        "--name=real",
                        "--data-dir=" + directory.resolve("data"),
                        "--listen-client-urls=" + client,
                        "--advertise-client-urls=" + client,
                        "--listen-peer-urls=" + peer,
                        "--initial-advertise-peer-urls=" + peer,
                        "--initial-cluster=real=" + peer)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("ETCD_"));
        return new RealEtcd(builder.start(), directory, client);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private boolean awaitHealthy() throws InterruptedException {
        long deadline = System.nanoTime() + START_TIMEOUT_NANOS;
        while (System.nanoTime() - deadline < 0) {
            if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
                return false;
            }
            if (isHealthy()) {
                return true;
            }
        }
        return false;
    }

    private boolean isHealthy() {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(endpoint + "/health").toURL().openConnection();
            connection.setConnectTimeout(1_000);
            connection.setReadTimeout(2_000);
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (IOException e) {
            return false;
        }
    }

    /** Where clients reach it, for example {@code http://127.0.0.1:2379}. */
    String endpoint() {
        return endpoint;
    }

    long pid() {
        return process.pid();
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
