package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code holdfast lock} when nothing goes wrong with the lock: exit codes, what the command gets, signals. */
@Timeout(150)
@SuppressWarnings("NullAway.Init") // JUnit sets the fields
class LockCommandTest {

    @TempDir
    private Path folder;

    private EmbeddedEtcd etcd;
    private EngineServer server;

    @BeforeEach
    void serve() throws IOException {
        etcd = EmbeddedEtcd.inMemory();
        server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void stop() {
        server.close();
        etcd.close();
    }

    @Test
    void theCommand_getsItsArgumentsAsTheyAre_theStreams_andTheToken() throws Exception {
        String script =
                "for a in \"$@\"; do echo \"[$a]\"; done; cat; echo complaint >&2; env | grep ^HOLDFAST_[LT]O; exit 7";

        try (LockRun run =
                start("orders/for two", "--", "sh", "-c", script, "sh", "--", "-x", "", "a b", "@file", "$HOME")) {
            assertThat(run.awaitExit()).isEqualTo(7);
            assertThat(run.out())
                    .startsWith("[--]\n[-x]\n[]\n[a b]\n[@file]\n[$HOME]\nwhat came in\n")
                    .contains("HOLDFAST_LOCK=orders/for two\n");
            long revision = Long.parseLong(run.out().replaceAll("(?s).*HOLDFAST_TOKEN_REVISION=(\\d+).*", "$1"));
            assertThat(run.out()).contains("HOLDFAST_TOKEN=" + revision * (1 << 20) + "\n");
            assertThat(run.err()).isEqualTo("complaint\n");
            run.awaitNobodyLeft();
        }
    }

    @Test
    void afterItHasEnded_theLockIsFree() throws Exception {
        try (LockRun run = start("free", "--", "true");
                Holdfast other = Holdfast.connect(server.endpoint())) {
            assertThat(run.awaitExit()).isZero();
            assertThat(other.lock("free").tryAcquire()).isPresent();
        }
    }

    @Test
    void hugeOutput_passesThrough() throws Exception {
        try (LockRun run = start("huge", "--", "head", "-c", "20000000", "/dev/zero")) {
            assertThat(run.awaitExit()).isZero();
            assertThat(Files.size(run.folder().resolve("out"))).isEqualTo(20_000_000);
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "KILL, 137", "INT, 130"})
    void aCommandEndedByASignal_is128AndItsNumber(String signal, int code) throws Exception {
        try (LockRun run = start("signal", "--", "sh", "-c", "kill -s " + signal + " $$")) {
            assertThat(run.awaitExit()).isEqualTo(code);
        }
    }

    @Test
    void aCommandThatIsNotThere_is127_andOneThatCannotRun_is126_withoutWaitingForTheLock() throws IOException {
        Path plain = Files.writeString(folder.resolve("plain"), "text");

        CommandLineRun missing = lock("taken", "--", "no-such-command");
        CommandLineRun refused = lock("taken", "--", plain.toString());
        CommandLineRun nowhere = lock("taken", "--", "./no/such/command");

        assertThat(missing.exitCode()).isEqualTo(127);
        assertThat(missing.err()).isEqualTo("holdfast lock: no-such-command: not found\n");
        assertThat(refused.exitCode()).isEqualTo(126);
        assertThat(refused.err()).isEqualTo("holdfast lock: " + plain + ": cannot be executed\n");
        assertThat(nowhere.exitCode()).isEqualTo(127);
    }

    @Test
    void aCommandThatCannotBeLoaded_is126() throws Exception {
        Path script = Files.writeString(folder.resolve("script"), "#!/no/such/interpreter\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();

        try (LockRun run = start("unloadable", "--", script.toString())) {
            assertThat(run.awaitExit()).isIn(126, 127); // shells differ
            run.awaitNobodyLeft();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "x --wait 0 --skip-exit 0 true | '--' is missing between the options and the command",
                "x -- | Missing required parameter: 'COMMAND'",
                "x --ttl 1s -- true | --ttl must be 2s to 60s in whole seconds, but is 1s",
                "x --ttl 2500ms -- true | --ttl must be 2s to 60s in whole seconds, but is 2500ms",
                "x --ttl 61s -- true | --ttl must be 2s to 60s",
                "x --skip-exit 0 -- true | --skip-exit needs --wait",
                "x --wait 0 --skip-exit 256 -- true | --skip-exit must be 0 to 255, but is 256",
                "x --wait soon -- true | 'soon' is no duration",
                "x --wiat 3s -- true | Unknown option: '--wiat'",
                "_holdfast/x -- true | _holdfast",
                "x --endpoints nowhere -- true | the port is missing; write nowhere:2379",
                "x --user ann:secret -- true | --user takes a name without a password",
                "x --cert /a.pem -- true | needs its private key",
            })
    void wrongUsage_isOneLine_andExitCode125(String args, String message) {
        CommandLineRun run = lock(args.split(" ", -1));

        assertThat(run.err().lines())
                .singleElement()
                .asString()
                .contains(message)
                .doesNotContain("secret");
        assertThat(run.exitCode()).isEqualTo(125);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void noEtcd_is125() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }

        CommandLineRun run = lock("x", "--endpoints", "127.0.0.1:" + port, "--connect-timeout", "300ms", "--", "true");

        assertThat(run.err()).contains("no etcd at 127.0.0.1:" + port);
        assertThat(run.exitCode()).isEqualTo(125);
    }

    @Test
    void withoutSetsid_itNamesThePackage() {
        CommandLineRun run = CommandLineRun.in(Map.of("PATH", folder.toString()), "lock", "x", "--", "true");

        assertThat(run.err()).contains("there is no setsid on the PATH; install the package util-linux");
        assertThat(run.exitCode()).isEqualTo(125);
    }

    @Test
    void aLockThatIsTaken_is75_orTheCodeThatWasAskedFor_inSilence() throws Exception {
        try (Holdfast other = Holdfast.connect(server.endpoint());
                Hold hold = other.lock("taken").acquire()) {
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);

            CommandLineRun atOnce = lock("taken", "--wait", "0", "--", "touch", folder + "/ran");
            CommandLineRun inTime = lock("taken", "--wait", "300ms", "--", "touch", folder + "/ran");
            CommandLineRun skipped = lock("taken", "--wait", "0", "--skip-exit", "0", "--", "touch", folder + "/ran");
            CommandLineRun quiet = lock("taken", "--wait", "0", "--quiet", "--", "touch", folder + "/ran");

            assertThat(atOnce.exitCode()).isEqualTo(75);
            assertThat(atOnce.err()).isEqualTo("holdfast lock: lock 'taken' is taken; the command did not run\n");
            assertThat(inTime.exitCode()).isEqualTo(75);
            assertThat(inTime.err()).contains("was not free within 300ms");
            assertThat(skipped).isEqualTo(new CommandLineRun(0, "", ""));
            assertThat(quiet).isEqualTo(new CommandLineRun(75, "", ""));
            assertThat(folder.resolve("ran")).doesNotExist();
        }
    }

