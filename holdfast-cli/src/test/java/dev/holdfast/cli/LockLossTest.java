package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code holdfast lock} on real etcd when the lock is lost, or the JVM cannot look after it any more: the command and its
 * children are dead before somebody else holds the lock.
 */
@Timeout(180)
@SuppressWarnings("NullAway.Init") // JUnit sets the fields
class LockLossTest {

    private static final Duration TTL = Duration.ofSeconds(4);

    /** A command with a child; both mind no SIGTERM, and say that it came. */
    private static final String DEAF =
            "trap 'echo term' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo up > up; while :; do wait; done";

    @TempDir
    private Path folder;

    private static RealEtcd etcd;

    @BeforeAll
    static void start() throws Exception {
        List<RealEtcd.Binary> found = RealEtcd.found();
        if (found.isEmpty()) {
            report("skipped: holdfast lock on real etcd: " + RealEtcd.NONE_FOUND);
            Assumptions.abort(RealEtcd.NONE_FOUND);
        }
        RealEtcd.Binary newest = found.get(found.size() - 1);
        report("ran: holdfast lock on " + newest);
        etcd = RealEtcd.start(newest);
    }

    @AfterAll
    static void stop() {
        if (etcd != null) {
            etcd.close();
        }
    }

    @Test
    @Tag("F30")
    void aKilledJvm_takesTheCommandAlong_atOnce() throws Exception {
        try (LockRun run = lock("killed")) {
            run.awaitFile("up");
            run.signal("KILL");

            assertThat(run.awaitExit()).isEqualTo(137);
            long from = System.nanoTime();
            run.awaitNobodyLeft();
            // The lease lives on for TTL; that it was not what ended the command needs no exact time.
            assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(TTL.dividedBy(2));
        }
    }

    @Test
    @Tag("F01")
    void aStoppedJvm_cannotKeepTheCommandAlive_andNobodyHoldsTheLockBefore() throws Exception {
        try (LockRun run = lock("stopped");
                Holdfast other = Holdfast.connect(etcd.endpoint())) {
            run.awaitFile("up");
            run.signal("STOP");

            Optional<Hold> hold = other.lock("stopped").tryAcquire(LockRun.PATIENCE);
            List<String> atThatTime = run.processes();

            assertThat(hold).isPresent();
            assertThat(atThatTime).filteredOn(process -> !isJvm(run, process)).allMatch(LockLossTest::isOfTheWatchdog);
            run.signal("CONT");
            assertThat(run.awaitExit()).isEqualTo(76);
            run.awaitNobodyLeft();
        }
    }

    /** It goes on before the lease has ended, and renews it; the command was killed for it all the same. */
    @Test
    void aJvmThatWasStoppedForNearlyTheTtl_tellsOfALoss() throws Exception {
        try (LockRun run = LockRun.start(folder, etcd.endpoint(), "nearly", "--ttl", "8s", "--", "sh", "-c", DEAF)) {
            run.awaitFile("up");
            run.signal("STOP");
            LockRun.eventually("the command is dead", () -> run.processes().stream()
                    .allMatch(process -> isJvm(run, process) || isOfTheWatchdog(process)));
            run.signal("CONT");

            assertThat(run.awaitExit()).isEqualTo(76);
            assertThat(run.err()).contains("not renewed");
            run.awaitNobodyLeft();
        }
    }

    @Test
    void anEtcdThatDoesNotAnswer_endsTheCommandBeforeTheDeadline() throws Exception {
        try (RealEtcd mute =
                        RealEtcd.start(RealEtcd.found().get(RealEtcd.found().size() - 1));
                LockRun run = LockRun.start(folder, mute.endpoint(), "mute", "--ttl", "4s", "--", "sh", "-c", DEAF)) {
            run.awaitFile("up");
            long from = System.nanoTime();
            kill("STOP", mute.pid());
            LockRun.eventually("the command is dead", () -> run.processes().stream()
                    .allMatch(process -> isJvm(run, process) || isOfTheWatchdog(process)));
            // The last renewal was before the stop, so the lease ends no later than a TTL after it.
            assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(TTL);

            assertThat(run.awaitExit()).isEqualTo(76);
            kill("CONT", mute.pid());
            run.awaitNobodyLeft();
            assertThat(run.out()).contains("term");
            assertThat(run.err()).contains("the command is ended");
        }
    }

    /** Nobody watches an entry for which nobody waits; the release finds out, and the exit code is not the command's. */
    @Test
    void anEntryThatAnOperatorDeletes_isALostLock_atTheLatestWhenItIsReleased() throws Exception {
        String script = "echo up > up; until [ -e go ]; do sleep 0.1; done";
        try (LockRun run = LockRun.start(folder, etcd.endpoint(), "deleted", "--ttl", "4s", "--", "sh", "-c", script)) {
            run.awaitFile("up");
            etcdctl("del", "--prefix", "deleted/");
            Files.writeString(run.folder().resolve("go"), "");

            assertThat(run.awaitExit()).isEqualTo(76);
            run.awaitNobodyLeft();
            assertThat(run.err()).contains("lost");
        }
    }

    @Test
    @Tag("F03")
    void aLeaseThatIsRevoked_endsTheCommand() throws Exception {
        try (LockRun run = lock("revoked")) {
            run.awaitFile("up");
            revokeLeaseOf("revoked");

            assertThat(run.awaitExit()).isEqualTo(76);
            run.awaitNobodyLeft();
            assertThat(run.out()).contains("term");
            assertThat(run.err()).contains("holdfast lock: the lock is lost, the command is ended: ");
        }
    }

