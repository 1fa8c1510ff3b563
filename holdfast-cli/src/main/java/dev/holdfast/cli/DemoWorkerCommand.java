package dev.holdfast.cli;

import dev.holdfast.cli.demo.Cluster;
import dev.holdfast.cli.demo.WorkerProcess;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** One worker of {@code holdfast demo --processes}; started by it, not by people. */
@Command(name = "demo-worker", hidden = true, description = "One worker of holdfast demo --processes.")
final class DemoWorkerCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private ScenarioOptions options;

    @Option(names = "--endpoints", split = ",", required = true)
    private List<Address> endpoints;

    @Option(names = "--number", required = true)
    private int number;

    @Option(names = "--run", required = true)
    private String run;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    DemoWorkerCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        WorkerProcess.play(
                number,
                run,
                options.scenario(),
                new Cluster.Remote(Address.endpoints(endpoints)),
                System.in,
                spec.commandLine().getOut());
        return ExitCode.OK;
    }
}
