package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code holdfast serve --data-dir} as a process of its own: stopped, killed, started twice. */
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
@Timeout(120)
class ServeTest {
    private static final int ENDED_BY_SIGTERM = 143;
    private static final int WRITERS = 4;

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void stopWhatWasStarted() throws InterruptedException {
        for (Process process : started) {
            process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void killedUnderLoad_everyAnsweredWriteIsThere_andAHoldSurvives() throws Exception {
        int port = freePort();
        Process first = serve(port);
        try (Holdfast client = Holdfast.connect("http://127.0.0.1:" + port);
                Holdfast other = Holdfast.connect("http://127.0.0.1:" + port)) {
            DistributedLock lock = client.lock("orders/42");
            Hold hold = lock.acquire();
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            Map<String, String> answered = new ConcurrentHashMap<>();
            List<Thread> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                String name = "w" + i;
                Thread writer = new Thread(() -> writeUntilItBreaks(port, name, answered));
                writers.add(writer);
                writer.start();
            }
            while (answered.size() < 300) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                LockSupport.parkNanos(1_000_000);
            }

            first.destroyForcibly();
            assertThat(first.waitFor(10, TimeUnit.SECONDS)).isTrue();
            for (Thread writer : writers) {
                writer.join();
            }
            serve(port);

            ManagedChannel channel = channel(port);
            KVGrpc.KVBlockingStub kv = KVGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
            answered.forEach((key, value) -> assertThat(
                            kv.range(get(key)).getKvs(0).getValue().toStringUtf8())
                    .isEqualTo(value));
            channel.shutdownNow();

            // The holder renews again, longer than its lease would have lasted without: it lost nothing.
            assertThat(hold.state()).isNotEqualTo(Hold.State.LOST);
            assertThat(other.lock("orders/42").tryAcquire(Duration.ofSeconds(11)))
                    .isEmpty();
            hold.ensure(Duration.ofSeconds(1));
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            hold.close();
            try (Hold next =
                    other.lock("orders/42").tryAcquire(Duration.ofSeconds(10)).orElseThrow()) {
                assertThat(next.token()).isGreaterThan(hold.token());
            }
        }
    }

    private static void writeUntilItBreaks(int port, String name, Map<String, String> answered) {
        ManagedChannel channel = channel(port);
        KVGrpc.KVBlockingStub kv = KVGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
        try {
            for (int i = 0; ; i++) {
                String key = "load/" + name + "/" + i;
                kv.put(PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8("value " + i))
                        .build());
                answered.put(key, "value " + i);
            }
        } catch (StatusRuntimeException e) {
            // It was killed.
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void stoppedBySigterm_saysSo_andKeepsWhatWasStored() throws Exception {
        int port = freePort();
        Process first = serve(port);
        ManagedChannel channel = channel(port);
        KVGrpc.KVBlockingStub kv = KVGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        kv.put(PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8("a"))
                .setValue(ByteString.copyFromUtf8("1"))
                .build());

        first.toHandle().destroy(); // Process.destroy would close what it still prints

        assertThat(first.inputReader().lines().toList()).contains("stopped");
        assertThat(first.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(first.exitValue()).isEqualTo(ENDED_BY_SIGTERM);
        serve(port);
        assertThat(kv.withWaitForReady().range(get("a")).getKvs(0).getValue().toStringUtf8())
                .isEqualTo("1");
        channel.shutdownNow();
    }

    @Test
    @Tag("F47")
    void aDirectoryInUse_isRefused_andItsUserIsNamed() throws Exception {
        Process first = serve(freePort());

        CommandLineRun second =
                CommandLineRun.of("serve", "--listen=127.0.0.1:0", "--data-dir=" + folder.resolve("data"));

        assertThat(second.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(second.err().lines())
                .singleElement()
                .asString()
                .contains("holdfast serve: the data directory", "is in use by process " + first.pid());
    }

    @Test
    void aDirectoryThatOthersCanEnter_isRefused_andTheCureIsNamed() throws IOException {
        Path directory = Files.createDirectory(folder.resolve("open"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));

        CommandLineRun run = CommandLineRun.of("serve", "--listen=127.0.0.1:0", "--data-dir=" + directory);

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err().lines()).singleElement().asString().contains("others have access", "chmod 700 ");
    }

    @Test
    void filesThatAreNoCertificates_areNamed() throws IOException {
        Path text = Files.writeString(folder.resolve("text.pem"), "text");
        String none = folder.resolve("none.pem").toString();

        CommandLineRun missing = CommandLineRun.of("serve", "--listen=127.0.0.1:0", "--cert=" + none, "--key=" + text);
        CommandLineRun wrong = CommandLineRun.of("serve", "--listen=127.0.0.1:0", "--cert=" + text, "--key=" + text);

        assertThat(missing.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(missing.err()).contains("cannot read the certificate " + none);
        assertThat(wrong.err()).contains("the certificate " + text + " is not a PEM file of certificates");
    }

    @Test
    void anAddressThatOthersReach_isServedWithTls_andSaidToBeOpen() throws Exception {
        Path certificate = folder.resolve("server.pem");
        Path key = folder.resolve("server-key.pem");
        Process openssl = new ProcessBuilder(
                        "openssl",
                        "req",
                        "-x509",
                        "-newkey",
                        "rsa:2048",
                        "-nodes",
                        "-days",
                        "2",
                        "-subj",
                        "/CN=test",
                        "-addext",
                        "subjectAltName=IP:127.0.0.1",
                        "-keyout",
                        key.toString(),
                        "-out",
                        certificate.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(openssl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(openssl.waitFor()).as(said).isZero();

        Process serve = start("serve", "--listen=0.0.0.0:0", "--cert=" + certificate, "--key=" + key);

        assertThat(awaitLine(serve, "etcdctl --endpoints="))
                .contains("WARNING: whoever reaches 0.0.0.0:0 can read and change everything")
                .contains("serving etcd's v3 API with TLS on 0.0.0.0:")
                .contains("etcdctl --endpoints=https://");
    }

    // ------------------------------------------------------------------------------------------------------ tools

    private Process serve(int port) throws IOException {
        Process process = start("serve", "--listen=127.0.0.1:" + port, "--data-dir=" + folder.resolve("data"));
        awaitLine(process, "Ctrl-C ends it");
        return process;
    }

    private Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.holdfast.cli.Main"));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        started.add(process);
        return process;
    }

    /** Everything it printed up to a line with this in it. */
    private static String awaitLine(Process process, String part) throws IOException {
        BufferedReader lines = process.inputReader();
        StringBuilder heard = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            heard.append(line).append('\n');
            if (line.contains(part)) {
                return heard.toString();
            }
        }
        throw new AssertionError("it ended without '" + part + "':\n" + heard);
    }

    private static ManagedChannel channel(int port) {
        return ManagedChannelBuilder.forAddress("127.0.0.1", port)
                .usePlaintext()
                .build();
    }

    private static RangeRequest get(String key) {
        return RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
