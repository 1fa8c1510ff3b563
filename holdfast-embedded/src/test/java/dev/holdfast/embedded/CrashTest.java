package dev.holdfast.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A run of 2,000 requests that is stopped at every write and fsync. With {@code -Dholdfast.crash.soak=N} N more seeds run,
 * each stopped at every place in every way.
 */
@Tag("F46")
@Timeout(value = 20, unit = java.util.concurrent.TimeUnit.MINUTES)
class CrashTest {
    private static final int REQUESTS = 2_000;

    /** Kept, or the setting is forgotten. */
    private static final Logger LOG = Logger.getLogger("dev.holdfast");

    @BeforeAll
    static void thousandsOfFailures_areNotPrinted() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void othersPrintAgain() {
        LOG.setLevel(null);
    }

    @Test
    void aRunOf2000Requests_losesNoAnswer_whereverItStops() throws IOException {
        CrashRun run = new CrashRun(1, REQUESTS, false, UnaryOperator.identity()).run();
        System.out.println(run);
        assertThat(run.operations()).isGreaterThan(REQUESTS);
        assertThat(run.disk().story())
                .anyMatch(operation -> operation.startsWith("rename") && operation.contains("snapshot"))
                .anyMatch(operation -> operation.startsWith("delete") && operation.contains(".log"));
        assertThat(run.mix())
                .containsKeys(
                        "put",
                        "put with a lease",
                        "delete",
                        "delete of a range",
                        "grant",
                        "revoke",
                        "expire",
                        "transaction",
                        "compaction",
                        "alarm");
        assertThat(run.mix().getOrDefault("refused", 0)).isLessThan(REQUESTS / 2);
        assertThat(run.outcomes())
                .containsKeys("as answered", "with the turn under way", "crashed in recovery", "went on", "opened");
    }

    @Test
    void moreSeeds_inEveryWay() throws IOException {
        int seeds = Integer.getInteger("holdfast.crash.soak", 0);
        for (long seed = 0; seed < seeds; seed++) {
            System.out.println(new CrashRun(seed, REQUESTS, true, UnaryOperator.identity()).run());
        }
        // A short one always: so that it is known to work when it is wanted.
        CrashRun run = new CrashRun(100, 20, true, UnaryOperator.identity()).run();
        assertThat(run.outcomes().get("crashed in recovery")).isGreaterThan(500);
    }

    @ParameterizedTest
    @EnumSource(value = BrokenDisk.Bug.class, mode = EnumSource.Mode.EXCLUDE, names = "BELIEVES_EVERYTHING")
    void aLogWithABug_isFoundOut(BrokenDisk.Bug bug) {
        assertThatThrownBy(() -> new CrashRun(1, REQUESTS, false, disk -> new BrokenDisk(disk, bug)).run())
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed 1, before disk operation");
    }
}
