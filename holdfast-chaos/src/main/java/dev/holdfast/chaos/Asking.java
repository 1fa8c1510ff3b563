package dev.holdfast.chaos;

import dev.holdfast.Hold;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
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
        String lease = JavaWorker.lease(hold.key());
        long asked = System.nanoTime();
        if (hold.state() == Hold.State.LOST) {
            return LOST;
        }
        // Added to a time from before it was read: a pause in between makes the deadline too early, never too late.
        long before = System.nanoTime();
        long left = hold.remaining().toNanos();
        if (left > 0) {
            return new Asking(true, new Operation.Claimed(asked, who, lock, token, before + left, lease));
        }
        // Nothing is left any more. It may have ended between the two questions, but from here on it must say so.
        long askedAgain = System.nanoTime();
        if (hold.state() != Hold.State.LOST) {
            return new Asking(true, new Operation.Claimed(askedAgain, who, lock, token, before, lease));
        }
        // What it said first it said before its deadline, which is known to come after the question.
        return new Asking(false, new Operation.Claimed(asked, who, lock, token, asked + 1, lease));
    }
}
