package dev.holdfast.runtime;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Loss;
import dev.holdfast.Ticket;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What locks do for a thread that waits, for callers who have none: a simulation in which nobody may block. The locks and
 * holds must be those of a {@link LockClient}.
 */
public final class Threadless {

    private Threadless() {}

    /**
     * Takes the lock as {@link DistributedLock#tryAcquire()} does. Cancelling the future gives up the attempt; if it is
     * granted all the same, the hold is given back.
     *
     * @return completes with what the blocking method returns or throws
     */
    public static CompletableFuture<Optional<Hold>> tryAcquire(DistributedLock lock) {
        return ((LockHandle) lock).tryAcquireAsync();
    }

    /**
     * What a blocking call tries first: takes the lock if it is kept here and nobody wants it.
     *
     * @param owner the thread that owns the hold then; null for nobody
     * @return null if the lock has to be waited for
     */
    public static @Nullable Hold takeIdle(DistributedLock lock, @Nullable Thread owner) {
        return ((LockHandle) lock).takeIdle(owner);
    }

    /** Enters the queue for a thread, which owns the hold from its grant on as if it had come back from {@code lock()}. */
    public static Ticket enqueue(DistributedLock lock, Thread owner) {
        return ((LockHandle) lock).enqueue(owner);
    }

    /**
     * What {@link Hold#close()} of a hold with synchronous release waits for: completes, after the hold was closed, when its
     * entry is surely gone, with the loss if it was gone before; null for other holds.
     */
    public static @Nullable CompletableFuture<Optional<Loss>> released(Hold hold) {
        return ((LockHold) hold).releaseDone();
    }
}
