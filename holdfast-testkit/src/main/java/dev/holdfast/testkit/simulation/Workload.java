package dev.holdfast.testkit.simulation;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.runtime.Threadless;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * What the users of the processes do: callers who think, enter the queue of a lock, perhaps give up, hold, look whether
 * they still hold, write under the guard of the hold, and release.
 */
final class Workload {

    /** How a lock's callers take it. */
    enum Style {
        SHARED,
        STRICT,
        MIXED
    }

    /** A queue with more entries than this is a long one: whoever is at its end does not look at all of it any more. */
    private static final int LONG_QUEUE = 20;

    private final World world;
    private final Luck luck;
    private final Invariants invariants;
    private final Notes notes;
    private final SimServer server;
    private final Mix mix;
    private final Map<String, Style> locks;
    private final List<String> names;
    private final long thinkNanos;
    private final long holdNanos;
    private final long longHoldNanos;
    private final double longHold;
    private final double cancel;
    private final double commit;
    private final boolean isCaching;

    /** How often the users of a process want the lock that is theirs rather than any. */
    private final double loyalty;

    private final Map<SimProcess, String> favourites = new HashMap<>();
    private final Set<Turn> turns = new LinkedHashSet<>();
    private long turnsMade;
    private boolean isOver;
    private long lastProgressNanos;

    Workload(World world, Map<String, Style> locks, Invariants invariants, Notes notes, SimServer server, Mix mix) {
        this.world = world;
        this.luck = world.fork();
        this.invariants = invariants;
        this.notes = notes;
        this.server = server;
        this.mix = mix;
        this.locks = new TreeMap<>(locks);
        this.names = List.copyOf(this.locks.keySet());
        this.thinkNanos = luck.oneOf(List.of(0L, 50L, 300L, 1_000L)) * World.MILLI;
        this.holdNanos = luck.oneOf(List.of(1L, 5L, 50L)) * World.MILLI;
        this.longHoldNanos = luck.oneOf(List.of(500L, 2_000L)) * World.MILLI;
        this.longHold = luck.oneOf(List.of(0.1, 0.3));
        this.cancel = luck.oneOf(List.of(0.0, 0.1, 0.3));
        this.commit = luck.oneOf(List.of(0.0, 0.3));
        this.isCaching = luck.chance(0.8);
        this.loyalty = luck.oneOf(List.of(0.0, 0.0, 0.97));
    }

    /** The locks whose callers of one process always share one entry. */
    static Set<String> shared(Map<String, Style> locks) {
        Set<String> shared = new LinkedHashSet<>();
        locks.forEach((name, style) -> {
            if (style == Style.SHARED) {
                shared.add(name);
            }
        });
        return shared;
    }

    /** Callers of this process begin. Of as many processes as there are locks, each has another favourite. */
    void start(SimProcess process, int slot, int callers) {
        favourites.put(process, names.get(slot % names.size()));
        for (int i = 0; i < callers; i++) {
            think(process);
        }
    }

    /** Nobody begins anything any more; what was begun goes on to its end. */
    void stop() {
        isOver = true;
        lastProgressNanos = world.nowNanos();
    }

    /** The process is gone: nobody of it waits or holds any more. */
    void onExit(SimProcess process) {
        favourites.remove(process);
        turns.removeIf(turn -> {
            boolean isOfIt = turn.process == process;
            if (isOfIt) {
                notes.killed(turn.who);
            }
            return isOfIt;
        });
        invariants.onCrash(process.name());
    }

    /** Whether nobody waits or holds. */
    boolean isQuiet() {
        return turns.isEmpty();
    }

    /** Whether somebody of that process wants the lock: waits for it, holds or releases it. */
    boolean isWanted(String lock, String process) {
        return turns.stream()
                .anyMatch(turn -> turn.lock.equals(lock) && turn.process.name().equals(process));
    }

    /** Who waits or holds. */
    List<String> whoIsLeft() {
        return turns.stream().map(Turn::toString).toList();
    }

    /** From now on that hold says that it is lost. */
    void lost(Claim claim) {
        for (Turn turn : turns) {
            if (claim.equals(turn.claim)) {
                turn.lostSinceNanos = world.nowNanos();
            }
        }
    }

    long lastProgressNanos() {
        return lastProgressNanos;
    }

    private void think(SimProcess process) {
        process.later(luck.around(thinkNanos) + luck.between(0, World.MILLI), () -> begin(process));
    }

    private void begin(SimProcess process) {
        if (isOver || process.isLeaving()) {
            return;
        }
        String favourite = favourites.get(process);
        String name = favourite != null && luck.chance(loyalty) ? favourite : luck.oneOf(names);
        Turn turn = new Turn(process, name);
        turns.add(turn);
        turn.enqueue();
    }

