package dev.holdfast.cli.demo;

import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.Joining;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** Workers that are threads of this JVM, each with a client and so a session of its own. */
final class ThreadCrew implements Crew {

    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);

    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentLinkedQueue<CommandFailure> refusals = new ConcurrentLinkedQueue<>();
    private final CountDownLatch connected;
    private final CountDownLatch barrier = new CountDownLatch(1);

    ThreadCrew(Scenario scenario, Cluster cluster, Owners owners, Consumer<Happening> tell) {
        this.connected = new CountDownLatch(scenario.workers());
        for (int number = 1; number <= scenario.workers(); number++) {
            int its = number;
            threads.add(new Thread(() -> play(its, scenario, cluster, owners, tell), Scenario.nameOf(number)));
        }
    }

    private void play(int number, Scenario scenario, Cluster cluster, Owners owners, Consumer<Happening> tell) {
        try (Holdfast holdfast = Worker.connect(number, scenario, cluster, owners)) {
            Worker worker = new Worker(number, scenario, Worker.lock(scenario, holdfast), tell);
            connected.countDown();
            barrier.await();
            worker.run();
        } catch (LockException e) {
            refusals.add(CommandFailure.unreachable(String.valueOf(e.getMessage())));
        } catch (IllegalArgumentException e) {
            refusals.add(CommandFailure.badInput(String.valueOf(e.getMessage())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // stopped: the client is closed, which gives back everything
        } finally {
            connected.countDown();
        }
    }

    @Override
    public void assemble() throws InterruptedException {
        threads.forEach(Thread::start);
        connected.await();
        CommandFailure refusal = refusals.peek();
        if (refusal != null) {
            throw refusal;
        }
    }

    @Override
    public void start() {
        barrier.countDown();
    }

    @Override
    public void await() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
        Joining.all(threads, LONGEST_STOP);
    }
}
