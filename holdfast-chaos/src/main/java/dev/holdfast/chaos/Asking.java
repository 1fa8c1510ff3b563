package dev.holdfast.chaos;

import dev.holdfast.Hold;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a hold answers when it is asked where it stands.
 *
 * @param isHeld whether it said so
 * @param claim what it claimed; null if it said that it is lost
 */
record Asking(boolean isHeld, Operation.@Nullable Claimed claim) {

    private static final Asking LOST = new Asking(false, null);

    /** Asks; every answer but that of a loss is a claim, whatever it is worth. */
    static Asking of(Hold hold, String who, String lock, Token token) {
        return of(hold::state, hold::remaining, JavaWorker.lease(hold.key()), who, lock, token);
    }

    /**
     * As {@link #of(Hold, String, String, Token)}.
     *
     * @param state asks for the hold's state
     * @param remaining asks for the time that it has left
     * @param lease of the hold's entry
     */
    static Asking of(
            Supplier<Hold.State> state,
            Supplier<Duration> remaining,
            String lease,
            String who,
            String lock,
            Token token) {
        long asked = System.nanoTime();
        if (state.get() == Hold.State.LOST) {
            return LOST;
        }
        // Added to a time from before it was read: a pause in between makes the deadline too early, never too late.
        long before = System.nanoTime();
        long left = remaining.get().toNanos();
        if (left > 0) {
            return new Asking(true, new Operation.Claimed(asked, who, lock, token, before + left, lease));
        }
        // Nothing is left any more. It may have ended between the two questions, but from here on it must say so.
        long askedAgain = System.nanoTime();
        if (state.get() != Hold.State.LOST) {
            return new Asking(true, new Operation.Claimed(askedAgain, who, lock, token, before, lease));
        }
        // What it said first it said before its deadline, which is known to come after the question.
        return new Asking(false, new Operation.Claimed(asked, who, lock, token, asked + 1, lease));
    }
}
