package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.RangeRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The files in {@code docs/examples}, run as cron and systemd run them; only paths and endpoints are this test's. */
@Timeout(150)
@SuppressWarnings("NullAway.Init") // JUnit sets the fields
class ExamplesTest {

    private static final Path EXAMPLES = Path.of("..", "docs", "examples");

    @TempDir
    private Path folder;

    private EmbeddedEtcd etcd;
    private EngineServer server;
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void serve() throws IOException {
        etcd = EmbeddedEtcd.inMemory();
        server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        String java = LockRun.java().stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        Path program = Files.writeString(
                Files.createDirectories(folder.resolve("bin")).resolve("holdfast"),
                "#!/bin/sh\nexec " + java + " \"$@\"\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : started) {
            process.destroy();
            if (!process.waitFor(LockRun.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
        server.close();
        etcd.close();
    }

    @Test
    void cron_oneMachineMakesTheReport_theOthersAreSilent() throws Exception {
        copy("cron/nightly-report", folder.resolve("bin"));
        Path reports = Files.createDirectories(folder.resolve("reports"));

        Process first = cron("first", reports);
        Process second = cron("second", reports);

        assertThat(ended(first)).as(said("first")).isZero();
        assertThat(ended(second)).as(said("second")).isZero();
        assertThat(said("first") + said("second")).isEmpty();
        assertThat(reports(reports)).singleElement().asString().matches("made by \\S+ under token \\d+\n");
    }

    @Test
    void cron_aLockThatIsTaken_isLeftAlone() throws Exception {
        copy("cron/nightly-report", folder.resolve("bin"));
        Path reports = Files.createDirectories(folder.resolve("reports"));

        try (Holdfast other = Holdfast.connect(server.endpoint());
                Hold hold = other.lock("nightly-report").acquire()) {
            assertThat(ended(cron("skipped", reports))).isZero();
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
        assertThat(said("skipped")).isEmpty();
        assertThat(reports(reports)).isEmpty();
    }

    @Test
    void cron_aTokenOlderThanTheNewest_writesNothing() throws Exception {
        copy("cron/nightly-report", folder.resolve("bin"));
        Path reports = Files.createDirectories(folder.resolve("reports"));
        Files.writeString(reports.resolve("token"), Long.MAX_VALUE + "\n");

        assertThat(ended(cron("late", reports))).isEqualTo(1);

        assertThat(said("late")).contains("somebody else is at work; nothing was written");
        assertThat(reports(reports)).isEmpty();
    }

    @Test
    void service_oneIsActive_andTheNextTakesOverWhenItIsStopped() throws Exception {
        Process first = service("first");
        LockRun.eventually("first is active", () -> said("first").contains("active with token "));
        Process second = service("second");
        LockRun.eventually("second waits", () -> queueLength("importer") == 2);
        assertThat(said("second")).isEmpty();

        first.destroy();

        LockRun.eventually("second is active", () -> said("second").contains("active with token "));
        assertThat(ended(first)).isZero();
        assertThat(said("first")).endsWith("stopped\n");
        assertThat(token("second")).isGreaterThan(token("first"));
        second.destroy();
        assertThat(ended(second)).isZero();
    }

    /** As cron does: variables are set, and a shell gets what follows the five fields of time. */
    private Process cron(String name, Path reports) throws IOException {
        ProcessBuilder builder = new ProcessBuilder();
        String command = "";
        for (String line : Files.readAllLines(EXAMPLES.resolve("cron/crontab"))) {
            if (line.matches("[A-Z_]+=.*")) {
                builder.environment().put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1));
            } else if (!line.startsWith("#")) {
                command = line.split(" ", 6)[5];
            }
        }
        assertThat(builder.environment()).containsKeys("REPORTS", "ETCDCTL_ENDPOINTS");
        builder.environment().put("REPORTS", reports.toString());
        return start(name, builder.command("/bin/sh", "-c", command));
    }

    /** As systemd does: no shell, the words of ExecStart. */
    private Process service(String name) throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        copy("service/serve", home);
        String line;
        try (Stream<String> lines = Files.lines(EXAMPLES.resolve("service/importer.service"))) {
            line = lines.filter(candidate -> candidate.startsWith("ExecStart="))
                    .findFirst()
                    .orElseThrow();
        }
        return start(
                name,
                new ProcessBuilder(line.substring("ExecStart=".length()).split(" ", -1)).directory(home.toFile()));
    }

    private Process start(String name, ProcessBuilder builder) throws IOException {
        builder.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("ETCDCTL_ENDPOINTS", server.endpoint());
        builder.environment().put("ETCDCTL_DIAL_TIMEOUT", "30s"); // of a busy machine
        builder.environment().remove("JAVA_TOOL_OPTIONS"); // Java says that it has seen it
        builder.redirectErrorStream(true).redirectOutput(folder.resolve(name).toFile());
        Process process = builder.start();
        started.add(process);
        return process;
    }

    /** How many hold or wait for the lock. */
    private long queueLength(String lock) {
        ManagedChannel channel = Grpc.newChannelBuilder(
                        server.endpoint().replace("http://", ""), InsecureChannelCredentials.create())
                .build();
        try {
            return KVGrpc.newBlockingStub(channel)
                    .range(RangeRequest.newBuilder()
                            .setKey(ByteString.copyFromUtf8(lock + "/"))
                            .setRangeEnd(ByteString.copyFromUtf8(lock + "0"))
                            .build())
                    .getKvsCount();
        } finally {
            channel.shutdownNow();
        }
    }

    private static int ended(Process process) throws InterruptedException {
        assertThat(process.waitFor(LockRun.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
        return process.exitValue();
    }

    private String said(String name) {
        try {
            return Files.readString(folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long token(String name) {
        return Long.parseLong(said(name).replaceAll("(?s).*active with token (\\d+)\n.*", "$1"));
    }

    private static List<String> reports(Path reports) throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(reports)) {
            for (Path file : files.filter(f -> !f.endsWith("token")).toList()) {
                found.add(Files.readString(file));
            }
        }
        return found;
    }

    private static void copy(String example, Path to) throws IOException {
        Path from = EXAMPLES.resolve(example);
        Path copy = to.resolve(from.getFileName());
        if (!Files.exists(copy)) {
            Files.copy(from, copy); // with its permissions
        }
        assertThat(copy).isExecutable();
    }
}