    @Test
    void aCommandThatEndsAtSigterm_isNotKilled_andItsOwnExitCodeIsNotTaken() throws Exception {
        String script = "trap 'echo cleaned up; exit 0' TERM; echo up > up; while :; do sleep 0.1; done";
        try (LockRun run = LockRun.start(folder, etcd.endpoint(), "tidy", "--ttl", "4s", "--", "sh", "-c", script)) {
            run.awaitFile("up");
            revokeLeaseOf("tidy");

            assertThat(run.awaitExit()).isEqualTo(76);
            assertThat(run.out()).isEqualTo("cleaned up\n");
        }
    }

    @Test
    void aJobThatWentIntoAGroupOfItsOwn_isKilledToo() throws Exception {
        String script = "set -m; sleep 1000 & echo up > up; wait";
        try (LockRun run = LockRun.start(folder, etcd.endpoint(), "jobs", "--ttl", "4s", "--", "bash", "-c", script)) {
            run.awaitFile("up");
            run.signal("KILL");

            run.awaitExit();
            run.awaitNobodyLeft();
        }
    }

    @Test
    void aWatchdogThatSomebodyKills_leavesNoCommandUnguarded() throws Exception {
        try (LockRun run = lock("unguarded")) {
            run.awaitFile("up");
            kill("KILL", watchdogOf(run));

            assertThat(run.awaitExit()).isEqualTo(125);
            assertThat(run.err()).contains("the watchdog of the command was ended by somebody else");
        }
    }

    @Test
    void aWatchdogThatIsStopped_keepsNobodyAlive() throws Exception {
        try (LockRun run = LockRun.start( // with a TTL so long that no timer of the watchdog's comes first
                folder, etcd.endpoint(), "unheard", "--ttl", "60s", "--grace", "500ms", "--", "sh", "-c", DEAF)) {
            run.awaitFile("up");
            kill("STOP", watchdogOf(run));
            run.signal("TERM");

            assertThat(run.awaitExit()).isEqualTo(137);
            assertThat(run.err()).contains("the watchdog of the command does not kill it in time");
            run.awaitNobodyLeft();
        }
    }

    @Test
    void aLongRun_outlivesManyTtls() throws Exception {
        try (LockRun run = LockRun.start(folder, etcd.endpoint(), "long", "--ttl", "2s", "--", "sleep", "5")) {
            assertThat(run.awaitExit()).as(run.err()).isZero();
            run.awaitNobodyLeft();
        }
    }

    @Test
    void anEtcdctlThatHoldsTheLock_isWaitedFor_andWaitsInTurn() throws Exception {
        try (LockRun run = lock("shared")) {
            run.awaitFile("up");
            Process waiter = new ProcessBuilder(etcdctlCommand("lock", "shared", "echo", "got it"))
                    .redirectErrorStream(true)
                    .start();
            LockRun.eventually("etcdctl waits", () -> keys("shared/") == 2);

            run.signal("TERM");

            run.awaitExit();
            assertThat(waiter.waitFor(LockRun.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
            assertThat(new String(waiter.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("got it");
        }
    }

    private LockRun lock(String name) throws IOException {
        return LockRun.start(folder, etcd.endpoint(), name, "--ttl", "4s", "--grace", "500ms", "--", "sh", "-c", DEAF);
    }

    /** The script and not one of its timers, which look like it: the first that was started. */
    private static long watchdogOf(LockRun run) {
        return run.processes().stream()
                .filter(process -> process.contains("holdfast-watchdog"))
                .mapToLong(process -> Long.parseLong(process.substring(0, process.indexOf(' '))))
                .filter(pid -> ProcessHandle.of(pid)
                        .flatMap(ProcessHandle::parent)
                        .filter(parent -> parent.pid() == run.process().pid())
                        .isPresent())
                .findFirst()
                .orElseThrow();
    }

    private static boolean isJvm(LockRun run, String process) {
        return process.startsWith(run.process().pid() + " ");
    }

    /** The script, and the timer it sleeps with, which ends by itself. */
    private static boolean isOfTheWatchdog(String process) {
        return process.contains("holdfast-watchdog") || process.matches("\\d+ sleep (1|0\\.\\d+) ");
    }

    private static void kill(String signal, long pid) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-s", signal, Long.toString(pid))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static void revokeLeaseOf(String lock) throws IOException, InterruptedException {
        String key = etcdctl("get", "--prefix", "--keys-only", lock + "/").strip();
        etcdctl("lease", "revoke", key.substring(key.indexOf('/') + 1, key.indexOf('.')));
    }

    private static long keys(String prefix) {
        try {
            return etcdctl("get", "--prefix", "--keys-only", prefix)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String etcdctl(String... args) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(etcdctlCommand(args))
                .redirectErrorStream(true)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    private static List<String> etcdctlCommand(String... args) {
        RealEtcd.Binary newest = RealEtcd.found().get(RealEtcd.found().size() - 1);
        Path etcdctl = newest.etcdctl();
        Assumptions.assumeTrue(etcdctl != null, "no etcdctl beside " + newest);
        List<String> all = new ArrayList<>(List.of(etcdctl + "", "--endpoints=" + etcd.endpoint()));
        all.addAll(List.of(args));
        return all;
    }

    private static void report(String line) throws IOException {
        String reports = System.getenv("HOLDFAST_TEST_REPORT");
        if (reports != null && !reports.isEmpty()) {
            Files.writeString(
                    Files.createDirectories(Path.of(reports))
                            .resolve("cli-" + ProcessHandle.current().pid() + ".txt"),
                    line + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }
}
