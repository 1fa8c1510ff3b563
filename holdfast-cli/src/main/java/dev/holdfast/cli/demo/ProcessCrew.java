package dev.holdfast.cli.demo;

import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.demo.Happening.Mood;
import dev.holdfast.cli.demo.Happening.Noted;
import dev.holdfast.cli.demo.Happening.Said;
import dev.holdfast.history.Operation;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Workers that are JVMs of their own. What they tell comes line by line through their standard output.
 *
 * <p>Their times can be compared with each other's: on Linux {@link System#nanoTime()} reads {@code CLOCK_MONOTONIC},
 * which counts from one moment for all processes of a host.
 */
final class ProcessCrew implements Crew {

    private static final Duration LONGEST_START = Duration.ofSeconds(60);
    private static final Duration LONGEST_STOP = Duration.ofSeconds(4);
    private static final int KEPT_COMPLAINTS = 20;

    private final Scenario scenario;
    private final List<String> command;
    private final Consumer<Happening> tell;
    private final List<Child> children = new ArrayList<>();
    private final CountDownLatch ready;

    /**
     * Starts nothing yet.
     *
     * @param command how to start a worker; its number is appended
     */
    ProcessCrew(Scenario scenario, List<String> command, Consumer<Happening> tell) {
        this.scenario = scenario;
        this.command = List.copyOf(command);
        this.tell = tell;
        this.ready = new CountDownLatch(scenario.workers());
    }

    /** This JVM's program with the arguments that start a worker. */
    static List<String> command(Scenario scenario, List<String> endpoints, Owners owners) {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-Xmx64m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.holdfast.cli.Main",
                "demo-worker",
                "--run=" + owners.run(),
                "--endpoints=" + String.join(",", endpoints)));
        command.addAll(ScenarioArguments.of(scenario));
        return command;
    }

    @Override
    public void assemble() throws InterruptedException {
        for (int number = 1; number <= scenario.workers(); number++) {
            children.add(new Child(number));
        }
        boolean allAnswered = ready.await(LONGEST_START.toNanos(), TimeUnit.NANOSECONDS);
        for (Child child : children) {
            if (!child.process.isAlive() || !allAnswered) {
                throw CommandFailure.failed("worker " + child.name + " did not start: " + child.complaint());
            }
        }
    }

    @Override
    public void start() {
        children.forEach(Child::go);
    }

    /**
     * Kills a worker with SIGKILL, and returns when it is dead.
     *
     * <p>Its belief is taken to end here, after its death: it may have ended earlier, never later.
     */
    void kill(int number) throws InterruptedException {
        Child child = children.get(number - 1);
        child.isKilled = true;
        child.process.destroyForcibly().waitFor();
        tell.accept(new Noted(new Operation.Killed(System.nanoTime(), child.name)));
    }

    @Override
    public void await() throws InterruptedException {
        for (Child child : children) {
            int status = child.process.waitFor();
            child.listener.join();
            if (status != 0 && !child.isKilled) {
                tell.accept(new Said(
                        System.nanoTime(),
                        child.name,
                        Mood.FAILS,
                        "its process ended with status " + status + ": " + child.complaint()));
            }
        }
    }

    @Override
    public void close() {
        children.forEach(Child::dismiss);
        long deadlineNanos = System.nanoTime() + LONGEST_STOP.toNanos();
        boolean interrupted = Thread.interrupted();
        for (Child child : children) {
            try {
                child.process.waitFor(Math.max(1, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            child.process.destroyForcibly();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** One worker's process and the thread that listens to it. */
    private final class Child {
        private final String name;
        private final Process process;
        private final Thread listener;
        private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
        private volatile boolean isKilled;

        Child(int number) {
            name = Scenario.nameOf(number);
            List<String> full = new ArrayList<>(command);
            full.add("--number=" + number);
            try {
                process = new ProcessBuilder(full).start();
            } catch (IOException e) {
                throw CommandFailure.failed("cannot start worker " + name + ": " + e.getMessage());
            }
            listener = listen(process.getInputStream(), this::heard);
            listen(process.getErrorStream(), this::complained);
        }

        private Thread listen(InputStream stream, Consumer<String> each) {
            Thread thread = new Thread(() -> readLines(stream, each), "holdfast-demo-" + name);
            thread.setDaemon(true);
            thread.start();
            return thread;
        }

        private void readLines(InputStream stream, Consumer<String> each) {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    each.accept(line);
                }
            } catch (IOException e) {
                // the process is gone, and with it what it had to say
            } finally {
                ready.countDown(); // one that ended will never be ready; whoever waits sees that it is dead
            }
        }

        private void heard(String line) {
            if (line.equals(WorkerProcess.READY)) {
                ready.countDown();
                return;
            }
            try {
                tell.accept(Happening.decode(line));
            } catch (IllegalArgumentException e) {
                complained(line); // a killed process may leave half a line
            }
        }

        private void complained(String line) {
            if (complaints.size() < KEPT_COMPLAINTS) {
                complaints.add(line);
            }
        }

        String complaint() {
            return complaints.isEmpty() ? "it does not say why" : String.join("; ", complaints);
        }

        void go() {
            try {
                OutputStream stream = process.getOutputStream();
                stream.write((WorkerProcess.GO + "\n").getBytes(StandardCharsets.UTF_8));
                stream.flush();
            } catch (IOException e) {
                complained("it is gone: " + e.getMessage());
            }
        }

        /** The end of its input tells it to stop. */
        void dismiss() {
            try {
                process.getOutputStream().close();
            } catch (IOException e) {
                // it is gone already
            }
        }
    }
}
