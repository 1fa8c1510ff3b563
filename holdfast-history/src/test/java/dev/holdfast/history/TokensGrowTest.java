package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Granted;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokensGrowTest {

    private final Checker checker = new TokensGrow();

    @Test
    void growingTokens_hold() {
        assertThat(checker.check(Story.good().told())).isEqualTo(new Verdict.Holds("tokens grow", "2 tokens"));
    }

    @Test
    void aTokenGivenTwice_isNamed() {
        Granted first = new Granted(100, "a", LOCK, new Token(0, 10, 0), null);
        Granted second = new Granted(200, "b", LOCK, new Token(0, 10, 0), null);

        assertThat(checker.check(History.of(second, first)))
                .isEqualTo(Verdict.of(
                        "tokens grow",
                        List.of(Verdict.Violation.of(
                                "the token of /tmp/go/lock did not grow from a's 0.10.0 to b's 0.10.0", first, second)),
                        ""));
    }

    @Test
    void aSmallerTokenAfterAGreater_isNamed_andTheGreaterStaysTheMeasure() {
        History history = new Story()
                .granted(100, "a", 30)
                .granted(200, "b", 10)
                .granted(300, "c", 20)
                .told();

        assertThat(checker.check(history).toString()).contains("to b's 0.10.0", "from a's 0.30.0 to c's 0.20.0");
    }

    @Test
    void theSequenceNumberOrdersHandOversOfOneGrant() {
        Operation first = new Granted(100, "a", LOCK, new Token(0, 10, 0), null);
        Operation handedOver = new Granted(200, "a", LOCK, new Token(0, 10, 1), null);
        Operation backwards = new Granted(300, "a", LOCK, new Token(0, 10, 0), null);

        assertThat(checker.check(History.of(first, handedOver)).isKept()).isTrue();
        assertThat(checker.check(History.of(first, handedOver, backwards)).isKept())
                .isFalse();
    }

    @Test
    void theClusterEpochCountsMost() {
        Operation before = new Granted(100, "a", LOCK, new Token(0, 900, 0), null);
        Operation afterRestore = new Granted(200, "b", LOCK, new Token(1, 10, 0), null);

        assertThat(checker.check(History.of(before, afterRestore)).isKept()).isTrue();
    }

    @Test
    void locksHaveTokensOfTheirOwn() {
        History history = new Story()
                .granted(100, "a", 30)
                .and(new Granted(200, "b", "other", new Token(0, 10, 0), null))
                .told();

        assertThat(checker.check(history).isKept()).isTrue();
    }
}
