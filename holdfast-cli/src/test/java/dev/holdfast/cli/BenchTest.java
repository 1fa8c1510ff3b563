package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code holdfast bench} as a whole, in a hurry: what it measures here is worth nothing. */
@Timeout(150)
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
class BenchTest {

    @TempDir
    private Path folder;

    @Test
    void onTheEngine_everyWorkloadIsMeasured_withTextAndPicture() throws IOException {
        Path picture = folder.resolve("bench.svg");

        CommandLineRun run = CommandLineRun.of(
                "bench", "--embedded", "--seconds=0.2", "--warm-up=0.1", "--workers=4", "--svg=" + picture);

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out())
                .contains(
                        "on the embedded engine in this JVM", "1 member: ", "0.1 s of warm-up, not counted, then 0.2 s")
                .contains("floor: the bare requests", "uncontended: one thread", "cached: one thread")
                .contains("distinct: 4 threads", "threads: 4 threads", "clients-2: 2 clients", "clients-8: 8 clients")
                .contains("never did two hold one lock at the same time");
        assertThat(Files.readString(picture)).startsWith("<svg ").endsWith("</svg>\n");
    }

    @ParameterizedTest
    @MethodSource("dev.holdfast.cli.InspectionCommandsTest#servers")
    void onAServer_theNumbersComeAsJson_andNothingIsLeft(InspectionCommandsTest.Server server) throws Exception {
        InspectionCommandsTest.report("ran: bench " + server);
        RealEtcd.Binary binary = server.binary();
        if (binary == null) {
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                    EngineServer served = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
                measure(served.endpoint());
            }
        } else {
            try (RealEtcd etcd = RealEtcd.start(binary)) {
                measure(etcd.endpoint());
            }
        }
    }

    private static void measure(String endpoint) {
        CommandLineRun run = CommandLineRun.of(
                "bench",
                "--endpoints=" + endpoint,
                "--namespace=team-a/",
                "--workload=clients-2,floor",
                "--workload=uncontended",
                "--workload=distinct",
                "--workers=3",
                "--seconds=0.3",
                "--warm-up=0",
                "--json");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(run.err()).doesNotContain("warning");
        JsonObject json = JsonParser.parseString(run.out()).getAsJsonObject();
        assertThat(json.getAsJsonArray("servers")
                        .get(0)
                        .getAsJsonObject()
                        .get("version")
                        .getAsString())
                .startsWith("3.");
        List<String> names = new ArrayList<>();
        for (JsonElement each : json.getAsJsonArray("workloads")) {
            JsonObject workload = each.getAsJsonObject();
            names.add(workload.get("name").getAsString());
            assertThat(workload.get("pairs").getAsLong()).isPositive();
            assertThat(workload.getAsJsonArray("violations")).isEmpty();
        }
        assertThat(names).containsExactly("floor", "uncontended", "distinct", "clients-2");
        assertThat(CommandLineRun.of("ls", "--namespace=team-a/", "--endpoints=" + endpoint)
                        .err())
                .contains("no locks are held or waited for");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--seconds 0 | --seconds must be 0.1 to 3600, but is 0.0",
                "--seconds NaN | --seconds must be 0.1 to 3600, but is NaN",
                "--seconds 5s | Invalid value for option '--seconds': '5s' is not a double",
                "--warm-up -1 | --warm-up must be 0 to 600 seconds, but is -1.0",
                "--workers 0 | --workers must be 1 to 1000, but is 0",
                "--ttl 1s | --ttl must be 2s to 60s in whole seconds, but is 1s",
                "--workload flor | Invalid value for option '--workload'",
                "--svg /no/such/folder/b.svg | --svg: /no/such/folder/b.svg is no place for a file",
                "--embedded --endpoints 127.0.0.1:2379 | --embedded and --endpoints exclude each other",
                "--endpoints localhost | the port is missing; write localhost:2379",
            })
    void wrongUsage_isOneLineThatSaysWhatIsWrong_andExitCode2(String args, String message) {
        CommandLineRun run = CommandLineRun.of(("bench " + args).split(" ", -1));

        assertThat(run.err().lines()).singleElement().asString().contains(message);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void noEtcdThere_saysWhatToDo_andExitCode3() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }

        CommandLineRun run = CommandLineRun.of("bench", "--endpoints", "127.0.0.1:" + port);

        assertThat(run.err().lines())
                .singleElement()
                .asString()
                .contains("no etcd answers at 127.0.0.1:" + port, "`holdfast serve`", "--endpoints", "--embedded");
        assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    }

    @Test
    void unknownWorkload_isRefused_andEachThereIsIsNamedOnce() {
        CommandLineRun run = CommandLineRun.of("bench", "--workload", "clients_9");

        assertThat(run.err())
                .contains("there is no workload 'clients_9'; there are floor, uncontended, cached, distinct, threads,"
                        + " clients-2, clients-8");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void help_namesEveryWorkload_theExitCodes_andExamples() {
        CommandLineRun run = CommandLineRun.of("bench", "--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().replaceAll("\\s+", " "))
                .contains("floor, uncontended, cached, distinct, threads, clients-2, clients-8")
                .contains("Exit codes:", "Examples:", "holdfast bench --embedded", "ETCDCTL_ENDPOINTS");
    }
}
