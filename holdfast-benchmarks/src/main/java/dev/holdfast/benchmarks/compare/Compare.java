package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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

    private static final int FAILED = 1;

    @Option(names = "--quick", description = "One short round of each.")
    private boolean isQuick;

    @Option(
            names = "--workloads",
            split = ",",
            paramLabel = "ID",
            description =
                    "Such as W1 or W4b-8; W4b means both of them. Default: all; with --quick all but W3-2, W9 and the greatest of"
                            + " W6.")
    private List<String> workloads = new ArrayList<>();

    @Option(
            names = "--contenders",
            split = ",",
            paramLabel = "ID",
            description =
                    "Of holdfast, holdfast-sync, holdfast-strict, go, jetcd, curator, redisson, redisson-aof, pg-advisory,"
                            + " pg-row, floor, jdk-fair. Default: all.")
    private List<String> contenders = new ArrayList<>();

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Default 5; 1 with --quick. W5, W6 and W9 have at most 3, waiters 1.")
    private @Nullable Integer rounds;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "That count in each cell. Default 2.5; 1 with --quick.")
    private @Nullable Double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            description = "In each process of each cell, before. Default 3.5; 1.5 with --quick.")
    private @Nullable Double warmUp;

    @Option(names = "--etcd", paramLabel = "VERSION", description = "Default: the oldest that build/etcd-binaries has.")
    private @Nullable String etcdVersion;

    @Option(
            names = "--data",
            split = ",",
            paramLabel = "DIR",
            description = "Where servers keep their data: the first for all, each other one for W2 of what is durable."
                    + " Default: /var/tmp,/dev/shm; with --quick the first only.")
    private List<Path> data = new ArrayList<>();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "For the cells, report.md and its plots. Default: .holdfast/compare/full, or quick.")
    private @Nullable Path out;

    @Option(
            names = "--page",
            paramLabel = "FILE",
            description =
                    "A page that gets the report, between its marks. Default: docs/benchmarks.md; none with --quick or"
                            + " when workloads or contenders are chosen.")
    private @Nullable Path page;

    @Option(
            names = "--jvm",
            split = " ",
            paramLabel = "OPTIONS",
            description = "Options of the workers' JVMs, such as -XX:TieredStopAtLevel=1. Default: none.")
    private List<String> jvmOptions = new ArrayList<>();

    @Option(names = "--fresh", description = "Forget the cells of an earlier run in the same folder.")
    private boolean isFresh;

    @Option(names = "--dry-run", description = "Only say what would run, and for how long.")
    private boolean isDryRun;

    @Option(names = "--root", hidden = true, required = true)
    private Path root = Path.of("");

    @Option(names = "--programs", hidden = true, required = true)
    private Path programs = Path.of("");

    @Option(names = "--commit", hidden = true, required = true)
    private String commit = "";

    private final PrintStream say = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    private final List<String> missing = new ArrayList<>();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Compare()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Pace usual = isQuick ? Pace.QUICK : Pace.FULL;
        Pace pace = new Pace(
                warmUp != null ? warmUp : usual.warmUpSeconds(),
                seconds != null ? seconds : usual.seconds(),
                rounds != null ? rounds : usual.rounds(),
                usual.ttlSeconds());
        Programs found = Programs.read(programs);
        if (data.isEmpty()) {
            data = isQuick ? List.of(Path.of("/var/tmp")) : List.of(Path.of("/var/tmp"), Path.of("/dev/shm"));
        }
        Plan plan = Plan.of(chosenWorkloads(), takingPart(found), data.size(), pace);
        Path folder = out != null ? out : root.resolve(".holdfast/compare/" + (isQuick ? "quick" : "full"));
        if (isDryRun) {
            plan.cells().forEach(cell -> say.println(cell));
            say.println(forecast(plan.seconds(cell -> true), plan.cells().size()));
            return 0;
        }
        Path etcd = etcd();
        if (isFresh && Files.isDirectory(folder)) {
            delete(folder);
        }
        List<String> storages = new ArrayList<>();
        for (Path each : data) {
            storages.add(Machine.storage(each));
        }
        Cells cells;
        try {
            cells = Cells.open(folder.resolve("cells"), fingerprint(pace, etcd, storages));
        } catch (Cells.DifferentRunException e) {
            say.println(e.getMessage() + "\nGive --fresh to forget them, or another --out.");
            return FAILED;
        }
        List<String> lines = conditions(pace, etcd, storages);
        boolean isWhole = run(plan, cells, new Servers(etcd, found), found, folder);
        Report report =
                new Report(plan, Results.of(plan, cells), new Report.Conditions(lines, storages, List.copyOf(missing)));
        Path own = folder.resolve("report.md");
        Files.writeString(own, report.write(folder));
        say.println("report: " + own);
        Path shown = page != null ? page : isQuick || isPart() ? null : root.resolve("docs/benchmarks.md");
        if (shown != null) {
            Path parent = shown.toAbsolutePath().getParent();
            Page.write(shown, report.write(parent == null ? Path.of("") : parent));
            say.println("page: " + shown);
        }
        return isWhole ? 0 : FAILED;
    }

    private boolean isPart() {
        return !workloads.isEmpty() || !contenders.isEmpty();
    }

    /** Measures what is not done yet; whether all of it is now. */
    private boolean run(Plan plan, Cells cells, Servers servers, Programs found, Path folder)
            throws IOException, InterruptedException {
        Path scratch = Files.createDirectories(folder.resolve("logs"));
        List<Cell> left = plan.cells().stream().filter(cell -> !cells.has(cell)).toList();
        double planned = plan.seconds(cell -> !cells.has(cell));
        say.println(forecast(planned, left.size())
                + (left.size() < plan.cells().size()
                        ? "; " + (plan.cells().size() - left.size()) + " cells are done already"
                        : ""));
        long begin = System.nanoTime();
        double done = 0;
        int failures = 0;
        try (servers) {
            Measurement measurement = new Measurement(found, servers, data, scratch, plan.pace(), jvmOptions);
            for (int i = 0; i < left.size(); i++) {
                Cell cell = left.get(i);
                String outcome;
                try {
                    Map<String, Double> metrics = measurement.measure(cell);
                    cells.put(cell, metrics);
                    outcome = Progress.describe(metrics);
                } catch (IOException e) {
                    failures++;
                    missing.add(cell + " failed: " + firstLine(e));
                    outcome = "failed: " + firstLine(e);
                }
                done += plan.pace().seconds(cell.workload());
                double elapsed = (System.nanoTime() - begin) / 1e9;
                say.printf(
                        Locale.ROOT,
                        "[%d/%d] %s: %s; %s left%n",
                        i + 1,
                        left.size(),
                        cell,
                        outcome,
                        Progress.minutes(Progress.secondsLeft(planned, done, elapsed)));
            }
        }
        return failures == 0;
    }

    private static String firstLine(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.lines().findFirst().orElse(message);
    }

    private static String forecast(double seconds, int cells) {
        return cells + " cells, about " + Progress.minutes(seconds);
    }

    private List<Workload> chosenWorkloads() {
        for (String id : workloads) {
            if (Workload.all().stream().noneMatch(workload -> isNamed(workload, id))) {
                throw new IllegalArgumentException("no such workload: " + id);
            }
        }
        return Workload.all().stream()
                .filter(workload -> workloads.isEmpty()
                        ? !isQuick || workload.isShort()
                        : workloads.stream().anyMatch(id -> isNamed(workload, id)) || isFloorOf(workload))
                .toList();
    }

    private static boolean isNamed(Workload workload, String id) {
        return workload.id().equals(id) || workload.family().equals(id);
    }

    /* The hand-overs of a few processes are told as multiples of it. */
    private boolean isFloorOf(Workload workload) {
        return workload.equals(Workload.EVENT) && workloads.stream().anyMatch(id -> id.startsWith("W4b"));
    }

    private List<Kind> takingPart(Programs found) {
        for (String id : contenders) {
            if (Arrays.stream(Kind.values()).noneMatch(kind -> kind.id().equals(id))) {
                throw new IllegalArgumentException("no such contender: " + id);
            }
        }
        List<Kind> kinds = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            if (!contenders.isEmpty() && !contenders.contains(kind.id())) {
                continue;
            }
            found.whyNot(kind)
                    .ifPresentOrElse(
                            reason -> {
                                missing.add(kind.title() + ": " + reason);
                                say.println("skipped: " + kind.title() + ": " + reason);
                            },
                            () -> kinds.add(kind));
        }
        return kinds;
    }

    private Path etcd() throws IOException {
        Path cache = Path.of(System.getenv()
                .getOrDefault("HOLDFAST_ETCD_CACHE", System.getProperty("user.home") + "/.cache/holdfast/etcd"));
        try (Stream<Path> versions = Files.isDirectory(cache) ? Files.list(cache) : Stream.of()) {
            return versions.map(version -> version.resolve("etcd"))
                    .filter(Files::isExecutable)
                    .filter(program -> etcdVersion == null || version(program).equals(etcdVersion))
                    .min(Comparator.comparing(program -> ModuleDescriptor.Version.parse(version(program))))
                    .orElseThrow(() -> new IOException("no etcd "
                            + (etcdVersion == null ? "" : etcdVersion + " ") + "in " + cache
                            + ": run build/etcd-binaries"));
        }
    }

    private static String version(Path program) {
        Path folder = program.getParent();
        return folder == null ? "" : String.valueOf(folder.getFileName());
    }

    private Map<String, String> fingerprint(Pace pace, Path etcd, List<String> storages) throws IOException {
        Map<String, String> run = new TreeMap<>();
        run.put("commit", commit);
        run.put("warm-up", Double.toString(pace.warmUpSeconds()));
        run.put("seconds", Double.toString(pace.seconds()));
        run.put("etcd", version(etcd));
        run.put("data", storages.toString());
        run.put("machine", Machine.describe());
        run.put("jvm", String.join(" ", jvmOptions));
        return run;
    }

    private List<String> conditions(Pace pace, Path etcd, List<String> storages) throws IOException {
        return List.of(
                "Holdfast at commit " + commit + ".",
                Machine.describe() + ". Clients and servers share it. Load average before: "
                        + Numbers.shorten(Machine.loadAverage()) + ".",
                "etcd " + version(etcd) + ", one member unless said otherwise; "
                        + String.join("; ", Programs.versions(programs)) + ".",
                "Data on " + String.join(", and W2 also on ", storages)
                        + ". etcd, ZooKeeper, Redis with appendfsync always and PostgreSQL write to disk with their"
                        + " defaults before they answer; Redis without, and advisory locks, do not.",
                String.format(
                        Locale.ROOT,
                        "Medians of up to %d rounds, each through all contenders in turn; %.1f s count after %.1f s of"
                                + " warm-up in every process, the first half of that on locks that nobody else wants."
                                + " JVMs with %s.",
                        pace.rounds(),
                        pace.seconds(),
                        pace.warmUpSeconds(),
                        jvmOptions.isEmpty() ? "their default options" : String.join(" ", jvmOptions)));
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }
}
