package dev.holdfast.history;

import org.jspecify.annotations.Nullable;

/**
 * What a lock is between two operations, when they are carried out one by one.
 *
 * @param owner who holds it, or null when it is free
 * @param entries how many entries the owner has
 * @param token the owner's, or null when it is free, the token is unknown, or the model has none
 * @param highest the highest token that is known to have been given, or null
 */
record LockState(@Nullable String owner, int entries, @Nullable Token token, @Nullable Token highest) {

    static final LockState NEW = new LockState(null, 0, null, null);

    boolean isFree() {
        return owner == null;
    }

    boolean isHeldBy(String who) {
        return who.equals(owner);
    }

    /** It goes to somebody. */
    LockState heldBy(String who, @Nullable Token by) {
        return new LockState(who, 1, by, by == null ? highest : by);
    }

    LockState with(int count) {
        return new LockState(owner, count, token, highest);
    }

    /** The owner's token has become known. */
    LockState known(Token as) {
        return new LockState(owner, entries, as, as);
    }

    LockState freed() {
        return new LockState(null, 0, null, highest);
    }

    boolean admits(Token next) {
        return highest == null || next.compareTo(highest) > 0;
    }

    @Override
    public String toString() {
        String given = highest == null ? "" : ", the highest token given is " + highest;
        if (isFree()) {
            return "the lock is free" + given;
        }
        return owner + " holds the lock" + (entries == 1 ? "" : " " + entries + " times") + given;
    }
}
