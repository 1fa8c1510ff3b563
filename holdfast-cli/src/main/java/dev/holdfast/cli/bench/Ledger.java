package dev.holdfast.cli.bench;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The record of who held one lock when, by the monotonic clock of this process. Thread-safe. */
final class Ledger {

    /*
     * A thread held the lock at least from the return of its lock() to the call of its unlock(). If two such spans overlap,
     * two held it, and no reading of the clock excuses that.
     *
     * Not all spans are kept: a cached lock passes millions of times a second. Each holder notes its span before it calls
     * unlock(), and it is compared with the latest end of all spans that were noted before. That finds every overlap: of two
     * spans that overlap, each begins before the other ends, so the one that is noted second begins before an end that is
     * noted already. And it finds nothing else: a span that is noted before another one's holder calls unlock(), and ends
     * after that one began, overlaps it.
     */

    /** What {@link #note} returns when nothing was handed over. */
    static final long NO_HAND_OVER = -1;

    /**
     * Two that held the lock at the same time.
     *
     * @param first noted first
     * @param nanos for how long, at least
     */
    record Overlap(int first, int second, long nanos) {}

    private final ReentrantLock lock = new ReentrantLock();
    private boolean isEmpty = true;
    private int latestHolder;
    private long latestReleaseNanos;
    private long overlaps;
    private @Nullable Overlap firstOverlap;

    /**
     * Notes a hold; called by its holder before it gives the lock back.
     *
     * @param requestNanos before it was asked for
     * @param acquiredNanos after it was got
     * @param releaseNanos before it is given back
     * @return how long the hand-over took, from the release of the holder before to the return of this one; {@link
     *     #NO_HAND_OVER} if that was the same one, or this one asked later
     */
    long note(int holder, long requestNanos, long acquiredNanos, long releaseNanos) {
        lock.lock();
        try {
            if (isEmpty) {
                isEmpty = false;
                latestHolder = holder;
                latestReleaseNanos = releaseNanos;
                return NO_HAND_OVER;
            }
            long afterReleaseNanos = acquiredNanos - latestReleaseNanos;
            boolean isHandOver = false;
            if (afterReleaseNanos < 0) {
                overlaps++;
                if (firstOverlap == null) {
                    firstOverlap = new Overlap(latestHolder, holder, -afterReleaseNanos);
                }
            } else {
                isHandOver = holder != latestHolder && requestNanos - latestReleaseNanos <= 0;
            }
            if (releaseNanos - latestReleaseNanos >= 0) {
                latestHolder = holder;
                latestReleaseNanos = releaseNanos;
            }
            return isHandOver ? afterReleaseNanos : NO_HAND_OVER;
        } finally {
            lock.unlock();
        }
    }

    long overlaps() {
        lock.lock();
        try {
            return overlaps;
        } finally {
            lock.unlock();
        }
    }

    /** The first that was found, or null. */
    @Nullable
    Overlap firstOverlap() {
        lock.lock();
        try {
            return firstOverlap;
        } finally {
            lock.unlock();
        }
    }
}
