package dev.holdfast.testkit.simulation;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/** A thread of a simulated process: runs its tasks one after the other, each an event of its own. */
final class Lane implements Executor {

    private final World world;
    private final String who;
    private final String kind;
    private final LongSupplier costNanos;
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private Runnable afterEach = () -> {};
    private boolean isArmed;
    private int pauses;
    private boolean isDead;

    /** @param costNanos how long after the one before, or after its coming, a task runs */
    Lane(World world, String who, String kind, LongSupplier costNanos) {
        this.world = world;
        this.who = who;
        this.kind = kind;
        this.costNanos = costNanos;
    }

    /** Called after every task. */
    void afterEach(Runnable check) {
        afterEach = check;
    }

    @Override
    public void execute(Runnable task) {
        if (!isDead) {
            tasks.add(task);
            arm();
        }
    }

    private void arm() {
        if (!isArmed && pauses == 0 && !isDead && !tasks.isEmpty()) {
            isArmed = true;
            world.after(costNanos.getAsLong(), kind, who, this::runNext);
        }
    }

    private void runNext() {
        isArmed = false;
        if (pauses > 0 || isDead) {
            return;
        }
        tasks.remove().run();
        afterEach.run();
        arm();
    }

    /** Nothing runs until as many {@link #resume} as there were pauses. */
    void pause() {
        pauses++;
    }

    void resume() {
        pauses--;
        arm();
    }

    /** Whether whatever came has been done. */
    boolean isIdle() {
        return tasks.isEmpty();
    }

    boolean isPaused() {
        return pauses > 0;
    }

    /** Nothing runs any more. */
    void kill() {
        isDead = true;
        tasks.clear();
    }

    boolean isDead() {
        return isDead;
    }
}