    /** One caller's way through the queue. */
    private final class Turn {
        private final SimProcess process;
        private final String lock;
        private final String who;
        private @Nullable Hold hold;
        private @Nullable Claim claim;

        /** The lock, if a thread owns the hold. All of a process are one thread here; the last who was granted counts. */
        private @Nullable DistributedLock ofThread;

        private Duration minHold = Duration.ZERO;
        private int entries = 1;
        private long grantedNanos;
        private long lostSinceNanos = Long.MAX_VALUE;
        private boolean isTold;
        private String state = "waits";

        Turn(SimProcess process, String lock) {
            this.process = process;
            this.lock = lock;
            this.who = process.name() + "#" + turnsMade++;
        }

        void enqueue() {
            Style style = locks.getOrDefault(lock, Style.SHARED);
            boolean isStrict = style == Style.STRICT || (style == Style.MIXED && luck.chance(0.5));
            DistributedLock handle = isStrict ? strict() : shared();
            notes.requested(who, lock);
            if (invariants.length(lock) > LONG_QUEUE) {
                mix.count(Drawn.LONG_QUEUE);
            }
            if (!isStrict && luck.chance(0.6) && takeIdle(handle)) {
                return;
            }
            if (luck.chance(0.15)) {
                tryToTake(handle);
                return;
            }
            boolean isCancelled = luck.chance(cancel);
            long patience = luck.oneOf(List.of(1L, 20L, 1_000L)) * World.MILLI;
            CompletableFuture<Hold> grant;
            mix.count(isStrict ? Drawn.ENQUEUE_STRICT : Drawn.ENQUEUE);
            if (luck.chance(0.3)) {
                mix.count(Drawn.ACQUIRE_ASYNC);
                grant = handle.acquireAsync();
                if (isCancelled) {
                    process.later(luck.around(patience), () -> {
                        if (grant.cancel(false)) {
                            mix.count(Drawn.CANCEL_FUTURE);
                        }
                    });
                }
            } else {
                Ticket ticket;
                if (luck.chance(0.3)) {
                    mix.count(Drawn.ENQUEUE_THREAD);
                    ofThread = handle;
                    ticket = Threadless.enqueue(handle, Thread.currentThread());
                } else {
                    ticket = handle.enqueue();
                }
                grant = ticket.grant();
                if (isCancelled) {
                    process.later(luck.around(patience), () -> {
                        if (ticket.cancel()) {
                            mix.count(Drawn.CANCEL_TICKET);
                        }
                    });
                }
            }
            // Whatever is thrown in a dependent is swallowed by the future: so it only posts.
            var unused = grant.whenComplete((granted, failure) -> {
                if (granted != null) {
                    granted(granted);
                } else if (failure != null) {
                    process.later(0, () -> failed(failure));
                }
            });
        }

        private boolean takeIdle(DistributedLock handle) {
            boolean isForThread = luck.chance(0.3);
            Hold idle = process.takeIdle(handle, isForThread ? Thread.currentThread() : null);
            if (idle == null) {
                return false;
            }
            mix.count(Drawn.ENQUEUE);
            mix.count(Drawn.TAKEN_AT_ONCE);
            ofThread = isForThread ? handle : null;
            granted(idle);
            return true;
        }

        private void tryToTake(DistributedLock handle) {
            mix.count(Drawn.TRY);
            state = "tries";
            var unused = Threadless.tryAcquire(handle).whenComplete((taken, failure) -> {
                if (taken != null && taken.isPresent()) {
                    mix.count(Drawn.TRY_TOOK);
                    granted(taken.get());
                } else if (taken != null) {
                    mix.count(Drawn.TRY_BUSY);
                    process.later(0, this::gaveUp);
                } else if (cause(failure) instanceof LockException.Indeterminate) {
                    mix.count(Drawn.TRY_INDETERMINATE);
                    process.later(0, this::gaveUp);
                } else if (failure != null) {
                    process.later(0, () -> failed(failure));
                }
            });
        }

        private DistributedLock strict() {
            return process.lock(lock, LockOptions.defaults().strictFifo(), "strict");
        }

        private DistributedLock shared() {
            LockOptions options =
                    isCaching ? LockOptions.defaults() : LockOptions.defaults().withoutCaching();
            return switch (luck.index(5)) {
                case 0 -> process.lock(lock, options.withHandOverBudget(1), "budget of 1");
                case 1 -> {
                    minHold = Duration.ofMillis(300);
                    yield process.lock(lock, options.withMinHold(minHold), "minHold 300 ms");
                }
                case 2 -> process.lock(lock, options.withMaxHold(Duration.ofMillis(700)), "maxHold");
                case 3 -> process.lock(lock, options.withSynchronousRelease(), "synchronous");
                default -> process.lock(lock, options, "default");
            };
        }

