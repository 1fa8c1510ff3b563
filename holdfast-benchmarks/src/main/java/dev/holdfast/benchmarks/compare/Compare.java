package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The comparison as a command. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures Holdfast beside other locks in one run: the same workloads, in turns, each cell judged for"
                    + " exclusion. Starts the servers it needs on loopback and stops them. What is missing on this machine"
                    + " is skipped, and the report says why.",
            ""
        },
        footer = {
            "",
            "A run that was stopped goes on where it was when the command is given again.",
            "",
            "Examples:",
            "  holdfast-benchmarks/compare --quick                      about 10 minutes, one round, into .holdfast/compare/quick",
            "  holdfast-benchmarks/compare                              about 90 minutes, into docs/benchmarks.md",
            "  holdfast-benchmarks/compare --workloads W1,W4b --contenders holdfast,go --rounds 3 --out /tmp/few",
            "  holdfast-benchmarks/compare --data /var/tmp,/dev/shm     W2 also on the second",
            "  holdfast-benchmarks/compare --dry-run                    what would run, and how long"
        })
final class Compare implements Callable<Integer> {

    private static final Run.Target TARGET = new Run.Target(
            "compare",
            Page.COMPARE,
            "docs/benchmarks.md",
            "etcd, ZooKeeper, Redis with appendfsync always and PostgreSQL write to disk with their defaults before they"
                    + " answer; Redis without, and advisory locks, do not.");

    @Mixin
    private Run run = new Run();

    @Option(
            names = "--workloads",
            split = ",",
            paramLabel = "ID",
            description =
                    "Such as W1 or W4b-8; W4b means both of them. Default: all; with --quick all but W3-2, W7-64, W9 and the"
                            + " greatest of W6.")
    private List<String> workloads = new ArrayList<>();

    @Option(
            names = "--contenders",
            split = ",",
            paramLabel = "ID",
            description =
                    "Of holdfast, holdfast-uncached, holdfast-named, holdfast-sync, holdfast-strict, go, jetcd, curator, redisson,"
                            + " redisson-aof, pg-advisory, pg-row, floor, jdk-fair. Default: all.")
    private List<String> contenders = new ArrayList<>();

    @Option(
            names = "--data",
            split = ",",
            paramLabel = "DIR",
            description = "Where servers keep their data: the first for all, each other one for W2 of what is durable."
                    + " Default: /var/tmp,/dev/shm; with --quick the first only.")
    private List<Path> data = new ArrayList<>();

    public static void main(String[] arguments) {
        System.exit(Launch.of(new Compare()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Programs found = run.programs();
        List<Kind> kinds = run.takingPart(found, Results.kinds(), contenders);
        if (data.isEmpty()) {
            data = run.isQuick() ? List.of(Path.of("/var/tmp")) : List.of(Path.of("/var/tmp"), Path.of("/dev/shm"));
        }
        Plan plan = Plan.of(chosenWorkloads(), kinds, data.size(), run.pace());
        boolean isPart = !workloads.isEmpty() || !contenders.isEmpty();
        return run.carryOut(
                plan,
                found,
                data,
                TARGET,
                isPart,
                (all, results, conditions) -> new Report(all, results, conditions)::write);
    }

    private List<Workload> chosenWorkloads() {
        for (String id : workloads) {
            if (Workload.all().stream().noneMatch(workload -> isNamed(workload, id))) {
                throw new IllegalArgumentException("no such workload: " + id);
            }
        }
        return Workload.all().stream()
                .filter(workload -> workloads.isEmpty()
                        ? !run.isQuick() || workload.isShort()
                        : workloads.stream().anyMatch(id -> isNamed(workload, id)) || isFloorOf(workload))
                .toList();
    }

    private static boolean isNamed(Workload workload, String id) {
        return workload.id().equals(id) || workload.family().equals(id);
    }

    /* The hand-overs of a few processes, and recalls, are told as multiples of it. */
    private boolean isFloorOf(Workload workload) {
        return workload.equals(Workload.EVENT)
                && workloads.stream().anyMatch(id -> id.startsWith("W4b") || id.startsWith("W7"));
    }
}
