package dev.holdfast.chaos;

import dev.holdfast.chaos.Kind.Begun;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Makes faults after a plan that is drawn from a seed, and puts each right. Thread-safe.
 *
 * <p>The same seed and kinds give the same plan. Whom a fault meets depends on who is there, leads or holds at that moment.
 */
final class Nemesis {

    /** Before the first fault, so that there is something to disturb. */
    private static final long QUIET_MILLIS = 2_000;

    private static final long SHORTEST_MILLIS = 200;
    private static final long END_SECONDS = 60;

    /** How long a fault waits for somebody to do it to, and how often it looks. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /**
     * A fault to come.
     *
     * @param atMillis from the start
     * @param forMillis 0 for what is over at once
     * @param luck the seed of what its kind leaves open
     */
    record Planned(String kind, long atMillis, long forMillis, long luck) {}

    private final Scene scene;
    private final Map<String, Kind> kinds = new HashMap<>();
    private final List<Planned> plan;
    private final CountDownLatch isOver = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private final List<Fault> faults = new ArrayList<>();
    private final List<String> notMade = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final Set<String> underWay = ConcurrentHashMap.newKeySet();

    /** @param kinds all that the plan speaks of */
    Nemesis(Scene scene, List<Kind> kinds, List<Planned> plan) {
        this.scene = scene;
        kinds.forEach(kind -> this.kinds.put(kind.name(), kind));
        this.plan = List.copyOf(plan);
    }

    /**
     * Draws a plan. Every kind comes once before one comes again. A good third of the faults begin while the one before
     * is still on.
     *
     * @param kinds at least one
     * @param length until all is put right
     * @param ttl of the clients' leases: some faults are much shorter, some longer
     */
    static List<Planned> plan(long seed, List<Kind> kinds, Duration length, Duration ttl) {
        SplittableRandom luck = new SplittableRandom(seed);
        List<Planned> plan = new ArrayList<>();
        List<Kind> deck = new ArrayList<>();
        long atMillis = QUIET_MILLIS;
        while (true) {
            if (deck.isEmpty()) {
                deck.addAll(kinds);
            }
            Kind kind = deck.remove(luck.nextInt(deck.size()));
            long forMillis = kind.isAtOnce() ? 0 : drawLength(luck, ttl.toMillis());
            if (atMillis + forMillis > length.toMillis()) {
                return plan;
            }
            plan.add(new Planned(kind.name(), atMillis, forMillis, luck.nextLong()));
            long overlapMillis = luck.nextInt(100) < 35 ? forMillis / 2 : 0;
            atMillis += forMillis - overlapMillis + luck.nextLong(100, 1_500);
        }
    }

    private static long drawLength(SplittableRandom luck, long ttlMillis) {
        int draw = luck.nextInt(100);
        if (draw < 25) {
            return luck.nextLong(SHORTEST_MILLIS, ttlMillis / 3);
        }
        return draw < 70
                ? luck.nextLong(ttlMillis / 3, ttlMillis * 3 / 2)
                : luck.nextLong(ttlMillis * 3 / 2, ttlMillis * 5 / 2);
    }

    /** Carries the plan out; returns when the last fault is put right. May be called once. */
    void run() throws InterruptedException {
        long startNanos = System.nanoTime();
        for (Planned planned : plan) {
            if (awaitOver(startNanos + TimeUnit.MILLISECONDS.toNanos(planned.atMillis()))) {
                break;
            }
            Thread thread = new Thread(() -> make(planned), "fault-" + planned.kind());
            thread.setDaemon(true);
            synchronized (threads) {
                threads.add(thread);
            }
            thread.start();
        }
        join();
    }

    /** Ends all faults at once and makes no more; returns when the last one is put right. */
    void heal() throws InterruptedException {
        isOver.countDown();
        join();
    }

    private void join() throws InterruptedException {
        List<Thread> started;
        synchronized (threads) {
            started = List.copyOf(threads);
        }
        for (Thread thread : started) {
            thread.join(TimeUnit.SECONDS.toMillis(END_SECONDS)
                    + plan.stream().mapToLong(Planned::forMillis).max().orElse(0));
            if (thread.isAlive()) {
                problem("a fault does not end: " + thread.getName());
            }
        }
    }

    /** Waits until then, or until all is to end; whether it is. */
    private boolean awaitOver(long untilNanos) throws InterruptedException {
        return isOver.await(untilNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private void make(Planned planned) {
        Kind kind = Objects.requireNonNull(kinds.get(planned.kind()), planned.kind());
        SplittableRandom luck = new SplittableRandom(planned.luck());
        Optional<String> picked = pick(kind, luck);
        if (picked.isEmpty()) {
            passOver(kind, "nobody to do it to");
            return;
        }
        String target = picked.get();
        String name = kind.name() + " of " + target;
        try {
            long fromNanos = System.nanoTime();
            Begun begun;
            try {
                begun = kind.begin().begin(scene, target, luck, Duration.ofMillis(planned.forMillis()));
            } catch (Exception e) {
                passOver(kind, target + ": " + e.getMessage());
                return;
            }
            underWay.add(name);
            try {
                awaitOver(fromNanos + TimeUnit.MILLISECONDS.toNanos(planned.forMillis()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            Fault.Effect effect = begun.effect().get();
            try {
                begun.undo().undo();
            } catch (Exception e) {
                problem(name + " could not be undone: " + e);
            }
            Fault fault = new Fault(
                    kind.name(),
                    target,
                    fromNanos,
                    System.nanoTime(),
                    begun.detail().get(),
                    effect);
            synchronized (faults) {
                faults.add(fault);
            }
        } finally {
            underWay.remove(name);
            scene.free(target);
        }
    }

    /** Somebody it can be done to, claimed for it; waits a little for one, as another fault may be about the only one. */
    private Optional<String> pick(Kind kind, SplittableRandom luck) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        try {
            do {
                Optional<String> picked = kind.whom().pick(scene, luck);
                if (picked.isPresent() && scene.claim(picked.get())) {
                    return picked;
                }
            } while (System.nanoTime() - deadline < 0 && !awaitOver(System.nanoTime() + AGAIN_NANOS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }

    private void passOver(Kind kind, String why) {
        synchronized (notMade) {
            notMade.add(kind.name() + ": " + why);
        }
    }

    private void problem(String what) {
        synchronized (problems) {
            problems.add(what);
        }
    }

    /** The faults that are over, in order of their beginning. */
    List<Fault> faults() {
        synchronized (faults) {
            return faults.stream()
                    .sorted(Comparator.comparingLong(Fault::fromNanos))
                    .toList();
        }
    }

    /** What is wrong now, for people. */
    Set<String> underWay() {
        return new TreeSet<>(underWay);
    }

    /** The planned faults that could not be made when their time had come, with the reason. */
    List<String> notMade() {
        synchronized (notMade) {
            return List.copyOf(notMade);
        }
    }

    /** What went wrong with the faults themselves; a run with problems proves nothing. */
    List<String> problems() {
        synchronized (problems) {
            return List.copyOf(problems);
        }
    }
}
