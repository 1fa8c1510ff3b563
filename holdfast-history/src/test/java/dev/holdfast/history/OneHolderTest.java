package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Released;
import dev.holdfast.history.Verdict.Violated;
import org.junit.jupiter.api.Test;

class OneHolderTest {

    private final Checker checker = new OneHolder();

    @Test
    void aGoodHistory_holds_andSaysWhatWasLookedAt() {
        assertThat(checker.check(Story.good().told()))
                .isEqualTo(new Verdict.Holds("one holder at a time", "2 holds, 2 of them found in etcd's record"));
    }

    @Test
    void beliefsThatOverlapInTime_areNamed() {
        Granted a = new Granted(100, "a", LOCK, new Token(0, 10, 0), null);
        Released aEnd = new Released(200, "a", LOCK, new Token(0, 10, 0));
        Granted b = new Granted(199, "b", LOCK, new Token(0, 12, 0), null);
        Released bEnd = new Released(300, "b", LOCK, new Token(0, 12, 0));

        Verdict verdict = checker.check(History.of(aEnd, bEnd, b, a));

        assertThat(verdict).isInstanceOfSatisfying(Violated.class, violated -> assertThat(violated.violations())
                .containsExactly(Verdict.Violation.of("a and b held /tmp/go/lock at the same time", a, aEnd, b, bEnd)));
        assertThat(verdict.isKept()).isFalse();
        assertThat(verdict.toString()).contains("VIOLATED", a.toString(), bEnd.toString());
    }

    /** As when somebody revoked a's lease: it could not know at once. */
    @Test
    void beliefsThatOverlapInTime_areNothingInEtcdsRecord() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "a", 10)
                .deleted("a", 10, 12)
                .granted(150, "b", 12)
                .released(200, "a", 10)
                .told();
        assertThat(new OneHolder().check(history).isBroken()).isTrue();
        assertThat(OneHolder.inRecord().check(history).isKept()).isTrue();
    }

    @Test
    void ownershipsThatOverlap_areFoundInEtcdsRecordAlone() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "a", 10)
                .released(120, "a", 10)
                .granted(150, "b", 11)
                .deleted("a", 10, 12)
                .told();
        assertThat(OneHolder.inRecord().check(history).isBroken()).isTrue();
    }

    @Test
    void aLongBelief_overlapsALaterOneAcrossAShortOne() {
        History history = new Story()
                .granted(100, "a", 10)
                .granted(110, "b", 11)
                .released(120, "b", 11)
                .granted(130, "c", 12)
                .released(140, "c", 12)
                .released(150, "a", 10)
                .told();

        assertThat(checker.check(history).toString()).contains("a and b held", "a and c held");
    }

    @Test
    void aBeliefWithoutAnEnd_lastsForEver() {
        assertThat(checker.check(new Story()
                                .granted(100, "a", 10)
                                .granted(999_999_999, "b", 11)
                                .told())
                        .isKept())
                .isFalse();
    }

    @Test
    void aKilledClientsBelief_endsAtTheKill() {
        Story story = new Story().granted(100, "a", 10).granted(500, "b", 12).released(600, "b", 12);

        assertThat(checker.check(story.told()).isKept()).isFalse();
        assertThat(checker.check(story.and(new Killed(400, "a")).told()).isKept())
                .isTrue();
        assertThat(checker.check(story.without(new Killed(400, "a"))
                                .and(new Killed(501, "a"))
                                .told())
                        .isKept())
                .isFalse();
    }

    @Test
    void aLostHold_endsAtTheFirstWordOfIt() {
        Story story = new Story()
                .granted(100, "a", 10)
                .and(new Lost(150, "a", LOCK, new Token(0, 10, 0)))
                .released(300, "a", 10)
                .granted(200, "b", 12)
                .released(250, "b", 12);

        assertThat(checker.check(story.told()).isKept()).isTrue();
    }

    @Test
    void holdsOfDifferentLocks_mayOverlap() {
        History history = new Story()
                .granted(100, "a", 10)
                .released(200, "a", 10)
                .and(new Granted(150, "b", "other", new Token(0, 11, 0), null))
                .and(new Released(160, "b", "other", new Token(0, 11, 0)))
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }

    @Test
    void ownershipsThatOverlapInRevisions_areNamed_evenWhenBeliefsDoNot() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "a", 10)
                .released(200, "a", 10)
                .granted(210, "b", 12)
                .released(300, "b", 12)
                .deleted("a", 10, 13)
                .deleted("b", 11, 14)
                .told();

        assertThat(checker.check(history).toString())
                .contains(
                        "two entries owned /tmp/go/lock at revision 12: /tmp/go/lock/a@10 and /tmp/go/lock/b@11",
                        new Deleted(LOCK, Story.entry("a", 10), 13).toString());
    }

    @Test
    void anOwnershipMayBeginAtTheRevisionThatEndsTheOneBefore() {
        assertThat(checker.check(Story.good().told()).isKept()).isTrue();
    }

    @Test
    void handOversWithinOneEntry_doNotOverlap() {
        History history = new Story()
                .put("a", 10)
                .granted(100, "a", 10)
                .released(200, "a", 10)
                .and(new Granted(201, "a", LOCK, new Token(0, 10, 1), null))
                .and(new Released(202, "a", LOCK, new Token(0, 10, 1)))
                .deleted("a", 10, 11)
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }

    @Test
    void twoEntriesOfOneRevision_areNamed() {
        History history = new Story().put("a", 10).put("b", 10).told();

        assertThat(checker.check(history).toString())
                .contains("created at one revision", new Put(LOCK, Story.entry("a", 10), 10, "a").toString());
    }

    @Test
    void anEndWithoutAGrant_isNamed() {
        assertThat(checker.check(Story.good().released(400, "c", 12).told()).toString())
                .contains("c ended a hold of /tmp/go/lock that it was never granted");
    }

    @Test
    void anEndBeforeItsGrant_isNamed() {
        assertThat(checker.check(new Story()
                                .granted(100, "a", 10)
                                .released(99, "a", 10)
                                .told())
                        .toString())
                .contains("a's hold of /tmp/go/lock ended before it began");
    }
}
