package dev.holdfast.cli.demo;

import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.ExitCode;
import dev.holdfast.cli.demo.Happening.Mood;
import dev.holdfast.cli.demo.Happening.Noted;
import dev.holdfast.cli.demo.Happening.Said;
import dev.holdfast.history.History;
import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.Operation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One performance of a scenario: set up the watch and the workers, let them start together, show what happens, and
 * judge it at the end.
 */
public final class Demo {

    /** How long after its end etcd may take to notice that a lease has ended. */
    private static final Duration LONGEST_EXPIRY = Duration.ofSeconds(8);

    private final Scenario scenario;
    private final boolean inProcesses;
    private final PrintWriter out;

    /**
     * Plays nothing yet.
     *
     * @param inProcesses whether each worker is a JVM of its own; a scenario with a victim needs that
     */
    public Demo(Scenario scenario, boolean inProcesses, PrintWriter out) {
        if (scenario.victim() > 0 && !inProcesses) {
            throw new IllegalArgumentException("only a process can be killed");
        }
        this.scenario = scenario;
        this.inProcesses = inProcesses;
        this.out = out;
    }

    /**
     * Plays it. When interrupted, workers give back what they hold, and children end.
     *
     * @param screen the size of the terminal, {@code rows columns}, or empty for plain lines
     * @param historyFile where to write the history, or null
     * @return {@link ExitCode#OK} or {@link ExitCode#VIOLATED}
     * @throws CommandFailure if etcd cannot be reached, or a worker fails
     */
    public int run(Cluster cluster, String screen, @Nullable Path historyFile) throws InterruptedException {
        Chronicle chronicle = new Chronicle();
        Owners owners = new Owners("demo-" + ProcessHandle.current().pid());
        List<Operation.Left> left;
        try (EventFeed feed = new EventFeed(cluster.transport(), scenario.lock(), owners, chronicle::saw);
                Crew crew = crew(cluster, owners, chronicle)) {
            feed.start();
            printHeading(cluster);
            crew.assemble();
            try (Display display = display(screen, System.nanoTime())) {
                chronicle.showOn(display);
                crew.start();
                if (crew instanceof ProcessCrew processes && scenario.victim() > 0) {
                    killWhileItHolds(processes, chronicle);
                }
                crew.await();
                left = feed.settle(
                        scenario.ttl().plus(LONGEST_EXPIRY),
                        words -> chronicle.tell(new Said(System.nanoTime(), "etcd", Mood.UNCHANGED, words)));
                left.stream().filter(entry -> owners.isWorker(entry.owner())).forEach(chronicle::saw);
            }
        }
        History history = chronicle.history();
        List<Said> failures = chronicle.failures();
        Summary summary = Summary.of(history);
        summary.print(out, left.size());
        if (historyFile != null) {
            write(history, historyFile);
        }
        if (summary.exitCode() != ExitCode.VIOLATED && !failures.isEmpty()) {
            Said failure = failures.get(0);
            throw CommandFailure.failed("worker " + failure.who() + " failed: " + failure.words());
        }
        return summary.exitCode();
    }

    private void printHeading(Cluster cluster) {
        out.println("holdfast demo: " + scenario.inWords());
        out.println("on " + cluster.inWords() + ", each worker "
                + (inProcesses ? "a process with a session" : "a client with a session") + " of its own, TTL "
                + scenario.ttl().toSeconds() + " s");
        out.println();
        out.flush();
    }

    private Display display(String screen, long startNanos) {
        Narrator narrator = new Narrator(startNanos);
        return Screen.of(screen, System.getenv())
                .<Display>map(size -> new LiveDisplay(
                        out,
                        narrator,
                        new Timeline(
                                startNanos,
                                scenario.workers(),
                                size.isUnicode() ? Timeline.Look.UNICODE : Timeline.Look.ASCII),
                        size))
                .orElseGet(() -> new PlainLines(out, narrator));
    }

    private Crew crew(Cluster cluster, Owners owners, Chronicle chronicle) {
        return inProcesses
                ? new ProcessCrew(scenario, ProcessCrew.command(scenario, cluster.endpoints(), owners), chronicle::tell)
                : new ThreadCrew(scenario, cluster, owners, chronicle::tell);
    }

    private void killWhileItHolds(ProcessCrew crew, Chronicle chronicle) throws InterruptedException {
        String victim = Scenario.nameOf(scenario.victim());
        Happening granted = chronicle.await(
                happening -> happening instanceof Noted noted
                        && noted.operation() instanceof Operation.Granted grant
                        && grant.who().equals(victim),
                happening -> ended(happening, victim));
        if (granted == null) {
            throw CommandFailure.failed("worker " + victim + " never held the lock, so it could not be killed");
        }
        TimeUnit.NANOSECONDS.sleep(scenario.workBeforeKill().toNanos());
        crew.kill(scenario.victim());
    }

    private static boolean ended(Happening happening, String who) {
        if (happening instanceof Said said) {
            return said.mood() == Mood.FAILS && said.who().equals(who);
        }
        return happening instanceof Noted noted
                && noted.operation() instanceof Operation.GaveUp gaveUp
                && gaveUp.who().equals(who);
    }

    private static void write(History history, Path file) {
        try {
            Files.writeString(file, HistoryCodec.encode(history));
        } catch (IOException e) {
            throw CommandFailure.failed("cannot write the history to " + file + ": " + e.getMessage());
        }
    }
}
