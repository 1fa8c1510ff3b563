package dev.holdfast.history;

import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens of a lock grow strictly from hold to hold, in the order in which the beliefs began.
 *
 * <p>A client that was paused between the grant and its note of it, and so began to believe after another had already
 * overtaken it, breaks this: what it does then a resource that checks tokens refuses.
 */
public final class TokensGrow implements Checker {

    public TokensGrow() {}

    @Override
    public String claim() {
        return "tokens grow";
    }

    @Override
    public Verdict check(History history) {
        List<Violation> violations = new ArrayList<>();
        int tokens = 0;
        for (String lock : history.locks()) {
            Operation.Granted highest = null;
            for (Belief belief : Belief.of(history, lock)) {
                Operation.Granted grant = belief.grant();
                tokens++;
                if (highest != null && grant.token().compareTo(highest.token()) <= 0) {
                    violations.add(Violation.of(
                            "the token of " + lock + " did not grow from " + highest.who() + "'s " + highest.token()
                                    + " to " + grant.who() + "'s " + grant.token(),
                            highest,
                            grant));
                } else {
                    highest = grant;
                }
            }
        }
        return Verdict.of(claim(), violations, Count.of(tokens, "token"));
    }
}
