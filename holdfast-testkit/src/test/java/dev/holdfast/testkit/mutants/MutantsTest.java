package dev.holdfast.testkit.mutants;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Every known bug of the field is found when it is put into our sources, by the seed that is recorded for it and by
 * fresh ones; without them nothing is found.
 *
 * <p>{@code -Dholdfast.mutants.fresh=5000} tries so many fresh seeds instead of 200, {@code -Dholdfast.mutants.first=N}
 * those from N on, {@code -Dholdfast.mutants.only=NAME} one mutant alone, {@code -Dholdfast.mutants.enough=N} stops
 * after N fresh seeds that find it instead of after the first, {@code -Dholdfast.mutants.anew=true} is content with no
 * recorded seed: a fresh one must find it, and {@code -Dholdfast.mutants.record=true} writes a seed into the file of each
 * mutant whose record is not true.
 */
@Tag("mutants")
class MutantsTest {

    private static final Path MUTANTS = Path.of("src/test/mutants");
    private static final Path UNFOUND = MUTANTS.resolve("unfound");
    private static final Path SOURCES = Path.of("../holdfast-core/src/main/java");

    private static final @Nullable String ONLY = System.getProperty("holdfast.mutants.only");
    private static final boolean IS_RECORDING = Boolean.getBoolean("holdfast.mutants.record");
    private static final boolean IS_ANEW = Boolean.getBoolean("holdfast.mutants.anew");
    private static final int FRESH =
            Integer.getInteger("holdfast.mutants.fresh", Boolean.getBoolean("holdfast.quick") ? 0 : 200);
    private static final int ENOUGH = Integer.getInteger("holdfast.mutants.enough", 1);
    private static final long FIRST =
            Long.getLong("holdfast.mutants.first", ThreadLocalRandom.current().nextLong(1, 1_000_000_000));

    private static final int THREADS = 2;

    /** A mutant that hangs must not hang the build. */
    private static final long PATIENCE_MINUTES = 60L + FRESH / 20;

    /** What a client says to its operators when things go wrong: in a simulation they do all the time. */
    private static final Logger CLIENTS = Logger.getLogger("dev.holdfast");

    private static final ExecutorService POOL = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "mutants");
        thread.setDaemon(true);
        return thread;
    });

    private static final List<String> ROWS = new ArrayList<>();
    private static final AtomicInteger TRIED = new AtomicInteger();

    @BeforeAll
    static void beQuiet() {
        CLIENTS.setLevel(Level.OFF);
    }

    @AfterAll
    static void report() {
        POOL.shutdownNow();
        CLIENTS.setLevel(null);
        System.out.printf(
                "mutants: fresh seeds from %d on, up to %d each or until %d find it%n  %-44s %-18s found in%n",
                FIRST, FRESH, ENOUGH, "mutant", "recorded seed");
        ROWS.forEach(System.out::println);
    }

    @TestFactory
    Stream<DynamicTest> everyMutant_isFound() throws IOException {
        List<Mutant> all = Mutant.allIn(MUTANTS).stream()
                .filter(mutant -> ONLY == null || mutant.name().equals(ONLY))
                .toList();
        assertThat(all).as("mutants called %s", ONLY).isNotEmpty();
        Future<List<String>> control = POOL.submit(() -> control(all));
        List<DynamicTest> tests = new ArrayList<>();
        for (Mutant mutant : all) {
            Future<Trial> trial = POOL.submit(() -> tried(mutant, all.size()));
            tests.add(dynamicTest(mutant.name(), () -> judge(outcomeOf(trial))));
        }
        tests.add(dynamicTest("without a mutant nothing is found", () -> assertThat(outcomeOf(control))
                .isEmpty()));
        return tests.stream();
    }

    /** So that their changes do not rot. */
    @TestFactory
    Stream<DynamicTest> everyMutantThatIsNotFound_compiles() throws IOException {
        return Mutant.allIn(UNFOUND).stream()
                .map(mutant -> dynamicTest(mutant.name(), () -> assertThat(Trial.classesOf(mutant, SOURCES))
                        .isNotEmpty()));
    }

    private static Trial tried(Mutant mutant, int all) throws IOException, ReflectiveOperationException {
        Trial trial = new Trial(mutant, SOURCES, FIRST, FRESH, ENOUGH);
        System.out.printf("mutants: %d of %d:%s%n", TRIED.incrementAndGet(), all, trial.row());
        return trial;
    }

    private static void judge(Trial trial) throws IOException {
        ROWS.add(trial.row());
        Mutant mutant = trial.mutant();
        if (IS_RECORDING && !trial.isRecordTrue()) {
            mutant.save(trial.best());
            assertThat(trial.best())
                    .as("seed that finds mutant %s", mutant.name())
                    .isNotNull();
            return;
        }
        if (IS_ANEW) {
            assertThat(trial.isFoundAnew())
                    .as("of %d fresh seeds from %d on, one finds mutant %s", FRESH, FIRST, mutant.name())
                    .isTrue();
        }
        assertThat(trial.complaint("mvn -pl holdfast-testkit -am test -Dtest=MutantsTest"
                        + " -Dsurefire.failIfNoSpecifiedTests=false -Dholdfast.mutants.record=true"))
                .isNull();
    }

    /* The same files, compiled and loaded in the same way, and the same seeds: so what is found is the mutants' doing. */
    private static List<String> control(List<Mutant> all) throws IOException, ReflectiveOperationException {
        Map<String, String> unchanged = new TreeMap<>();
        for (Mutant mutant : all) {
            for (Edit edit : mutant.edits()) {
                unchanged.put(edit.source(), Files.readString(SOURCES.resolve(edit.source())));
            }
        }
        MutatedSimulation simulation = new MutatedSimulation(Sources.compile(unchanged));
        List<Long> seeds = new ArrayList<>();
        for (Mutant mutant : all) {
            Mutant.Proof proof = mutant.proof();
            if (proof != null) {
                seeds.add(proof.seed());
            }
        }
        for (int i = 0; i < FRESH; i++) {
            seeds.add(FIRST + i);
        }
        List<String> found = new ArrayList<>();
        for (long seed : seeds) {
            MutatedSimulation.Finding finding = simulation.run(seed);
            if (finding != null) {
                found.add(finding.toString());
            }
        }
        return found;
    }

    private static <T> T outcomeOf(Future<T> future) throws Exception {
        try {
            return future.get(PATIENCE_MINUTES, TimeUnit.MINUTES);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }
}
