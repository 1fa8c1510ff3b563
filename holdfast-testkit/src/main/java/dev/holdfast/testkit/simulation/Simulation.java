package dev.holdfast.testkit.simulation;

import dev.holdfast.history.History;
import dev.holdfast.runtime.ClientSettings;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import dev.holdfast.testkit.simulation.Workload.Style;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One run: some processes, a few locks, a bad network and a bad server, all drawn from the seed. First everything goes
 * wrong that this run knows; then the faults stop and everybody who waits must be granted; then the clients are closed and
 * nothing may be left in etcd.
 *
 * <pre>{@code
 * Simulation.Result result = Simulation.run(42);
 * if (result.failure().isPresent()) { ... }
 * }</pre>
 */
public final class Simulation {

    /**
     * What a run came to.
     *
     * @param trace one number over everything that happened; equal for equal seeds
     * @param events how many events it had
     * @param virtualNanos how long it took in virtual time
     * @param operations how many things its users began to do; at least {@link #LEAST_OPERATIONS} unless its users were so
     *     slow that it was ended after {@link #LONGEST_STORM}
     * @param mix what was drawn
     * @param failure what is wrong, with everything needed to look into it; null if nothing is
     */
    public record Result(
            long seed,
            long trace,
            long events,
            long virtualNanos,
            long operations,
            Mix mix,
            @Nullable String failure) {}

    /** A run goes on, with all its faults, until its users have begun so many operations. */
    public static final int LEAST_OPERATIONS = 200;

    /** But no longer than this, in virtual time. */
    public static final Duration LONGEST_STORM = Duration.ofSeconds(90);

    /** By then a session has looked for entries of its own that it does not know of. */
    private static final long LONGEST_SWEEP_NANOS = 37 * World.SECOND;

    /** By then a lock that nobody uses has been given back, by the clock of the process that keeps it. */
    private static final long LONGEST_KEPT_NANOS = 31 * World.SECOND;

    /** Long enough for a process to exit, and too short for a lease of the longest TTL to run out. */
    private static final long EXIT_NANOS = 6_500 * World.MILLI;

    /** With the faults over and somebody waiting, this long without anything happening is too long. */
    private static final long STUCK_NANOS = 60 * World.SECOND;

    /**
     * With the faults over, a lock that nobody in its process wants is given to those who wait for it within this time: the
     * queue is looked at every 6 s at least, by a clock that may be half as fast, and what is asked then may take 3 s.
     */
    private static final long KEPT_NANOS = 20 * World.SECOND;

    /** The margin is 5 % of the TTL or more; a little of it is for what is rounded. */
    private static final long WITHIN_MARGIN_PPM = 49_000;

    private static final int LOG_LINES_SHOWN = 150;

    private final long seed;
    private final boolean isLogging;
    private final World world;
    private final Luck luck;
    private final Mix mix = new Mix();
    private final Weather weather;
    private final Invariants invariants;
    private final Notes notes;
    private final SimServer server;
    private final Network network;
    private final Workload workload;
    private final Adversary adversary;
    private final List<OtherLanguage> others = new ArrayList<>();
    private final ClientSettings settings;
    private final List<@Nullable SimProcess> slots = new ArrayList<>();
    private final int callers;

    /** How many parts per million clocks go wrong at most. */
    private final long mostPpm;

    private final List<String> locks;

    /** The entries that stand before others though nobody in their process wants the lock, and since when. */
    private final Map<String, Long> keptSinceNanos = new HashMap<>();

    private int lives;
    private boolean isRestarting = true;

