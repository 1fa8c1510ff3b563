package dev.holdfast.history;

import dev.holdfast.history.Operation.Confirmed;
import dev.holdfast.history.Operation.DeadlineMoved;
import dev.holdfast.history.Operation.KeptAlive;
import dev.holdfast.history.Operation.OnSession;
import dev.holdfast.history.Operation.Opened;
import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The deadline of a session moves only by a confirmed keep-alive, never further than that one allows, and never once it
 * has passed.
 */
public final class DeadlineOnlyConfirmed implements Checker {

    /* A keep-alive K allows a belief until K.sent + TTL - margin: the server counts the TTL from a moment after K was
     * sent. K's answer alone may come from a leader that was deposed and whose leases the cluster has revoked. A request
     * X through the log proves that K's leader still led, if X was sent after K's answer had arrived and X's answer shows
     * the session's key and K's raft term. So a move at t to a deadline D is allowed iff there are K and X with
     *
     *     K.answered <= X.sent,  K.term = X.term,  X.answered <= t,  D <= K.sent + TTL - margin
     *
     * and the deadline so far had not passed at t. A session opens with D <= sent + TTL - margin: its key was written
     * through the log, too. What happened at one instant counts in the client's favour.
     */

    private static final long MIN_MARGIN_MILLIS = 500;

    /** What was noted of one session. */
    private static final class Session {
        @Nullable
        Opened opened;

        final List<KeptAlive> renewals = new ArrayList<>();
        final List<Confirmed> confirmations = new ArrayList<>();
        final List<DeadlineMoved> moves = new ArrayList<>();
    }

    public DeadlineOnlyConfirmed() {}

    @Override
    public String claim() {
        return "deadlines move only when confirmed";
    }

    @Override
    public Verdict check(History history) {
        Map<String, Session> sessions = new LinkedHashMap<>();
        for (OnSession noted : history.of(OnSession.class)) {
            Session session = sessions.computeIfAbsent(noted.lease(), lease -> new Session());
            if (noted instanceof Opened opened) {
                session.opened = opened;
            } else if (noted instanceof KeptAlive renewal) {
                session.renewals.add(renewal);
            } else if (noted instanceof Confirmed confirmation) {
                session.confirmations.add(confirmation);
            } else if (noted instanceof DeadlineMoved move) {
                session.moves.add(move);
            }
        }
        List<Violation> violations = new ArrayList<>();
        int moves = 0;
        for (Session session : sessions.values()) {
            moves += session.moves.size();
            violations.addAll(breaches(session));
        }
        return Verdict.of(
                claim(), violations, Count.of(moves, "move") + " of " + Count.of(sessions.size(), "deadline"));
    }

    private static List<Violation> breaches(Session session) {
        List<Violation> violations = new ArrayList<>();
        session.renewals.sort(Comparator.comparingLong(KeptAlive::atNanos));
        session.confirmations.sort(Comparator.comparingLong(Confirmed::sentNanos));
        session.moves.sort(
                Comparator.comparingLong(DeadlineMoved::atNanos).thenComparingLong(DeadlineMoved::deadlineNanos));
        Opened opened = session.opened;
        if (opened != null && opened.deadlineNanos() > allowed(opened.sentNanos(), opened.ttlMillis())) {
            violations.add(Violation.of(
                    opened.who() + " opened session " + opened.lease() + " with a deadline "
                            + Nanos.text(opened.deadlineNanos() - allowed(opened.sentNanos(), opened.ttlMillis()))
                            + " later than its TTL less the margin allows",
                    opened));
        }
        long longestNanos = 0;
        for (KeptAlive renewal : session.renewals) {
            longestNanos = Math.max(longestNanos, allowed(renewal) - renewal.sentNanos());
        }
        Operation before = opened;
        long untilNanos = opened == null ? Long.MAX_VALUE : opened.deadlineNanos();
        for (DeadlineMoved move : session.moves) {
            if (opened == null) {
                violations.add(Violation.of(
                        move.who() + " moved the deadline of session " + move.lease() + ", which nobody opened", move));
                continue;
            }
            if (before != null && move.atNanos() >= untilNanos) {
                violations.add(Violation.of(
                        move.who() + " moved the deadline of session " + move.lease() + " "
                                + Nanos.text(move.atNanos() - untilNanos) + " after it had passed",
                        before,
                        move));
            }
            if (!isConfirmed(session, move, longestNanos)) {
                violations.add(unconfirmed(session, move));
            }
            if (move.deadlineNanos() > untilNanos) {
                untilNanos = move.deadlineNanos();
                before = move;
            }
        }
        return violations;
    }

