package dev.holdfast.protocol;

import dev.holdfast.LossReason;

/** The callers of this process who want one lock, in their order; called on the event loop. */
public interface Callers {

    /** Whether anybody waits, apart from a {@link Trial}. */
    boolean areWaiting();

    /** The entry is owned: grant it to the first caller, or hand it back if nobody waits any more. */
    void lend(Tenure tenure, Moment now);

    /** As {@link #lend}, to the one who tried, if he still wants it. */
    void lendTo(Trial trial, Tenure tenure, Moment now);

    /** Whether an operator is known to have deleted that entry, which has only just turned out to be this queue's. */
    default boolean isForced(Entry entry, Moment now) {
        return false;
    }

    /** Whether the entry may be kept when nobody here wants it, as far as the first caller's options say. */
    default boolean mayKeep() {
        return false;
    }

    /** Hands the tenure, which is not kept any more, back if nobody here wants it. */
    default void giveBackIfIdle(Tenure tenure, Moment now) {}

    /** The deadline moved: a grant that was held back for want of time may be possible now. */
    void onRenewed(Tenure tenure, Moment now);

    /** The entry is lost; if somebody holds it, so is the hold. */
    void endTenure(Tenure tenure, LossReason reason, String detail, Moment now);

    /**
     * A release is settled.
     *
     * @param wasThere false if the entry turned out to be gone before
     */
    void onReleased(Entry entry, boolean wasThere, Moment now);

    /** Nobody who waits now can get the lock: etcd refuses. */
    void refuse(Failure failure, Moment now);

    /** The machine has nothing to do any more. */
    void onIdle();

    /** A caller who takes the lock only if it is free, and never waits in the queue. */
    interface Trial {
        /** Whether the caller is still there. */
        boolean isWanted();

        /** The lock is not free. */
        void onBusy();

        /** etcd refuses. */
        void onRefused(Failure failure);
    }
}
