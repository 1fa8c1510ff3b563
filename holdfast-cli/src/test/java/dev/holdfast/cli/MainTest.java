package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@SuppressWarnings("NullAway.Init") // JUnit sets the folder
@Timeout(60)
class MainTest {

    /** Two holders at once, of which the second got the smaller token. */
    private static final String BAD_HISTORY =
            """
            granted	at=100	who=w1	lock=/tmp/go/lock	token=0.11.0
            granted	at=150	who=w2	lock=/tmp/go/lock	token=0.10.0
            released	at=200	who=w1	lock=/tmp/go/lock	token=0.11.0
            released	at=250	who=w2	lock=/tmp/go/lock	token=0.10.0
            """;

    @TempDir
    private Path folder;

    @Test
    void help_namesEveryCommand_andTheExitCodes() {
        CommandLineRun run = CommandLineRun.of("--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("demo", "serve", "Examples:", "3   no etcd answers")
                .doesNotContain("demo-worker");
    }

    @Test
    void version_isTheBuilds() {
        assertThat(CommandLineRun.of("--version").out()).matches("holdfast \\d+\\.\\d+\\.\\d+\\S* on Java \\d+\\S*\\R");
    }

    @ParameterizedTest
    @CsvSource({"demo,--endpoints 127.0.0.1:2379", "serve,etcdctl --endpoints=127.0.0.1:2379 put foo bar"})
    void helpOfACommand_hasExamples(String command, String example) {
        CommandLineRun run = CommandLineRun.of(command, "--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Examples:", "Exit codes:", example);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "demo --workers 0 | --workers must be 1 to 100, but is 0",
                "demo --workers 101 | --workers must be 1 to 100, but is 101",
                "demo --workers five | Invalid value for option '--workers': 'five' is not an int",
                "demo --tries 0 | --tries must be 1 to 1000, but is 0",
                "demo --timeout 0s | --timeout must be longer than nothing",
                "demo --timeout 5x | Invalid value for option '--timeout': '5x' is no duration",
                "demo --work 8s..2s | 8s is longer than 2s",
                "demo --speed 0 | --speed must be 0.1 to 1000, but is 0.0",
                "demo --speed NaN | --speed must be 0.1 to 1000, but is NaN",
                "demo --kill 6 | --kill must be the number of a worker, 1 to 5, but is 6",
                "demo --kill -1 | --kill must be the number of a worker, 1 to 5, but is -1",
                "demo --retry never | Invalid value for option '--retry'",
                "demo --lock / | --lock must not end with '/', but is '/'",
                "demo --lock orders/ | --lock must not end with '/', but is 'orders/'",
                "demo --lock orders//42 | --lock must not contain '//', but is 'orders//42'",
                "demo --lock _holdfast/sess | --lock must not be _holdfast or under it",
                "demo --endpoints localhost | 'localhost' is no address such as 127.0.0.1:2379",
                "demo --endpoints localhost:0 | 'localhost:0': nothing listens on port 0",
                "demo --history /no/such/folder/h.txt | --history: /no/such/folder/h.txt is no place for a file",
                "demo --wrokers=3 | Unknown option: '--wrokers=3'",
                "serve --listen 0.0.0.0:2379 | cannot listen on 0.0.0.0:2379: others could reach it there",
                "serve --listen 2379 | '2379' is no address such as 127.0.0.1:2379",
                "serve --cert c.pem | --cert and --key go together",
                "serve --key k.pem --listen 0.0.0.0:2379 | --cert and --key go together",
                "serve --trusted-ca ca.pem | --trusted-ca needs --cert and --key",
                "dmo | did you mean demo?",
            })
    void wrongUsage_isOneLineThatSaysWhatIsWrong_andExitCode2(String args, String message) {
        CommandLineRun run = CommandLineRun.of(args.split(" ", -1));

        assertThat(run.err().lines())
                .singleElement()
                .asString()
                .startsWith("holdfast")
                .contains(message);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void anEmptyLockName_isRefused() {
        CommandLineRun run = CommandLineRun.of("demo", "--lock", "");

        assertThat(run.err()).contains("--lock must not be empty");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void noCommand_saysWhichThereAre() {
        CommandLineRun run = CommandLineRun.of();

        assertThat(run.err())
                .isEqualToNormalizingNewlines(
                        "holdfast: a command is missing: demo, serve, lock, ls, watch, release or bench (see holdfast --help)\n");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void noEtcdThere_isOneLineThatSaysWhatToDo_andExitCode3() throws IOException {
        int port = freePort();

        CommandLineRun run = CommandLineRun.of("demo", "--endpoints", "127.0.0.1:" + port);

        assertThat(run.err())
                .isEqualToNormalizingNewlines("holdfast demo: no etcd at 127.0.0.1:" + port
                        + ": start one with `holdfast serve` or pass --endpoints\n");
        assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    }

    @Test
    void whatIsNotAnEtcd_isSaid_inTime() throws Exception {
        try (ServerSocket web = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread server = new Thread(() -> answerAsAWebServerDoes(web));
            server.setDaemon(true);
            server.start();
            String endpoint = "127.0.0.1:" + web.getLocalPort();

            CommandLineRun run = CommandLineRun.of("demo", "--endpoints", endpoint);

            assertThat(run.err().lines()).singleElement().asString().contains(endpoint, "pass --endpoints");
            assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        }
    }

    private static void answerAsAWebServerDoes(ServerSocket web) {
        while (true) {
            try (Socket client = web.accept()) {
                client.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                return; // closed by the test
            }
        }
    }

    @Test
    void anAddressInUse_isOneLine_andExitCode4() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + other.getLocalPort();

            CommandLineRun run = CommandLineRun.of("serve", "--listen", address);

            assertThat(run.err())
                    .isEqualToNormalizingNewlines("holdfast serve: cannot listen on " + address
                            + ": it is in use; end what listens there, or pass --listen with another port\n");
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        }
    }

    @Test
    void verify_aBadHistory_namesTheOperations_andExitCode1() throws IOException {
        CommandLineRun run =
                CommandLineRun.of("demo", "--verify", file(BAD_HISTORY).toString());

        assertThat(run.exitCode()).isEqualTo(ExitCode.VIOLATED);
        assertThat(run.out())
                .contains(
                        "one holder at a time: VIOLATED",
                        "w1 and w2 held /tmp/go/lock at the same time",
                        "tokens grow: VIOLATED",
                        BAD_HISTORY.lines().findFirst().orElseThrow(),
                        "verdict: VIOLATED");
    }

    @Test
    void verify_aGoodHistory_exitCode0() throws IOException {
        String good =
                """
                granted	at=100	who=w1	lock=l	token=0.10.0
                released	at=200	who=w1	lock=l	token=0.10.0
                """;

        CommandLineRun run = CommandLineRun.of("demo", "--verify", file(good).toString());

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("verdict: every promise was kept");
    }

    @Test
    void verify_whatIsNoHistory_isRefused() throws IOException {
        Path empty = file("");
        assertThat(CommandLineRun.of("demo", "--verify", empty.toString()).err())
                .contains("holds no operation, so there is nothing to judge");

        CommandLineRun run =
                CommandLineRun.of("demo", "--verify", file("\nnonsense").toString());
        assertThat(run.err()).contains("line 2: unknown operation 'nonsense'");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);

        assertThat(CommandLineRun.of("demo", "--verify", folder.resolve("none").toString())
                        .err())
                .contains("there is no file");
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("history.txt"), text);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
