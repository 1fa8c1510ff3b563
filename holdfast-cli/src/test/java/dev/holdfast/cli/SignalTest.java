package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a signal does to a command: SIGTERM here, and Ctrl-C is the same to the JVM. */
@Timeout(90)
class SignalTest {

    private static final int ENDED_BY_SIGTERM = 143;

    /** Far less than the 10 s after which a lease would have run out. */
    private static final Duration SOON = Duration.ofSeconds(4);

    @ParameterizedTest
    @ValueSource(strings = {"--tries=3", "--processes"})
    void aDemo_givesBackWhatItHolds_andLeavesNobodyBehind(String mode) throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                Holdfast other = Holdfast.connect(server.endpoint())) {
            Process demo = start("demo", mode, "--workers=3", "--work=10m", "--endpoints=" + server.endpoint());
            awaitLine(demo, "HOLDS the lock");
            List<ProcessHandle> children = demo.children().toList();

            demo.destroy();

            assertThat(demo.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(demo.exitValue()).isEqualTo(ENDED_BY_SIGTERM);
            assertThat(children).hasSize(mode.equals("--processes") ? 3 : 0).noneMatch(ProcessHandle::isAlive);
            DistributedLock lock = other.lock("/tmp/go/lock");
            Optional<Hold> hold = lock.tryAcquire(SOON);
            assertThat(hold).isPresent();
            hold.ifPresent(Hold::close);
        }
    }

    @Test
    void aBench_tellsWhatItHas_andLeavesNothing() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            Process bench = start(
                    "bench",
                    "--workload=floor,clients-8",
                    "--seconds=3", // less than the 4 s after which a line would say how it goes
                    "--warm-up=0",
                    "--endpoints=" + server.endpoint());
            awaitLine(bench, "floor ");

            bench.toHandle().destroy(); // the other one closes its output, too

            String rest = bench.inputReader().lines().collect(Collectors.joining("\n"));
            assertThat(bench.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(bench.exitValue()).isEqualTo(ENDED_BY_SIGTERM);
            assertThat(rest)
                    .contains("ended early: 1 of 2 workloads were measured", "interrupted")
                    .doesNotContain("warning");
            assertThat(CommandLineRun.of("ls", "--endpoints=" + server.endpoint())
                            .err())
                    .contains("no locks are held or waited for");
        }
    }

    @Test
    void theServer_stops_andFreesItsPort() throws Exception {
        Process serve = start("serve", "--listen=127.0.0.1:0");
        String line = awaitLine(serve, "etcdctl --endpoints=");
        int port = Integer.parseInt(line.replaceAll(".*127\\.0\\.0\\.1:(\\d+).*", "$1"));
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
            assertThat(client.isConnected()).isTrue();
        }

        serve.destroy();

        assertThat(serve.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(serve.exitValue()).isEqualTo(ENDED_BY_SIGTERM);
    }

    private static Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.holdfast.cli.Main"));
        command.addAll(List.of(args));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static String awaitLine(Process process, String part) throws IOException {
        BufferedReader lines = process.inputReader();
        StringBuilder heard = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            heard.append(line).append('\n');
            if (line.contains(part)) {
                return line;
            }
        }
        throw new AssertionError("it ended without '" + part + "':\n" + heard);
    }
}
