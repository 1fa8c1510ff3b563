package dev.holdfast.history;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operation on a lock as a linearizability checker sees it: what it does, and between which moments it takes effect.
 *
 * @param token what an acquire returned, what a release names; null when nobody knows
 * @param returnedNanos when it returned, or {@link #NEVER}: then it takes effect at any time after its call, or never
 * @param hold which hold of the history it belongs to
 * @param notes the operations of the history that show it
 */
record Call(
        Kind kind,
        String owner,
        @Nullable Token token,
        long calledNanos,
        long returnedNanos,
        int hold,
        List<Operation> notes) {

    static final long NEVER = Long.MAX_VALUE;

    /** What it does when it takes effect. */
    enum Kind {
        /** Takes the lock, which is free. */
        ACQUIRE("acquires"),
        /** Enters the lock once more. */
        REENTER("enters again with"),
        /** Gives one entry back. */
        RELEASE("releases"),
        /** The server takes the lock from its owner, all entries at once. */
        EXPIRE("loses");

        private final String verb;

        Kind(String verb) {
            this.verb = verb;
        }
    }

    /** @throws IllegalArgumentException if it returned before it was called */
    Call {
        if (returnedNanos < calledNanos) {
            throw new IllegalArgumentException("called at " + calledNanos + ", returned at " + returnedNanos);
        }
        notes = List.copyOf(notes);
    }

    boolean hasReturned() {
        return returnedNanos != NEVER;
    }

    /** The same call, had one stopped watching before it returned. */
    Call neverReturned() {
        return new Call(kind, owner, token, calledNanos, NEVER, hold, notes);
    }

    @Override
    public String toString() {
        return owner + " " + kind.verb + " " + (token == null ? "the lock" : token);
    }
}
