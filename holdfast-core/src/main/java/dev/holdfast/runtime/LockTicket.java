package dev.holdfast.runtime;

import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Ticket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A place in a queue, with a future for its turn. */
final class LockTicket implements Ticket, Waiter.Continuation {

    private final LockClient client;
    private final Waiter waiter;

    /** The turn, for {@link #await}: completed by whoever grants. */
    private final CompletableFuture<LockHold> turn = new CompletableFuture<>();

    /** The turn for the user: completed on the client's executor, where his dependents may run. */
    private final CompletableFuture<Hold> grant = new CompletableFuture<>();

    /** Written before the turn is looked at, and read after it came: so either side sees the other. */
    private volatile boolean isClosed;

    /** @param owner the thread that will own the hold; null for handles */
    @SuppressWarnings(
            "FutureReturnValueIgnored") // What close() throws here concerns nobody: the user gave up the turn.
    LockTicket(LockClient client, LocalQueue queue, LockOptions options, @Nullable Thread owner) {
        this.client = client;
        this.waiter = new Waiter(queue, options, this, owner);
        grant.whenComplete((hold, failure) -> {
            if (failure != null) {
                // Cancelled, or ended by the user in some other way, such as orTimeout.
                close();
            }
        });
    }

    void enter() {
        waiter.queue.enter(waiter);
    }

    @Override
    public void onGranted(LockHold hold) {
        turn.complete(hold);
        client.complete(() -> {
            boolean isTaken = grant.complete(hold);
            if ((isClosed || !isTaken) && !hold.isReleased()) {
                giveBack(hold);
            }
        });
    }

    /** Nobody has it, so nobody is told what becomes of it: it may be lost already. */
    static void giveBack(LockHold hold) {
        try {
            hold.close();
        } catch (LockException ofNobody) {
            // Whoever runs this did not ask for the hold.
        }
    }

    @Override
    public void onFailed(RuntimeException failure) {
        turn.completeExceptionally(failure);
        client.complete(() -> grant.completeExceptionally(failure));
    }

    @Override
    public CompletableFuture<Hold> grant() {
        return grant;
    }

    @Override
    public Optional<Hold> await(Duration timeout) throws InterruptedException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout must not be negative, but is " + timeout);
        }
        if (!turn.isDone()) {
            client.requireNotOnLoop();
        }
        try {
            return Optional.of(turn.get(nanosOf(timeout), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LockException.Refused refused) {
                throw refused;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public int localPosition() {
        return waiter.queue.position(waiter);
    }

    @Override
    public boolean cancel() {
        if (!waiter.cancel()) {
            return false;
        }
        turn.cancel(false);
        client.complete(() -> grant.completeExceptionally(new CancellationException("the ticket was cancelled")));
        return true;
    }

    @Override
    public void close() {
        isClosed = true;
        if (!cancel() && turn.isDone() && !turn.isCompletedExceptionally()) {
            turn.join().close();
        }
    }

    /** Nanoseconds, as many as fit. */
    static long nanosOf(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException tooLong) {
            return Long.MAX_VALUE;
        }
    }
}