    private Simulation(long seed, boolean isLogging) {
        this.seed = seed;
        this.isLogging = isLogging;
        world = new World(seed, isLogging);
        luck = world.fork();
        weather = new Weather(world.fork());
        Map<String, Style> styles = new TreeMap<>();
        boolean isCrowded = luck.chance(0.1);
        if (isCrowded && luck.chance(0.5)) {
            // Whoever is far back in a long queue hears of one entry alone.
            weather.loseEvents(0.03);
        }
        for (String name : List.of("red", "red/light", "blue").subList(0, (int) luck.between(1, 3))) {
            styles.put(name, isCrowded ? Style.STRICT : luck.oneOf(List.of(Style.values())));
        }
        locks = List.copyOf(styles.keySet());
        invariants = new Invariants(locks, Workload.shared(styles), world::violated);
        notes = new Notes(world, styles.keySet());
        server = new SimServer(world, weather, invariants, notes, mix);
        network = new Network(world, weather, server, invariants, notes, mix);
        workload = new Workload(world, styles, invariants, notes, server, mix);
        invariants.whenLost(claim -> {
            notes.lost(claim);
            workload.lost(claim);
        });
        adversary = new Adversary(world, server, network, invariants, notes, mix, new Fleet());
        if (luck.chance(0.2)) {
            mix.count(Drawn.NESTED_KEYS);
            // Enough of them for a range with a limit to show nothing else.
            server.nest(locks.get(0), (int) luck.between(1, 12));
        }
        if (luck.chance(0.15)) {
            others.add(new OtherLanguage(world, server, mix, luck.oneOf(locks)));
        }
        settings = SimProcess.settings(luck);
        callers = isCrowded ? (int) luck.between(8, 16) : (int) luck.between(1, 4);
        mostPpm = drawMostPpm();
        world.afterEach(invariants::afterEvent);
    }

    private long drawMostPpm() {
        if (luck.chance(0.1)) {
            mix.count(Drawn.CLOCK_RATE);
            return WITHIN_MARGIN_PPM;
        }
        if (luck.chance(0.05)) {
            // Half as fast up to half as fast again: S3 is best effort, and here nothing is left of it.
            mix.count(Drawn.CLOCK_RATE_BEYOND);
            invariants.clocksAreUnsound();
            notes.clocksAreUnsound();
            return 500_000;
        }
        return 10_000;
    }

    /** Runs one seed. If it fails, it is run once more to write down what happened. */
    public static Result run(long seed) {
        Result result = runOnce(seed);
        return result.failure == null ? result : new Simulation(seed, true).run();
    }

    /** Runs one seed. The report of a failure has no log: {@link #run} of the same seed gives one. */
    public static Result runOnce(long seed) {
        return new Simulation(seed, false).run();
    }

    /** The histories of a run, as its checkers were given them. */
    static List<History> histories(long seed) {
        Simulation simulation = new Simulation(seed, false);
        simulation.run();
        List<History> all = new ArrayList<>(simulation.notes.histories());
        all.add(simulation.notes.ofClients());
        return all;
    }

    private Result run() {
        int processes = (int) luck.between(3, 5);
        for (int i = 0; i < processes; i++) {
            slots.add(null);
            boot(i);
        }
        adversary.start();
        world.runUntil(luck.between(5, 20) * World.SECOND);
        while (world.violation() == null
                && mix.operations() < LEAST_OPERATIONS
                && world.nowNanos() < LONGEST_STORM.toNanos()) {
            world.runUntil(world.nowNanos() + World.SECOND);
        }
        long operations = mix.operations();

        calm();
        while (world.violation() == null && !workload.isQuiet()) {
            if (world.nowNanos() - workload.lastProgressNanos() > STUCK_NANOS) {
                world.violated("L: nothing goes on any more, but: " + workload.whoIsLeft() + ", there are "
                        + invariants.entriesThere());
            }
            requireNothingKeptFromOthers();
            world.runUntil(world.nowNanos() + World.SECOND);
        }
        long longestKept = LONGEST_KEPT_NANOS * 1_000_000 / (1_000_000 - mostPpm);
        world.runUntil(world.nowNanos() + Math.max(LONGEST_SWEEP_NANOS, longestKept) + 4 * World.SECOND);
        if (!invariants.entriesThere().isEmpty()) {
            world.violated("L: nobody wants anything, but there are " + invariants.entriesThere());
        }

        for (SimProcess process : running()) {
            leave(process);
        }
        world.runUntil(world.nowNanos() + EXIT_NANOS);
        if (!running().isEmpty()) {
            world.violated("L: processes do not exit");
        }
        if (world.violation() == null) {
            invariants.atEnd();
        }
        if (server.leaseCount() > 0) {
            world.violated("L: leases are left over");
        }
        if (world.violation() == null) {
            notes.check(mix);
        }
        for (long i = 0; i < invariants.strays(); i++) {
            mix.count(Drawn.STRAY);
        }
        return new Result(seed, world.trace(), world.happened(), world.nowNanos(), operations, mix, failure());
    }

