package dev.holdfast.cli;

import dev.holdfast.cli.demo.Cluster;
import dev.holdfast.cli.demo.Demo;
import dev.holdfast.cli.demo.Scenario;
import dev.holdfast.cli.demo.Verification;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code holdfast demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Several workers, each with a session of its own, contend for one lock.",
            "",
            "Shows what happens, what etcd records of it, and at the end the verdict: did ever two hold the lock at"
                    + " once, did the tokens grow, was the queue served in order, is anything left behind?",
            "",
            "Times are written 500ms, 2s, 1.5s, 3m.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every promise was kept",
            "1:the verdict says that a promise was broken",
            "2:wrong usage or bad input; nothing was done",
            "3:no etcd answers at the endpoints",
            "4:anything else, such as a worker that failed"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast demo --speed 10                     the same, ten times faster",
            "  holdfast demo --retry fresh                  each try loses its place in the queue",
            "  holdfast demo --endpoints 127.0.0.1:2379     on a real etcd, or on `holdfast serve`",
            "  holdfast demo --processes                    each worker a JVM of its own",
            "  holdfast demo --kill 2                       kill a holder, see the next one take over",
            "  holdfast demo --history h.txt                keep what happened; judge it again with",
            "  holdfast demo --verify h.txt"
        })
final class DemoCommand implements Callable<Integer> {

    /** Set by the launcher to the size of the terminal, {@code rows columns}; empty when the output is none. */
    private static final String SCREEN = "holdfast.screen";

    /** What the library warns of, such as a lost hold, the demo tells itself. Kept here, or the setting is forgotten. */
    private static final Logger LIBRARY = Logger.getLogger("dev.holdfast");

    @Spec
    private CommandSpec spec;

    @Mixin
    private ScenarioOptions options;

    @Option(
            names = "--endpoints",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "An etcd to use, its members separated by commas (default: an embedded engine).")
    private List<Address> endpoints = List.of();

    @Option(names = "--processes", description = "Run each worker as a JVM of its own.")
    private boolean processes;

    @Option(names = "--history", paramLabel = "FILE", description = "Write what happened to a file.")
    private @Nullable Path history;

    @Option(
            names = "--verify",
            paramLabel = "FILE",
            description = "Play nothing; judge the history in a file, and exit with 1 if a promise was broken.")
    private @Nullable Path verify;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    DemoCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        LIBRARY.setLevel(Level.SEVERE);
        PrintWriter out = spec.commandLine().getOut();
        if (verify != null) {
            return Verification.of(verify, out);
        }
        Scenario scenario = options.scenario();
        OutputFile.requirePlace(spec.commandLine(), "--history", history);
        boolean inProcesses = processes || scenario.victim() > 0;
        List<String> remote = remote();
        try (Cluster cluster = remote.isEmpty() ? new Cluster.Embedded() : new Cluster.Remote(remote)) {
            return new Demo(scenario, inProcesses, out).run(cluster, System.getProperty(SCREEN, ""), history);
        }
    }

    private List<String> remote() {
        try {
            return Address.endpoints(endpoints);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--endpoints: " + e.getMessage());
        }
    }
}
