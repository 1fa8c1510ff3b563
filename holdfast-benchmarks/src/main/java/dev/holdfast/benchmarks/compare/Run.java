package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands of this package have in common: options, and how a plan is carried out and told of. */
final class Run {

    private static final int FAILED = 1;

    @Option(names = "--quick", description = "One short round of each.")
    private boolean isQuick;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Default 5; 1 with --quick. What takes long, or has a limit and not a rate, has at most 3.")
    private @Nullable Integer rounds;

    @Option(names = "--seconds", paramLabel = "S", description = "That count in each cell. Default 2; 1 with --quick.")
    private @Nullable Double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            description = "In each process of each cell, before. Default 3; 1.2 with --quick.")
    private @Nullable Double warmUp;

    @Option(names = "--etcd", paramLabel = "VERSION", description = "Default: the oldest that build/etcd-binaries has.")
    private @Nullable String etcdVersion;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "For the cells, report.md and its plots. Default: full, or quick, in a folder of .holdfast.")
    private @Nullable Path out;

    @Option(
            names = "--page",
            paramLabel = "FILE",
            description =
                    "A page that gets the report, between its marks. Default: that in docs; none with --quick or when only"
                            + " a part of all is measured.")
    private @Nullable Path page;

    @Option(
            names = "--jvm",
            split = " ",
            paramLabel = "OPTIONS",
            description = "More options of the workers' JVMs, such as -XX:+UseSerialGC. Default: none.")
    private List<String> jvmOptions = new ArrayList<>();

    @Option(names = "--fresh", description = "Forget the cells of an earlier run in the same folder.")
    private boolean isFresh;

    @Option(names = "--dry-run", description = "Only say what would run, and for how long.")
    private boolean isDryRun;

    @Option(names = "--root", hidden = true, required = true)
    private Path root = Path.of("");

    @Option(names = "--programs", hidden = true, required = true)
    private Path folderOfPrograms = Path.of("");

    @Option(names = "--commit", hidden = true, required = true)
    private String commit = "";

    private final PrintStream say = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    private final List<String> missing = new ArrayList<>();

    /** Writes the report's plots into a folder {@code benchmarks} beside a page, and returns the page's text. */
    interface Writer {
        String write(Path beside) throws IOException;
    }

    /** How the results become a report. */
    interface Reporting {
        Writer of(Plan plan, Results results, Report.Conditions conditions);
    }

    /**
     * Where a report goes.
     *
     * @param command whose name its folder has
     * @param page the part that is written
     * @param file the page, below the project's root
     * @param durability what is to be said of what servers do before they answer
     */
    record Target(String command, Page page, String file, String durability) {}

    boolean isQuick() {
        return isQuick;
    }

    Pace pace() {
        Pace usual = isQuick ? Pace.QUICK : Pace.FULL;
        return new Pace(
                warmUp != null ? warmUp : usual.warmUpSeconds(),
                seconds != null ? seconds : usual.seconds(),
                rounds != null ? rounds : usual.rounds(),
                usual.ttlSeconds());
    }

    Programs programs() throws IOException {
        return Programs.read(folderOfPrograms);
    }

    /**
     * Measures what is not done yet, and writes the report.
     *
     * @param data folders for the servers' data, in the order in which cells name them
     * @param isPart whether some of all was chosen, so that the page is left alone
     * @return the exit status
     */
    int carryOut(Plan plan, Programs found, List<Path> data, Target target, boolean isPart, Reporting reporting)
            throws IOException, InterruptedException {
        Path folder =
                out != null ? out : root.resolve(".holdfast/" + target.command + "/" + (isQuick ? "quick" : "full"));
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
            cells = Cells.open(folder.resolve("cells"), fingerprint(plan.pace(), etcd, storages));
        } catch (Cells.DifferentRunException e) {
            say.println(e.getMessage() + "\nGive --fresh to forget them, or another --out.");
            return FAILED;
        }
        List<String> lines = conditions(plan.pace(), etcd, storages, target.durability);
        boolean isWhole = run(plan, cells, new Servers(etcd, found), found, data, folder);
        Writer report = reporting.of(
                plan, Results.of(plan, cells), new Report.Conditions(lines, storages, List.copyOf(missing)));
        Path own = folder.resolve("report.md");
        Files.writeString(own, report.write(folder));
        say.println("report: " + own);
        Path shown = page != null ? page : isQuick || isPart ? null : root.resolve(target.file);
        if (shown != null) {
            Path parent = shown.toAbsolutePath().getParent();
            target.page.write(shown, report.write(parent == null ? Path.of("") : parent));
            say.println("page: " + shown);
        }
        return isWhole ? 0 : FAILED;
    }

    /** Measures what is not done yet; whether all of it is now. */
    private boolean run(Plan plan, Cells cells, Servers servers, Programs found, List<Path> data, Path folder)
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

    /**
     * Those that can take part, of these; says why others cannot.
     *
     * @param chosen their ids; all if empty
     */
    List<Kind> takingPart(Programs found, List<Kind> all, List<String> chosen) {
        for (String id : chosen) {
            if (all.stream().noneMatch(kind -> kind.id().equals(id))) {
                throw new IllegalArgumentException("no such contender: " + id);
            }
        }
        List<Kind> kinds = new ArrayList<>();
        for (Kind kind : all) {
            if (!chosen.isEmpty() && !chosen.contains(kind.id())) {
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

    private List<String> conditions(Pace pace, Path etcd, List<String> storages, String durability) throws IOException {
        return List.of(
                "Holdfast at commit " + commit + ".",
                Machine.describe() + ". Clients and servers share it. Load average before: "
                        + Numbers.shorten(Machine.loadAverage()) + ".",
                "etcd " + version(etcd) + ", one member unless said otherwise; "
                        + String.join("; ", Programs.versions(folderOfPrograms)) + ".",
                "Data on " + String.join(", and W2 also on ", storages) + ". " + durability,
                String.format(
                        Locale.ROOT,
                        "Medians of up to %d rounds, each through all contenders in turn; %.1f s count after %.1f s of"
                                + " warm-up in every process, and a fifth more for each further process, the first half"
                                + " on locks that nobody else wants. JVMs with %s%s, but C2 compiles, too, where a lock stays cached.",
                        pace.rounds(),
                        pace.seconds(),
                        pace.warmUpSeconds(),
                        Measurement.FIRST_COMPILER,
                        jvmOptions.isEmpty() ? "" : " " + String.join(" ", jvmOptions)));
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }
}
