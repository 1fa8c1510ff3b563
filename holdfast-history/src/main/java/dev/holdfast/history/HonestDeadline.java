package dev.holdfast.history;

import dev.holdfast.history.Operation.Claimed;
import dev.holdfast.history.Operation.LeaseEnded;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Nobody says that it holds a lock when it cannot know: not at or past its own deadline, not after it was told that the
 * hold is lost, and not at or past the moment at which the server had ended the lease, where that was recorded.
 *
 * <p>The last of the three is best effort: it is broken by a server that revokes a lease early, and by clocks that run
 * apart faster than the margin allows. The first two depend on the client alone.
 */
public final class HonestDeadline implements Checker {

    private record HoldOf(String who, String lock, Token token) {}

    public HonestDeadline() {}

    @Override
    public String claim() {
        return "no claim past the deadline";
    }

    @Override
    public Verdict check(History history) {
        Map<String, LeaseEnded> ends = new HashMap<>();
        for (LeaseEnded end : history.of(LeaseEnded.class)) {
            ends.merge(end.lease(), end, (a, b) -> a.atNanos() <= b.atNanos() ? a : b);
        }
        Map<HoldOf, Lost> losses = new HashMap<>();
        for (Lost lost : history.of(Lost.class)) {
            losses.merge(
                    new HoldOf(lost.who(), lost.lock(), lost.token()),
                    lost,
                    (a, b) -> a.atNanos() <= b.atNanos() ? a : b);
        }
        List<Violation> violations = new ArrayList<>();
        List<Claimed> claims = history.of(Claimed.class);
        int onEndedLeases = 0;
        for (Claimed claim : claims) {
            LeaseEnded end = claim.lease() == null ? null : ends.get(claim.lease());
            onEndedLeases += end == null ? 0 : 1;
            Lost lost = losses.get(new HoldOf(claim.who(), claim.lock(), claim.token()));
            Violation violation = breach(claim, end, lost);
            if (violation != null) {
                violations.add(violation);
            }
        }
        return Verdict.of(
                claim(),
                violations,
                Count.of(claims.size(), "claim") + ", " + onEndedLeases + " of them on leases whose end was recorded");
    }

    private static @Nullable Violation breach(Claimed claim, @Nullable LeaseEnded end, @Nullable Lost lost) {
        String said = claim.who() + " said that it held " + claim.lock() + ", ";
        if (claim.atNanos() >= claim.deadlineNanos()) {
            return Violation.of(
                    said + Nanos.text(claim.atNanos() - claim.deadlineNanos()) + " past its own deadline", claim);
        }
        // Told in the same instant, it may have asked first.
        if (lost != null && claim.atNanos() > lost.atNanos()) {
            return Violation.of(
                    said + Nanos.text(claim.atNanos() - lost.atNanos()) + " after it was told of the loss",
                    lost,
                    claim);
        }
        if (end != null && claim.atNanos() >= end.atNanos()) {
            return Violation.of(
                    said + Nanos.text(claim.atNanos() - end.atNanos()) + " after the server had ended lease "
                            + end.lease(),
                    end,
                    claim);
        }
        return null;
    }
}
