package dev.holdfast.testkit.simulation;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

    /** So often a holder looks whether he still holds. */
    private static final long LOOK_NANOS = 100 * World.MILLI;

    private final World world;
    private final Luck luck;
    private final Invariants invariants;
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
    private final Set<Turn> turns = new LinkedHashSet<>();
    private boolean isOver;
    private long lastProgressNanos;

    Workload(World world, Map<String, Style> locks, Invariants invariants, SimServer server, Mix mix) {
        this.world = world;
        this.luck = world.fork();
        this.invariants = invariants;
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

    /** Callers of this process begin. */
    void start(SimProcess process, int callers) {
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
        turns.removeIf(turn -> turn.process == process);
        invariants.onCrash(process.name());
    }

    /** Whether nobody waits or holds. */
    boolean isQuiet() {
        return turns.isEmpty();
    }

    /** Who waits or holds. */
    List<String> whoIsLeft() {
        return turns.stream().map(Turn::toString).toList();
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
        String name = luck.oneOf(names);
        Turn turn = new Turn(process, name);
        turns.add(turn);
        turn.enqueue();
    }

    /** One caller's way through the queue. */
    private final class Turn {
        private final SimProcess process;
        private final String lock;
        private @Nullable Hold hold;
        private @Nullable Claim claim;
        private boolean wasLost;
        private String state = "waits";

        Turn(SimProcess process, String lock) {
            this.process = process;
            this.lock = lock;
        }

        void enqueue() {
            Style style = locks.getOrDefault(lock, Style.SHARED);
            boolean isStrict = style == Style.STRICT || (style == Style.MIXED && luck.chance(0.5));
            DistributedLock handle = isStrict ? strict() : shared();
            mix.count(isStrict ? Drawn.ENQUEUE_STRICT : Drawn.ENQUEUE);
            boolean isCancelled = luck.chance(cancel);
            long patience = luck.oneOf(List.of(1L, 20L, 1_000L)) * World.MILLI;
            CompletableFuture<Hold> grant;
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
                Ticket ticket = handle.enqueue();
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

        private DistributedLock strict() {
            return process.lock(lock, LockOptions.defaults().strictFifo(), "strict");
        }

        private DistributedLock shared() {
            return switch (luck.index(5)) {
                case 0 -> process.lock(lock, LockOptions.defaults().withHandOverBudget(1), "budget of 1");
                case 1 ->
                    process.lock(lock, LockOptions.defaults().withMinHold(Duration.ofMillis(300)), "minHold 300 ms");
                case 2 -> process.lock(lock, LockOptions.defaults().withMaxHold(Duration.ofMillis(700)), "maxHold");
                case 3 -> process.lock(lock, LockOptions.defaults().withSynchronousRelease(), "synchronous");
                default -> process.lock(lock, LockOptions.defaults(), "default");
            };
        }

        /* At the moment of the grant, or when the executor came to it. */
        private void granted(Hold given) {
            try {
                hold = given;
                state = "holds";
                lastProgressNanos = world.nowNanos();
                Claim made = new Claim(
                        process.name(),
                        lock,
                        given.key(),
                        given.token(),
                        () -> isStillBelieved(given),
                        process.clock()::nanoTime);
                claim = made;
                boolean isBelieved = isStillBelieved(given);
                world.note(
                        process.name(),
                        "granted",
                        given.token().asLong(),
                        () -> made + (isBelieved ? "" : ", too late"));
                mix.count(given.token().sequence() > 0 ? Drawn.GRANTED_BY_HAND_OVER : Drawn.GRANTED);
                if (!isBelieved) {
                    mix.count(Drawn.GRANTED_TOO_LATE);
                }
                invariants.onGrant(made, server.revision());
                invariants.onAsked(made, given.remaining().toNanos());
                given.onLost(loss -> {
                    mix.count(Drawn.LOST);
                    if (loss.reason() == LossReason.FORCED) {
                        mix.count(Drawn.LOST_BY_FORCE);
                    }
                    if (loss.detail().contains("somebody else wrote the session key")) {
                        world.violated("L: " + made + " is lost for a reason that is not true: " + loss);
                    }
                    world.note(process.name(), "told", 0, loss::toString);
                });
                if (luck.chance(commit)) {
                    process.later(luck.chance(0.5) ? 0 : luck.around(holdNanos), () -> commit(given));
                }
                process.later(holdFor(), this::finish);
                process.later(LOOK_NANOS, () -> look(given));
            } catch (RuntimeException | Error e) {
                world.violated(Failures.text(e));
            }
        }

        /** As the hold says, which must not say "held" any more once it has said "lost". */
        private boolean isStillBelieved(Hold held) {
            boolean isBelieved = isBelieved(held);
            if (isBelieved && wasLost) {
                world.violated("S3: " + claim + " is held again after it was lost");
            }
            wasLost |= held.state() == Hold.State.LOST;
            return isBelieved;
        }

        /* Long holds look again and again. */
        private void look(Hold held) {
            if (held.state() != Hold.State.RELEASED && turns.contains(this)) {
                isStillBelieved(held);
                process.later(LOOK_NANOS, () -> look(held));
            }
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
            isStillBelieved(held);
            mix.count(Drawn.COMMIT);
            String token = Long.toString(held.token().asLong());
            var unused = held.commit(Transaction.of().put("data/" + lock, token))
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
            }
            if (luck.chance(commit)) {
                // And lets go without waiting for the outcome: the next hold must not come before it.
                commit(held);
            }
            try {
                mix.count(Drawn.RELEASE);
                held.close();
                world.note(process.name(), "closed", held.token().asLong(), made::toString);
            } catch (LockException.Lost lost) {
                mix.count(Drawn.CLOSE_SAID_LOST);
                world.note(process.name(), "closed", held.token().asLong(), () -> made + ": " + lost.loss());
            }
            if (isStillBelieved(held)) {
                world.violated(made + " says it is held after it was closed");
            }
            invariants.onClosed(made);
            over();
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
