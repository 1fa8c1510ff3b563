package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A run of many requests on one log. Before every single operation of its disk, and in the middle of every write, it is looked
 * at what a crash right there would leave: the process killed, or the power gone and of what was not forced nothing, all, or
 * any part on the disk. From each of these the log must open with what was answered, and go on.
 */
final class CrashRun {
    private static final List<SimulatedDisk.Survival> SURVIVALS = List.of(SimulatedDisk.Survival.values());

    private final long seed;
    private final int requests;
    private final boolean thorough;
    private final UnaryOperator<Disk> between;
    private final Random random;
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final SimulatedDisk disk = new SimulatedDisk();
    private @Nullable LoggedEngine engine;

    /**
     * @param thorough every way to crash at every place, in recovery at every place, too; otherwise at every place some of
     *     each, drawn from the seed
     * @param between what is put between the log and its disk
     */
    CrashRun(long seed, int requests, boolean thorough, UnaryOperator<Disk> between) {
        this.seed = seed;
        this.requests = requests;
        this.thorough = thorough;
        this.between = between;
        random = new Random(seed);
    }

    /** Runs it. Throws {@link AssertionError} at the first crash that loses something, or cannot be got over. */
    CrashRun run() throws IOException {
        disk.beforeEach(this::crashBefore);
        LoggedEngine running = LoggedEngine.open(between.apply(disk), seed);
        engine = running;
        while (running.requests() < requests) {
            running.turn();
        }
        disk.beforeEach(operation -> {});
        running.log().close();
        return this;
    }

    /** What is left of it. */
    SimulatedDisk disk() {
        return disk;
    }

    ByteString answered() {
        return running().answered();
    }

    Map<String, Integer> mix() {
        return running().mix();
    }

    /** How often a crash was followed by what. */
    Map<String, Integer> outcomes() {
        return outcomes;
    }

    int operations() {
        return disk.operations();
    }

    private LoggedEngine running() {
        if (engine == null) {
            throw new IllegalStateException("not running");
        }
        return engine;
    }

    private void crashBefore(String operation) {
        if (operation.startsWith("open")) {
            return; // changes nothing
        }
        String when = "seed " + seed + ", before disk operation " + disk.operations() + " (" + operation + ")";
        crash(disk.afterKill(), when, true);
        int bytes = disk.bytesOfWrite();
        if (bytes > 1) {
            int taken = 1 + random.nextInt(bytes - 1);
            // The mark is a part of one sector, which no disk writes by halves; if one does, that must be said.
            boolean mayBeTorn = !operation.endsWith(CommandLog.MARK);
            crash(disk.afterKillInWrite(taken), when + ", " + taken + " bytes of it done", mayBeTorn);
        }
    }

    /** The process is killed; perhaps the power fails as well. */
    private void crash(SimulatedDisk killed, String when, boolean mustOpen) {
        int drawn = random.nextInt(SURVIVALS.size() + 1);
        if (thorough || drawn == SURVIVALS.size()) {
            restart(killed.afterKill(), when + ", killed", mustOpen);
        }
        for (SimulatedDisk.Survival survival : SURVIVALS) {
            boolean opens = mustOpen && survival != SimulatedDisk.Survival.TORN_SECTORS;
            boolean isOne = survival == SimulatedDisk.Survival.NOTHING || survival == SimulatedDisk.Survival.EVERYTHING;
            for (int i = 0; i < (thorough && !isOne ? 3 : 1); i++) {
                if (thorough || drawn == SURVIVALS.indexOf(survival) || survival == SimulatedDisk.Survival.NOTHING) {
                    restart(killed.afterPowerFailure(survival, random), when + ", power failure, " + survival, opens);
                }
            }
        }
    }

    private void restart(SimulatedDisk left, String when, boolean mustOpen) {
        if (thorough) {
            for (int operation = recoveryOperations(left, when, mustOpen); operation >= 0; operation--) {
                crashInRecovery(left, operation, when, mustOpen);
            }
        } else if (random.nextInt(4) == 0) {
            crashInRecovery(left, random.nextInt(recoveryOperations(left, when, mustOpen) + 1), when, mustOpen);
        }
        LoggedEngine after = open(left, when, mustOpen);
        if (after == null) {
            return;
        }
        ByteString state = LoggedEngine.state(after.engine());
        requireAnswered(state, when);
        if (thorough || random.nextInt(4) == 0) {
            // What it came back with is safe by now, and it goes on from there.
            SimulatedDisk again = left.afterPowerFailure(SimulatedDisk.Survival.NOTHING, random);
            requireSame(again, state, when + ", and once more the power failed");
            goOn(after, left, when);
        }
    }

    private void goOn(LoggedEngine after, SimulatedDisk left, String when) {
        try {
            after.turn();
            after.log().close();
        } catch (IOException | RuntimeException e) {
            throw new AssertionError(when + ": it does not go on", e);
        }
        requireSame(left, after.answered(), when + ", a turn later");
        count("went on");
    }

    private void crashInRecovery(SimulatedDisk left, int operation, String when, boolean mustOpen) {
        SimulatedDisk stopping = left.afterKill().stopAt(operation);
        try {
            LoggedEngine.open(between.apply(stopping), seed);
            return; // it takes fewer operations
        } catch (SimulatedDisk.Stopped e) {
            count("crashed in recovery");
        } catch (IOException e) {
            refused(when, e, mustOpen);
            return;
        }
        SimulatedDisk.Survival survival = SURVIVALS.get(random.nextInt(SURVIVALS.size() - 1));
        SimulatedDisk next = random.nextBoolean() ? stopping.afterKill() : stopping.afterPowerFailure(survival, random);
        String again = when + ", and in recovery before operation " + operation + ", " + survival;
        LoggedEngine after = open(next, again, mustOpen);
        if (after != null) {
            requireAnswered(LoggedEngine.state(after.engine()), again);
        }
    }

    private int recoveryOperations(SimulatedDisk left, String when, boolean mustOpen) {
        SimulatedDisk counted = left.afterKill();
        open(counted, when, mustOpen);
        return counted.operations();
    }

    private @Nullable LoggedEngine open(SimulatedDisk left, String when, boolean mustOpen) {
        try {
            LoggedEngine opened = LoggedEngine.open(between.apply(left), seed);
            count("opened");
            return opened;
        } catch (IOException e) {
            refused(when, e, mustOpen);
            return null;
        }
    }

    private void refused(String when, IOException e, boolean mustOpen) {
        if (mustOpen || !(e instanceof DataDirectoryException)) {
            throw new AssertionError(when + ": it does not open", e);
        }
        count("refused");
    }

    private void requireSame(SimulatedDisk left, ByteString state, String when) {
        LoggedEngine after = open(left, when, true);
        if (after == null || !LoggedEngine.state(after.engine()).equals(state)) {
            throw new AssertionError(when + ": it has come back as something else");
        }
    }

    private void requireAnswered(ByteString state, String when) {
        ByteString answered = engine == null ? null : engine.answered();
        if (answered == null) {
            count("before anything was answered");
        } else if (state.equals(answered)) {
            count("as answered");
        } else if (state.equals(running().underWay())) {
            count("with the turn under way");
        } else {
            throw new AssertionError(when + ": it has come back as something that never was, or has lost an answer");
        }
    }

    private void count(String outcome) {
        outcomes.merge(outcome, 1, Integer::sum);
    }

    /** Readable in a report. */
    @Override
    public String toString() {
        return "seed " + seed + ": " + requests + " requests " + mix() + ", " + disk.operations() + " disk operations "
                + List.of(outcomes);
    }
}