    private void requireNothingKeptFromOthers() {
        Set<String> kept = new HashSet<>();
        for (String lock : locks) {
            Claim first = invariants.inFrontOfOthers(lock);
            if (first != null && isRunning(first.process()) && !workload.isWanted(lock, first.process())) {
                kept.add(first.key());
                long since = keptSinceNanos.computeIfAbsent(first.key(), key -> world.nowNanos());
                if (world.nowNanos() - since > KEPT_NANOS) {
                    world.violated("L: " + first.process() + " keeps '" + lock
                            + "', which nobody there wants, from others: " + first.key());
                }
            }
        }
        keptSinceNanos.keySet().retainAll(kept);
    }

    private boolean isRunning(String process) {
        return running().stream().anyMatch(each -> each.name().equals(process));
    }

    /** The faults stop, and whoever waits is waited for. */
    private void calm() {
        world.note("world", "calm", 0, () -> "no faults from now on");
        isRestarting = false;
        notes.calm();
        adversary.stop();
        weather.calm();
        network.heal();
        server.calm();
        workload.stop();
        others.forEach(OtherLanguage::stop);
    }

    // ---------------------------------------------------------------------------------------------------- fleet

    private void boot(int slot) {
        SimClock clock =
                new SimClock(world, luck.nextLong() >> 2, luck.between(-5_000, 5_000), luck.between(-mostPpm, mostPpm));
        SimProcess process = new SimProcess(
                world, "p" + slot + "." + lives++, clock, network, invariants, notes, settings, luck.fork());
        slots.set(slot, process);
        workload.start(process, slot, callers);
    }

    private List<SimProcess> running() {
        List<SimProcess> running = new ArrayList<>();
        for (SimProcess each : slots) {
            if (each != null && !each.isLeaving()) {
                running.add(each);
            }
        }
        return running;
    }

    private void leave(SimProcess process) {
        mix.count(Drawn.CLOSE_CLIENT);
        world.note(process.name(), "leaves", 0, () -> "");
        process.leave(() -> gone(process));
    }

    private void gone(SimProcess process) {
        workload.onExit(process);
        int slot = slots.indexOf(process);
        slots.set(slot, null);
        if (isRestarting) {
            world.after(luck.around(World.SECOND), "boot", "p" + slot, () -> {
                if (isRestarting) {
                    boot(slot);
                }
            });
        }
    }

    private final class Fleet implements Adversary.Fleet {
        @Override
        public List<SimProcess> running() {
            return Simulation.this.running();
        }

        @Override
        public void crash(SimProcess process) {
            mix.count(Drawn.CRASH);
            process.crash();
            gone(process);
        }

        @Override
        public void leave(SimProcess process) {
            Simulation.this.leave(process);
        }
    }

    // ---------------------------------------------------------------------------------------------------- failure

    private @Nullable String failure() {
        String violation = world.violation();
        if (violation == null) {
            return null;
        }
        StringBuilder text = new StringBuilder("seed ")
                .append(seed)
                .append(" at ")
                .append(world.nowNanos() / 1e9)
                .append(" s: ")
                .append(violation)
                .append("\nfaults: ")
                .append(adversary.enabled())
                .append("\nweather: ")
                .append(weather)
                .append("\nsettings: ")
                .append(settings)
                .append("\ndrawn: ")
                .append(mix)
                .append("\nreplay: mvn -pl holdfast-testkit -am test")
                .append(" -Dtest=SimulationTest#everyInvariantHolds_inEverySeed")
                .append(" -Dsurefire.failIfNoSpecifiedTests=false -Dholdfast.sim.seed=")
                .append(seed);
        if (isLogging) {
            List<String> log = world.log();
            log.subList(Math.max(0, log.size() - LOG_LINES_SHOWN), log.size())
                    .forEach(line -> text.append("\n  ").append(line));
        }
        return text.toString();
    }
}
