package dev.holdfast.chaos;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A thread of a {@link JavaClient} that looks at what else is seen only from inside: it holds a lock that nobody else wants,
 * so that each move of its session's deadline is seen, and compares the wall clock with the monotonic one.
 */
final class Watch {

    private static final long PAUSE_NANOS = 20_000_000;
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** A step of the wall clock that is worth a note. */
    private static final long STEP_MILLIS = 200;

    private final String who;
    private final Holdfast holdfast;
    private final Notes notes;
    private final WireNotes wire;
    private long offMillis = ahead();

    Watch(String who, Holdfast holdfast, Notes notes, WireNotes wire) {
        this.who = who;
        this.holdfast = holdfast;
        this.notes = notes;
        this.wire = wire;
    }

    void run(BooleanSupplier isEnding) {
        DistributedLock own = holdfast.lock("only-" + who);
        while (!isEnding.getAsBoolean()) {
            lookAtClock();
            try {
                Optional<Hold> hold = own.tryAcquire(PATIENCE);
                if (hold.isPresent()) {
                    holding(hold.get(), isEnding);
                    hold.get().close();
                }
            } catch (LockException e) {
                // Lost, or not to be had now: again.
                LockSupport.parkNanos(PAUSE_NANOS);
            } catch (InterruptedException e) {
                throw new IllegalStateException("nobody interrupts it", e);
            }
        }
    }

    private void holding(Hold hold, BooleanSupplier isEnding) {
        Token token = new Token(
                hold.token().clusterEpoch(),
                hold.token().grantRevision(),
                hold.token().sequence());
        while (!isEnding.getAsBoolean()) {
            Asking answer = Asking.of(hold, who, hold.lockName(), token);
            Operation.Claimed claim = answer.claim();
            if (!answer.isHeld() || claim == null) {
                return;
            }
            wire.moved(claim);
            lookAtClock();
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void lookAtClock() {
        long now = ahead();
        if (Math.abs(now - offMillis) >= STEP_MILLIS) {
            notes.add(new Aside.ClockMoved(System.nanoTime(), who, now - offMillis));
            offMillis = now;
        }
    }

    /** The wall clock less the monotonic one, from any zero. */
    private static long ahead() {
        return System.currentTimeMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