    @Test
    void help_namesEveryExitCode_andTheEnvironment() {
        CommandLineRun run = CommandLineRun.of("lock", "--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("Usage: holdfast lock NAME [OPTIONS] -- COMMAND [ARGUMENT...]", "Examples:", "Exit codes:")
                .contains("75 ", "76 ", "125 ", "126 ", "127 ", "128+N", "HOLDFAST_TOKEN", "ETCDCTL_ENDPOINTS");
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM", "HUP"})
    void aSignal_isPassedOn_andTheExitCodeIsTheCommands(String signal) throws Exception {
        String script = "trap 'echo clean up; exit 9' " + signal + "; echo up > up; while :; do sleep 0.1; done";

        try (LockRun run = start("signal", "--", "sh", "-c", script);
                Holdfast other = Holdfast.connect(server.endpoint())) {
            run.awaitFile("up");
            run.signal(signal);

            assertThat(run.awaitExit()).isEqualTo(9);
            assertThat(run.out()).isEqualTo("clean up\n");
            assertThat(other.lock("signal").tryAcquire()).isPresent();
            run.awaitNobodyLeft();
        }
    }

    @Test
    void aCommandThatMindsNoSignal_isKilledAfterTheGrace() throws Exception {
        String script = "trap '' TERM; echo up > up; while :; do sleep 0.1; done";

        try (LockRun run = start("deaf", "--grace", "500ms", "--", "sh", "-c", script)) {
            run.awaitFile("up");
            run.signal("TERM");

            assertThat(run.awaitExit()).isEqualTo(137);
            run.awaitNobodyLeft();
        }
    }

    @Test
    void aSignalWhileItWaits_leavesTheQueue() throws Exception {
        try (Holdfast other = Holdfast.connect(server.endpoint());
                Hold hold = other.lock("queue").acquire();
                LockRun run = start("queue", "--verbose", "--", "touch", "ran")) {
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            LockRun.eventually("it waits", () -> run.err().contains("waiting for lock 'queue'"));
            run.signal("TERM");

            assertThat(run.awaitExit()).isEqualTo(143);
            assertThat(run.err()).contains("ended by SIGTERM before the command ran");
            assertThat(run.folder().resolve("ran")).doesNotExist();
            run.awaitNobodyLeft();
        }
    }

    @Test
    @Tag("F30")
    void whatTheCommandLeavesInItsGroup_isKilledBeforeTheLockIsFree() throws Exception {
        String script = "sleep 1000 & echo $! > up; exit 3";

        try (LockRun run = start("rest", "--", "sh", "-c", script)) {
            assertThat(run.awaitExit()).isEqualTo(3);
            assertThat(run.processes()).isEmpty();
        }
    }

    @Test
    void everyIncrementOfACounter_counts() throws Exception {
        Files.writeString(folder.resolve("counter"), "0\n");
        String script = "n=$(cat \"$1\"); sleep 0.05; echo $((n + 1)) > \"$1\"";
        List<LockRun> runs = new ArrayList<>();
        try {
            for (int i = 0; i < 5; i++) {
                runs.add(start(
                        "counter",
                        "--",
                        "sh",
                        "-c",
                        script,
                        "sh",
                        folder.resolve("counter").toString()));
            }
            for (LockRun run : runs) {
                assertThat(run.awaitExit()).as(run.err()).isZero();
            }
            assertThat(folder.resolve("counter")).hasContent("5\n");
        } finally {
            runs.forEach(LockRun::close);
        }
    }

    private LockRun start(String... args) throws IOException {
        return LockRun.start(folder, server.endpoint(), args);
    }

    /** In this JVM: only for what ends before a command is started, which would have the streams of the tests. */
    private CommandLineRun lock(String... args) {
        String[] all = new String[args.length + 1];
        all[0] = "lock";
        System.arraycopy(args, 0, all, 1, args.length);
        return CommandLineRun.in(Map.of("PATH", System.getenv("PATH"), "ETCDCTL_ENDPOINTS", server.endpoint()), all);
    }
}
