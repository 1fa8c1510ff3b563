package dev.holdfast.cli.demo;

import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.cli.CommandFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * One worker as a process of its own: the child's side of {@link ProcessCrew}.
 *
 * <p>It says {@link #READY} when it is connected, starts at the line {@link #GO}, and tells what happens line by line.
 * When its standard input ends, its parent is gone: it stops and gives back what it has.
 */
public final class WorkerProcess {

    static final String READY = "ready";
    static final String GO = "go";

    private WorkerProcess() {}

    /**
     * Plays the part of one worker.
     *
     * @throws CommandFailure if it cannot connect
     */
    public static void play(
            int number, String run, Scenario scenario, Cluster.Remote cluster, InputStream in, PrintWriter out)
            throws InterruptedException {
        // Never closed: that would wait for the thread that reads from it.
        BufferedReader parent = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        try (Holdfast holdfast = Worker.connect(number, scenario, cluster, new Owners(run))) {
            Worker worker = new Worker(number, scenario, Worker.lock(scenario, holdfast), happening -> {
                out.println(Happening.encode(happening));
                out.flush();
            });
            out.println(READY);
            out.flush();
            if (GO.equals(parent.readLine())) {
                stopWhenOrphaned(parent);
                worker.run();
            }
        } catch (LockException e) {
            throw CommandFailure.unreachable(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw CommandFailure.failed("cannot hear its parent: " + e.getMessage());
        }
    }

    private static void stopWhenOrphaned(BufferedReader parent) {
        Thread worker = Thread.currentThread();
        Thread listener = new Thread(
                () -> {
                    try {
                        while (parent.readLine() != null) {
                            // a parent has nothing more to say
                        }
                        worker.interrupt();
                    } catch (IOException e) {
                        worker.interrupt();
                    }
                },
                "holdfast-demo-parent");
        listener.setDaemon(true);
        listener.start();
    }
}
