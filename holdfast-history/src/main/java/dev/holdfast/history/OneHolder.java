package dev.holdfast.history;

import dev.holdfast.history.RecordedQueue.Life;
import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A lock has one holder at a time.
 *
 * <p>In real time: no two beliefs about a lock overlap. In revision space: the ownership intervals, each from the grant
 * revision of a token to the deletion of the entry it was granted by, are disjoint between entries, and no two entries
 * were created at one revision. A history in which a client ends a hold that it was never granted, or before it was
 * granted, is judged broken as well: nothing can be concluded from it.
 */
public final class OneHolder implements Checker {

    /** From the grant to the end of the entry: {@code [from, to)} in revisions. */
    private record Ownership(Operation.Granted grant, Life life) {
        long from() {
            return grant.token().revision();
        }
    }

    /** Which of the two a checker looks at. */
    private enum Scope {
        BOTH("one holder at a time"),
        REVISIONS("one owner at a time"),
        TIME("one believer at a time");

        private final String claim;

        Scope(String claim) {
            this.claim = claim;
        }
    }

    private final Scope scope;

    /** Judges in real time and in revision space. */
    public OneHolder() {
        this(Scope.BOTH);
    }

    private OneHolder(Scope scope) {
        this.scope = scope;
    }

    /** Judges in revision space alone: what no clock, pause or early end of a lease can excuse. */
    public static OneHolder inRevisions() {
        return new OneHolder(Scope.REVISIONS);
    }

    /** Judges in real time alone: whether two believed at once, which is best effort. Each breach names two grants. */
    public static OneHolder inTime() {
        return new OneHolder(Scope.TIME);
    }

    @Override
    public String claim() {
        return scope.claim;
    }

    @Override
    public Verdict check(History history) {
        List<Violation> violations = new ArrayList<>();
        int beliefs = 0;
        int ownerships = 0;
        for (String lock : history.locks()) {
            List<Belief> believed = Belief.of(history, lock);
            beliefs += believed.size();
            if (scope != Scope.REVISIONS) {
                violations.addAll(overlapsInTime(lock, believed));
            }
            if (scope == Scope.TIME) {
                continue;
            }
            violations.addAll(strayEnds(history, lock, believed));
            RecordedQueue queue = RecordedQueue.of(history, lock);
            List<Ownership> owned = ownerships(queue, believed);
            ownerships += owned.size();
            violations.addAll(overlapsInRevisions(lock, owned));
            violations.addAll(tiedEntries(lock, queue));
        }
        String evidence = Count.of(beliefs, "hold");
        return Verdict.of(
                claim(),
                violations,
                scope == Scope.TIME ? evidence : evidence + ", " + ownerships + " of them found in etcd's record");
    }

    private static List<Violation> strayEnds(History history, String lock, List<Belief> beliefs) {
        record Claim(String who, Token token) {}
        List<Violation> violations = new ArrayList<>();
        Set<Claim> granted = new HashSet<>();
        for (Belief belief : beliefs) {
            granted.add(new Claim(belief.grant().who(), belief.grant().token()));
            if (belief.endNanos() < belief.grant().atNanos()) {
                violations.add(new Violation(
                        belief.grant().who() + "'s hold of " + lock + " ended before it began",
                        Belief.operations(belief)));
            }
        }
        for (Operation.ByClient note : history.of(Operation.ByClient.class, lock)) {
            Token token = Belief.endedToken(note);
            if (token != null && !granted.contains(new Claim(note.who(), token))) {
                violations.add(
                        Violation.of(note.who() + " ended a hold of " + lock + " that it was never granted", note));
            }
        }
        return violations;
    }

    /* Sorted by their beginning, a belief overlaps an earlier one iff it overlaps the one of those that ends last. */
    private static List<Violation> overlapsInTime(String lock, List<Belief> beliefs) {
        List<Violation> violations = new ArrayList<>();
        Belief lasting = null;
        for (Belief belief : beliefs) {
            if (lasting != null && belief.grant().atNanos() < lasting.endNanos()) {
                violations.add(new Violation(
                        lasting.grant().who() + " and " + belief.grant().who() + " held " + lock + " at the same time",
                        Belief.operations(lasting, belief)));
            }
            if (lasting == null || belief.endNanos() > lasting.endNanos()) {
                lasting = belief;
            }
        }
        return violations;
    }

    private static List<Ownership> ownerships(RecordedQueue queue, List<Belief> beliefs) {
        List<Ownership> owned = new ArrayList<>();
        for (Belief belief : beliefs) {
            queue.entryOf(belief.grant()).ifPresent(life -> owned.add(new Ownership(belief.grant(), life)));
        }
        owned.sort(Comparator.comparingLong(Ownership::from));
        return owned;
    }

    private static List<Violation> overlapsInRevisions(String lock, List<Ownership> owned) {
        List<Violation> violations = new ArrayList<>();
        Ownership lasting = null;
        for (Ownership next : owned) {
            boolean another = lasting != null
                    && !lasting.life().entry().equals(next.life().entry());
            if (another && lasting != null && next.from() < lasting.life().deletedAt()) {
                List<Operation> proof = new ArrayList<>(List.of(lasting.grant(), next.grant()));
                proof.addAll(lasting.life().operations());
                proof.addAll(next.life().operations());
                violations.add(new Violation(
                        "two entries owned " + lock + " at revision " + next.from() + ": "
                                + lasting.life().entry() + " and "
                                + next.life().entry(),
                        proof));
            }
            if (lasting == null || next.life().deletedAt() > lasting.life().deletedAt()) {
                lasting = next;
            }
        }
        return violations;
    }

    private static List<Violation> tiedEntries(String lock, RecordedQueue queue) {
        List<Violation> violations = new ArrayList<>();
        Life before = null;
        for (Life life : queue.lives()) {
            if (before != null
                    && before.entry().createRevision() == life.entry().createRevision()) {
                violations.add(Violation.of(
                        "two entries of " + lock + " were created at one revision", before.first(), life.first()));
            }
            before = life;
        }
        return violations;
    }
}