        /* At the moment of the grant, or when the executor came to it. */
        private void granted(Hold given) {
            try {
                hold = given;
                state = "holds";
                grantedNanos = world.nowNanos();
                lastProgressNanos = world.nowNanos();
                Claim made = new Claim(
                        process.name(),
                        lock,
                        given.key(),
                        given.token(),
                        () -> isBelieved(given),
                        process.clock()::nanoTime);
                claim = made;
                boolean isBelieved = isBelieved(given);
                world.note(
                        process.name(),
                        "granted",
                        given.token().asLong(),
                        () -> made + (isBelieved ? "" : ", too late"));
                mix.count(given.token().sequence() > 0 ? Drawn.GRANTED_BY_HAND_OVER : Drawn.GRANTED);
                if (!isBelieved) {
                    mix.count(Drawn.GRANTED_TOO_LATE);
                }
                boolean counts = invariants.onGrant(made, server.revision(), process.decidedNanos(), minHold.toNanos());
                invariants.onAsked(made, given.remaining().toNanos());
                if (process.isDirect() && given.remaining().compareTo(minHold) <= 0) {
                    world.violated("I8: " + made + " was granted for " + given.remaining() + ", where more than "
                            + minHold + " were wanted");
                }
                if (isBelieved) {
                    notes.granted(who, made, counts);
                } else {
                    notes.gaveUp(who, lock);
                }
                given.onLost(loss -> {
                    mix.count(Drawn.LOST);
                    isTold = true;
                    if (loss.reason() == LossReason.CLUSTER_REGRESSED) {
                        requireOlderOnesLost();
                    }
                    if (loss.reason() == LossReason.FORCED) {
                        mix.count(Drawn.LOST_BY_FORCE);
                    } else if (loss.reason() == LossReason.CLUSTER_REGRESSED) {
                        invariants.onRestoreSeen(made);
                    }
                    if (loss.detail().contains("somebody else wrote the session key")) {
                        world.violated("L: " + made + " is lost for a reason that is not true: " + loss);
                    }
                    world.note(process.name(), "told", 0, loss::toString);
                });
                if (luck.chance(commit)) {
                    process.later(luck.chance(0.5) ? 0 : luck.around(holdNanos), () -> commit(given));
                }
                if (ofThread != null && luck.chance(0.5)) {
                    process.later(luck.around(holdNanos / 2), () -> reenter(given));
                }
                process.later(holdFor(), this::finish);
            } catch (RuntimeException | Error e) {
                world.violated(Failures.text(e));
            }
        }

        private boolean isOfThread(DistributedLock handle, Hold held) {
            return handle.holdCount() > 0 && handle.hold() == held;
        }

        private void reenter(Hold held) {
            DistributedLock handle = ofThread;
            if (handle == null || held.state() == Hold.State.RELEASED || !isOfThread(handle, held)) {
                return;
            }
            mix.count(Drawn.REENTER);
            boolean wasBelieved = isBelieved(held);
            try {
                handle.lock();
                entries++;
                Claim mine = claim;
                if (mine != null) {
                    notes.reentered(who, mine, entries);
                }
                if (!wasBelieved || handle.holdCount() != entries || handle.hold() != held) {
                    world.violated(claim + " was entered again and is " + handle.holdCount() + " x " + handle.hold());
                }
            } catch (LockException.Lost lost) {
                if (wasBelieved) {
                    world.violated(claim + " is believed in, but cannot be entered again: " + lost.loss());
                }
            }
        }

        /* Gives back every entry; the last one releases the hold. */
        private void close(Hold held, Claim made) {
            DistributedLock handle = ofThread;
            if (handle == null || !isOfThread(handle, held)) {
                notes.released(made);
                held.close();
                return;
            }
            for (; entries > 1; entries--) {
                try {
                    if (isBelieved(held)) {
                        notes.exited(who, made, entries - 1);
                    }
                    handle.unlock();
                } catch (LockException.Lost lost) {
                    if (isBelieved(held)) {
                        world.violated(claim + " is believed in, but an inner unlock says: " + lost.loss());
                    }
                }
                if (handle.holdCount() != entries - 1) {
                    world.violated(claim + " has " + handle.holdCount() + " entries, not " + (entries - 1));
                }
            }
            notes.released(made);
            handle.unlock();
        }

        private long holdFor() {
            if (!isOver && luck.chance(longHold)) {
                return luck.around(longHoldNanos);
            }
            return luck.chance(0.2) ? 0 : luck.around(holdNanos);
        }

