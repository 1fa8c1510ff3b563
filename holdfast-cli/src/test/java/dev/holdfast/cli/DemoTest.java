package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.history.Checker;
import dev.holdfast.history.History;
import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.Operation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a whole, faster than people watch it. */
@Timeout(120)
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
class DemoTest {

    @TempDir
    private Path folder;

    @Test
    void keepingThePlace_everybodyIsServed_inOrder() throws IOException {
        Path file = folder.resolve("history.txt");

        CommandLineRun run = CommandLineRun.of(
                "demo", "--speed", "20", "--tries", "20", "--seed", "7", "--history", file.toString());

        assertKept(run);
        assertThat(run.out())
                .contains(
                        "5 workers, lock /tmp/go/lock",
                        "waits, try 1 of 20",
                        "HOLDS the lock, token 0.",
                        "PUT    /tmp/go/lock/",
                        "DELETE /tmp/go/lock/",
                        "owner w5",
                        "keys left in etcd: 0");
        History history = HistoryCodec.decode(Files.readString(file));
        assertThat(grants(history)).hasSize(5);
        assertThat(puts(history)).hasSize(5).allMatch(put -> put.owner() != null);
        assertThat(Checker.all()).allMatch(checker -> checker.check(history).isKept());
    }

    @Test
    void losingThePlace_eachTryHasAnEntryOfItsOwn() throws IOException {
        Path file = folder.resolve("history.txt");

        CommandLineRun run = CommandLineRun.of(
                "demo", "--retry", "fresh", "--speed", "20", "--timeout", "1s", "--history", file.toString());

        assertKept(run);
        assertThat(run.out()).contains("loses its place", "gives up after");
        History history = HistoryCodec.decode(Files.readString(file));
        assertThat(puts(history)).hasSizeGreaterThan(5);
        assertThat(history.operations().stream().filter(o -> o instanceof Operation.GaveUp))
                .isNotEmpty();
    }

    @Test
    void manyWorkers_shareOneLock() {
        CommandLineRun run =
                CommandLineRun.of("demo", "--workers", "40", "--work", "10ms", "--timeout", "30s", "--tries", "1");

        assertKept(run);
        assertThat(run.out()).contains("40 holds, 40 of them found in etcd's record");
    }

    @Test
    void aNestedName_isALockOfItsOwn_andALeadingSlashIsPartOfTheName() {
        assertKept(CommandLineRun.of("demo", "--lock", "/a/b/c", "--speed", "100", "--tries", "100"));
        assertKept(CommandLineRun.of("demo", "--lock", "a", "--speed", "100", "--tries", "100"));
    }

    @Test
    void onAnEtcdThatSomebodyElseRuns_twoDemosShareOneLock() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            for (int i = 0; i < 2; i++) {
                CommandLineRun run =
                        CommandLineRun.of("demo", "--endpoints", server.endpoint(), "--speed", "20", "--tries", "20");

                assertKept(run);
                assertThat(run.out()).contains("on etcd at 127.0.0.1:");
            }
        }
    }

    @Test
    void inProcesses_everybodyIsServed() {
        CommandLineRun run =
                CommandLineRun.of("demo", "--processes", "--workers", "3", "--speed", "20", "--tries", "20");

        assertKept(run);
        assertThat(run.out()).contains("3 holds, 3 of them found in etcd's record", "each worker a process");
    }

    @Test
    void aKilledHolder_isFollowedByTheNext_onceItsLeaseHasRunOut() throws IOException {
        Path file = folder.resolve("history.txt");

        CommandLineRun run = CommandLineRun.of(
                "demo", "--kill", "2", "--workers", "3", "--speed", "20", "--history", file.toString());

        assertKept(run);
        assertThat(run.out())
                .contains("w2    KILLED (SIGKILL) while it held the lock", "(its lease ran out)", "killed", "TTL 2 s");
        History history = HistoryCodec.decode(Files.readString(file));
        assertThat(history.operations())
                .anyMatch(o ->
                        o instanceof Operation.Killed killed && killed.who().equals("w2"));
        assertThat(history.operations())
                .noneMatch(o -> o instanceof Operation.Released released
                        && released.who().equals("w2"));
        assertThat(grants(history)).hasSize(3);
    }

    private static void assertKept(CommandLineRun run) {
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("verdict: every promise was kept");
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
    }

    private static List<Operation.Granted> grants(History history) {
        return history.operations().stream()
                .filter(o -> o instanceof Operation.Granted)
                .map(Operation.Granted.class::cast)
                .toList();
    }

    private static List<Operation.Put> puts(History history) {
        return history.operations().stream()
                .filter(o -> o instanceof Operation.Put)
                .map(Operation.Put.class::cast)
                .toList();
    }
}
