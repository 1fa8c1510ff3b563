package dev.holdfast.cli;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.cli.bench.Bench;
import dev.holdfast.cli.bench.Paper;
import dev.holdfast.cli.bench.Plan;
import dev.holdfast.cli.bench.Target;
import dev.holdfast.cli.bench.Workload;
import dev.holdfast.cli.demo.Screen;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.spi.Transport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code holdfast bench}. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Measures how fast Holdfast's locks are on an etcd: yours.",
            "",
            "Runs workloads one after the other, all in this process, on locks whose names begin with"
                    + " holdfast-bench- and a random number. Threads lock and unlock as fast as they can, so the cluster"
                    + " is under load for that time. Nothing is left in it, also after Ctrl-C.",
            "",
            "  floor        the two bare requests of one lock, put if absent and delete: what etcd itself takes",
            "  uncontended  one thread, one lock, given back to etcd each time",
            "  cached       the same with the default: a lock that is wanted again stays with its process",
            "  distinct     many threads, each with a lock of its own",
            "  threads      many threads of one client on one lock",
            "  clients-2    two clients on one lock; a hand-over lasts from the call of unlock to the return of",
            "               the next one's lock",
            "  clients-8    the same with eight",
            "",
            "Locks are released as by default: unlock returns before etcd has answered. Each pair of lock and unlock is"
                    + " checked against all others of its lock, those of the warm-up too: if ever two held it at the same"
                    + " time by the clock of this process, the run is void.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:measured, and never did two hold one lock",
            "1:void: two held one lock at the same time",
            "2:wrong usage or bad input; nothing was done",
            "3:no etcd answers at the endpoints",
            "4:anything else, such as a lock that was lost or a missing permission"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast bench --endpoints 10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379",
            "  holdfast bench --workload floor --workload uncontended --seconds 30",
            "  holdfast bench --workload clients-2 --svg hand-over.svg    a picture of it, too",
            "  holdfast bench --json > today.json                         for programs",
            "  holdfast bench --embedded                                  the engine in this JVM",
            "",
            ConnectionOptions.ENVIRONMENT
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class BenchCommand implements Callable<Integer> {

    /** Set by the launcher to the size of the terminal. */
    private static final String SCREEN = "holdfast.screen";

    /** What the library warns of eight clients would say eight times. Kept here, or the setting is forgotten. */
    private static final Logger LIBRARY = Logger.getLogger("dev.holdfast");

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--workload",
            paramLabel = "NAME",
            split = ",",
            description = "What to run, of ${COMPLETION-CANDIDATES}; may be given more than once (default: all).")
    private List<Workload> workloads = List.of();

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long each workload is measured, 0.1 to 3600 (default ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "3",
            description = "For how many seconds each runs before that, which does not count, 0 to 600 (default"
                    + " ${DEFAULT-VALUE}). The JIT compilers take some.")
    private double warmUp;

    @Option(
            names = "--workers",
            paramLabel = "N",
            defaultValue = "64",
            description = "How many threads are many, 1 to 1000 (default ${DEFAULT-VALUE}).")
    private int workers;

    @Option(
            names = "--ttl",
            paramLabel = "TIME",
            defaultValue = "10s",
            description = "How long locks would outlive this process if it died, 2s to 60s in whole seconds (default"
                    + " ${DEFAULT-VALUE}).")
    private Duration ttl;

    @Option(names = "--json", description = "One JSON document on standard output, and nothing else there.")
    private boolean json;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the results into a file, too.")
    private @Nullable Path svg;

    @Option(names = "--embedded", description = "Measure the engine in this JVM, in memory, instead of a server.")
    private boolean embedded;

    @Mixin
    private ConnectionOptions connection;

    BenchCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        LIBRARY.setLevel(Level.SEVERE);
        SessionTtl.require(spec.commandLine(), ttl);
        OutputFile.requirePlace(spec.commandLine(), "--svg", svg);
        Plan plan = plan();
        if (!embedded) {
            return run(plan, new Remote(connection.connection()));
        }
        if (spec.commandLine().getParseResult().hasMatchedOption("--endpoints")) {
            throw new ParameterException(
                    spec.commandLine(), "--embedded and --endpoints exclude each other: measure one of them");
        }
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            return run(plan, new Embedded(etcd));
        }
    }

    private Plan plan() {
        try {
            return new Plan(Plan.chosen(workloads), workers, seconds, warmUp, (int) ttl.toSeconds());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
        }
    }

    private int run(Plan plan, Target target) throws InterruptedException {
        Map<String, String> environment = connection.surroundings().environment();
        Paper paper = new Paper(
                spec.commandLine().getOut(),
                spec.commandLine().getErr(),
                Screen.of(System.getProperty(SCREEN, ""), environment),
                Screen.isUnicode(environment),
                json,
                svg);
        return new Bench(plan, target, new Version().getVersion()[0], paper).run();
    }

    /** What the connection options say. */
    private record Remote(Connection connection) implements Target {

        @Override
        public Holdfast connect(Consumer<HoldfastBuilder> more) throws InterruptedException {
            return connection.connect(more);
        }

        @Override
        public Transport transport() {
            return connection.transport();
        }

        @Override
        public Optional<Credentials> credentials() {
            return connection.credentials();
        }

        @Override
        public String namespace() {
            return connection.namespace();
        }

        @Override
        public String inWords() {
            return "etcd at " + String.join(",", connection.endpoints());
        }
    }

    /** The engine in this JVM. */
    private record Embedded(EmbeddedEtcd etcd) implements Target {

        @Override
        public Holdfast connect(Consumer<HoldfastBuilder> more) {
            HoldfastBuilder builder = Holdfast.builder().transport(etcd.transport());
            more.accept(builder);
            return builder.build();
        }

        @Override
        public Transport transport() {
            return etcd.transport();
        }

        @Override
        public Optional<Credentials> credentials() {
            return Optional.empty();
        }

        @Override
        public String namespace() {
            return "";
        }

        @Override
        public String inWords() {
            return "the embedded engine in this JVM, without a network";
        }
    }
}
