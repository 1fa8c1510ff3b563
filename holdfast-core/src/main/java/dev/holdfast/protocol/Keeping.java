package dev.holdfast.protocol;

/**
 * Whether it pays to keep the entry of a lock that nobody here wants just now, so that the next caller of this process
 * needs no round trip: a cached, or biased, lock. It is a held lock without a caller, so nothing is less safe; what others
 * wait for it is bounded by the limits here.
 *
 * <p>Confined to the event loop.
 */
final class Keeping {

    /** A lock that is wanted again within this time after it was released is kept from then on. */
    static final long AGAIN_NANOS = 1_000_000_000L;

    /**
     * So long after its grant an entry is given back, used or not: some who wait are not seen in the queue, such as a client
     * of another language that waits for everything below a name.
     */
    static final long LONGEST_NANOS = 30_000_000_000L;

    /** So long after no view shows any more whether others wait, it is given back. */
    static final long BLIND_NANOS = 1_000_000_000L;

    /** For so long it is not kept after others wanted it; doubled each time, up to the longest. */
    static final long PAUSE_NANOS = 1_000_000_000L;

    static final long LONGEST_PAUSE_NANOS = 60_000_000_000L;

    /** After nobody came who was expected, so many times nobody is expected who might be. */
    static final int PAUSE_TIMES = 8;

    /** So many times in a row somebody is expected; then there is a release, and who only tries has a chance. */
    static final int MOST_IN_A_ROW = 16;

    private boolean wasReleased;
    private boolean isWanted;
    private boolean wasWantedAtOnce;
    private int timesToPause;
    private int timesInARow;
    private long releasedAt;
    private long pauseNanos;
    private long recalledAt;

    /** Whether a lock that is wanted now will probably be wanted again soon, and by nobody else. */
    boolean isWorthIt(Moment now) {
        return wasReleased
                && now.nanos() - releasedAt <= AGAIN_NANOS
                && (pauseNanos == 0 || now.nanos() - recalledAt > pauseNanos);
    }

    /** Whether a lock that is not kept will probably be wanted again here before its release could be answered. */
    boolean isExpectedAtOnce() {
        return wasWantedAtOnce && timesInARow < MOST_IN_A_ROW;
    }

    /** Nobody here wants it any more. */
    void onReleased(Moment now) {
        wasReleased = true;
        releasedAt = now.nanos();
        isWanted = false;
        wasWantedAtOnce = false;
    }

    /**
     * Somebody here wants it, perhaps not the first, before its release was answered.
     *
     * @param wasExpected whether a yield took the place of the release
     */
    void onWantedAtOnce(boolean wasExpected) {
        if (isWanted) {
            return;
        }
        isWanted = true;
        timesInARow = wasExpected ? timesInARow + 1 : 0;
        if (timesToPause > 0) {
            timesToPause--;
        } else {
            wasWantedAtOnce = true;
        }
    }

    /** It was kept: what went before tells nothing any more. */
    void onKept() {
        wasWantedAtOnce = false;
    }

    /** Somebody was expected, and nobody came. */
    void onExpectedInVain() {
        timesToPause = PAUSE_TIMES;
    }

    /** It was kept, and others want it. */
    void onRecalled(Moment now) {
        boolean isLongAgo = pauseNanos == 0 || now.nanos() - recalledAt > LONGEST_PAUSE_NANOS + pauseNanos;
        pauseNanos = isLongAgo ? PAUSE_NANOS : Math.min(2 * pauseNanos, LONGEST_PAUSE_NANOS);
        recalledAt = now.nanos();
    }
}
