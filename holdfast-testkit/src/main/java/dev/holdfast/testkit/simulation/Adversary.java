package dev.holdfast.testkit.simulation;

import dev.holdfast.embedded.Engine;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Brings the faults that strike a process or the server as a whole: which of them a run knows is drawn from its seed. */
final class Adversary {

    /** What the simulation lets it do to the fleet. */
    interface Fleet {
        List<SimProcess> running();

        void crash(SimProcess process);

        void leave(SimProcess process);
    }

    private static final List<Drawn> FAULTS = List.of(
            Drawn.PARTITION,
            Drawn.ONE_WAY_PARTITION,
            Drawn.PAUSE,
            Drawn.PAUSE_OF_TTL,
            Drawn.PAUSE_OF_LOOP,
            Drawn.SLOW_CONSUMER,
            Drawn.SUSPEND,
            Drawn.CRASH,
            Drawn.CLOSE_CLIENT,
            Drawn.WALL_CLOCK_STEP,
            Drawn.WALL_CLOCK_THERE_AND_BACK,
            Drawn.LEADER_CHANGE,
            Drawn.STALL,
            Drawn.STUCK_LEADER,
            Drawn.LAGGING_MEMBER,
            Drawn.COMPACTION,
            Drawn.NO_SPACE,
            Drawn.LEASE_REVOKED,
            Drawn.ENTRY_DELETED,
            Drawn.ENTRY_FORCED,
            Drawn.QUEUE_DELETED,
            Drawn.RESTORE);

    /** Where they have an effect. */
    private static final Set<Drawn> COUNTED_ELSEWHERE =
            Set.of(Drawn.CRASH, Drawn.CLOSE_CLIENT, Drawn.STUCK_LEADER, Drawn.RESTORE);

    private final World world;
    private final Luck luck;
    private final SimServer server;
    private final Network network;
    private final Invariants invariants;
    private final Notes notes;
    private final Mix mix;
    private final Fleet fleet;
    private final List<Drawn> enabled = new ArrayList<>();
    private final long meanNanos;
    private boolean isOver;
    private boolean isRestoring;

    Adversary(
            World world, SimServer server, Network network, Invariants invariants, Notes notes, Mix mix, Fleet fleet) {
        this.world = world;
        this.luck = world.fork();
        this.server = server;
        this.network = network;
        this.invariants = invariants;
        this.notes = notes;
        this.mix = mix;
        this.fleet = fleet;
        if (luck.chance(0.9)) {
            double share = luck.oneOf(List.of(0.1, 0.3, 0.6));
            FAULTS.stream().filter(fault -> luck.chance(share)).forEach(enabled::add);
        }
        // A wall clock that is set back while the monotonic one stands still leaves nothing to tell the time by.
        if (enabled.contains(Drawn.SUSPEND)) {
            enabled.remove(Drawn.WALL_CLOCK_STEP);
            enabled.remove(Drawn.WALL_CLOCK_THERE_AND_BACK);
        }
        meanNanos = luck.oneOf(List.of(300L, 1_000L, 4_000L)) * World.MILLI;
    }

    List<Drawn> enabled() {
        return enabled;
    }

    /** The faults that can be brought. */
    static List<Drawn> faults() {
        return FAULTS;
    }

    void start() {
        if (!enabled.isEmpty()) {
            world.after(luck.around(meanNanos), "fault", "world", this::strike);
        }
    }

    void stop() {
        isOver = true;
    }

    private void strike() {
        if (isOver) {
            return;
        }
        List<SimProcess> running = fleet.running();
        if (!running.isEmpty()) {
            Drawn fault = luck.oneOf(enabled);
            strike(fault, luck.oneOf(running));
        }
        start();
    }

    private void strike(Drawn fault, SimProcess victim) {
        strike(fault, victim, luck.around(luck.oneOf(List.of(50L, 500L, 3_000L)) * World.MILLI));
    }

