package dev.holdfast.protocol;

import org.jspecify.annotations.Nullable;

/**
 * What befell one session lately, so that a loss can be explained: the last of each kind, and of pauses the worst since the
 * last confirmed renewal. Nothing is decided by it.
 *
 * <p>The event loop writes it; any thread may read it, each fact being whole by itself.
 */
public final class Chronicle {

    /** A pause or jump below this is nothing: a timer on a busy machine may well be as late. */
    private static final long NOTEWORTHY_NANOS = 500_000_000;

    /**
     * A renewal that counts.
     *
     * @param sentAt when it was sent
     * @param at when it was confirmed
     * @param deadlineWallMillis until when the lease is believed in because of it, by the wall clock
     */
    public record Confirmation(Moment sentAt, Moment at, long deadlineWallMillis) {}

    /**
     * The event loop did not run.
     *
     * @param at when it went on
     * @param nanos for how long, at least
     */
    public record Pause(Moment at, long nanos) {}

    /**
     * The two clocks did not go on alike.
     *
     * @param at when it was noticed
     * @param millis by how much the wall clock went on more than the monotonic one
     */
    public record ClockJump(Moment at, long millis) {}

    /** A request failed. */
    public record Trouble(Moment at, String text) {}

    private volatile @Nullable Moment sentAt;
    private volatile @Nullable Moment answeredAt;
    private volatile @Nullable Confirmation confirmation;
    private volatile @Nullable Pause pause;
    private volatile @Nullable ClockJump clockJump;
    private volatile @Nullable Trouble trouble;

    /** When both clocks were last looked at. Used by the event loop alone. */
    private @Nullable Moment seenAt;

    Chronicle() {}

    void sent(Moment now) {
        sentAt = now;
    }

    void answered(Moment now) {
        answeredAt = now;
    }

    void confirmed(Moment sent, Moment now, long beliefMillis) {
        confirmation = new Confirmation(sent, now, sent.wallMillis() + beliefMillis);
    }

    void failed(String text, Moment now) {
        trouble = new Trouble(now, text);
    }

    /** The last thing that went wrong since the last confirmed renewal, as the end of a sentence; empty if nothing did. */
    String troubleSince() {
        Trouble last = recentTrouble();
        return last == null ? "" : "; since then: " + last.text;
    }

    /**
     * Looks at the clocks.
     *
     * @param overdueNanos for how long the loop should have run something by now, and did not
     * @return whether there is something new and noteworthy
     */
    boolean look(long overdueNanos, Moment now) {
        boolean isNews = false;
        Confirmation last = confirmation;
        if (overdueNanos >= NOTEWORTHY_NANOS) {
            Pause known = pause;
            if (known == null || overdueNanos > known.nanos || isBefore(known.at, last)) {
                // The same pause may be seen twice, by the first event after it and by the tick that was late.
                isNews = known == null || now.nanos() - known.at.nanos() > NOTEWORTHY_NANOS;
                pause = new Pause(now, overdueNanos);
            }
        }
        Moment before = seenAt;
        seenAt = now;
        if (before != null) {
            long millis = now.wallMillis() - before.wallMillis() - (now.nanos() - before.nanos()) / 1_000_000;
            ClockJump known = clockJump;
            if (Math.abs(millis) >= NOTEWORTHY_NANOS / 1_000_000
                    && (known == null || Math.abs(millis) >= Math.abs(known.millis) || isBefore(known.at, last))) {
                isNews = true;
                clockJump = new ClockJump(now, millis);
            }
        }
        return isNews;
    }

    private static boolean isBefore(Moment moment, @Nullable Confirmation last) {
        return last != null && moment.nanos() - last.sentAt.nanos() < 0;
    }

    /** When the last renewal was sent; null if none was. */
    public @Nullable Moment sentAt() {
        return sentAt;
    }

    /** When the last renewal was answered; null if none was. */
    public @Nullable Moment answeredAt() {
        return answeredAt;
    }

    /** The last confirmed renewal, or the grant of the lease; null if it was not granted. */
    public @Nullable Confirmation confirmation() {
        return confirmation;
    }

    /** The longest pause since the last confirmed renewal, or the last one before it; null if there was none. */
    public @Nullable Pause pause() {
        return pause;
    }

    /** The largest jump of the wall clock since the last confirmed renewal, or the last one before it; null if none. */
    public @Nullable ClockJump clockJump() {
        return clockJump;
    }

    /** The last request that failed, however long ago; null if none did. */
    @Nullable
    Trouble trouble() {
        return trouble;
    }

    /** The last request that failed since the last confirmed renewal was sent; null if none did. */
    public @Nullable Trouble recentTrouble() {
        Trouble last = trouble;
        return last == null || isBefore(last.at, confirmation) ? null : last;
    }
}
