package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Claimed;
import dev.holdfast.history.Operation.LeaseEnded;
import dev.holdfast.history.Operation.Lost;
import java.util.List;
import org.junit.jupiter.api.Test;

class HonestDeadlineTest {

    private static final Token TOKEN = new Token(0, 10, 0);
    private final Checker checker = new HonestDeadline();

    private static Claimed claim(long atNanos, long deadlineNanos) {
        return new Claimed(atNanos, "a", LOCK, TOKEN, deadlineNanos, "5c1");
    }

    private static Verdict broken(String what, Operation... operations) {
        return new Verdict.Violated(
                "no claim past the deadline", List.of(new Verdict.Violation(what, List.of(operations))));
    }

    @Test
    void claimsBeforeTheDeadlineAndTheEndOfTheLease_hold() {
        assertThat(checker.check(History.of(
                        claim(0, 100),
                        claim(99, 100),
                        claim(150, 200),
                        new Claimed(500, "b", LOCK, TOKEN, 501, null),
                        new LeaseEnded(151, "5c1"),
                        new LeaseEnded(3, "6d2"))))
                .isEqualTo(new Verdict.Holds(
                        "no claim past the deadline", "4 claims, 3 of them on leases whose end was recorded"));
    }

    @Test
    void aClaimAtItsOwnDeadline_isNamed() {
        assertThat(checker.check(History.of(claim(99, 100), claim(100, 100))))
                .isEqualTo(broken("a said that it held /tmp/go/lock, 0 ns past its own deadline", claim(100, 100)));
    }

    @Test
    void aClaimAfterTheServerEndedTheLease_isNamed_withTheEarliestWordOfIt() {
        assertThat(checker.check(History.of(
                        claim(2_500, 9_000),
                        new LeaseEnded(1_900, "5c1"),
                        new LeaseEnded(1_000, "5c1"),
                        new LeaseEnded(500, "6d2"))))
                .isEqualTo(broken(
                        "a said that it held /tmp/go/lock, 1.500 us after the server had ended lease 5c1",
                        new LeaseEnded(1_000, "5c1"),
                        claim(2_500, 9_000)));
    }

    @Test
    void aClaimAtTheMomentTheServerHadEndedTheLease_isNamed() {
        assertThat(checker.check(History.of(claim(999, 9_000), claim(1_000, 9_000), new LeaseEnded(1_000, "5c1"))))
                .isEqualTo(broken(
                        "a said that it held /tmp/go/lock, 0 ns after the server had ended lease 5c1",
                        new LeaseEnded(1_000, "5c1"),
                        claim(1_000, 9_000)));
    }

    @Test
    void aClaimAfterTheWordOfItsLoss_isNamed() {
        Lost lost = new Lost(50, "a", LOCK, TOKEN);

        assertThat(checker.check(History.of(lost, claim(50, 100))).isKept()).isTrue();
        assertThat(checker.check(History.of(lost, claim(51, 100))))
                .isEqualTo(broken(
                        "a said that it held /tmp/go/lock, 1 ns after it was told of the loss", lost, claim(51, 100)));
        assertThat(checker.check(History.of(lost, new Claimed(51, "a", LOCK, new Token(0, 12, 0), 100, null)))
                        .isKept())
                .isTrue();
    }
}