    /**
     * Brings that fault now.
     *
     * @param nanos how long it lasts, if it does
     */
    void strike(Drawn fault, SimProcess victim, long nanos) {
        int member = luck.index(Network.MEMBERS.size());
        world.note("world", "fault", fault.name().hashCode(), () -> "%s %s m%d for %.3f s"
                .formatted(fault, victim.name(), member, nanos / 1e9));
        switch (fault) {
            case PARTITION -> {
                boolean isTotal = luck.chance(0.5);
                for (int i = 0; i < Network.MEMBERS.size(); i++) {
                    if (isTotal || i == member) {
                        network.cut(victim.name(), i, true, true, nanos);
                    }
                }
            }
            case ONE_WAY_PARTITION -> {
                boolean isToServer = luck.chance(0.5);
                boolean isTotal = luck.chance(0.7);
                // From one member alone also for longer than a lease lives: the others keep it alive meanwhile.
                long forNanos = isTotal || luck.chance(0.5) ? nanos : nanos + luck.between(1, 2) * victim.ttlNanos();
                for (int i = 0; i < Network.MEMBERS.size(); i++) {
                    if (isTotal || i == member) {
                        network.cut(victim.name(), i, isToServer, !isToServer, forNanos);
                    }
                }
            }
            case PAUSE -> victim.pause(nanos);
            // As long as the lease lives, or as its holder believes in it, or a moment less or more.
            case PAUSE_OF_TTL ->
                victim.pause(victim.ttlNanos()
                        - luck.oneOf(List.of(0L, Math.max(500 * World.MILLI, victim.ttlNanos() / 20)))
                        + luck.between(-1, 1) * luck.between(0, World.MILLI));
            case PAUSE_OF_LOOP -> victim.pauseLoop(nanos);
            case SLOW_CONSUMER -> victim.pauseCallbacks(nanos);
            case SUSPEND -> victim.suspend(nanos);
            case CRASH -> fleet.crash(victim);
            case CLOSE_CLIENT -> fleet.leave(victim);
            case WALL_CLOCK_STEP -> victim.clock().stepWall(luck.between(-20_000, 20_000));
            // Somebody sets the time, sees that it is wrong, and sets it back: often before anybody has looked.
            case WALL_CLOCK_THERE_AND_BACK -> {
                long millis = luck.between(1_000, 20_000);
                victim.clock().stepWall(millis);
                world.after(Math.min(nanos, World.SECOND), "back", victim.name(), () -> victim.clock()
                        .stepWall(-millis));
            }
            case LEADER_CHANGE -> server.changeLeader();
            case STALL -> server.stall(nanos);
            case STUCK_LEADER -> server.stick(member, nanos);
            case LAGGING_MEMBER -> server.lag(member, nanos);
            case COMPACTION -> server.compact(luck.oneOf(List.of(0L, 3L, 100L)));
            case RESTORE -> {
                if (!isRestoring) {
                    isRestoring = true;
                    Engine snapshot = server.snapshot();
                    world.after(nanos, "restore", "server", () -> {
                        isRestoring = false;
                        if (!isOver) {
                            mix.count(Drawn.RESTORE);
                            server.restore(snapshot);
                            network.restart();
                        }
                    });
                }
            }
            case NO_SPACE -> {
                server.setNoSpace(true);
                world.after(nanos, "space", "server", () -> server.setNoSpace(false));
            }
            case LEASE_REVOKED -> {
                List<Long> sessions = invariants.sessionsThere();
                if (!sessions.isEmpty()) {
                    long lease = luck.oneOf(sessions);
                    invariants.excuseLease(lease);
                    notes.leaseTaken(lease);
                    server.revoke(lease);
                }
            }
            case ENTRY_DELETED, ENTRY_FORCED -> {
                List<String> entries = invariants.entriesThere();
                if (!entries.isEmpty()) {
                    String entry = luck.oneOf(entries);
                    taken(entry);
                    String key = keyOf(entry);
                    if (fault == Drawn.ENTRY_FORCED) {
                        server.release(key, createdOf(entry));
                    } else {
                        server.delete(key);
                    }
                }
            }
            // All of a lock at once, as an operator does who knows nothing better: the entry and whatever is before it
            // go in one revision.
            case QUEUE_DELETED -> {
                List<String> entries = invariants.entriesThere();
                if (!entries.isEmpty()) {
                    String one = luck.oneOf(entries);
                    String prefix = one.substring(0, one.lastIndexOf('/') + 1);
                    entries.stream().filter(each -> each.startsWith(prefix)).forEach(this::taken);
                    server.deleteAll(prefix);
                }
            }
            default -> throw new IllegalStateException("not one of these faults: " + fault);
        }
        if (!COUNTED_ELSEWHERE.contains(fault)) {
            mix.count(fault);
        }
    }

    private void taken(String entry) {
        invariants.excuseEntry(entry);
        notes.entryTaken(keyOf(entry), createdOf(entry));
    }

    private static String keyOf(String entry) {
        return entry.substring(0, entry.lastIndexOf('@'));
    }

    private static long createdOf(String entry) {
        return Long.parseLong(entry.substring(entry.lastIndexOf('@') + 1));
    }
}
