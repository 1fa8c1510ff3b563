package dev.holdfast.testkit.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/** What many runs came to. Each runs on one thread; several run at a time. */
final class Tally {

    private final long first;
    private final long seeds;
    private final long startNanos = System.nanoTime();
    private final Mix mix = new Mix();
    private final List<Long> failed = new ArrayList<>();
    private long done;
    private long events;
    private long virtualNanos;
    private long operations;
    private long tooSlow;
    private long tookNanos;

    private Tally(long first, long seeds) {
        this.first = first;
        this.seeds = seeds;
    }

    /** Runs so many seeds on all processors, and says every so often how far it has come. */
    static Tally over(long first, long seeds, Duration often) {
        Tally tally = new Tally(first, seeds);
        long[] said = {System.nanoTime()};
        each(
                LongStream.range(first, first + seeds).boxed().toList(),
                Runtime.getRuntime().availableProcessors(),
                result -> {
                    tally.add(result);
                    if (System.nanoTime() - said[0] > often.toNanos()) {
                        said[0] = System.nanoTime();
                        System.out.printf(
                                "simulation: %,d of %,d seeds, failed: %s%n", tally.done, seeds, tally.failed);
                    }
                });
        tally.tookNanos = System.nanoTime() - tally.startNanos;
        return tally;
    }

    /** Runs each seed on one of so many threads; the results are taken one at a time, in no order. */
    static void each(Iterable<Long> seeds, int threads, Consumer<Simulation.Result> taker) {
        ReentrantLock turn = new ReentrantLock();
        Iterator<Long> next = seeds.iterator();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> runners = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                runners.add(pool.submit(() -> run(next, turn, taker)));
            }
            for (Future<?> runner : runners) {
                runner.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } finally {
            pool.shutdownNow();
        }
    }

    private static void run(Iterator<Long> seeds, ReentrantLock turn, Consumer<Simulation.Result> taker) {
        while (!Thread.interrupted()) {
            long seed;
            turn.lock();
            try {
                if (!seeds.hasNext()) {
                    return;
                }
                seed = seeds.next();
            } finally {
                turn.unlock();
            }
            Simulation.Result result = Simulation.runOnce(seed);
            turn.lock();
            try {
                taker.accept(result);
            } finally {
                turn.unlock();
            }
        }
    }

    private void add(Simulation.Result result) {
        done++;
        mix.add(result.mix());
        events += result.events();
        virtualNanos += result.virtualNanos();
        operations += result.operations();
        if (result.failure() != null) {
            failed.add(result.seed());
        } else if (result.operations() < Simulation.LEAST_OPERATIONS) {
            tooSlow++;
        }
    }

    Mix mix() {
        return mix;
    }

    /** The seeds that failed, in no order. */
    List<Long> failed() {
        return failed;
    }

    @Override
    public String toString() {
        return ("simulation: seeds %d to %d, %,d operations (%d seeds had fewer than %d in the longest time), %,d"
                        + " events, %,d s of virtual time in %,d s, %d failed%ndrawn: %s")
                .formatted(
                        first,
                        first + seeds - 1,
                        operations,
                        tooSlow,
                        Simulation.LEAST_OPERATIONS,
                        events,
                        virtualNanos / World.SECOND,
                        tookNanos / World.SECOND,
                        failed.size(),
                        mix);
    }
}
