package dev.holdfast.cli.bench;

import dev.holdfast.LockException;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.Joining;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Threads that lock and unlock as fast as they can, each at its place, until it is closed. */
final class Contest implements AutoCloseable {

    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private static final int PAIRS_AT_NOTHING = 200_000;
    private static final int ROUNDS_AT_NOTHING = 4;

    private final Workload workload;
    private final List<Setting.Place> places;
    private final Timing locks = new Timing();
    private final Timing unlocks = new Timing();
    private final Timing handOvers = new Timing();
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch trouble = new CountDownLatch(1);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean isOver;

    /** Starts nothing yet. */
    Contest(Workload workload, List<Setting.Place> places) {
        this.workload = workload;
        this.places = places;
        for (int number = 0; number < places.size(); number++) {
            int its = number;
            Thread thread = new Thread(() -> compete(its), "holdfast-bench-" + (number + 1));
            thread.setDaemon(true);
            threads.add(thread);
        }
    }

    /** About how much of each pair is the measuring itself: what a pair takes where there is nothing to lock. */
    static double nanosOfMeasuring() {
        Setting.Place nowhere = new Setting.Place(Seat.atNothing(), "", new Ledger());
        Contest alone = new Contest(Workload.UNCONTENDED, List.of());
        double nanos = 0;
        for (int round = 0; round < ROUNDS_AT_NOTHING; round++) { // the last one counts
            long startNanos = System.nanoTime();
            try {
                for (int i = 0; i < PAIRS_AT_NOTHING; i++) {
                    alone.pair(0, nowhere);
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e); // nobody waits there
            }
            nanos = (double) (System.nanoTime() - startNanos) / PAIRS_AT_NOTHING;
        }
        return nanos;
    }

    // ------------------------------------------------------------------------------------------------- its threads

    private void compete(int number) {
        try {
            while (!isOver) {
                pair(number, places.get(number));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody interrupts them, and then they end
        } catch (RuntimeException | Error e) {
            if (!isOver) { // else the client was closed while it waited
                failure.compareAndSet(null, e);
            }
        } finally {
            trouble.countDown();
        }
    }

    private void pair(int number, Setting.Place place) throws InterruptedException {
        long requestNanos = System.nanoTime();
        place.seat().lock();
        long acquiredNanos = System.nanoTime();
        long releaseNanos = System.nanoTime();
        long handOverNanos = place.ledger().note(number, requestNanos, acquiredNanos, releaseNanos);
        long notedNanos = System.nanoTime();
        place.seat().unlock();
        long returnedNanos = System.nanoTime();
        if (handOverNanos != Ledger.NO_HAND_OVER) {
            handOvers.add(handOverNanos);
        }
        locks.add(acquiredNanos - requestNanos);
        unlocks.add(returnedNanos - notedNanos);
    }

    // ------------------------------------------------------------------------------------------ who looks at them

    /**
     * Starts them, lets them warm up, and measures. To be called once.
     *
     * @throws CommandFailure if a thread failed, such as by a lost lock, or none ever got one
     */
    Result run(Plan plan, Progress progress) throws InterruptedException {
        threads.forEach(Thread::start);
        List<Rate> unused = watch(true, plan.warmUpSeconds(), progress);
        locks.restart();
        unlocks.restart();
        handOvers.restart();
        double compilerBefore = Jvm.compilerSeconds();
        long startNanos = System.nanoTime();
        List<Rate> rates = watch(false, plan.seconds(), progress);
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        double compilerSeconds = Jvm.compilerSeconds() - compilerBefore;
        close();
        requireNoFailure();
        Result result = new Result(
                workload, seconds, locks.sum(), unlocks.sum(), handOvers.sum(), rates, violations(), compilerSeconds);
        if (result.pairs() == 0) {
            throw CommandFailure.failed(
                    workload + ": nobody got a lock within " + Figures.seconds(plan.seconds()) + " s");
        }
        return result;
    }

    /** Returns when the phase is over, or a thread has failed. */
    private List<Rate> watch(boolean isWarmUp, double ofSeconds, Progress progress) throws InterruptedException {
        List<Rate> rates = new ArrayList<>();
        long startNanos = System.nanoTime();
        long endNanos = startNanos + (long) (ofSeconds * 1e9);
        long beforeNanos = startNanos;
        boolean isInTrouble = false;
        while (!isInTrouble && beforeNanos < endNanos) {
            isInTrouble = trouble.await(Math.min(TICK_NANOS, endNanos - beforeNanos), TimeUnit.NANOSECONDS);
            long pairs = locks.collect();
            unlocks.collect();
            handOvers.collect();
            long nowNanos = System.nanoTime();
            rates.add(new Rate((nowNanos - startNanos) / 1e9, pairs * 1e9 / Math.max(1, nowNanos - beforeNanos)));
            beforeNanos = nowNanos;
            progress.show(new Moment(
                    workload,
                    isWarmUp,
                    (nowNanos - startNanos) / 1e9,
                    ofSeconds,
                    List.copyOf(rates),
                    Latency.of(locks.sum())));
        }
        return rates;
    }

    /** A lock that was lost may have been another's then; that is no overlap but the end of the measurement. */
    private void requireNoFailure() {
        Throwable failed = failure.get();
        if (failed instanceof LockException.Lost
                || (failed != null && violations().isEmpty())) {
            throw failed instanceof CommandFailure said
                    ? said
                    : failed instanceof LockException
                            ? CommandFailure.failed(workload + ": " + failed.getMessage())
                            : new IllegalStateException(workload + " failed", failed);
        }
    }

    private List<String> violations() {
        Map<String, Ledger> ledgers = new LinkedHashMap<>();
        places.forEach(place -> ledgers.put(place.lock(), place.ledger()));
        List<String> violations = new ArrayList<>();
        ledgers.forEach((lock, ledger) -> {
            Ledger.Overlap overlap = ledger.firstOverlap();
            if (overlap != null) {
                violations.add("two held " + lock + " at the same time: threads " + (overlap.first() + 1) + " and "
                        + (overlap.second() + 1) + ", for " + Figures.time(overlap.nanos()) + " or longer ("
                        + Figures.count(ledger.overlaps()) + " times in all)");
            }
        });
        return violations;
    }

    /** Ends the threads; one that waits in vain ends when its client is closed. */
    @Override
    public void close() {
        isOver = true;
        Joining.all(threads.stream().filter(Thread::isAlive).toList(), LONGEST_STOP);
    }
}
