package dev.holdfast.cli.demo;

import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Ticket;
import dev.holdfast.cli.DurationText;
import dev.holdfast.cli.demo.Happening.Mood;
import dev.holdfast.cli.demo.Happening.Noted;
import dev.holdfast.cli.demo.Happening.Said;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One of those who contend: it tries to get the lock, works with it, gives it back, and tells what it does.
 *
 * <p>What it tells of its hold is its belief, measured from the inside: the grant after the lock was handed over, the
 * release before it is given back. Confined to the thread that runs it, but for the word of a lost hold.
 */
final class Worker {

    private final int number;
    private final String name;
    private final Scenario scenario;
    private final DistributedLock lock;
    private final Consumer<Happening> tell;

    Worker(int number, Scenario scenario, DistributedLock lock, Consumer<Happening> tell) {
        this.number = number;
        this.name = Scenario.nameOf(number);
        this.scenario = scenario;
        this.lock = lock;
        this.tell = tell;
    }

    /** A client for a worker, with a session of its own. */
    static Holdfast connect(int number, Scenario scenario, Cluster cluster, Owners owners) {
        return cluster.client()
                .application("holdfast demo")
                .instance(owners.instanceOf(number))
                .sessionTtl(scenario.ttl())
                .build();
    }

    /**
     * The scenario's lock. Every worker has an entry of its own in its queue, and sees its release through before it
     * disconnects.
     */
    static DistributedLock lock(Scenario scenario, Holdfast holdfast) {
        return holdfast.lock(
                scenario.lock(), LockOptions.defaults().strictFifo().withSynchronousRelease());
    }

    /** Plays the part. When interrupted, nothing is left in the queue. */
    void run() throws InterruptedException {
        try {
            Optional<Hold> hold = scenario.retry() == Retry.KEEP ? tryKeepingThePlace() : tryAfresh();
            if (hold.isPresent()) {
                work(hold.get());
            } else {
                note(new Operation.GaveUp(System.nanoTime(), name, scenario.lock()));
            }
        } catch (LockException e) {
            say(Mood.FAILS, String.valueOf(e.getMessage()));
        }
    }

    private Optional<Hold> tryKeepingThePlace() throws InterruptedException {
        requested();
        Ticket ticket = lock.enqueue();
        boolean taken = false;
        try {
            Optional<Hold> hold = Optional.empty();
            for (int attempt = 1; hold.isEmpty() && attempt <= scenario.tries(); attempt++) {
                say(Mood.WAITS, "waits, " + attemptOf(attempt));
                hold = ticket.await(scenario.tryFor());
                if (hold.isEmpty() && attempt < scenario.tries()) {
                    saysPause(attempt, "keeps its place");
                    hold = ticket.await(scenario.pauseFor());
                }
            }
            if (hold.isEmpty() && !ticket.cancel()) {
                hold = ticket.await(Duration.ZERO); // the turn came at the last moment
            }
            taken = hold.isPresent();
            return hold;
        } finally {
            if (!taken) {
                ticket.close();
            }
        }
    }

    private Optional<Hold> tryAfresh() throws InterruptedException {
        for (int attempt = 1; attempt <= scenario.tries(); attempt++) {
            requested();
            say(Mood.WAITS, "waits, " + attemptOf(attempt));
            Optional<Hold> hold = lock.tryAcquire(scenario.tryFor());
            if (hold.isPresent()) {
                return hold;
            }
            if (attempt < scenario.tries()) {
                saysPause(attempt, "loses its place");
                TimeUnit.NANOSECONDS.sleep(scenario.pauseFor().toNanos());
            }
        }
        return Optional.empty();
    }

    private void work(Hold hold) throws InterruptedException {
        Token token = tokenOf(hold.token());
        note(new Operation.Granted(System.nanoTime(), name, scenario.lock(), token, hold.key()));
        CountDownLatch lost = new CountDownLatch(1);
        hold.onLost(loss -> {
            note(new Operation.Lost(System.nanoTime(), name, scenario.lock(), token));
            say(Mood.UNCHANGED, loss.detail());
            lost.countDown();
        });
        Duration work = scenario.workOf(number);
        if (!scenario.isVictim(number)) {
            say(Mood.UNCHANGED, "works " + DurationText.rounded(work.toNanos()));
        }
        try {
            boolean wasLost = lost.await(work.toNanos(), TimeUnit.NANOSECONDS);
            if (wasLost) {
                say(Mood.UNCHANGED, "stops working: the hold was lost");
            }
        } finally {
            if (lost.getCount() > 0) {
                note(new Operation.Released(System.nanoTime(), name, scenario.lock(), token));
            }
            close(hold);
        }
    }

    private void close(Hold hold) {
        try {
            hold.close();
        } catch (LockException.Lost e) {
            say(Mood.UNCHANGED, "released what was lost: " + e.getMessage());
        }
    }

    private String attemptOf(int attempt) {
        return "try " + attempt + " of " + scenario.tries();
    }

    private void saysPause(int attempt, String place) {
        say(
                Mood.PAUSES,
                "not yet after " + DurationText.rounded(scenario.tryFor().toNanos()) + " (" + attemptOf(attempt)
                        + "), pauses "
                        + DurationText.rounded(scenario.pauseFor().toNanos()) + ", " + place);
    }

    private void requested() {
        note(new Operation.Requested(System.nanoTime(), name, scenario.lock()));
    }

    private void note(Operation.ByClient operation) {
        tell.accept(new Noted(operation));
    }

    private void say(Mood mood, String words) {
        tell.accept(new Said(System.nanoTime(), name, mood, words));
    }

    private static Token tokenOf(FencingToken token) {
        return new Token(token.clusterEpoch(), token.grantRevision(), token.sequence());
    }
}
