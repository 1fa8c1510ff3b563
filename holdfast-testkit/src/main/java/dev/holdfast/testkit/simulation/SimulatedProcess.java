package dev.holdfast.testkit.simulation;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.time.Duration;
import java.util.function.Consumer;

/** One process on a {@link SimulatedCluster}: a Holdfast client, and whatever its user does with it. Not thread-safe. */
public final class SimulatedProcess {

    private final SimProcess process;
    private final Invariants invariants;
    private final Notes notes;
    private final SimServer server;
    private final Consumer<SimulatedProcess> onExit;
    private long watched;

    SimulatedProcess(
            SimProcess process,
            Invariants invariants,
            Notes notes,
            SimServer server,
            Consumer<SimulatedProcess> onExit) {
        this.process = process;
        this.invariants = invariants;
        this.notes = notes;
        this.server = server;
        this.onExit = onExit;
    }

    SimProcess process() {
        return process;
    }

    public String name() {
        return process.name();
    }

    /** A handle of that lock with default options; its promises are looked after from now on. */
    public DistributedLock lock(String name) {
        return lock(name, LockOptions.defaults());
    }

    /** A handle of that lock; its promises are looked after from now on. */
    public DistributedLock lock(String name, LockOptions options) {
        invariants.follow(name);
        notes.follow(name);
        return process.newLock(name, options);
    }

    /** Runs something on a thread of the process's after that time, or when the process is not paused any more. */
    public void later(Duration delay, Runnable task) {
        process.later(delay.toNanos(), task);
    }

    /**
     * From now on, and until it is closed, it is looked after that the hold is what it claims to be. To be called where it
     * was granted.
     */
    public void watch(Hold hold) {
        String who = name() + "#" + watched++;
        Claim claim = new Claim(
                name(),
                hold.lockName(),
                hold.key(),
                hold.token(),
                () -> hold.state() == Hold.State.HELD || hold.state() == Hold.State.AT_RISK,
                process.clock()::nanoTime);
        notes.requested(who, hold.lockName());
        notes.granted(who, claim);
        invariants.onGrant(claim, server.revision());
    }

    /** It is gone at once, with everything of it. */
    public void crash() {
        if (!process.isDown()) {
            process.crash();
            gone();
        }
    }

    /** It closes its client, and exits when etcd has answered or a few seconds later. */
    public void leave() {
        process.leave(this::gone);
    }

    private void gone() {
        invariants.onCrash(name());
        onExit.accept(this);
    }

    /** Whether it has crashed or exited. */
    public boolean isDown() {
        return process.isDown();
    }
}
