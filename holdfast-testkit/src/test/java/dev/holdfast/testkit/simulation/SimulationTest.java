package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Whole clients in virtual time. {@code -Dholdfast.sim.seeds=100000} runs more seeds than the usual thousand,
 * {@code -Dholdfast.sim.first=N} others, {@code -Dholdfast.sim.seed=N} that one alone.
 */
class SimulationTest {

    private static final long SEEDS = Long.getLong("holdfast.sim.seeds", 1_000);
    private static final long FIRST = Long.getLong("holdfast.sim.first", 1);

    /** Of so many failures the whole report is shown. */
    private static final int SHOWN = 2;

    /** What a client says to its operators when things go wrong: in a simulation they do all the time. */
    private static final java.util.logging.Logger CLIENTS = java.util.logging.Logger.getLogger("dev.holdfast");

    @BeforeAll
    static void beQuiet() {
        CLIENTS.setLevel(java.util.logging.Level.OFF);
    }

    @AfterAll
    static void speakAgain() {
        CLIENTS.setLevel(null);
    }

    @Test
    void everyInvariantHolds_inEverySeed() {
        Long only = Long.getLong("holdfast.sim.seed");
        if (only != null) {
            assertThat(Simulation.run(only).failure()).isNull();
            return;
        }
        Mix mix = new Mix();
        List<Simulation.Result> failed = new ArrayList<>();
        long events = 0;
        long virtualNanos = 0;
        long startNanos = System.nanoTime();
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            Simulation.Result result = Simulation.run(seed);
            mix.add(result.mix());
            events += result.events();
            virtualNanos += result.virtualNanos();
            if (result.failure() != null) {
                failed.add(result);
            }
        }
        System.out.printf(
                "simulation: seeds %d to %d, %,d events, %,d s of virtual time in %,d s, %d failed%ndrawn: %s%n",
                FIRST,
                FIRST + SEEDS - 1,
                events,
                virtualNanos / World.SECOND,
                (System.nanoTime() - startNanos) / World.SECOND,
                failed.size(),
                mix);
        assertThat(failed.stream().limit(SHOWN).map(Simulation.Result::failure))
                .as(
                        "%d seeds failed: %s",
                        failed.size(),
                        failed.stream().map(Simulation.Result::seed).toList())
                .isEmpty();
        if (SEEDS >= 1_000) {
            assertThat(Drawn.values())
                    .as("what is never drawn is not tested: %s", mix)
                    .allMatch(what -> mix.of(what) > 0);
        }
    }

    @Test
    void sameSeed_sameTrace() {
        LongStream.rangeClosed(1, 50).forEach(seed -> {
            Simulation.Result once = Simulation.run(seed);
            Simulation.Result again = Simulation.run(seed);
            assertThat(again.trace()).as("trace of seed %d", seed).isEqualTo(once.trace());
            assertThat(again.events()).isEqualTo(once.events());
        });
    }

    @Test
    void otherSeeds_otherTraces() {
        assertThat(LongStream.rangeClosed(1, 20)
                        .map(seed -> Simulation.run(seed).trace())
                        .distinct())
                .hasSize(20);
    }
}