    /*
     * Looks from the newest confirmation backwards, and from there to older keep-alives: nearly always the first fits.
     * None that was answered before the deadline less the longest belief can allow it.
     */
    private static boolean isConfirmed(Session session, DeadlineMoved move, long longestNanos) {
        long tooOldNanos = move.deadlineNanos() - longestNanos;
        for (int x = firstAfter(session.confirmations, Confirmed::sentNanos, move.atNanos()) - 1; x >= 0; x--) {
            Confirmed confirmation = session.confirmations.get(x);
            if (confirmation.sentNanos() < tooOldNanos) {
                return false;
            }
            if (confirmation.atNanos() > move.atNanos()) {
                continue;
            }
            for (int k = firstAfter(session.renewals, KeptAlive::atNanos, confirmation.sentNanos()) - 1; k >= 0; k--) {
                KeptAlive renewal = session.renewals.get(k);
                if (renewal.atNanos() < tooOldNanos) {
                    break;
                }
                if (renewal.term() == confirmation.term() && move.deadlineNanos() <= allowed(renewal)) {
                    return true;
                }
            }
        }
        return false;
    }

    private interface Time<T> {
        long nanos(T noted);
    }

    /** How many of those sorted by that time come at or before that moment. */
    private static <T> int firstAfter(List<T> sorted, Time<T> time, long nanos) {
        int low = 0;
        int high = sorted.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (time.nanos(sorted.get(middle)) <= nanos) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Says which step is missing: a keep-alive that allows so much, one answered in time, or its confirmation. */
    private static Violation unconfirmed(Session session, DeadlineMoved move) {
        String moved = move.who() + " moved the deadline of session " + move.lease() + " to " + move.deadlineNanos();
        KeptAlive best = null;
        for (KeptAlive renewal : session.renewals) {
            if (renewal.atNanos() <= move.atNanos() && (best == null || allowed(renewal) >= allowed(best))) {
                best = renewal;
            }
        }
        if (best == null) {
            return Violation.of(moved + " before any keep-alive was answered", move);
        }
        if (allowed(best) < move.deadlineNanos()) {
            return Violation.of(
                    moved + ", " + Nanos.text(move.deadlineNanos() - allowed(best))
                            + " later than any answered keep-alive allows",
                    best,
                    move);
        }
        Confirmed near = null;
        for (Confirmed confirmation : session.confirmations) {
            if (confirmation.atNanos() <= move.atNanos()) {
                near = confirmation;
            }
        }
        if (near == null) {
            return Violation.of(moved + " by a keep-alive that nothing confirmed", best, move);
        }
        String why = near.sentNanos() < best.atNanos()
                ? "the last confirmation was sent before the keep-alive's answer had arrived"
                : "the last confirmation is of term " + near.term() + ", the keep-alive of term " + best.term();
        return Violation.of(moved + " by a keep-alive that nothing confirmed: " + why, best, near, move);
    }

    private static long allowed(KeptAlive renewal) {
        return allowed(renewal.sentNanos(), renewal.ttlMillis());
    }

    private static long allowed(long sentNanos, long ttlMillis) {
        long marginMillis = Math.max(MIN_MARGIN_MILLIS, ttlMillis / 20);
        return sentNanos + (ttlMillis - marginMillis) * 1_000_000;
    }
}
