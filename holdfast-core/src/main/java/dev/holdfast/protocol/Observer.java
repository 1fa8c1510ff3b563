package dev.holdfast.protocol;

import org.jspecify.annotations.Nullable;

/**
 * Told what the machines do, for people who read it. Nothing depends on it: it must not throw, nor call the machines back.
 * Called on the event loop.
 */
public interface Observer {

    /** One that does not care. */
    Observer NONE = new Observer() {};

    /** A queue's machine has come to another phase. */
    default void onPhase(QueueMachine queue) {}

    /**
     * A queue's entry exists and is not the first.
     *
     * @param snapshot what its own transaction showed of the queue; null if nothing
     */
    default void onWaiting(QueueMachine queue, Entry own, @Nullable Snapshot snapshot) {}

    /**
     * A queue's entry is owned.
     *
     * @param waitedNanos since it was sent
     */
    default void onOwned(QueueMachine queue, Tenure tenure, long waitedNanos) {}

    /**
     * A queue's entry was given back.
     *
     * @param wasThere false if it turned out to be gone before
     */
    default void onReleased(QueueMachine queue, Entry entry, boolean wasThere) {}

    /** A renewal of the lease is on its way. */
    default void onRenewalSent(SessionMachine session) {}

    /** A renewal was confirmed. */
    default void onRenewalConfirmed(SessionMachine session, long remainingNanos) {}

    /** Less than a third of the TTL is left; told once, until a renewal is confirmed. */
    default void onAtRisk(SessionMachine session, long remainingNanos) {}

    /** The event loop did not run for a while, or the wall clock jumped: {@link SessionMachine#chronicle()} says which. */
    default void onInterlude(SessionMachine session) {}

    /** It is unknown what became of some attempts: the session's epoch is moved on to find out. */
    default void onBump(SessionMachine session, int doubtful) {}

    /** The epoch was moved on. */
    default void onBumped(SessionMachine session) {}
}
