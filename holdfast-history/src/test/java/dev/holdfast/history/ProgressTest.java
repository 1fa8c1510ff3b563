package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.history.Operation.Faulted;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Operation.WatchedUntil;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {

    private static final Requested ASKED = new Requested(10, "a", LOCK);
    private final Checker forEver = new Progress();
    private final Checker within100 = Progress.within(Duration.ofNanos(100));

    private static Story asked() {
        return new Story().and(ASKED);
    }

    private static Verdict broken(String what, Operation... operations) {
        return new Verdict.Violated(
                "everybody gets his turn", List.of(new Verdict.Violation(what, List.of(operations))));
    }

    @Test
    void whoeverIsGrantedOrGivesUpOrDies_doesNotWaitForEver() {
        History history = asked().granted(5_000, "a", 10)
                .and(new Requested(20, "b", LOCK))
                .and(new GaveUp(6_000, "b", LOCK))
                .and(new Requested(30, "c", LOCK))
                .and(new Killed(7_000, "c"))
                .and(new WatchedUntil(9_000))
                .told();

        assertThat(forEver.check(history))
                .isEqualTo(new Verdict.Holds("everybody gets his turn", "1 wait granted, 1 not judged"));
    }

    @Test
    void whoeverStillWaits_whenEverybodyWasWatched_isNamed() {
        WatchedUntil watched = new WatchedUntil(1_510);

        assertThat(forEver.check(asked().and(watched).told()))
                .isEqualTo(broken("a waited 1.500 us for /tmp/go/lock and was not granted", ASKED, watched));
    }

    @Test
    void whoeverStillWaits_whenTheHistoryWasCutOff_isNotJudged() {
        assertThat(forEver.check(asked().told()).toString()).contains("0 waits granted, 1 not judged");
    }

    @Test
    void whoeverStillWaits_isNotJudged_whileAFaultLasts() {
        Story story = asked().and(new WatchedUntil(500)).and(new Faulted(400, Long.MAX_VALUE, "link cut"));

        assertThat(forEver.check(story.told()).isKept()).isTrue();
        assertThat(within100.check(story.told()).isKept()).isTrue();
    }

    @Test
    void aWaitWithinTheBound_holds_andOneLonger_isNamed() {
        assertThat(within100.check(asked().granted(110, "a", 10).told()).isKept())
                .isTrue();

        Story late = asked().granted(111, "a", 10);
        assertThat(within100.check(late.told()).toString())
                .contains("a waited 101 ns for /tmp/go/lock, longer than 100 ns", ASKED.toString());
        assertThat(forEver.check(late.told()).isKept()).isTrue();
    }

    @Test
    void theBoundCountsFromTheEndOfTheLastFault_orTheLastKill() {
        Story story = asked().and(new Faulted(20, 1_000, "link cut")).granted(1_100, "a", 10);
        assertThat(within100.check(story.told()).isKept()).isTrue();

        Story late = asked().and(new Faulted(20, 1_000, "link cut"))
                .and(new Faulted(30, 40, "paused"))
                .granted(1_101, "a", 10);
        assertThat(within100.check(late.told()).toString())
                .contains("a waited 101 ns for /tmp/go/lock after the last fault, longer than 100 ns");
        assertThat(within100.check(late.and(new Killed(1_050, "b")).told()).isKept())
                .isTrue();
    }

    @Test
    void whoeverGaveUpAfterTheBound_isNamed_andBefore_isNot() {
        GaveUp late = new GaveUp(111, "a", LOCK);

        assertThat(within100.check(asked().and(late).told()))
                .isEqualTo(broken("a waited 101 ns for /tmp/go/lock and was not granted", ASKED, late));
        assertThat(within100
                        .check(asked().and(new GaveUp(110, "a", LOCK)).told())
                        .isKept())
                .isTrue();
    }

    @Test
    void askingAnew_endsTheWaitBefore() {
        Requested again = new Requested(100, "a", LOCK);

        assertThat(within100.check(asked().and(again).granted(190, "a", 10).told()))
                .isEqualTo(new Verdict.Holds("everybody gets his turn", "1 wait granted, 1 not judged"));
    }

    @Test
    void aGrantAtTheMomentOfTheRequest_endsItsWait_inWhateverOrderTheyAreTold() {
        History history = new Story()
                .granted(10, "a", 10)
                .and(ASKED)
                .and(new WatchedUntil(9_000))
                .told();

        assertThat(forEver.check(history).isKept()).isTrue();
    }

    @Test
    void eachLockHasItsOwnWaits() {
        History history = asked().and(new Requested(10, "a", "other"))
                .granted(50, "a", 10)
                .and(new WatchedUntil(200))
                .told();

        assertThat(within100.check(history).toString()).contains("a waited 190 ns for other and was not granted");
    }

    @Test
    void aBoundIsPositive() {
        assertThatThrownBy(() -> Progress.within(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a bound for waits is positive: PT0S");
    }
}
