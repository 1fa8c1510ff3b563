package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LedgerTest {

    private final Ledger ledger = new Ledger();

    @Test
    void holdsThatFollowEachOther_doNotOverlap() {
        note(1, 5, 10, 20);
        note(2, 6, 20, 30);
        note(1, 25, 31, 31);

        assertThat(ledger.overlaps()).isZero();
        assertThat(ledger.firstOverlap()).isNull();
    }

    @Test
    void aHoldThatBeginsBeforeAnotherIsGivenBack_isAnOverlap() {
        note(1, 5, 10, 20);
        note(2, 6, 19, 30);

        assertThat(ledger.overlaps()).isEqualTo(1);
        assertThat(ledger.firstOverlap()).isEqualTo(new Ledger.Overlap(1, 2, 1));
    }

    /** Of two that overlap either may be the first to note it. */
    @Test
    void aHoldThatBeganFirst_butIsNotedSecond_isAnOverlap() {
        note(2, 6, 19, 30);
        note(1, 5, 10, 20);

        assertThat(ledger.firstOverlap()).isEqualTo(new Ledger.Overlap(2, 1, 20));
    }

    @Test
    void aLongHold_overlapsAllThatBeginInIt_notOnlyTheNext() {
        note(1, 5, 10, 100);
        note(2, 6, 20, 30);
        note(3, 7, 40, 50);
        note(4, 8, 100, 110);

        assertThat(ledger.overlaps()).isEqualTo(2);
        assertThat(ledger.firstOverlap()).isEqualTo(new Ledger.Overlap(1, 2, 80));
    }

    @Test
    void aHandOver_lastsFromTheReleaseToTheReturnOfWhoWaited() {
        note(1, 5, 10, 1_000);

        assertThat(ledger.note(2, 6, 4_000, 5_000)).isEqualTo(3_000);
    }

    @Test
    void nothingIsHandedOver_toWhoAskedAfterTheRelease_orHadItBefore() {
        assertThat(ledger.note(1, 5, 10, 1_000)).isEqualTo(Ledger.NO_HAND_OVER);
        assertThat(ledger.note(2, 1_001, 4_000, 5_000)).isEqualTo(Ledger.NO_HAND_OVER);
        assertThat(ledger.note(2, 4_500, 6_000, 7_000)).isEqualTo(Ledger.NO_HAND_OVER);
    }

    @Test
    void anOverlap_isNoHandOver() {
        note(1, 5, 10, 1_000);

        assertThat(ledger.note(2, 6, 900, 2_000)).isEqualTo(Ledger.NO_HAND_OVER);
    }

    /** The clock may begin anywhere, and pass from the greatest number to the least. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -15, Long.MAX_VALUE - 15})
    void whereTheClockBegins_doesNotMatter(long begin) {
        note(1, begin + 5, begin + 10, begin + 20);
        assertThat(ledger.note(2, begin + 6, begin + 24, begin + 30)).isEqualTo(4);
        note(3, begin + 7, begin + 29, begin + 40);

        assertThat(ledger.overlaps()).isEqualTo(1);
    }

    private void note(int holder, long requestNanos, long acquiredNanos, long releaseNanos) {
        long unused = ledger.note(holder, requestNanos, acquiredNanos, releaseNanos);
    }
}
