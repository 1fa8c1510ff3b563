package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Whole clients in virtual time. {@code -Dholdfast.sim.seeds=100000} runs more seeds than the usual 20,000, {@code
 * -Dholdfast.sim.first=N} others, {@code -Dholdfast.sim.seed=N} that one alone.
 */
@ExtendWith(Silence.class)
class SimulationTest {

    private static final long SEEDS =
            Long.getLong("holdfast.sim.seeds", Boolean.getBoolean("holdfast.quick") ? 1_000 : 20_000);
    private static final long FIRST = Long.getLong("holdfast.sim.first", 1);

    /** Of so many failures the whole report is shown. */
    private static final int SHOWN = 2;

    /** So few seeds need not have drawn everything. */
    private static final long ENOUGH_SEEDS = 1_000;

    @Test
    void everyInvariantHolds_inEverySeed() {
        Long only = Long.getLong("holdfast.sim.seed");
        if (only != null) {
            assertThat(Simulation.run(only).failure()).isNull();
            return;
        }
        Tally tally = Tally.over(FIRST, SEEDS, Duration.ofSeconds(30));
        System.out.println(tally);
        assertThat(tally.failed().stream().limit(SHOWN).map(seed -> Simulation.run(seed)
                        .failure()))
                .as("%d seeds failed: %s", tally.failed().size(), tally.failed())
                .isEmpty();
        if (SEEDS >= ENOUGH_SEEDS) {
            assertThat(Drawn.values())
                    .as("what is never drawn is not tested: %s", tally.mix())
                    .allMatch(what -> tally.mix().of(what) > 0);
        }
    }

    @Test
    void sameSeed_sameTrace() {
        LongStream.rangeClosed(1, 50).forEach(seed -> {
            Simulation.Result once = Simulation.runOnce(seed);
            Simulation.Result again = Simulation.runOnce(seed);
            assertThat(again.trace()).as("trace of seed %d", seed).isEqualTo(once.trace());
            assertThat(again.events()).isEqualTo(once.events());
        });
    }

    @Test
    void sameSeed_sameTrace_whileOthersRun() {
        List<Long> seeds = new ArrayList<>();
        Map<Long, Long> alone = new LinkedHashMap<>();
        for (long seed = 1; seed <= 40; seed++) {
            alone.put(seed, Simulation.runOnce(seed).trace());
            seeds.add(seed);
        }
        // In parallel, whatever the number of processors.
        Map<Long, Long> together = new LinkedHashMap<>();
        Tally.each(seeds, 4, result -> together.put(result.seed(), result.trace()));
        assertThat(together).containsExactlyInAnyOrderEntriesOf(alone);
    }

    @Test
    void otherSeeds_otherTraces() {
        assertThat(LongStream.rangeClosed(1, 20)
                        .map(seed -> Simulation.runOnce(seed).trace())
                        .distinct())
                .hasSize(20);
    }
}
