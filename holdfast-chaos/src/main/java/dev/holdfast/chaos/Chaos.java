package dev.holdfast.chaos;

import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command behind {@code ./test --chaos}. */
@Command(
        name = "./test --chaos --",
        mixinStandardHelpOptions = true,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Real etcd clusters of three members under real faults, shared by clients in Java, in Go and etcdctl.",
            "",
            "Each release gets its share of the time. At the end of each run stands the verdict of the checkers, and a"
                    + " page to look at.",
            "",
            "Network faults need root; whatever cannot be done here is named in the output.",
            ""
        },
        footer = {
            "",
            "Exit status: 0 every promise was kept, 1 one was broken or a run went wrong, 2 wrong usage, 4 none was broken,"
                    + " but of one it is not known whether it was kept.",
            "",
            "Examples:",
            "  ./test --chaos",
            "  ./test --chaos -- --etcd 3.4.23 --minutes 5 --seed 42",
            "  ./test --chaos -- --faults disk-stall,lost-answers --minutes 2",
            "  ./test --chaos -- --list"
        })
final class Chaos implements Callable<Integer> {

    /** Long enough for several generations of leases. */
    static final Duration CALM = Duration.ofSeconds(15);

    static final Duration TTL = Duration.ofSeconds(4);

    private static final int SHORTEST_SECONDS = 10;

