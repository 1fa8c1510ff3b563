package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import org.jspecify.annotations.Nullable;

/**
 * Until when the holds of one lease may be believed in, by the monotonic clock and by the wall clock: it has passed when
 * either has said so to anybody once, because the monotonic clock stands still while a host is suspended and the wall clock may be set back.
 *
 * <p>The event loop moves it; any thread may read it. A reader that sees one clock's new value and the other's old one
 * still sees a valid deadline, since each is valid alone.
 */
public final class Deadline {

    private volatile long nanos;
    private volatile long wallMillis;
    private volatile boolean over;
    private volatile @Nullable Ending ending;

    /** Why it was ended before its time. */
    public record Ending(LossReason reason, String detail) {}

    Deadline() {}

    /** Moves it to the later of what it is and {@code from + millis}. */
    void extend(Moment from, long millis) {
        long newNanos = from.nanos() + millis * 1_000_000;
        long newWall = from.wallMillis() + millis;
        if (wallMillis == 0) {
            nanos = newNanos;
            wallMillis = newWall;
            return;
        }
        if (newNanos - nanos > 0) {
            nanos = newNanos;
        }
        if (newWall > wallMillis) {
            wallMillis = newWall;
        }
    }

    /** Ends it for good. */
    void end() {
        over = true;
    }

    /** Ends it for good; whoever asks at once already learns why. */
    void end(LossReason reason, String detail) {
        ending = new Ending(reason, detail);
        end();
    }

    /** Why it was ended; null if it was not, or has passed by itself. */
    public @Nullable Ending ending() {
        return ending;
    }

    /** Nanoseconds left by the clock that leaves fewer; zero or less when it has passed. */
    public long remainingNanos(long nowNanos, long nowWallMillis) {
        if (over) {
            return 0;
        }
        long left = Math.min(nanos - nowNanos, (wallMillis - nowWallMillis) * 1_000_000);
        if (left <= 0) {
            // For good, even if the wall clock is set back: whoever was told "lost" must never be told "held".
            over = true;
            return 0;
        }
        return left;
    }

    /** Whether it was ended, or either clock is at or past it. */
    public boolean isPassed(Moment now) {
        return remainingNanos(now.nanos(), now.wallMillis()) <= 0;
    }

    /** When it passes by the monotonic clock, unless it was ended before. */
    public long nanos() {
        return nanos;
    }
}
