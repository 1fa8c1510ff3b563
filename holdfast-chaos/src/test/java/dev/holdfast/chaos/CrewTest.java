package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A crew on one member of the newest etcd here: nothing but a kill is done to it. */
class CrewTest {

    /** A twentieth of it is enough on an idle machine. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final Duration TTL = Duration.ofSeconds(5);
    private static final List<String> LOCKS = List.of("orders", "mail");

    private final Path directory;

    CrewTest(@TempDir Path directory) {
        this.directory = directory;
    }

    private @Nullable RealEtcd etcd;
    private @Nullable EtcdRecord record;
    private @Nullable Path etcdctl;

    @BeforeEach
    void startEtcd() throws IOException, InterruptedException {
        Assumptions.assumeFalse(Boolean.getBoolean("holdfast.quick"), "holdfast.quick is set: no real etcd");
        List<RealEtcd.Binary> found = RealEtcd.found();
        Assumptions.assumeFalse(found.isEmpty(), RealEtcd.NONE_FOUND);
        RealEtcd.Binary newest = found.get(found.size() - 1);
        etcdctl = newest.etcdctl();
        etcd = RealEtcd.start(newest);
        record = EtcdRecord.follow(List.of(address()), "chaos/", LOCKS);
    }

    @AfterEach
    void stopEtcd() {
        if (record != null) {
            record.close();
        }
        if (etcd != null) {
            etcd.close();
        }
    }

    private String address() {
        return Objects.requireNonNull(etcd).endpoint().replace("http://", "");
    }

    private Crew crew(int goClients, int etcdctlLoops, boolean isCareless) throws IOException, InterruptedException {
        String address = address();
        return Crew.start(new Crew.Plan(
                (client, kind) -> new Places.Place(List.of(), List.of(address)),
                "chaos/",
                LOCKS,
                1,
                2,
                goClients,
                etcdctlLoops,
                TTL,
                7,
                directory,
                etcdctl,
                goClients + etcdctlLoops == 0 ? null : goProgram(),
                isCareless));
    }

    /** What {@code build/go-programs} makes; null where there is no Go. */
    private static @Nullable Path goProgram() throws IOException, InterruptedException {
        String given = System.getenv("HOLDFAST_INTEROP");
        if (given != null && !given.isEmpty()) {
            return Path.of(given);
        }
        Process build = new ProcessBuilder("../build/go-programs")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String path = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return build.waitFor() == 0 ? Path.of(path) : null;
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).as("time to " + what).isNegative();
            LockSupport.parkNanos(20_000_000);
        }
    }

    private boolean hasHeld(String client) {
        return hasNoted(client, Operation.Released.class::isInstance);
    }

    private boolean hasNoted(String client, Predicate<Operation> what) {
        Path file = directory.resolve(client + ".history");
        try {
            return Files.exists(file)
                    && Notes.read(file).history().operations().stream().anyMatch(what);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private RunRecord end(Crew crew, long startNanos) throws IOException, InterruptedException {
        crew.finish(PATIENCE);
        long endNanos = System.nanoTime();
        EtcdRecord all = Objects.requireNonNull(record);
        all.lookForLeft(PATIENCE);
        return new RunRecord(
                "a crew", "3.6.16", TTL, 7, "", startNanos, endNanos, List.of(), crew.log(), all.contents(), List.of());
    }

    @Test
    void clientsOfAllKinds_shareTheLocks_andTheDeadAreReplaced() throws IOException, InterruptedException {
        long startNanos = System.nanoTime();
        try (Crew crew = crew(1, 1, false)) {
            List<String> kinds = goProgram() == null
                    ? List.of("java1")
                    : etcdctl == null ? List.of("java1", "go1") : List.of("java1", "go1", "etcdctl1");
            await("see each hold a lock", () -> kinds.stream().allMatch(this::hasHeld));
            await("see a deadline move", () -> hasNoted("java1", Operation.DeadlineMoved.class::isInstance));
            assertThat(crew.clients()).extracting(Crew.Client::name).containsExactlyInAnyOrderElementsOf(kinds);

            Crew.Client victim = crew.clients().get(0);
            victim.kill();
            await("see another in the place of the dead", () -> hasHeld(victim.name() + "~2"));

            RunRecord run = end(crew, startNanos);

            Report report = Verdicts.judge(run);
            assertThat(report.text()).endsWith("GOOD\n");
            assertThat(run.crew().deaths()).isEqualTo(1);
            assertThat(run.crew().history().operations())
                    .filteredOn(Operation.Killed.class::isInstance)
                    .extracting(operation -> ((Operation.Killed) operation).who())
                    .containsExactly("java1/0", "java1/1");
            assertThat(run.etcdRecord().history().operations())
                    .hasAtLeastOneElementOfType(Operation.Put.class)
                    .hasAtLeastOneElementOfType(Operation.LeaseEnded.class);
            assertThat(crew.clients()).isEmpty();
        }
    }

    @Test
    void aCarelessClient_makesTheVerdictBad() throws IOException, InterruptedException {
        long startNanos = System.nanoTime();
        try (Crew crew = crew(0, 0, true)) {
            await("see it act without the lock", this::hasActedWithoutTheLock);

            Report report = Verdicts.judge(end(crew, startNanos));

            assertThat(report.sum()).isEqualTo(Report.Sum.BAD);
            assertThat(report.text()).contains("where etcd has no entry of it");
        }
    }

    private boolean hasActedWithoutTheLock() {
        return hasNoted(
                "java1",
                operation -> operation instanceof Operation.Granted grant
                        && String.valueOf(grant.key()).endsWith("/careless"));
    }

    @Test
    void aClientThatSomebodyElseKilled_isAProblem() throws IOException, InterruptedException {
        try (Crew crew = crew(0, 0, false)) {
            await("see a client", () -> !crew.clients().isEmpty());
            long pid = crew.clients().get(0).pid();

            assertThat(ProcessHandle.of(pid).orElseThrow().destroyForcibly()).isTrue();
            await(
                    "see another in its place",
                    () -> !crew.clients().isEmpty() && crew.clients().get(0).pid() != pid);
            crew.finish(PATIENCE);

            assertThat(crew.log().problems()).containsExactly("java1 ended by itself, with status 137");
            assertThat(crew.log().deaths()).isZero();
        }
    }

    @Test
    void closing_killsWhoeverIsLeft() throws IOException, InterruptedException {
        Crew crew = crew(0, 0, false);
        await("see a client", () -> !crew.clients().isEmpty());
        ProcessHandle client = ProcessHandle.of(crew.clients().get(0).pid()).orElseThrow();

        crew.close();

        assertThat(client.onExit().orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .succeedsWithin(PATIENCE);
        assertThat(crew.clients()).isEmpty();
    }
}
