package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Left;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Requested;
import org.junit.jupiter.api.Test;

class NoOrphansTest {

    private final Checker checker = new NoOrphans();

    @Test
    void whenEveryEntryWasDeleted_holds() {
        assertThat(checker.check(Story.good().told()))
                .isEqualTo(new Verdict.Holds("nothing is left behind", "2 entries deleted"));
    }

    @Test
    void anEntryNeverDeleted_isNamed() {
        Put orphan = new Put(LOCK, Story.entry("a", 20), 20, "a");

        assertThat(checker.check(Story.good().and(orphan).told()).toString())
                .contains("entry /tmp/go/lock/a@20 was never deleted", orphan.toString());
    }

    @Test
    void theEntryOfAKilledClient_isAnOrphanUntilItsLeaseEnds() {
        Story story = new Story().put("a", 10).and(new Killed(100, "a"));

        assertThat(checker.check(story.told()).isKept()).isFalse();
        assertThat(checker.check(story.deleted("a", 10, 11).told()).isKept()).isTrue();
    }

    @Test
    void whatSomebodyFoundAtTheEnd_isNamed() {
        Left left = new Left(LOCK, Story.entry("a", 10), 30, "a");

        assertThat(checker.check(Story.good().and(left).told()).toString())
                .contains("entry /tmp/go/lock/a@10 was left at the end", left.toString());
    }

    @Test
    void aKeyDeletedAndWrittenAgain_isAnotherEntry() {
        assertThat(checker.check(Story.good().put("a", 20).told()).isKept()).isFalse();
    }

    @Test
    void entriesOfOthers_areCountedButNotJudged() {
        Put foreign = new Put(LOCK, new Entry(LOCK + "/694d", 5), 5, null);

        assertThat(checker.check(Story.good().and(foreign).told()).toString()).contains("1 of others not judged");
        assertThat(checker.check(History.of(foreign)).isKept()).isFalse();
        assertThat(checker.check(History.of(foreign, new Requested(1, "a", LOCK)))
                        .isKept())
                .isTrue();
    }
}
