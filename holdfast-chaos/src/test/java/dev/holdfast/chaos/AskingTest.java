package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.history.History;
import dev.holdfast.history.HonestDeadline;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class AskingTest {

    private static final Token TOKEN = new Token(0, 5, 0);

    /** What is made of a hold that answers so, the last state for ever. */
    private static Asking ask(Duration left, Hold.State... states) {
        Queue<Hold.State> answers = new ArrayDeque<>(List.of(states));
        return Asking.of(
                () -> answers.size() > 1 ? answers.remove() : answers.element(),
                () -> left,
                "5c",
                "java1/0",
                "orders",
                TOKEN);
    }

    private static boolean isHonest(Asking asking) {
        Operation.Claimed claim = asking.claim();
        return claim != null && new HonestDeadline().check(History.of(claim)).isKept();
    }

    @Test
    void held_withTimeLeft_isAnHonestClaim() {
        Asking asking = ask(Duration.ofSeconds(3), Hold.State.HELD);

        assertThat(asking.isHeld()).isTrue();
        assertThat(isHonest(asking)).isTrue();
    }

    @Test
    void held_withNothingLeft_andStillHeldAfterThat_isALie() {
        Asking asking = ask(Duration.ZERO, Hold.State.HELD);

        assertThat(asking.isHeld()).isTrue();
        assertThat(asking.claim()).isNotNull();
        assertThat(isHonest(asking)).isFalse();
        assertThat(isHonest(ask(Duration.ZERO, Hold.State.AT_RISK))).isFalse();
    }

    @Test
    void held_thatEndedBetweenTheTwoQuestions_isAnHonestClaim_andTheLast() {
        Asking asking = ask(Duration.ZERO, Hold.State.HELD, Hold.State.LOST);

        assertThat(asking.isHeld()).isFalse();
        assertThat(isHonest(asking)).isTrue();
    }

    @Test
    void lost_claimsNothing() {
        Asking asking = ask(Duration.ZERO, Hold.State.LOST);

        assertThat(asking.isHeld()).isFalse();
        assertThat(asking.claim()).isNull();
    }
}
