package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What the connection options and the environment come to, seen from a command that does nothing but connect. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
class ConnectionOptionsTest {

    private static final String CANARY = "canary-3f7a";

    @TempDir
    private Path folder;

    private final List<String> prompts = new ArrayList<>();

    /** A command with these options. */
    @Command(name = "probe")
    static final class Probe implements Callable<Integer> {
        @Mixin
        private ConnectionOptions connection;

        @Override
        public Integer call() throws InterruptedException {
            try (Holdfast holdfast = connection.connect(builder -> {})) {
                DistributedLock lock = holdfast.lock("probe");
                assertThat(lock.tryLock()).isTrue();
                lock.unlock();
            }
            return ExitCode.OK;
        }
    }

    @Test
    void anEndpointOfTheEnvironment_counts_andTheOptionGoesBefore() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            assertThat(probe(Map.of("ETCDCTL_ENDPOINTS", server.endpoint())).exitCode())
                    .isZero();
            assertThat(probe(Map.of("ETCDCTL_ENDPOINTS", "127.0.0.1:1"), "--endpoints", server.endpoint())
                            .exitCode())
                    .isZero();
            assertThat(probe(Map.of("ETCDCTL_DISCOVERY_SRV", "example.org"), "--endpoints", server.endpoint())
                            .exitCode())
                    .isZero();
        }
    }

    @Test
    void severalEndpoints_withCommasOrOneByOne_areMembersOfOneCluster() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            String dead = "127.0.0.1:" + freePort();

            assertThat(probe(Map.of(), "--endpoints", dead + "," + server.endpoint())
                            .exitCode())
                    .isZero();
            assertThat(probe(Map.of(), "--endpoints", dead, "--endpoints", server.endpoint())
                            .exitCode())
                    .isZero();
            assertThat(probe(Map.of("ETCDCTL_ENDPOINTS", dead + "," + server.endpoint()))
                            .exitCode())
                    .isZero();
        }
    }

    @Test
    void theTimeoutOfTheEnvironment_counts() throws Exception {
        String dead = "127.0.0.1:" + freePort();

        CommandLineRun run = probe(Map.of("ETCDCTL_DIAL_TIMEOUT", "300ms", "ETCDCTL_ENDPOINTS", dead));

        assertThat(run.err()).contains("no etcd at " + dead + " within 300 ms");
        assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ETCDCTL_INSECURE_SKIP_TLS_VERIFY=true | name the server's authority with --cacert",
                "ETCDCTL_INSECURE_SKIP_TLS_VERIFY=perhaps | must be true or false, but is 'perhaps'",
                "ETCDCTL_DISCOVERY_SRV=example.org | unset it, or pass --endpoints",
                "ETCDCTL_DIAL_TIMEOUT=soon | ETCDCTL_DIAL_TIMEOUT: 'soon' is no duration such as",
                "ETCDCTL_ENDPOINTS=localhost | the port is missing; write localhost:2379",
                "ETCDCTL_ENDPOINTS=127.0.0.1:1,,127.0.0.1:2 | endpoint \"\": it is empty",
                "ETCDCTL_CERT=/a.pem | needs its private key; give both (--cert and --key, or",
                "ETCDCTL_USER=ann | no password for user 'ann' and no terminal to ask at; pass --password-file",
            })
    void aVariableThatAsksForWhatIsNotDone_isRefused_withACure(String variable, String message) {
        CommandLineRun run = probe(Map.of(variable.split("=", 2)[0], variable.split("=", 2)[1]));

        assertThat(run.err()).contains(message);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @ParameterizedTest
    @CsvSource({
        "--user ann:CANARY",
        "--user=ann:CANARY",
        "--password CANARY",
        "--password=CANARY",
        "--user ann --password CANARY",
        "--endpoints http://ann:CANARY@127.0.0.1:2379",
    })
    void aPasswordAmongTheArguments_isRefused_andNotRepeated(String args) {
        CommandLineRun run = probe(Map.of(), args.replace("CANARY", CANARY).split(" ", -1));

        assertThat(run.err()).doesNotContain(CANARY);
        assertThat(run.out()).doesNotContain(CANARY);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void thePassword_comesFromTheEnvironment() throws InterruptedException {
        Map<String, String> together = Map.of("ETCDCTL_USER", "ann:a:b");
        Map<String, String> apart = Map.of("ETCDCTL_USER", "ann", "ETCDCTL_PASSWORD", "pw");
        Map<String, String> ofAnother = Map.of("ETCDCTL_USER", "bob:hers", "ETCDCTL_PASSWORD", "pw");

        assertThat(credentials(null, null, together, "")).contains("ann / a:b");
        assertThat(credentials(null, null, apart, "")).contains("ann / pw");
        assertThat(credentials("ann", null, ofAnother, "")).contains("ann / pw");
        assertThat(credentials(null, null, Map.of(), "")).isEmpty();
        assertThat(credentials(null, null, Map.of("ETCDCTL_PASSWORD", "pw"), ""))
                .isEmpty();
        assertThat(prompts).isEmpty();
    }

    @Test
    void thePasswordBehindAnotherName_isNotUsed() throws InterruptedException {
        assertThat(credentials("ann", null, Map.of("ETCDCTL_USER", "bob:his"), "typed"))
                .contains("ann / typed");
        assertThat(prompts).containsExactly("Password of ann: ");
    }

    @Test
    void thePasswordFile_goesBeforeTheEnvironment_andIsReadAnew() throws Exception {
        Path file = file("first \r\n", "rw-------");
        StringBuilder warnings = new StringBuilder();
        Credentials credentials = Credentials.of(
                        "ann", file, surroundings(Map.of("ETCDCTL_PASSWORD", "pw"), ""), warnings::append)
                .orElseThrow();

        assertThat(credentials.password().get()).containsExactly("first ".toCharArray());
        Files.writeString(file, "second\n\n");
        assertThat(credentials.password().get()).containsExactly("second\n".toCharArray());
        assertThat(warnings).isEmpty();
    }

    @Test
    void aPasswordFileThatAllCanRead_isWarnedAbout() throws Exception {
        StringBuilder warnings = new StringBuilder();

        Credentials.of("ann", file(CANARY, "rw-r--r--"), surroundings(Map.of(), ""), warnings::append);

        assertThat(warnings)
                .contains("everybody on this machine can read", "chmod 600")
                .doesNotContain(CANARY);
    }

    @Test
    void aPasswordFileWithoutAPassword_isRefused() throws IOException {
        Path missing = folder.resolve("missing");

        assertThat(probe(Map.of(), "--user", "ann", "--password-file", missing.toString())
                        .err())
                .contains("--password-file: there is no file " + missing);
        for (String content : List.of("", "\n", "x".repeat(5000))) {
            CommandLineRun run = probe(
                    Map.of(),
                    "--user",
                    "ann",
                    "--password-file",
                    file(content, "rw-------").toString());
            assertThat(run.err()).contains("--password-file: ");
            assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        }
    }

    private Optional<String> credentials(
            @Nullable String user, @Nullable Path file, Map<String, String> environment, String typed)
            throws InterruptedException {
        return Credentials.of(user, file, surroundings(environment, typed), warning -> {})
                .map(credentials -> credentials.name() + " / "
                        + new String(credentials.password().get()));
    }

    private Surroundings surroundings(Map<String, String> environment, String typed) {
        return new Surroundings(environment, prompt -> {
            prompts.add(prompt);
            return typed.toCharArray();
        });
    }

    private Path file(String content, String permissions) throws IOException {
        Path file = Files.writeString(folder.resolve("password"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private static CommandLineRun probe(Map<String, String> environment, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Main.configured(
                        new CommandLine(new Probe(), new Main.Parts(new Surroundings(environment, prompt -> null))))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        return new CommandLineRun(command.execute(args), out.toString(), err.toString());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
