package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class DeadlineTest {

    private static final long SECOND = 1_000_000_000L;

    /** Two seconds before the monotonic clock overflows. */
    private static final Moment START = new Moment(Long.MAX_VALUE - 2 * SECOND, 1_700_000_000_000L);

    private final Deadline deadline = new Deadline();

    private static Moment after(long seconds) {
        return after(seconds, seconds);
    }

    private static Moment after(long monotonicSeconds, long wallSeconds) {
        return new Moment(START.nanos() + monotonicSeconds * SECOND, START.wallMillis() + wallSeconds * 1_000);
    }

    private long remainingSeconds(Moment now) {
        return deadline.remainingNanos(now.nanos(), now.wallMillis()) / SECOND;
    }

    @Test
    void isPassed_whenEitherClockIsAtIt() {
        deadline.extend(START, 10_000);
        assertThat(deadline.isPassed(after(9))).isFalse();
        assertThat(remainingSeconds(after(4, 7))).isEqualTo(3);
        assertThat(remainingSeconds(after(7, 4))).isEqualTo(3);
        assertThat(deadline.isPassed(after(0, 10))).isTrue();
    }

    @Test
    void monotonicClockAlone_isEnoughToPassIt() {
        deadline.extend(START, 10_000);
        assertThat(deadline.isPassed(after(10, 0))).isTrue();
    }

    @Test
    @Tag("F25")
    void onceSeenPassed_itStaysPassed_thoughTheWallClockIsSetBack() {
        deadline.extend(START, 10_000);
        assertThat(remainingSeconds(after(0, 11))).isZero();
        assertThat(remainingSeconds(after(0, 0))).isZero();
    }

    @Test
    void onceSeenPassed_noExtensionRevivesIt() {
        deadline.extend(START, 10_000);
        assertThat(deadline.isPassed(after(10))).isTrue();
        deadline.extend(after(10), 10_000);
        assertThat(deadline.isPassed(after(10))).isTrue();
    }

    @Test
    void extend_neverMovesItBack_byEitherClock() {
        deadline.extend(START, 10_000);
        deadline.extend(after(-5), 10_000);
        assertThat(remainingSeconds(START)).isEqualTo(10);
        deadline.extend(after(5), 10_000);
        assertThat(remainingSeconds(START)).isEqualTo(15);
    }

    @Test
    void end_isForGood() {
        deadline.extend(START, 10_000);
        deadline.end();
        assertThat(deadline.isPassed(START)).isTrue();
        deadline.extend(START, 60_000);
        assertThat(deadline.remainingNanos(START.nanos(), START.wallMillis())).isZero();
    }
}
