package dev.holdfast.testkit.mutants;

import dev.holdfast.testkit.mutants.MutatedSimulation.Finding;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the simulation says of one mutant: with the seed that is recorded for it, and with fresh ones. */
final class Trial {

    /** Of so many seeds a message speaks. */
    private static final int SHOWN = 5;

    private final Mutant mutant;
    private final @Nullable Finding recorded;
    private final List<Finding> fresh = new ArrayList<>();
    private int freshRun;

    /**
     * Runs the recorded seed, and then fresh ones.
     *
     * @param firstSeed the first fresh one
     * @param most how many fresh ones at most
     * @param enough after so many that find it no more are run
     */
    Trial(Mutant mutant, Path sources, long firstSeed, int most, int enough)
            throws IOException, ReflectiveOperationException {
        this.mutant = mutant;
        MutatedSimulation simulation = new MutatedSimulation(classesOf(mutant, sources));
        Mutant.Proof proof = mutant.proof();
        recorded = proof == null ? null : simulation.run(proof.seed());
        while (freshRun < most && fresh.size() < enough) {
            Finding found = simulation.run(firstSeed + freshRun);
            freshRun++;
            if (found != null) {
                fresh.add(found);
            }
        }
    }

    /**
     * The classes of the changed sources.
     *
     * @throws IllegalArgumentException if the change cannot be made any more, or does not compile
     */
    static Map<String, byte[]> classesOf(Mutant mutant, Path sources) throws IOException {
        Map<String, String> changed = mutant.applyTo(sources);
        try {
            return Sources.compile(changed);
        } catch (IllegalArgumentException broken) {
            throw new IllegalArgumentException(
                    "mutant " + mutant.name() + " needs repair: it " + broken.getMessage(), broken);
        }
    }

    Mutant mutant() {
        return mutant;
    }

    /** Whether the recorded seed finds what its record says. */
    boolean isRecordTrue() {
        Mutant.Proof proof = mutant.proof();
        return proof != null && recorded != null && recorded.violated().equals(proof.violated());
    }

    /** Whether a fresh seed finds it. */
    boolean isFoundAnew() {
        return !fresh.isEmpty();
    }

    /** What to record: what is recorded, if that is true; else the first fresh seed that finds it; null if none does. */
    Mutant.@Nullable Proof best() {
        if (isRecordTrue()) {
            return mutant.proof();
        }
        return fresh.stream()
                .findFirst()
                .map(found -> new Mutant.Proof(found.seed(), found.violated()))
                .orElse(null);
    }

    /** What is wrong with the simulation or with the record; null if the mutant is found as it should be. */
    @Nullable
    String complaint(String howToRecord) {
        if (isRecordTrue()) {
            return null;
        }
        String before = "mutant " + mutant.name() + " (" + mutant.title() + "): ";
        if (recorded == null && fresh.isEmpty()) {
            return before + "no seed finds it; tried " + (mutant.proof() == null ? "" : mutant.proof() + ", ")
                    + freshRun
                    + " fresh ones. The simulation has lost what made it fail, or the mutant is none any more.";
        }
        List<Long> finding = fresh.stream().limit(SHOWN).map(Finding::seed).toList();
        return before + "recorded is " + (mutant.proof() == null ? "nothing" : mutant.proof()) + ", but that seed "
                + (recorded == null ? "finds nothing" : "finds " + recorded.violated() + ": " + recorded.text())
                + (finding.isEmpty() ? "" : "; fresh seeds that find it: " + finding) + ". Record it anew: "
                + howToRecord;
    }

    /** One line of the table. */
    String row() {
        Map<String, Integer> kinds = new TreeMap<>();
        fresh.forEach(found -> kinds.merge(found.violated(), 1, Integer::sum));
        return "  %-44s %-18s %4d of %d  %s"
                .formatted(mutant.name(), mutant.proof() == null ? "-" : mutant.proof(), fresh.size(), freshRun, kinds);
    }

    /** What was found first, with the recorded seed or with a fresh one; empty if nothing was. */
    String firstFinding() {
        Finding first = recorded != null || fresh.isEmpty() ? recorded : fresh.get(0);
        return first == null ? "" : "seed " + first.seed() + ": " + first.text();
    }
}
