package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.CommitResult;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Loss;
import dev.holdfast.Transaction;
import dev.holdfast.history.History;
import dev.holdfast.history.HonestDeadline;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class AskingTest {

    private static final Token TOKEN = new Token(0, 5, 0);

    /** A hold that answers what it was told to, the last for ever. */
    private static final class Told implements Hold {
        private final Queue<State> states;
        private final Duration left;

        Told(Duration left, State... states) {
            this.left = left;
            this.states = new ArrayDeque<>(List.of(states));
        }

        @Override
        public State state() {
            return states.size() > 1 ? states.remove() : states.element();
        }

        @Override
        public Duration remaining() {
            return left;
        }

        @Override
        public String lockName() {
            return "orders";
        }

        @Override
        public String key() {
            return "chaos/orders/5c.1";
        }

        @Override
        public FencingToken token() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void ensure(Duration atLeast) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void onLost(Consumer<Loss> listener) {
            throw new UnsupportedOperationException();
        }

        @Override
        public CompletableFuture<CommitResult> commit(Transaction transaction) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException();
        }
    }

    private static Asking ask(Hold hold) {
        return Asking.of(hold, "java1/0", "orders", TOKEN);
    }

    private static boolean isHonest(Asking asking) {
        Operation.Claimed claim = asking.claim();
        return claim != null && new HonestDeadline().check(History.of(claim)).isKept();
    }

    @Test
    void held_withTimeLeft_isAnHonestClaim() {
        Asking asking = ask(new Told(Duration.ofSeconds(3), Hold.State.HELD));

        assertThat(asking.isHeld()).isTrue();
        assertThat(isHonest(asking)).isTrue();
    }

    @Test
    void held_withNothingLeft_andStillHeldAfterThat_isALie() {
        Asking asking = ask(new Told(Duration.ZERO, Hold.State.HELD));

        assertThat(asking.isHeld()).isTrue();
        assertThat(asking.claim()).isNotNull();
        assertThat(isHonest(asking)).isFalse();
        assertThat(isHonest(ask(new Told(Duration.ZERO, Hold.State.AT_RISK)))).isFalse();
    }

    @Test
    void held_thatEndedBetweenTheTwoQuestions_isAnHonestClaim_andTheLast() {
        Asking asking = ask(new Told(Duration.ZERO, Hold.State.HELD, Hold.State.LOST));

        assertThat(asking.isHeld()).isFalse();
        assertThat(isHonest(asking)).isTrue();
    }

    @Test
    void lost_claimsNothing() {
        Asking asking = ask(new Told(Duration.ZERO, Hold.State.LOST));

        assertThat(asking.isHeld()).isFalse();
        assertThat(asking.claim()).isNull();
    }
}
