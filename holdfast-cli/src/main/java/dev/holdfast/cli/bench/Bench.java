package dev.holdfast.cli.bench;

import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;

/** One run: a look at the etcd, the workloads one after the other, the clean-up, and what came of it. */
public final class Bench {

    private final Plan plan;
    private final Target target;
    private final String version;
    private final Paper paper;

    /** Before all names of this run; nobody else's begin so. */
    private final String prefix = "holdfast-bench-" + String.format("%016x", new SecureRandom().nextLong()) + "/";

    /**
     * Does nothing yet.
     *
     * @param version of this program and its Java
     */
    public Bench(Plan plan, Target target, String version, Paper paper) {
        this.plan = plan;
        this.target = target;
        this.version = version;
        this.paper = paper;
    }

    /**
     * Runs. Whatever happens, an interrupt too, what was measured before is told, and nothing is left in etcd.
     *
     * @return {@link ExitCode#OK}, or {@link ExitCode#VIOLATED} if ever two held one lock
     * @throws CommandFailure if etcd cannot be reached, or a workload fails
     */
    public int run() throws InterruptedException {
        List<Result> results = new ArrayList<>();
        Outcome unmeasured = outcome(look(), Contest.nanosOfMeasuring(), results);
        if (!paper.isJson()) {
            Report.heading(unmeasured).forEach(paper.out()::println);
            paper.out().println();
            paper.out().flush();
        }
        try {
            measure(results);
        } catch (CommandFailure | InterruptedException e) {
            if (!results.isEmpty()) {
                publish(outcome(unmeasured.servers(), unmeasured.nanosOfMeasuring(), results));
            }
            throw e;
        }
        Outcome outcome = outcome(unmeasured.servers(), unmeasured.nanosOfMeasuring(), results);
        publish(outcome);
        return outcome.isVoid() ? ExitCode.VIOLATED : ExitCode.OK;
    }

    private ServerInfo look() throws InterruptedException {
        try (BareClient etcd = BareClient.open(target)) {
            return etcd.servers();
        }
    }

    private Outcome outcome(ServerInfo servers, double nanosOfMeasuring, List<Result> results) {
        return new Outcome(plan, version, target.inWords(), servers, Jvm.compilers(), nanosOfMeasuring, results);
    }

    private void measure(List<Result> results) throws InterruptedException {
        Progress progress = paper.progress();
        try {
            for (Workload workload : plan.workloads()) {
                try (Setting setting = Setting.open(target, plan, workload, prefix);
                        Contest contest = new Contest(workload, setting.places())) {
                    Result result = contest.run(plan, progress);
                    results.add(result);
                    progress.ended(result);
                    if (result.isVoid()) {
                        return;
                    }
                }
            }
        } finally {
            cleanUp();
        }
    }

    /* Clients that were closed have left nothing, and what a client could not remove runs out with its lease. This is for
     * what else there might be, and it is said when there was something. */
    private void cleanUp() {
        String keys = target.namespace() + prefix;
        boolean interrupted = Thread.interrupted();
        try (BareClient etcd = BareClient.open(target)) {
            long left = etcd.deleteAll(keys);
            if (left > 0) {
                warn(left + " keys below " + keys + " were left; they are removed now");
            }
        } catch (CommandFailure e) {
            warn("could not look whether something is left below " + keys + ": " + e.getMessage());
        } catch (InterruptedException e) {
            interrupted = true;
            warn("interrupted before it was sure that nothing is left below " + keys);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void warn(String message) {
        paper.err().println("holdfast bench: warning: " + message);
        paper.err().flush();
    }

    private void publish(Outcome outcome) {
        PrintWriter out = paper.out();
        if (paper.isJson()) {
            out.println(BenchJson.of(outcome));
        } else {
            out.println();
            paper.report().lines(outcome).forEach(out::println);
        }
        out.flush();
        for (Result result : outcome.results()) {
            for (String violation : result.violations()) {
                paper.err().println("holdfast bench: VOID: " + violation);
            }
        }
        paper.err().flush();
        Path svg = paper.svg();
        if (svg != null) {
            try {
                Files.writeString(svg, Plot.of(outcome));
            } catch (IOException e) {
                throw CommandFailure.failed("cannot write the picture to " + svg + ": " + e.getMessage());
            }
        }
    }
}
