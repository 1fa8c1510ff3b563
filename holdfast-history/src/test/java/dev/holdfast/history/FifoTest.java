package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Put;
import org.junit.jupiter.api.Test;

class FifoTest {

    private final Checker checker = new Fifo();

    @Test
    void aQueueServedInOrder_holds() {
        assertThat(checker.check(Story.good().told()))
                .isEqualTo(new Verdict.Holds("first come, first served", "2 grants in queue order"));
    }

    @Test
    void whoIsGrantedWhileAnEarlierEntryLives_isNamedWithThatEntry() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "b", 11)
                .deleted("b", 11, 12)
                .granted(200, "a", 12)
                .deleted("a", 10, 13)
                .told();

        assertThat(checker.check(history).toString())
                .contains(
                        "b was granted /tmp/go/lock at revision 11 by /tmp/go/lock/b@11,"
                                + " while /tmp/go/lock/a@10 was at the head",
                        new Put(LOCK, Story.entry("a", 10), 10, "a").toString(),
                        "/tmp/go/lock/a@10 of /tmp/go/lock was served after /tmp/go/lock/b@11, which came later");
    }

    @Test
    void anEarlierEntryThatWithdrew_isNoBreach() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .deleted("a", 10, 12)
                .granted(100, "b", 12)
                .deleted("b", 11, 13)
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }

    @Test
    void aGrantWithoutAnEntryAlive_isNamed() {
        assertThat(checker.check(Story.good().granted(500, "c", 14).told()).toString())
                .contains("c was granted /tmp/go/lock at revision 14, where etcd has no entry of it");
        assertThat(checker.check(Story.good().granted(500, "b", 13).told()).toString())
                .contains("b was granted /tmp/go/lock at revision 13, where etcd has no entry of it");
    }

    @Test
    void aGrantByAnEntryItNames_isJudgedByThatEntry() {
        Granted byName = new Granted(50, "a", LOCK, new Token(0, 11, 0), LOCK + "/b");

        assertThat(checker.check(Story.good().and(byName).told()).toString()).contains("by /tmp/go/lock/b@11, while");
    }

    @Test
    void anEntryMovedToTheBack_isServedAgainInItsNewPlace() {
        History history = new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "a", 10)
                .deleted("a", 10, 12)
                .put("a", 12)
                .granted(200, "b", 12)
                .deleted("b", 11, 13)
                .granted(300, "a", 13)
                .deleted("a", 12, 14)
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }

    @Test
    void withoutARecord_nothingIsJudged_andTheEvidenceSaysSo() {
        assertThat(checker.check(new Story().granted(100, "a", 20).told()).toString())
                .contains("0 grants in queue order");
    }

    @Test
    void aKeyWrittenByGoAgain_isAnotherEntry() {
        History history = new Story()
                .put("go", 10)
                .deleted("go", 10, 11)
                .put("go", 12)
                .and(new Granted(100, "a", LOCK, new Token(0, 10, 0), LOCK + "/go"))
                .and(new Granted(200, "a", LOCK, new Token(0, 12, 0), LOCK + "/go"))
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }

    @Test
    void aValueWrittenAgain_doesNotMoveItsEntry() {
        History history =
                Story.good().and(new Put(LOCK, Story.entry("a", 10), 11, "x")).told();

        assertThat(checker.check(history).isKept()).isTrue();
    }
}