        private void commit(Hold held) {
            if (held.state() == Hold.State.RELEASED) {
                return;
            }
            mix.count(Drawn.COMMIT);
            String value = Invariants.guardedValue(held.token(), held.key());
            var unused = held.commit(Transaction.of().put(Invariants.DATA + lock, value))
                    .whenComplete((done, failure) -> {
                        Throwable cause = cause(failure);
                        if (cause == null) {
                            mix.count(Drawn.COMMITTED);
                        } else if (cause instanceof LockException.Lost) {
                            mix.count(Drawn.COMMIT_SAID_LOST);
                        } else if (cause instanceof LockException.Refused) {
                            mix.count(Drawn.COMMIT_REFUSED);
                        } else if (cause instanceof LockException.Indeterminate) {
                            mix.count(Drawn.COMMIT_INDETERMINATE);
                        } else {
                            world.violated("a commit ended with " + Failures.text(cause));
                        }
                    });
        }

        private void finish() {
            Hold held = hold;
            Claim made = claim;
            if (held == null || made == null) {
                return;
            }
            if (luck.chance(0.3)) {
                mix.count(Drawn.CHECK_STATE);
                invariants.onAsked(made, held.remaining().toNanos());
                if (isBelieved(held)) {
                    notes.claimed(who, made, held.remaining().toNanos());
                }
            }
            if (luck.chance(commit)) {
                // And lets go without waiting for the outcome: the next hold must not come before it.
                commit(held);
            }
            boolean isKnownLost = false;
            try {
                mix.count(Drawn.RELEASE);
                close(held, made);
                world.note(process.name(), "closed", held.token().asLong(), made::toString);
            } catch (LockException.Lost lost) {
                isKnownLost = true;
                requireTold();
                mix.count(Drawn.CLOSE_SAID_LOST);
                world.note(process.name(), "closed", held.token().asLong(), () -> made + ": " + lost.loss());
            }
            if (isBelieved(held)) {
                world.violated(made + " says it is held after it was closed");
            }
            invariants.onClosed(made);
            CompletableFuture<Optional<Loss>> gone = Threadless.released(held);
            if (gone == null || isKnownLost) {
                over();
                return;
            }
            // Its release is synchronous: a thread would wait until it is known that the entry is gone.
            state = "is releasing";
            var unused = gone.thenAccept(loss -> {
                mix.count(loss.isEmpty() ? Drawn.RELEASE_CONFIRMED : Drawn.RELEASE_FOUND_LOST);
                process.later(0, this::over);
            });
        }

        /* What one session finds out about the cluster is true of all that there were. */
        private void requireOlderOnesLost() {
            for (Turn other : turns) {
                Hold theirs = other.hold;
                if (other.process == process
                        && theirs != null
                        && other.grantedNanos < grantedNanos
                        && isBelieved(theirs)) {
                    world.violated("L: " + claim + " was lost because the cluster went back, and not " + other.claim);
                }
            }
        }

        /* The loop looks at the clocks at every renewal at least. */
        private void requireTold() {
            long patienceNanos = process.ttlNanos() / 3 + World.SECOND;
            if (!isTold
                    && world.nowNanos() - lostSinceNanos > patienceNanos
                    && world.nowNanos() - process.undisturbedSinceNanos() > patienceNanos) {
                world.violated("L: " + claim + " was lost long ago, and nobody has told its holder");
            }
        }

        private void failed(Throwable failure) {
            Throwable cause = cause(failure);
            if (cause instanceof CancellationException) {
                mix.count(Drawn.CANCELLED);
            } else if (cause instanceof LockException.Refused) {
                mix.count(Drawn.FAILED);
                world.note(process.name(), "failed", 0, () -> "caller of '" + lock + "': " + cause.getMessage());
                if (!process.isLeaving()) {
                    world.violated("L: a caller was refused by a client in service: " + cause.getMessage());
                }
            } else {
                world.violated("a caller got " + Failures.text(failure));
            }
            gaveUp();
        }

        private void gaveUp() {
            notes.gaveUp(who, lock);
            over();
        }

        private void over() {
            state = "is over";
            lastProgressNanos = world.nowNanos();
            turns.remove(this);
            think(process);
        }

        @Override
        public String toString() {
            return process.name() + " " + state + " " + lock + (claim == null ? "" : ", " + claim);
        }
    }

    private static @Nullable Throwable cause(@Nullable Throwable failure) {
        return failure instanceof CompletionException wrapped && wrapped.getCause() != null
                ? wrapped.getCause()
                : failure;
    }

    private static boolean isBelieved(Hold hold) {
        Hold.State state = hold.state();
        return state == Hold.State.HELD || state == Hold.State.AT_RISK;
    }
}
