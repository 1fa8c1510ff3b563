package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Claimed;
import dev.holdfast.history.Operation.DeadlineMoved;
import dev.holdfast.history.Operation.Faulted;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Operation.WatchedUntil;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CheckerTest {

    private static final Token TOKEN = new Token(0, 10, 0);

    /** One history for each checker, which it refuses. */
    private static final Map<Class<? extends Checker>, History> REFUSED = Map.of(
            OneHolder.class,
            new Story().granted(100, "a", 10).granted(200, "b", 12).told(),
            TokensGrow.class,
            new Story()
                    .granted(100, "a", 10)
                    .released(200, "a", 10)
                    .granted(300, "b", 10)
                    .told(),
            Linearizable.class,
            new Story().granted(100, "a", 10).granted(200, "b", 12).told(),
            Fifo.class,
            new Story().put("a", 10).put("b", 11).granted(100, "b", 11).told(),
            HonestDeadline.class,
            History.of(new Claimed(100, "a", LOCK, TOKEN, 100, null)),
            DeadlineOnlyConfirmed.class,
            History.of(new DeadlineMoved(100, "a", "5c1", 200)),
            Progress.class,
            History.of(new Requested(10, "a", LOCK), new WatchedUntil(20)),
            NoOrphans.class,
            new Story().put("a", 10).told());

    @Test
    void eachChecker_isAmongAll_andRefusesSomething() {
        assertThat(Arrays.stream(Checker.class.getPermittedSubclasses()))
                .containsExactlyInAnyOrderElementsOf(List.copyOf(REFUSED.keySet()));
        assertThat(Checker.all()).extracting(Object::getClass).hasSameSizeAs(REFUSED.keySet());
        for (Checker checker : Checker.all()) {
            Verdict verdict = checker.check(REFUSED.getOrDefault(checker.getClass(), History.of()));
            assertThat(verdict.isBroken()).as(checker.claim()).isTrue();
            assertThat(verdict.claim()).isEqualTo(checker.claim());
        }
    }

    @Test
    void eachChecker_findsAGoodHistoryKept_andAnEmptyOne() {
        for (Checker checker : Checker.all()) {
            assertThat(checker.check(Story.good().told()).isKept())
                    .as(checker.claim())
                    .isTrue();
            assertThat(checker.check(History.of()).isKept()).as(checker.claim()).isTrue();
        }
    }

    @Test
    void allWithinABound_boundTheWaits() {
        History slow = new Story()
                .and(new Requested(0, "a", LOCK))
                .and(new Faulted(1, 2, "paused"))
                .granted(1_000, "a", 10)
                .and(new WatchedUntil(2_000))
                .released(1_500, "a", 10)
                .told();

        assertThat(Checker.all()).allMatch(checker -> checker.check(slow).isKept());
        assertThat(Checker.allWithin(Duration.ofNanos(900)))
                .filteredOn(checker -> checker.check(slow).isBroken())
                .singleElement()
                .isInstanceOf(Progress.class);
    }
}
