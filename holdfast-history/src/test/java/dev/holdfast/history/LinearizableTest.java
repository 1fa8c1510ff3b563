package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.history.Operation.Exited;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Operation.Reentered;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Verdict.Undecided;
import dev.holdfast.history.Verdict.Violated;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LinearizableTest {

    private static final Checker OWNER = Linearizable.ownerMutex();
    private static final Checker REENTRANT = Linearizable.reentrantMutex();
    private static final Checker FENCED = Linearizable.fencedMutex();
    private static final Token TEN = new Token(0, 10, 0);

    private static boolean isKept(Checker checker, Story story) {
        return checker.check(story.told()).isKept();
    }

    private static boolean isBroken(Checker checker, Story story) {
        return checker.check(story.told()).isBroken();
    }

    @Test
    void aQueueServedInOrder_isLinearizable() {
        assertThat(FENCED.check(Story.good().told()))
                .isEqualTo(new Verdict.Holds(
                        "linearizable as a fenced mutex", "4 operations in order, found in 3 states"));
        assertThat(OWNER.claim()).isEqualTo("linearizable as an owner mutex");
    }

    @Test
    void whatCannotBeInAnyOrder_isShownAsTheLeastThatCannot() {
        Story story = new Story();
        for (int i = 0; i < 20; i++) {
            story.and(new Requested(100L * i, "w" + i % 3, LOCK))
                    .granted(100L * i + 10, "w" + i % 3, 10 + i)
                    .released(100L * i + 50, "w" + i % 3, 10 + i);
        }
        Requested asked = new Requested(1_015, "x", LOCK);
        Granted granted = new Granted(1_030, "x", LOCK, new Token(0, 20, 1), null);
        story.and(asked).and(granted).and(new Operation.Released(1_040, "x", LOCK, new Token(0, 20, 1)));

        assertThat(FENCED.check(story.told())).isInstanceOfSatisfying(Violated.class, violated -> {
            Verdict.Violation violation = violated.violations().get(0);
            assertThat(violation.what())
                    .isEqualTo(
                            """
                            no order explains the 42 operations on /tmp/go/lock: 21 fit, until 1030, where \
                            'x acquires 0.20.1' does not. The least that does not fit:
                                  1. w1 acquires 0.20.0
                                  then w1 holds the lock, the highest token given is 0.20.0, and \
                            'x acquires 0.20.1', which returned at 1030, does not fit""");
            assertThat(violation.operations())
                    .containsExactly(
                            new Requested(1_000, "w1", LOCK),
                            new Granted(1_010, "w1", LOCK, new Token(0, 20, 0), null),
                            asked,
                            granted);
        });
    }

    @Test
    void tokensThatShrinkFromHoldToHold_areSeenByTheFencedMutexAlone() {
        Story story = new Story()
                .granted(100, "a", 20)
                .released(200, "a", 20)
                .and(new Requested(250, "b", LOCK))
                .granted(300, "b", 10);

        assertThat(isBroken(FENCED, story)).isTrue();
        assertThat(isKept(OWNER, story)).isTrue();
        assertThat(isKept(REENTRANT, story)).isTrue();
    }

    @Test
    void anAcquireNotedLate_mayHaveTakenEffectBefore() {
        Story story = new Story()
                .and(new Requested(10, "a", LOCK))
                .and(new Requested(10, "b", LOCK))
                .granted(100, "b", 12)
                .and(new Lost(450, "a", LOCK, TEN))
                .granted(400, "a", 10);

        assertThat(isKept(FENCED, story)).isTrue();
        assertThat(new TokensGrow().check(story.told()).isBroken()).isTrue();
        assertThat(isBroken(FENCED, story.without(new Requested(10, "a", LOCK)).and(new Requested(101, "a", LOCK))))
                .isTrue();
    }

    @Test
    void aHoldWithoutAnEnd_keepsEverybodyOut() {
        Story story = new Story()
                .granted(100, "a", 10)
                .and(new Requested(200, "b", LOCK))
                .granted(300, "b", 12);

        assertThat(isBroken(OWNER, story)).isTrue();
        assertThat(isKept(OWNER, story.and(new Killed(5_000, "a")))).isTrue();
    }

    @Test
    void aReleaseNotCalledYet_keepsEverybodyOut_andOneCalledMayBeSlow() {
        Story early = new Story().granted(100, "a", 10).granted(150, "b", 12).released(151, "a", 10);
        Story slow = new Story()
                .granted(100, "a", 10)
                .released(150, "a", 10)
                .and(new Requested(160, "b", LOCK))
                .granted(900, "b", 12);

        assertThat(isBroken(OWNER, early)).isTrue();
        assertThat(isKept(OWNER, slow)).isTrue();
    }

    @Test
    void aHoldThatWasLost_mayHaveBeenTakenBeforeItsClientKnew_whichOneHolderJudges() {
        Story story = new Story()
                .granted(100, "a", 10)
                .granted(150, "b", 12)
                .and(new Lost(200, "a", LOCK, TEN))
                .released(300, "a", 10);

        assertThat(isKept(FENCED, story)).isTrue();
        assertThat(new OneHolder().check(story.told()).isBroken()).isTrue();
    }

    @Test
    void aLossThatWasOnlyFoundByTheRelease_isALoss() {
        Story story = new Story()
                .granted(100, "a", 10)
                .granted(150, "b", 12)
                .released(200, "a", 10)
                .and(new Lost(210, "a", LOCK, TEN));

        assertThat(isKept(FENCED, story)).isTrue();
    }

    @Test
    void whoeverGotNothing_isNoOperation() {
        Story story = Story.good()
                .and(new Requested(1, "c", LOCK))
                .and(new GaveUp(2, "c", LOCK))
                .and(new Requested(1, "d", LOCK))
                .and(new Requested(1, "e", LOCK))
                .and(new Killed(9, "e"));

        assertThat(FENCED.check(story.told()).toString()).contains("4 operations in order");
    }

    @Test
    void aClientThatAsksAgainAfterGivingUp_isJudgedFromItsLastRequest() {
        GaveUp gaveUp = new GaveUp(50, "a", LOCK);
        Story story = new Story()
                .and(new Requested(1, "a", LOCK))
                .and(gaveUp)
                .granted(100, "b", 12)
                .and(new Requested(150, "a", LOCK))
                .granted(200, "a", 10)
                .and(new Killed(500, "a"))
                .and(new Killed(500, "b"));

        assertThat(isBroken(FENCED, story)).isTrue();
        assertThat(isKept(FENCED, story.without(gaveUp))).isTrue();
    }

    @Test
    void innerEntries_areCounted() {
        Story story = new Story()
                .granted(100, "a", 10)
                .and(new Reentered(110, "a", LOCK, TEN, 2))
                .and(new Exited(120, "a", LOCK, TEN, 1))
                .released(130, "a", 10)
                .granted(140, "b", 12);

        assertThat(isKept(FENCED, story)).isTrue();
        assertThat(isKept(REENTRANT, story)).isTrue();
        assertThat(OWNER.check(story.told()).toString()).contains("3 operations in order");
        story.without(new Exited(120, "a", LOCK, TEN, 1));
        assertThat(isBroken(REENTRANT, story)).isTrue();
        assertThat(isKept(OWNER, story)).isTrue();
    }

    @Test
    void anInnerEntryAfterTheLockWentToAnother_isNamed() {
        Story story = new Story()
                .granted(100, "a", 10)
                .released(130, "a", 10)
                .and(new Requested(131, "b", LOCK))
                .granted(140, "b", 12)
                .and(new Requested(141, "c", LOCK))
                .and(new Reentered(150, "a", LOCK, TEN, 2));

        assertThat(REENTRANT.check(story.told()).toString())
                .contains(
                        "then b holds the lock, and 'a enters again with 0.10.0', which returned at 150, does not fit");
    }

    @Test
    void aTokenOfItsOwnForAnInnerEntry_isSeenByTheFencedMutexAlone() {
        Story story = new Story()
                .granted(100, "a", 10)
                .and(new Reentered(110, "a", LOCK, new Token(0, 10, 1), 2))
                .and(new Exited(120, "a", LOCK, new Token(0, 10, 1), 1))
                .released(130, "a", 10);

        assertThat(isBroken(FENCED, story)).isTrue();
        assertThat(isKept(REENTRANT, story)).isTrue();
    }

    @Test
    void aHoldOfSeveralEntriesThatIsLost_isLostAtOnce() {
        Story story = new Story()
                .granted(100, "a", 10)
                .and(new Reentered(110, "a", LOCK, TEN, 2))
                .and(new Lost(150, "a", LOCK, TEN))
                .granted(190, "b", 12);

        assertThat(isKept(FENCED, story)).isTrue();
    }

    @Test
    void locksAreJudgedByThemselves() {
        Story story = Story.good()
                .and(new Granted(150, "x", "other", new Token(0, 3, 0), null))
                .and(new Granted(160, "y", "other", new Token(0, 4, 0), null));

        assertThat(FENCED.check(story.told()))
                .isInstanceOfSatisfying(Violated.class, violated -> assertThat(violated.violations())
                        .singleElement()
                        .asString()
                        .contains("on other: 1 fit", "x acquires 0.3.0", "y acquires 0.4.0")
                        .doesNotContain(LOCK));
    }

    @Test
    void aSearchThatIsTooLong_isGivenUp_andIsNeitherKeptNorBroken() {
        History history = new History(Executions.turns(new Random(1), 10, 100));

        Verdict verdict = Linearizable.fencedMutex().givingUpAfter(20).check(history);

        assertThat(verdict)
                .isEqualTo(new Undecided(
                        "linearizable as a fenced mutex",
                        "gave up after 21 states of the search over 200 operations on /tmp/go/lock"));
        assertThat(verdict.isKept()).isFalse();
        assertThat(verdict.isBroken()).isFalse();
        assertThat(verdict.toString()).startsWith("linearizable as a fenced mutex: UNDECIDED (gave up");
        assertThatThrownBy(() -> Linearizable.fencedMutex().givingUpAfter(0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aLockThatIsBroken_isReported_evenIfAnotherWasGivenUp() {
        List<Operation> told = new ArrayList<>(Executions.turns(new Random(1), 10, 100));
        told.add(new Granted(150, "x", "other", new Token(0, 3, 0), null));
        told.add(new Granted(160, "y", "other", new Token(0, 4, 0), null));

        assertThat(Linearizable.fencedMutex()
                        .givingUpAfter(20)
                        .check(new History(told))
                        .isBroken())
                .isTrue();
    }

    /** Ten clients that nearly all wait nearly all the time. */
    @Test
    @Timeout(60)
    void tenThousandOperationsOfTenClients_takeFewStates_andLittleTime() {
        History history = new History(Executions.turns(new Random(42), 10, 5_000));

        for (Checker checker : List.of(OWNER, REENTRANT, FENCED)) {
            Verdict verdict = checker.check(history);
            assertThat(verdict.toString()).contains("holds (10000 operations in order");
            assertThat(Integer.parseInt(verdict.toString().replaceAll(".*found in (\\d+) states.*", "$1")))
                    .isLessThan(100_000);
        }
    }

    @Test
    @Timeout(60)
    void tenThousandOperations_oneOfThemWrong_areRefusedInLittleTime() {
        List<Operation> told = Executions.turns(new Random(43), 10, 5_000);
        Granted wrong = (Granted) told.get(3 * 4_000 + 1);
        told.set(3 * 4_000 + 1, new Granted(wrong.atNanos(), wrong.who(), LOCK, TEN, null));

        assertThat(FENCED.check(new History(told)).isBroken()).isTrue();
    }
}
