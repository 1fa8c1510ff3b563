package dev.holdfast.cli.bench;

import java.util.List;
import java.util.stream.LongStream;
import org.HdrHistogram.Histogram;

/** Results as they might have been measured. */
final class Samples {

    private Samples() {}

    static Histogram durations(long... nanos) {
        Histogram histogram = Timing.empty();
        LongStream.of(nanos).forEach(histogram::recordValue);
        return histogram;
    }

    static Result good(Workload workload) {
        return result(workload, List.of());
    }

    static Result bad(Workload workload) {
        return result(workload, List.of("two held it"));
    }

    private static Result result(Workload workload, List<String> violations) {
        return new Result(
                workload,
                2,
                durations(100_000, 200_000, 300_000, 40_000_000),
                durations(1_000, 1_000, 2_000, 2_000),
                workload == Workload.CLIENTS_2 ? durations(500_000, 600_000) : Timing.empty(),
                List.of(new Rate(1, 3), new Rate(2, 1)),
                violations,
                0.1);
    }

    static Outcome outcome(Result... results) {
        return new Outcome(
                new Plan(Plan.chosen(List.of(Workload.DISTINCT, Workload.CLIENTS_2)), 5, 2, 1, 10),
                "holdfast 1.2.3 on Java 17",
                "etcd at <here> & there",
                new ServerInfo(
                        List.of("one", "two"),
                        List.of(
                                new ServerInfo.Server("h1:2379", "3.6.16", true, 20_480),
                                new ServerInfo.Server("h2:2379", "", false, 0))),
                "as usual",
                150,
                List.of(results));
    }
}
