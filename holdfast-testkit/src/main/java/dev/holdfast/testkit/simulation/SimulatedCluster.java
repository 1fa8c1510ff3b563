package dev.holdfast.testkit.simulation;

import dev.holdfast.runtime.ClientSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/**
 * An etcd cluster in virtual time with processes of your own on it: whole Holdfast clients, a network and a server that go
 * wrong as you say, and the promises of a lock looked after all the while. An hour takes seconds, and the same seed with the
 * same calls gives the same run.
 *
 * <pre>{@code
 * SimulatedCluster cluster = new SimulatedCluster(42);
 * SimulatedProcess a = cluster.start("a");
 * a.later(Duration.ZERO, () -> a.lock("orders").acquireAsync().thenAccept(hold -> {
 *     a.watch(hold);
 *     a.later(Duration.ofSeconds(2), hold::close);
 * }));
 * cluster.strike(Drawn.PAUSE, a, Duration.ofSeconds(30));
 * cluster.runFor(Duration.ofMinutes(1));
 * cluster.assertKept();
 * }</pre>
 *
 * <p>There is one thread, the one that calls {@link #runFor}; nothing may block it, so locks are taken by {@code acquireAsync}
 * and {@code enqueue} only, and what blocks throws {@link IllegalStateException}. Not thread-safe.
 */
public final class SimulatedCluster {

    private static final long LATENCY_NANOS = World.MILLI;
    private static final Duration STEP = Duration.ofMillis(10);

    /** So much is noted before it is judged and forgotten: a run may be as long as one likes. */
    private static final int MOST_NOTES = 20_000;

    private final World world;
    private final Luck luck;
    private final Mix mix = new Mix();
    private final Weather weather = new Weather(LATENCY_NANOS);
    private final Invariants invariants;
    private final Notes notes;
    private final SimServer server;
    private final Network network;
    private final Adversary adversary;
    private final ClientSettings settings;
    private final List<SimulatedProcess> running = new ArrayList<>();

    /** A cluster in good health at time zero, whose clients have sessions of 5 s and requests of 1 s. */
    public SimulatedCluster(long seed) {
        world = new World(seed, true);
        luck = world.fork();
        invariants = new Invariants(List.of(), Set.of(), world::violated);
        notes = new Notes(world, Set.of());
        invariants.whenLost(notes::lost);
        server = new SimServer(world, weather, invariants, notes, mix);
        network = new Network(world, weather, server, invariants, notes, mix);
        adversary = new Adversary(world, server, network, invariants, notes, mix, new Fleet());
        settings = ClientSettings.of(5, World.SECOND, "simulation");
        world.afterEach(this::afterEvent);
    }

    private void afterEvent() {
        running.forEach(SimulatedProcess::look);
        invariants.afterEvent();
        if (notes.size() > MOST_NOTES) {
            notes.turnOver(mix);
        }
    }

    /** Starts a process of that name, with a client of its own that connects at once. */
    public SimulatedProcess start(String name) {
        SimClock clock = new SimClock(world, luck.nextLong() >> 2, luck.between(-5_000, 5_000), 0);
        SimulatedProcess process = new SimulatedProcess(
                new SimProcess(world, name, clock, network, invariants, notes, settings, luck.fork()),
                invariants,
                notes,
                server,
                running::remove);
        running.add(process);
        return process;
    }

    /** How much virtual time has gone by. */
    public Duration now() {
        return Duration.ofNanos(world.nowNanos());
    }

    /** Lets so much virtual time go by, or less if a promise is broken. */
    public void runFor(Duration time) {
        world.runUntil(world.nowNanos() + time.toNanos());
    }

    /**
     * Lets time go by until the condition holds; it is looked at every 10 ms of virtual time.
     *
     * @return whether it held in that time
     */
    public boolean runUntil(BooleanSupplier condition, Duration atMost) {
        long endNanos = world.nowNanos() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (world.nowNanos() >= endNanos || world.violation() != null) {
                return false;
            }
            runFor(STEP);
        }
        return true;
    }

    // ---------------------------------------------------------------------------------------------------- faults

    /** The faults that {@link #strike} knows. */
    public static Set<Drawn> faults() {
        return new TreeSet<>(Adversary.faults());
    }

    /** The faults that {@link #setChance} knows. */
    public static Set<Drawn> faultsOfMessages() {
        return new TreeSet<>(Weather.OF_MESSAGES);
    }

    /**
     * Something goes wrong now: for that process, or for the cluster as a whole; then any process will do.
     *
     * @param time how long it lasts, if it does
     * @throws IllegalArgumentException if it is not one of {@link #faults}
     */
    public void strike(Drawn fault, SimulatedProcess victim, Duration time) {
        if (!Adversary.faults().contains(fault)) {
            throw new IllegalArgumentException(fault + " does not strike; these do: " + faults());
        }
        adversary.strike(fault, victim.process(), time.toNanos());
    }

    /**
     * From now on each message meets that fault with that probability, 0 to 1.
     *
     * @throws IllegalArgumentException if it is not one of {@link #faultsOfMessages}
     */
    public void setChance(Drawn fault, double probability) {
        weather.set(fault, probability);
    }

    /** Everything is as it should be from now on, but for processes that are paused. */
    public void heal() {
        Weather.OF_MESSAGES.forEach(fault -> weather.set(fault, 0));
        network.heal();
        server.calm();
    }

    // ---------------------------------------------------------------------------------------------------- verdict

    /** What went wrong so far, and how often. */
    public Mix drawn() {
        return mix;
    }

    /** One number over everything that happened; equal for equal seeds and equal calls. */
    public long trace() {
        return world.trace();
    }

    /**
     * Every promise was kept so far: one owner at a time in etcd's record, acquires fenced, entries named when deleted,
     * deadlines moved by confirmed renewals only, and of the {@linkplain SimulatedProcess#watch watched} holds that they are the
     * ones whose turn it was, that their tokens grow, that no two were believed in at a time and none past its time. May be
     * called as often as one likes.
     *
     * @throws AssertionError with what is wrong and the last events, if not
     */
    public void assertKept() {
        if (world.violation() == null) {
            notes.checkSoFar(mix);
        }
        String violation = world.violation();
        if (violation != null) {
            throw new AssertionError(violation + "\n  " + String.join("\n  ", world.log()));
        }
    }

    /** What is noted of this run. */
    Notes notes() {
        return notes;
    }

    private final class Fleet implements Adversary.Fleet {
        @Override
        public List<SimProcess> running() {
            return running.stream().map(SimulatedProcess::process).toList();
        }

        @Override
        public void crash(SimProcess process) {
            of(process).crash();
        }

        @Override
        public void leave(SimProcess process) {
            of(process).leave();
        }

        private SimulatedProcess of(SimProcess process) {
            return running.stream()
                    .filter(each -> each.process() == process)
                    .findFirst()
                    .orElseThrow();
        }
    }
}
