package dev.holdfast.testkit.simulation;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.LossReason;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** One process on a {@link SimulatedCluster}: a Holdfast client, and whatever its user does with it. Not thread-safe. */
public final class SimulatedProcess {

    private final SimProcess process;
    private final Invariants invariants;
    private final Notes notes;
    private final SimServer server;
    private final Consumer<SimulatedProcess> onExit;
    private final List<Watched> watched = new ArrayList<>();
    private long watches;

    /** A hold that is looked after. */
    private record Watched(String who, Hold hold, Claim claim) {}

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
     * From now on, and until it is closed or lost, it is looked after that the hold is what it claims to be. To be called
     * once, by the process that was granted it, where it was granted.
     */
    public void watch(Hold hold) {
        look();
        String who = name() + "#" + watches++;
        Claim claim = new Claim(
                name(), hold.lockName(), hold.key(), hold.token(), () -> isBelieved(hold), process.clock()::nanoTime);
        boolean counts = invariants.onGrant(claim, server.revision(), process.decidedNanos(), 0);
        invariants.onAsked(claim, hold.remaining().toNanos());
        notes.requested(who, hold.lockName());
        if (!isBelieved(hold)) {
            notes.gaveUp(who, hold.lockName());
            invariants.onClosed(claim);
            return;
        }
        notes.granted(who, claim, counts);
        watched.add(new Watched(who, hold, claim));
        hold.onLost(loss -> {
            if (loss.reason() == LossReason.CLUSTER_REGRESSED) {
                invariants.onRestoreSeen(claim);
            }
        });
    }

    private static boolean isBelieved(Hold hold) {
        return hold.state() == Hold.State.HELD || hold.state() == Hold.State.AT_RISK;
    }

    /** Looks which of the watched holds were closed; after every event. */
    void look() {
        watched.removeIf(each -> {
            if (each.hold.state() == Hold.State.RELEASED) {
                notes.released(each.claim);
                invariants.onClosed(each.claim);
                return true;
            }
            // Invariants tells of the loss, and forgets it with the deadline.
            return each.hold.state() == Hold.State.LOST;
        });
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
        watched.forEach(each -> notes.killed(each.who));
        watched.clear();
        notes.exited(name());
        onExit.accept(this);
    }

    /** Whether it has crashed or exited. */
    public boolean isDown() {
        return process.isDown();
    }
}
