package dev.holdfast.cli.bench;

import java.util.List;

/**
 * What a whole run came to. Immutable.
 *
 * @param version of this program and its Java
 * @param target in words
 * @param compilers how code was compiled
 * @param nanosOfMeasuring about how much of each pair is the measuring itself
 * @param results of the workloads that were measured, all of the plan's unless it was ended early
 */
record Outcome(
        Plan plan,
        String version,
        String target,
        ServerInfo servers,
        String compilers,
        double nanosOfMeasuring,
        List<Result> results) {

    Outcome {
        results = List.copyOf(results);
    }

    boolean isVoid() {
        return results.stream().anyMatch(Result::isVoid);
    }

    boolean isComplete() {
        return results.size() == plan.workloads().size();
    }
}
