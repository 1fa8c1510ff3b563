package dev.holdfast.benchmarks.micro;

import dev.holdfast.benchmarks.compare.Numbers;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/**
 * What one benchmark came to.
 *
 * @param name without the package; with its parameters
 * @param nanos of one operation in one thread
 * @param errorNanos half of the interval in which the mean is with 99.9 %; NaN with too few iterations
 * @param allocatedBytes for each operation; NaN if not measured
 */
record Measured(String name, int threads, double nanos, double errorNanos, double allocatedBytes) {

    private static final String ALLOCATED = "gc.alloc.rate.norm";

    static Measured of(RunResult run) {
        BenchmarkParams params = run.getParams();
        StringBuilder name = new StringBuilder(shortName(params.getBenchmark()));
        for (String key : params.getParamsKeys()) {
            name.append(", ").append(params.getParam(key));
        }
        Result<?> time = run.getPrimaryResult();
        Map<String, ?> others = run.getSecondaryResults();
        double allocated = others.get(ALLOCATED) instanceof Result<?> result ? result.getScore() : Double.NaN;
        return new Measured(name.toString(), params.getThreads(), time.getScore(), time.getScoreError(), allocated);
    }

    /** Class and method of a benchmark. */
    static String shortName(String benchmark) {
        int method = benchmark.lastIndexOf('.');
        return benchmark.substring(benchmark.lastIndexOf('.', method - 1) + 1);
    }

    /* All threads together: with 64 of them one operation of each takes 64 times as long as the lock is busy with it. */
    double nanosOfAllThreads() {
        return nanos / threads;
    }

    /**
     * Conditions and a table in Markdown.
     *
     * @param conditions a line each
     */
    static String report(List<String> conditions, List<Measured> all) {
        StringBuilder text = new StringBuilder();
        conditions.forEach(line -> text.append("* ").append(line).append('\n'));
        text.append("\n| | threads | an operation, ns | of all threads, ns | allocated, B |\n|---|--:|--:|--:|--:|\n");
        for (Measured each : all) {
            text.append("| ")
                    .append(String.join(
                            " | ",
                            each.name,
                            Integer.toString(each.threads),
                            Numbers.shorten(each.nanos) + " ± " + Numbers.shorten(each.errorNanos),
                            Numbers.shorten(each.nanosOfAllThreads()),
                            Numbers.shorten(each.allocatedBytes)))
                    .append(" |\n");
        }
        return text.toString();
    }
}
