package dev.holdfast.benchmarks.micro;

import dev.holdfast.benchmarks.compare.Launch;
import dev.holdfast.benchmarks.compare.Machine;
import dev.holdfast.benchmarks.compare.Numbers;
import dev.holdfast.benchmarks.compare.Page;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The benchmarks of this package as a command. */
@Command(
        name = "jmh",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures what a lock costs inside its process, with JMH, against the etcd in this JVM: time and allocation of each"
                    + " operation. No network and no disk counts; for those there is compare.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  holdfast-benchmarks/jmh --quick                   about 2 minutes, into .holdfast/jmh/quick",
            "  holdfast-benchmarks/jmh                           about 10 minutes, into docs/benchmarks.md",
            "  holdfast-benchmarks/jmh --quick CachedLock        what is named so",
            "  holdfast-benchmarks/jmh 'HandOver.by(02|64)'      patterns are regular expressions; any one may match",
            "  holdfast-benchmarks/jmh --forks 1 --iterations 1 --seconds 1 CachedLock.kept     one look",
            "  holdfast-benchmarks/jmh --list                    their names"
        })
final class Jmh implements Callable<Integer> {

    /** Everything of this package. */
    private static final String OURS = Jmh.class.getPackageName().replace(".", "\\.") + "\\.";

    @Option(names = "--quick", description = "One JVM each, and few iterations.")
    private boolean isQuick;

    @Option(names = "--forks", paramLabel = "N", description = "JVMs for each. Default 3; 1 with --quick.")
    private @Nullable Integer forks;

    @Option(
            names = "--iterations",
            paramLabel = "N",
            description = "In each JVM, to warm up, and again that count. Default 5; 2 with --quick.")
    private @Nullable Integer iterations;

    @Option(names = "--seconds", paramLabel = "S", description = "Of each iteration. Default 1.")
    private double seconds = 1;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "For report.md and jmh.json. Default: .holdfast/jmh/full, or quick.")
    private @Nullable Path out;

    @Option(
            names = "--page",
            paramLabel = "FILE",
            description =
                    "A page that gets the report, between its marks. Default: docs/benchmarks.md; none with --quick or"
                            + " with patterns.")
    private @Nullable Path page;

    @Option(names = "--list", description = "Only say what there is.")
    private boolean isList;

    @Option(names = "--root", hidden = true, required = true)
    private Path root = Path.of("");

    @Option(names = "--commit", hidden = true, required = true)
    private String commit = "";

    @Parameters(paramLabel = "PATTERN", arity = "0..*", description = "Which ones. Default: all.")
    private List<String> patterns = new ArrayList<>();

    private final PrintStream say = new PrintStream(System.err, true, StandardCharsets.UTF_8);

    public static void main(String[] arguments) {
        System.exit(Launch.of(new Jmh()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, RunnerException {
        if (isList) {
            names(List.of()).forEach(System.out::println);
            return 0;
        }
        for (String pattern : patterns) {
            if (names(List.of(pattern)).isEmpty()) {
                throw new IllegalArgumentException(
                        "no benchmark matches '" + pattern + "'; there are " + String.join(", ", names(List.of())));
            }
        }
        Path folder = Files.createDirectories(
                out != null ? out : root.resolve(".holdfast/jmh/" + (isQuick ? "quick" : "full")));
        int processes = forks != null ? forks : isQuick ? 1 : 3;
        int times = iterations != null ? iterations : isQuick ? 2 : 5;
        double load = Machine.loadAverage();
        List<Measured> measured = run(folder, processes, times);
        String report = Measured.report(
                List.of(
                        "Holdfast at commit " + commit + ".",
                        Machine.describe() + ". Load average before: " + Numbers.shorten(load) + ".",
                        String.format(
                                Locale.ROOT,
                                "JMH: %d JVMs for each, in each %d iterations of %s s to warm up and as many that count.",
                                processes,
                                times,
                                Numbers.shorten(seconds))),
                measured);
        Path own = folder.resolve("report.md");
        Files.writeString(own, report);
        System.out.println("\n" + report);
        say.println("report: " + own);
        Path shown = page != null ? page : isQuick || !patterns.isEmpty() ? null : root.resolve("docs/benchmarks.md");
        if (shown != null) {
            Page.JMH.write(shown, report);
            say.println("page: " + shown);
        }
        return 0;
    }

    private List<Measured> run(Path folder, int processes, int times) throws RunnerException {
        TimeValue each = TimeValue.nanoseconds(Math.round(seconds * 1e9));
        ChainedOptionsBuilder options = new OptionsBuilder()
                .mode(Mode.AverageTime)
                .timeUnit(TimeUnit.NANOSECONDS)
                .forks(processes)
                .warmupIterations(times)
                .warmupTime(each)
                .measurementIterations(times)
                .measurementTime(each)
                .shouldFailOnError(true)
                .addProfiler(GCProfiler.class)
                .resultFormat(ResultFormatType.JSON)
                .result(folder.resolve("jmh.json").toString());
        (patterns.isEmpty() ? List.of(OURS) : patterns).forEach(options::include);
        return new Runner(options.build()).run().stream().map(Measured::of).toList();
    }

    private static List<String> names(List<String> patterns) {
        return BenchmarkList.defaultList()
                .find(OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT), patterns, List.of())
                .stream()
                .map(BenchmarkListEntry::getUsername)
                .map(Measured::shortName)
                .toList();
    }
}
