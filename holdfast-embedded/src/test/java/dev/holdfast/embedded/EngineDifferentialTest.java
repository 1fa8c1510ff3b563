package dev.holdfast.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random histories look the same on the engine and on each real etcd: answers, refusals, events, and what is left in the
 * end. Where a release differs from the reference, {@link ReleaseDifferences} says why.
 *
 * <p>Half of the histories are the same in each run, the others begin at a random seed, which is printed. A failure prints the
 * smallest history that was found, which can be pasted into {@link #FOUND}, and what replays the seed.
 *
 * <ul>
 *   <li>{@code -Dholdfast.differential.operations=1000000} compares that many requests in all, instead of 100,000
 *   <li>{@code -Dholdfast.differential.seed=17} replays one history
 * </ul>
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class EngineDifferentialTest {
    private static final long OPERATIONS = Long.getLong("holdfast.differential.operations", 100_000);

    private static final RealEtcd.Version REFERENCE = RealEtcd.Version.parse(Engine.API_VERSION);
    private static final int STEPS = 300;
    private static final int SEEDS_PER_MISTAKE = 200;
    private static final int FEW_STEPS = 6;
    private static final int SHRINKING_ATTEMPTS = 600;
    private static final long SHRINKING_PATIENCE_MILLIS = 2_000;

    @TempDir
    @SuppressWarnings("NullAway.Init") // by JUnit
    private Path directory;

    @TestFactory
    Stream<DynamicTest> randomHistoriesLookTheSame() {
        List<RealEtcd.Binary> found = RealEtcd.found();
        assumeFalse(found.isEmpty(), RealEtcd.NONE_FOUND);
        long operations = OPERATIONS / found.size();
        // All at once: most of the time each waits for a server.
        ExecutorService pool = Executors.newCachedThreadPool();
        List<DynamicTest> tests = new ArrayList<>();
        for (RealEtcd.Binary binary : found) {
            Path disk = directory.resolve(binary.version().toString());
            Future<?> inMemory = pool.submit(() -> compare(binary, Target::inMemory, false, operations));
            Future<?> onDisk =
                    pool.submit(() -> compare(binary, () -> Target.inDirectory(disk), true, operations / 10));
            tests.add(DynamicTest.dynamicTest(binary.toString(), () -> await(inMemory)));
            tests.add(DynamicTest.dynamicTest(binary + ", restarts of the engine", () -> await(onDisk)));
        }
        pool.shutdown();
        return tests.stream();
    }

    private static void await(Future<?> comparison) throws Throwable {
        try {
            comparison.get();
        } catch (ExecutionException e) {
            throw e.getCause();
        }
    }

    private interface Opening {
        Target open() throws IOException;
    }

    private static Void compare(RealEtcd.Binary binary, Opening opening, boolean restarts, long operations)
            throws IOException, InterruptedException {
        try (RealEtcd etcd = RealEtcd.start(binary, fastest());
                Target engine = opening.open();
                Target real = Target.real(etcd)) {
            compare(new Differential(engine, real, binary.version()), restarts, operations);
        }
        return null;
    }

    /** Where an fsync costs nothing: what is in it need not survive this test. */
    private static Path fastest() {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static void compare(Differential differential, boolean restarts, long operations) {
        HistoryGenerator.Scope scope = new HistoryGenerator.Scope(differential.version(), restarts, STEPS);
        Long only = Long.getLong("holdfast.differential.seed");
        if (only != null) {
            compare(differential, scope, only);
            return;
        }
        long drawn = new SecureRandom().nextInt(Integer.MAX_VALUE);
        System.out.println("random histories with etcd " + differential.version() + (restarts ? " and restarts" : "")
                + " begin at seed " + drawn);
        for (long seed = 1; differential.compared() < operations; seed++) {
            compare(differential, scope, differential.compared() < operations / 2 ? seed : drawn + seed);
        }
    }

    private static void compare(Differential differential, HistoryGenerator.Scope scope, long seed) {
        History history = HistoryGenerator.draw(seed, scope);
        List<SideBySide.Mismatch> found;
        try {
            found = differential.play(history, Playback.PATIENT_MILLIS);
        } catch (RuntimeException e) { // one of them does not answer any more
            throw new AssertionError("seed " + seed + " cannot be played: " + replay(seed), e);
        }
        if (!found.isEmpty()) {
            History smallest = Shrinking.shrink(
                    history,
                    smaller -> !differential
                            .play(smaller, SHRINKING_PATIENCE_MILLIS)
                            .isEmpty(),
                    SHRINKING_ATTEMPTS);
            List<SideBySide.Mismatch> left = differential.play(smallest, Playback.PATIENT_MILLIS);
            fail("seed " + seed + " differs from etcd " + differential.version() + ":" + found.get(0)
                    + "\nand in short:\n" + smallest + "\n"
                    + (left.isEmpty() ? "(which does not differ when it is played once more)" : left.get(0))
                    + "\n" + replay(seed));
        }
    }

    private static String replay(long seed) {
        return "mvn -pl holdfast-embedded -am test -Dsurefire.failIfNoSpecifiedTests=false"
                + " -Dtest=EngineDifferentialTest -Dholdfast.differential.seed=" + seed;
    }

    /** What earlier runs have found, as they printed it. */
    private static final Map<String, String> FOUND = Map.of(
            "two reasons to refuse a transaction, a range and a put",
            """
            TxnRequest success { request_range { key: "\\000\\000" revision: 1003 } } success { request_put { key: "\\000" lease: 8 } }
            """,
            "two reasons to refuse a put in a transaction",
            """
            TxnRequest success { request_put { key: "a\\000\\000" lease: 4711 ignore_value: true } }
            """,
            "a progress request on a stream without watches",
            """
            WatchProgressRequest
            """,
            "a watch from below the compacted revision, cancelled later than its answer",
            """
            PutRequest key: "a"
            PutRequest key: "a"
            CompactionRequest revision: 1002
            WatchCreateRequest key: "a" start_revision: 1001
            CompactionRequest revision: 1002
            """,
            "a watch from the compacted revision, which changed a key twice",
            """
            PutRequest key: "a"
            TxnRequest success { request_txn { success { request_put { key: "a" } } } } success { request_txn { success { request_delete_range { key: "a" } } } }
            CompactionRequest revision: 1002
            WatchCreateRequest key: "a" start_revision: 1002 prev_kv: true
            """,
            "no compaction at a revision that put what it had deleted: etcd would die",
            """
            PutRequest key: "b"
            TxnRequest success { request_delete_range { key: "a" range_end: "\\000" } } success { request_put { key: "b" } }
            CompactionRequest revision: 1002
            RangeRequest key: "b"
            """);

    @TestFactory
    Stream<DynamicTest> whatWasFoundLooksTheSameNow() {
        List<RealEtcd.Binary> found = RealEtcd.found();
        assumeFalse(found.isEmpty(), RealEtcd.NONE_FOUND);
        return found.stream()
                .map(binary -> DynamicTest.dynamicTest(binary.toString(), () -> {
                    try (RealEtcd etcd = RealEtcd.start(binary, fastest());
                            Target engine = Target.inMemory();
                            Target real = Target.real(etcd)) {
                        Differential differential = new Differential(engine, real, binary.version());
                        FOUND.forEach((name, steps) -> assertThat(
                                        differential.play(History.parse(steps), Playback.PATIENT_MILLIS))
                                .as(name)
                                .isEmpty());
                    }
                }));
    }

    // ---------------------------------------------------------------------------------------- does it find anything?

    @TestFactory
    Stream<DynamicTest> eachWrongEngineIsFoundAndShrunkToFewSteps() {
        return Stream.of(WrongEngine.Mistake.values())
                .map(mistake -> DynamicTest.dynamicTest(mistake.toString(), () -> isFound(mistake)));
    }

    private void isFound(WrongEngine.Mistake mistake) throws IOException {
        HistoryGenerator.Scope scope = new HistoryGenerator.Scope(REFERENCE, mistake.losesLeaseAtRestart(), STEPS / 5);
        try (Target wrong = new WrongEngine(
                        scope.restarts() ? Target.inDirectory(directory.resolve("wrong")) : Target.inMemory(),
                        mistake);
                Target right = Target.inMemory()) {
            Differential differential = new Differential(wrong, right, REFERENCE);
            for (long seed = 1; seed <= SEEDS_PER_MISTAKE; seed++) {
                History history = HistoryGenerator.draw(seed, scope);
                if (!differential.play(history, Playback.PATIENT_MILLIS).isEmpty()) {
                    History smallest = Shrinking.shrink(
                            history,
                            smaller -> !differential
                                    .play(smaller, Playback.PATIENT_MILLIS)
                                    .isEmpty(),
                            SHRINKING_ATTEMPTS);
                    assertThat(smallest.steps())
                            .as("seed %d:%n%s", seed, smallest)
                            .hasSizeBetween(1, FEW_STEPS);
                    return;
                }
            }
            fail("no history of " + SEEDS_PER_MISTAKE + " shows it");
        }
    }

    @Test
    void anEngineLooksLikeItself() throws IOException {
        try (Target one = Target.inDirectory(directory.resolve("itself"));
                Target other = Target.inMemory()) {
            Differential differential = new Differential(one, other, REFERENCE);
            for (long seed = 1; seed <= 10; seed++) {
                History history = HistoryGenerator.draw(seed, new HistoryGenerator.Scope(REFERENCE, true, STEPS));
                assertThat(differential.play(history, Playback.PATIENT_MILLIS)).isEmpty();
            }
        }
    }

    @Test
    void sameSeedGivesTheSameHistory_andItsTextGivesItBack() {
        HistoryGenerator.Scope scope = new HistoryGenerator.Scope(REFERENCE, true, STEPS);
        for (long seed = 1; seed <= 50; seed++) {
            History history = HistoryGenerator.draw(seed, scope);
            assertThat(HistoryGenerator.draw(seed, scope)).isEqualTo(history);
            String asJavaReadsIt = history.toString().replace("\\\\", "\\");
            assertThat(History.parse(asJavaReadsIt)).isEqualTo(history);
        }
    }
}
