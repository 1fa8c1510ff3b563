package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** So many lines of a kind in a while, and a count of the others. */
final class SeldomTest {

    /** A clock that overflows within the test. */
    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);

    private final Seldom seldom = new Seldom(clock::get, 10);

    @Test
    void moreThanTheMost_areHeldBack_andCountedWithTheNext() {
        assertThat(seldom.admit("a", 2)).isZero();
        assertThat(seldom.admit("a", 2)).isZero();
        for (int i = 0; i < 7; i++) {
            clock.incrementAndGet();
            assertThat(seldom.admit("a", 2)).isEqualTo(Seldom.HELD_BACK);
        }
        clock.addAndGet(3);
        assertThat(seldom.admit("a", 2)).isEqualTo(7);
        assertThat(seldom.admit("a", 2)).isZero();
    }

    @Test
    void kinds_areCountedApart() {
        assertThat(seldom.admit("a", 1)).isZero();
        assertThat(seldom.admit("a", 1)).isEqualTo(Seldom.HELD_BACK);
        assertThat(seldom.admit("b", 1)).isZero();
    }
}
