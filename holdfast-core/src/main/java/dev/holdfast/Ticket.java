package dev.holdfast;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A place in the queue of a lock. It survives its owner's time-outs and retries: waiting again goes on from the same
 * place, and the place survives a lost session as far as it can (a new session queues anew without the owner doing
 * anything). Thread-safe.
 */
public interface Ticket extends AutoCloseable {

    /**
     * The hold, once it is this ticket's turn. Completes exceptionally with {@link LockException.Refused} when it can
     * never come (the client was closed). Cancelling the future cancels the ticket.
     */
    CompletableFuture<Hold> grant();

    /**
     * Waits for the turn, keeping the place when it does not come in time.
     *
     * @return the hold, or empty when the time ran out; call again to go on waiting
     * @throws InterruptedException if interrupted; the place is kept, too
     * @throws LockException.Refused if the turn can never come
     * @throws java.util.concurrent.CancellationException if the ticket was cancelled
     */
    Optional<Hold> await(Duration timeout) throws InterruptedException;

    /**
     * How many callers of this process wait before this ticket; 0 when it is the next one here. Callers of other
     * processes are not counted.
     */
    int localPosition();

    /**
     * Leaves the queue; nothing is left behind. If the turn has come and the hold was not taken by {@link #await} or
     * {@link #grant}'s consumers, use {@link Hold#close} instead.
     *
     * @return whether the ticket left the queue before its turn came
     */
    boolean cancel();

    /** {@link #cancel()}; and if the turn has come, releases the hold unless that was done already. */
    @Override
    void close();
}
