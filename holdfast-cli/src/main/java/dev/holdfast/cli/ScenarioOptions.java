package dev.holdfast.cli;

import dev.holdfast.cli.demo.Retry;
import dev.holdfast.cli.demo.Scenario;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say what is played. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ScenarioOptions {

    private static final Duration USUAL_TTL = Duration.ofSeconds(10);
    private static final Duration TTL_OF_A_VICTIM = Duration.ofSeconds(2);

    /** Seeds that were not given have up to six digits, to be typed again with ease. */
    private static final int SEEDS = 1_000_000;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--workers",
            paramLabel = "N",
            defaultValue = "5",
            description = "How many workers contend, 1 to 100 (default ${DEFAULT-VALUE}).")
    private int workers;

    @Option(
            names = "--tries",
            paramLabel = "N",
            defaultValue = "3",
            description = "How often each tries to get the lock (default ${DEFAULT-VALUE}).")
    private int tries;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            defaultValue = "5s",
            description = "How long one try waits (default ${DEFAULT-VALUE}).")
    private Duration timeout;

    @Option(
            names = "--retry-interval",
            paramLabel = "TIME",
            defaultValue = "3s",
            description = "The pause between two tries (default ${DEFAULT-VALUE}).")
    private Duration retryInterval;

    @Option(
            names = "--work",
            paramLabel = "TIME..TIME",
            defaultValue = "2s..8s",
            description = "How long a worker holds the lock, drawn at random (default ${DEFAULT-VALUE}).")
    private DurationRange work;

    @Option(
            names = "--lock",
            paramLabel = "NAME",
            defaultValue = "/tmp/go/lock",
            description = "The name of the lock; a leading '/' is part of it (default ${DEFAULT-VALUE}).")
    private String lock;

    @Option(
            names = "--retry",
            paramLabel = "keep|fresh",
            defaultValue = "keep",
            description = "Whether a worker keeps its place in the queue between two tries, or enqueues anew with each"
                    + " (default ${DEFAULT-VALUE}).")
    private Retry retry;

    @Option(
            names = "--speed",
            paramLabel = "FACTOR",
            defaultValue = "1",
            description = "Divides work and waits, not the TTL of leases (default ${DEFAULT-VALUE}).")
    private double speed;

    @Option(names = "--seed", paramLabel = "N", description = "Decides every random choice (default: drawn and shown).")
    private @Nullable Long seed;

    @Option(
            names = "--kill",
            paramLabel = "K",
            description =
                    "Kill worker K with SIGKILL while it holds the lock; implies --processes and a TTL of 2 s, and"
                            + " as many tries as it takes to outlast the lease.")
    private int victim;

    /**
     * What the options say.
     *
     * @throws ParameterException if an option is out of range
     */
    Scenario scenario() {
        try {
            Scenario scenario = new Scenario(
                    workers,
                    tries,
                    timeout,
                    retryInterval,
                    work,
                    lock,
                    retry,
                    speed,
                    victim > 0 ? TTL_OF_A_VICTIM : USUAL_TTL,
                    seed != null ? seed : new Random().nextInt(SEEDS),
                    victim);
            return victim > 0 ? scenario.outlastingTheVictim() : scenario;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), String.valueOf(e.getMessage()));
        }
    }
}
