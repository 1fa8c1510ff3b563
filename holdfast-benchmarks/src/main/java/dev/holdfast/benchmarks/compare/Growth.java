package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How cost grows, as a command. */
@Command(
        name = "growth",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures how throughput, latency and what etcd has to do for it grow with contenders, processes and locks: Holdfast,"
                    + " and Go's Mutex beside it. Starts etcd on loopback, anew for each cell. Each cell is judged for"
                    + " exclusion.",
            ""
        },
        footer = {
            "",
            "A run that was stopped goes on where it was when the command is given again.",
            "",
            "Examples:",
            "  holdfast-benchmarks/growth --quick                       about 6 minutes, one round, into .holdfast/growth/quick",
            "  holdfast-benchmarks/growth                               about 40 minutes, into docs/capacity.md",
            "  holdfast-benchmarks/growth --series locks,held --out /tmp/few",
            "  holdfast-benchmarks/growth --sizes 1,8 --quick           the smallest, and those of 8",
            "  holdfast-benchmarks/growth --dry-run                     what would run, and how long"
        })
final class Growth implements Callable<Integer> {

    private static final Run.Target TARGET = new Run.Target(
            "growth", Page.GROWTH, "docs/capacity.md", "etcd writes to disk with its defaults before it answers.");

    @Mixin
    private Run run = new Run();

    @Option(
            names = "--series",
            split = ",",
            paramLabel = "ID",
            description = "Of threads, processes, locks, held, kept. Default: all.")
    private List<String> series = new ArrayList<>();

    @Option(names = "--sizes", split = ",", paramLabel = "N", description = "Only these of each series. Default: all.")
    private List<Integer> sizes = new ArrayList<>();

    @Option(
            names = "--contenders",
            split = ",",
            paramLabel = "ID",
            description = "Of holdfast-uncached, holdfast-strict, holdfast (held and kept only), go. Default: all.")
    private List<String> contenders = new ArrayList<>();

    @Option(names = "--data", paramLabel = "DIR", description = "Where etcd keeps its data. Default: /var/tmp.")
    private Path data = Path.of("/var/tmp");

    public static void main(String[] arguments) {
        System.exit(Launch.of(new Growth()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Programs found = run.programs();
        List<Kind> all = Series.all().stream()
                .flatMap(each -> each.kinds().stream())
                .distinct()
                .toList();
        Plan plan = Plan.of(chosen(), run.takingPart(found, all, contenders), 1, run.pace(), Series::takesPart);
        boolean isPart = !series.isEmpty() || !sizes.isEmpty() || !contenders.isEmpty();
        return run.carryOut(
                plan,
                found,
                List.of(data),
                TARGET,
                isPart,
                (ignored, results, conditions) -> new GrowthReport(results, conditions)::write);
    }

    private List<Workload> chosen() {
        for (String id : series) {
            if (Series.all().stream().noneMatch(each -> each.id().equals(id))) {
                throw new IllegalArgumentException("no such series: " + id);
            }
        }
        return Series.all().stream()
                .filter(each -> series.isEmpty() || series.contains(each.id()))
                .flatMap(each -> each.workloads().stream()
                        .filter(workload -> sizes.isEmpty() || sizes.contains(each.size(workload))))
                .toList();
    }
}
