package dev.holdfast.history;

import org.jspecify.annotations.Nullable;

/** What a lock promises to those who use it one by one: the sequential models that histories are compared with. */
enum MutexModel {

    /** Only a free lock is acquired, and only its owner releases it. */
    OWNER_MUTEX("an owner mutex") {
        @Override
        @Nullable
        LockState after(LockState state, Call call) {
            return switch (call.kind()) {
                case ACQUIRE -> state.isFree() ? state.heldBy(call.owner(), null) : null;
                case REENTER -> null;
                case RELEASE, EXPIRE -> state.isHeldBy(call.owner()) ? state.freed() : null;
            };
        }
    },

    /** As the owner mutex, but its owner may enter it again, and has to give back each entry. */
    REENTRANT_MUTEX("a re-entrant mutex") {
        @Override
        @Nullable
        LockState after(LockState state, Call call) {
            if (call.kind() == Call.Kind.ACQUIRE) {
                return state.isFree() ? state.heldBy(call.owner(), null) : null;
            }
            return state.isHeldBy(call.owner()) ? counted(state, call) : null;
        }
    },

    /**
     * As the re-entrant mutex; an acquire returns a token that is greater than all before it, and whoever enters again is
     * given the same token. A token that nobody knows is taken to be whatever fits.
     */
    FENCED_MUTEX("a fenced mutex") {
        @Override
        @Nullable
        LockState after(LockState state, Call call) {
            Token token = call.token();
            if (call.kind() == Call.Kind.ACQUIRE) {
                boolean isNext = state.isFree() && (token == null || state.admits(token));
                return isNext ? state.heldBy(call.owner(), token) : null;
            }
            if (!state.isHeldBy(call.owner())) {
                return null;
            }
            if (token == null || token.equals(state.token())) {
                return counted(state, call);
            }
            return state.token() == null && state.admits(token) ? counted(state.known(token), call) : null;
        }
    };

    private final String title;

    MutexModel(String title) {
        this.title = title;
    }

    /** What the lock becomes when the call takes effect, or null when it cannot. */
    abstract @Nullable LockState after(LockState state, Call call);

    /** Whether its owner may enter it again. */
    boolean isReentrant() {
        return this != OWNER_MUTEX;
    }

    private static LockState counted(LockState heldByCaller, Call call) {
        int entries =
                switch (call.kind()) {
                    case ACQUIRE -> throw new AssertionError("acquired while held");
                    case REENTER -> heldByCaller.entries() + 1;
                    case RELEASE -> heldByCaller.entries() - 1;
                    case EXPIRE -> 0;
                };
        return entries == 0 ? heldByCaller.freed() : heldByCaller.with(entries);
    }

    @Override
    public String toString() {
        return title;
    }
}
