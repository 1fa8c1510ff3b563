package dev.holdfast.testkit.simulation;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.runtime.ClientSettings;
import dev.holdfast.runtime.LockClient;
import dev.holdfast.runtime.Threadless;
import dev.holdfast.spi.Transport;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One life of one process: a whole client with an event loop, an executor for callbacks and threads of its user's, all on
 * one clock. It ends by a crash, after which nothing of it runs, or by closing the client.
 */
final class SimProcess {

    /** After so long a process that is closing exits, whether or not etcd has answered. */
    private static final long CLOSE_PATIENCE_NANOS = 3 * World.SECOND;

    private final World world;
    private final String name;
    private final SimClock clock;
    private final Lane loop;
    private final Lane callbacks;
    private final Lane users;
    private final Transport transport;
    private final LockClient client;
    private final Map<String, DistributedLock> locks = new LinkedHashMap<>();
    private final long ttlNanos;
    private final Set<Long> leases = new LinkedHashSet<>();
    private final boolean isDirect;
    private long decidedNanos;
    private long undisturbedSinceNanos;
    private boolean isDown;
    private boolean isClosing;

    SimProcess(
            World world,
            String name,
            SimClock clock,
            Network network,
            Invariants invariants,
            Notes notes,
            ClientSettings settings,
            Luck luck) {
        this.world = world;
        this.name = name;
        this.clock = clock;
        this.ttlNanos = settings.sessionTtlSeconds() * World.SECOND;
        long slowness = luck.chance(0.2) ? World.MILLI : 20 * World.MICRO;
        Luck costs = luck.fork();
        loop = new Lane(world, name, "loop", () -> costs.between(0, slowness));
        callbacks = new Lane(world, name, "callback", () -> costs.between(0, slowness));
        users = new Lane(world, name, "user", () -> 0);
        transport = network.transportOf(this);
        // Some users have their futures completed where they are, on the event loop.
        isDirect = luck.chance(0.2);
        Executor completions = isDirect ? Runnable::run : callbacks;
        client = new LockClient(
                settings,
                new SimScheduler(world, name, clock, loop, luck.fork()),
                transport,
                completion -> complete(completions, completion),
                callbacks,
                () -> {},
                bug -> world.violated("the client of " + name + " found a bug: " + Failures.text(bug)));
        loop.afterEach(() -> {
            notes.look(name, client.sessions(), clock.nanoTime());
            if (loop.isIdle()) {
                invariants.onLoopIdle(name, clock.nanoTime());
            }
        });
        client.start();
    }

    private void complete(Executor completions, Runnable completion) {
        long nanos = clock.nanoTime();
        completions.execute(() -> {
            decidedNanos = nanos;
            completion.run();
        });
    }

    /** Takes the lock if it is kept here and nobody wants it, as a blocking call does first; null if it is not. */
    @Nullable
    Hold takeIdle(DistributedLock lock, @Nullable Thread owner) {
        decidedNanos = clock.nanoTime();
        return Threadless.takeIdle(lock, owner);
    }

    /** When the client decided on what its user is being told right now, by its clock. */
    long decidedNanos() {
        return decidedNanos;
    }

    /** Whether its user is told at once. */
    boolean isDirect() {
        return isDirect;
    }

    static ClientSettings settings(Luck luck) {
        return ClientSettings.of(
                        (int) (long) luck.oneOf(List.of(2L, 3L, 5L, 10L)),
                        luck.oneOf(List.of(500L, 1_000L, 3_000L)) * World.MILLI,
                        "simulation")
                .withLocksPerLease(luck.oneOf(List.of(1, 2, ClientSettings.LOCKS_PER_LEASE)));
    }

    String name() {
        return name;
    }

    SimClock clock() {
        return clock;
    }

    /** A handle, the same one for the same name and options: what is not referred to might be collected at any time. */
    DistributedLock lock(String lock, LockOptions options, String optionsName) {
        return locks.computeIfAbsent(lock + " " + optionsName, k -> client.lock(lock, options));
    }

    /** A handle of its own, to be referred to by whoever asked for it. */
    DistributedLock newLock(String lock, LockOptions options) {
        return client.lock(lock, options);
    }

    /** Runs something on a thread of the user's. */
    void later(long delayNanos, Runnable task) {
        world.after(delayNanos, "later", name, () -> users.execute(task));
    }

    /** The leases it was granted. */
    Set<Long> leases() {
        return leases;
    }

    long ttlNanos() {
        return ttlNanos;
    }

    boolean isDown() {
        return isDown;
    }

    boolean isLeaving() {
        return isDown || isClosing;
    }

    boolean isPaused() {
        return loop.isPaused() || users.isPaused();
    }

    /** Since when everything of it runs, or from when on. */
    long undisturbedSinceNanos() {
        return undisturbedSinceNanos;
    }

    // ---------------------------------------------------------------------------------------------------- faults

    private void disturb(long nanos) {
        undisturbedSinceNanos = Math.max(undisturbedSinceNanos, world.nowNanos() + nanos);
    }

    /** Nothing runs for this time, which goes on: a collection of garbage, a frozen virtual machine. */
    void pause(long nanos) {
        disturb(nanos);
        loop.pause();
        callbacks.pause();
        users.pause();
        world.after(nanos, "resume", name, () -> {
            loop.resume();
            callbacks.resume();
            users.resume();
        });
    }

    /** The event loop alone does not run. */
    void pauseLoop(long nanos) {
        disturb(nanos);
        loop.pause();
        world.after(nanos, "resume", name, loop::resume);
    }

    /** The executor of callbacks does not run: whoever is granted a lock hears of it late. */
    void pauseCallbacks(long nanos) {
        disturb(nanos);
        callbacks.pause();
        world.after(nanos, "resume", name, callbacks::resume);
    }

    /** The host sleeps: nothing runs, and the monotonic clock stands still. */
    void suspend(long nanos) {
        if (clock.isSuspended()) {
            return;
        }
        clock.suspend();
        world.after(nanos, "wake up", name, clock::wakeUp);
        pause(nanos);
    }

    /** Everything of it is gone at once. */
    void crash() {
        isDown = true;
        loop.kill();
        callbacks.kill();
        users.kill();
        transport.close();
    }

    /** Closes the client, and exits when that is done or takes too long. */
    void leave(Runnable onExit) {
        if (isLeaving()) {
            return;
        }
        isClosing = true;
        client.close();
        Runnable exit = () -> {
            if (!isDown) {
                crash();
                onExit.run();
            }
        };
        var unused = client.revoked().whenComplete((done, failure) -> world.after(0, "exit", name, exit));
        world.after(clock.trueNanos(CLOSE_PATIENCE_NANOS), "exit", name, exit);
    }
}
