package dev.holdfast.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Confirmed;
import dev.holdfast.history.Operation.DeadlineMoved;
import dev.holdfast.history.Operation.KeptAlive;
import dev.holdfast.history.Operation.Opened;
import dev.holdfast.history.Verdict.Violated;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A lease of 10 s has a margin of 500 ms, one of 20 s has one of 1 s. Times are in milliseconds. */
class DeadlineOnlyConfirmedTest {

    private final Checker checker = new DeadlineOnlyConfirmed();

    private static long nanos(long millis) {
        return millis * 1_000_000;
    }

    private static Opened opened(long sent, long ttlMillis, long deadline) {
        return new Opened(nanos(sent + 5), "a", "5c1", nanos(sent), ttlMillis, nanos(deadline));
    }

    private static KeptAlive keptAlive(long sent, long answered, long term) {
        return new KeptAlive(nanos(answered), "a", "5c1", nanos(sent), 10_000, term);
    }

    private static Confirmed confirmed(long sent, long answered, long term) {
        return new Confirmed(nanos(answered), "a", "5c1", nanos(sent), term);
    }

    private static DeadlineMoved moved(long at, long deadline) {
        return new DeadlineMoved(nanos(at), "a", "5c1", nanos(deadline));
    }

    private static final Opened OPENED = opened(0, 10_000, 9_500);
    private static final KeptAlive RENEWAL = keptAlive(3_000, 3_010, 7);

    private void assertBroken(String what, Operation... operations) {
        assertThat(checker.check(History.of(operations)))
                .isInstanceOfSatisfying(Violated.class, violated -> assertThat(violated.violations())
                        .singleElement()
                        .satisfies(violation -> {
                            assertThat(violation.what()).isEqualTo(what);
                            assertThat(List.of(operations)).containsAll(violation.operations());
                        }));
    }

    @Test
    void aMoveByAConfirmedKeepAlive_holds() {
        assertThat(checker.check(History.of(
                        moved(3_020, 12_500), confirmed(3_010, 3_020, 7), RENEWAL, OPENED, keptAlive(6_000, 6_010, 7))))
                .isEqualTo(new Verdict.Holds("deadlines move only when confirmed", "1 move of 1 deadline"));
    }

    @Test
    void aKeepAliveThatNothingConfirmed_movesNothing() {
        assertBroken(
                "a moved the deadline of session 5c1 to 12500000000 by a keep-alive that nothing confirmed",
                OPENED,
                RENEWAL,
                moved(3_010, 12_500));
    }

    @Test
    void aConfirmationSentBeforeTheAnswer_confirmsNothing() {
        assertBroken(
                "a moved the deadline of session 5c1 to 12500000000 by a keep-alive that nothing confirmed:"
                        + " the last confirmation was sent before the keep-alive's answer had arrived",
                OPENED,
                RENEWAL,
                confirmed(3_009, 3_020, 7),
                moved(3_020, 12_500));
    }

    @Test
    void aConfirmationOfAnotherTerm_confirmsNothing() {
        assertBroken(
                "a moved the deadline of session 5c1 to 12500000000 by a keep-alive that nothing confirmed:"
                        + " the last confirmation is of term 8, the keep-alive of term 7",
                OPENED,
                RENEWAL,
                confirmed(3_011, 3_020, 8),
                moved(3_020, 12_500));
    }

    @Test
    void aConfirmationThatArrivesLater_confirmsNothingYet() {
        assertBroken(
                "a moved the deadline of session 5c1 to 12500000000 by a keep-alive that nothing confirmed",
                OPENED,
                RENEWAL,
                confirmed(3_010, 3_021, 7),
                moved(3_020, 12_500));
    }

    @Test
    void aDeadlineFromTheAnswerAndNotFromTheRequest_isNamed() {
        assertBroken(
                "a moved the deadline of session 5c1 to 12510000000, 10.000 ms later than any answered keep-alive allows",
                OPENED,
                RENEWAL,
                confirmed(3_010, 3_020, 7),
                moved(3_020, 12_510));
    }

    @Test
    void aMoveBeforeAnyKeepAlive_isNamed() {
        assertBroken(
                "a moved the deadline of session 5c1 to 9600000000 before any keep-alive was answered",
                OPENED,
                moved(100, 9_600));
    }

    @Test
    void anOlderKeepAliveOfTheTerm_isConfirmedAsWell_butAllowsNoMoreThanItself() {
        List<Operation> told =
                new ArrayList<>(List.of(OPENED, RENEWAL, keptAlive(6_000, 6_010, 7), confirmed(6_005, 6_020, 7)));
        told.add(moved(6_020, 12_500));
        assertThat(checker.check(new History(told)).isKept()).isTrue();

        told.add(moved(6_020, 12_501));
        assertThat(checker.check(new History(told)).toString()).contains("sent before the keep-alive's answer");
    }

    @Test
    void aMoveOfADeadlineThatHasPassed_isNamed() {
        assertBroken(
                "a moved the deadline of session 5c1 0 ns after it had passed",
                OPENED,
                RENEWAL,
                confirmed(3_010, 3_020, 7),
                moved(9_500, 12_500));
    }

    @Test
    void whetherADeadlineHasPassed_isJudgedByTheLastMove() {
        KeptAlive second = keptAlive(9_000, 9_010, 7);
        List<Operation> told = new ArrayList<>(List.of(
                OPENED,
                RENEWAL,
                confirmed(3_010, 3_020, 7),
                moved(3_020, 12_500),
                second,
                confirmed(9_010, 12_499, 7)));

        told.add(moved(12_499, 18_500));
        assertThat(checker.check(new History(told)).isKept()).isTrue();
        told.set(6, moved(12_501, 18_500));
        assertThat(checker.check(new History(told)).toString())
                .contains(
                        "a moved the deadline of session 5c1 1.000 ms after it had passed",
                        told.get(3).toString());
    }

    @Test
    void aSessionOpenedWithTooLateADeadline_isNamed() {
        assertThat(checker.check(History.of(opened(0, 20_000, 19_000))).isKept())
                .isTrue();
        assertThat(checker.check(History.of(opened(0, 4_000, 3_500))).isKept()).isTrue();
        assertBroken(
                "a opened session 5c1 with a deadline 1.000 ms later than its TTL less the margin allows",
                opened(0, 4_000, 3_501));
        assertBroken(
                "a opened session 5c1 with a deadline 1.000 ms later than its TTL less the margin allows",
                opened(0, 20_000, 19_001));
    }

    @Test
    void aMoveOfASessionNobodyOpened_isNamed() {
        assertBroken("a moved the deadline of session 5c1, which nobody opened", moved(100, 9_600));
    }

    @Test
    void sessionsAreJudgedByThemselves() {
        assertThat(checker.check(History.of(
                                OPENED,
                                new KeptAlive(nanos(3_010), "b", "6d2", nanos(3_000), 10_000, 7),
                                new Confirmed(nanos(3_020), "b", "6d2", nanos(3_010), 7),
                                moved(3_020, 12_500)))
                        .isKept())
                .isFalse();
    }
}