    /** 3 is taken: ./test, which this is behind, says by it that there is no JDK. */
    private static final int UNDECIDED = 4;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--etcd",
            split = ",",
            paramLabel = "VERSION",
            description = "Releases to run, such as 3.6.16; default: every one found.")
    private List<String> versions = List.of();

    @Option(
            names = "--minutes",
            defaultValue = "10",
            paramLabel = "N",
            description = "All in all, start and calm not counted; default: ${DEFAULT-VALUE}.")
    private double minutes;

    @Option(names = "--seed", paramLabel = "N", description = "Draws the same plan again; default: a new one.")
    private @Nullable Long seed;

    @Option(
            names = "--faults",
            split = ",",
            paramLabel = "KIND",
            description = "Only these kinds; default: all. none: no faults at all.")
    private List<String> only = List.of();

    @Option(names = "--without", split = ",", paramLabel = "KIND", description = "Not these kinds.")
    private List<String> without = List.of();

    @Option(
            names = "--java",
            defaultValue = "4",
            paramLabel = "N",
            description = "Java processes; default: ${DEFAULT-VALUE}.")
    private int javaProcesses;

    @Option(
            names = "--go",
            defaultValue = "2",
            paramLabel = "N",
            description = "Go clients; default: ${DEFAULT-VALUE}.")
    private int goClients;

    @Option(
            names = "--etcdctl",
            defaultValue = "1",
            paramLabel = "N",
            description = "Loops of etcdctl lock; default: ${DEFAULT-VALUE}.")
    private int etcdctlLoops;

    @Option(
            names = "--output",
            defaultValue = "target/chaos",
            paramLabel = "FOLDER",
            description = "Where pages, histories and logs go; default: ${DEFAULT-VALUE}.")
    private Path output;

    @Option(names = "--loopback", description = "Ports of 127.0.0.1 and proxies instead of network namespaces.")
    private boolean isLoopback;

    @Option(names = "--list", description = "Print the kinds of faults and end.")
    private boolean isList;

    @Option(names = "--clean", description = "Remove what runs that were killed have left behind, and end.")
    private boolean isClean;

    private final PrintStream out;

    private Chaos(PrintStream out, CommandSpec none) {
        this.out = out;
        spec = none;
        output = Path.of("");
    }

    public static void main(String[] arguments) {
        System.exit(run(new PrintStream(System.out, true, StandardCharsets.UTF_8), arguments));
    }

    static int run(PrintStream out, String... arguments) {
        // Picocli puts in what was given, the specification included.
        Chaos chaos = new Chaos(out, CommandSpec.create());
        return new CommandLine(chaos)
                .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
                .execute(arguments);
    }

    @Override
    public Integer call() throws Exception {
        if (isList) {
            Kinds.all().forEach(kind -> out.printf("%-18s %s%n", kind.name(), kind.about()));
            return 0;
        }
        for (String removed : LeftOver.clean()) {
            out.println("removed " + removed);
        }
        if (isClean) {
            return 0;
        }
        List<Kind> kinds = kinds();
        List<RealEtcd.Binary> all = RealEtcd.found();
        List<RealEtcd.Binary> binaries = binaries(all);
        long first = seed == null ? ThreadLocalRandom.current().nextLong(1, 1_000_000) : seed;
        Duration each = Duration.ofSeconds(Math.max(SHORTEST_SECONDS, Math.round(minutes * 60 / binaries.size())));
        List<String> bad = new ArrayList<>();
        List<String> undecided = new ArrayList<>();
        for (RealEtcd.Binary binary : binaries) {
            Path directory = output.resolve(binary.version() + "-" + first).toAbsolutePath();
            if (Files.exists(directory)) {
                throw new ParameterException(spec.commandLine(), directory + " exists: name another --output");
            }
            out.println("== " + binary + ", seed " + first + ", faults for " + each.toSeconds() + " s");
            switch (sum(new Run(setting(binary, all, kinds, first, each, directory), out::println))) {
                case GOOD -> out.println("every promise was kept");
                case UNDECIDED -> undecided.add(binary.toString());
                case BAD -> bad.add(binary.toString());
            }
        }
        if (!bad.isEmpty()) {
            out.println("BAD: " + String.join(", ", bad));
        }
        if (!undecided.isEmpty()) {
            out.println("UNDECIDED: " + String.join(", ", undecided));
        }
        return status(!bad.isEmpty(), !undecided.isEmpty());
    }

    /** With which the process ends. */
    static int status(boolean isBad, boolean isUndecided) {
        if (isBad) {
            return 1;
        }
        return isUndecided ? UNDECIDED : 0;
    }

    private Report.Sum sum(Run run) throws IOException {
        Run.Outcome outcome;
        try {
            outcome = run.execute();
        } catch (InterruptedException e) {
            // Only the end of the process interrupts it. It is taking everything away, and waits for nothing here.
            out.println("interrupted");
            return Report.Sum.BAD;
        }
        out.print(outcome.report().text());
        outcome.problems().forEach(problem -> out.println("the run went wrong: " + problem));
        out.println("page: " + outcome.page());
        return outcome.sum();
    }

    private Run.Setting setting(
            RealEtcd.Binary binary,
            List<RealEtcd.Binary> all,
            List<Kind> kinds,
            long first,
            Duration each,
            Path directory) {
        List<String> command = new ArrayList<>(
                List.of("./test --chaos -- --etcd", binary.version().toString(), "--seed", Long.toString(first)));
        command.addAll(List.of("--minutes", Double.toString(each.toSeconds() / 60.0)));
        command.addAll(List.of("--java", "" + javaProcesses, "--go", "" + goClients, "--etcdctl", "" + etcdctlLoops));
        if (!only.isEmpty()) {
            command.addAll(List.of("--faults", String.join(",", only)));
        }
        if (!without.isEmpty()) {
            command.addAll(List.of("--without", String.join(",", without)));
        }
        if (isLoopback) {
            command.add("--loopback");
        }
        return new Run.Setting(
                binary,
                first,
                each,
                () -> false,
                CALM,
                TTL,
                kinds,
                javaProcesses,
                goClients,
                etcdctlLoops,
                directory,
                interop(),
                newestEtcdctl(all),
                isLoopback,
                false,
                String.join(" ", command));
    }

    /** The clients in Go, which {@code ./test} builds; null if there are none. */
    static @Nullable Path interop() {
        String given = System.getenv("HOLDFAST_INTEROP");
        return given == null || given.isEmpty() ? null : Path.of(given);
    }

    /** Of the newest release: the lock of old ones does not look after its own entry, which is not ours to judge. */
    static @Nullable Path newestEtcdctl(List<RealEtcd.Binary> binaries) {
        return binaries.stream()
                .map(RealEtcd.Binary::etcdctl)
                .filter(Objects::nonNull)
                .reduce((older, newer) -> newer)
                .orElse(null);
    }

    private List<Kind> kinds() {
        List<String> known = Kinds.all().stream().map(Kind::name).toList();
        List<String> named = new ArrayList<>(only.equals(List.of("none")) ? List.of() : only);
        named.addAll(without);
        for (String name : named) {
            if (!known.contains(name)) {
                throw new ParameterException(spec.commandLine(), "no kind of fault is called " + name + ": see --list");
            }
        }
        return Kinds.all().stream()
                .filter(kind -> only.isEmpty() || only.contains(kind.name()))
                .filter(kind -> !without.contains(kind.name()))
                .toList();
    }

    private List<RealEtcd.Binary> binaries(List<RealEtcd.Binary> all) {
        if (all.isEmpty()) {
            throw new ParameterException(spec.commandLine(), RealEtcd.NONE_FOUND);
        }
        List<String> found =
                all.stream().map(binary -> binary.version().toString()).toList();
        for (String version : versions) {
            if (!found.contains(version)) {
                throw new ParameterException(
                        spec.commandLine(), "no etcd " + version + " here: there is " + String.join(", ", found));
            }
        }
        return all.stream()
                .filter(binary ->
                        versions.isEmpty() || versions.contains(binary.version().toString()))
                .toList();
    }
}
