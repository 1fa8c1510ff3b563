package dev.holdfast.history;

import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.RecordedQueue.Life;
import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The queue is served in order: whoever is granted the lock has, at the revision of its token, the lowest create
 * revision of all entries alive, and the create revisions of the grants never go back.
 *
 * <p>When etcd recorded anything about a lock, a grant whose entry cannot be found in that record breaks the promise. A
 * lock of which there is no record cannot be judged; the evidence of the verdict does not count its grants.
 */
public final class Fifo implements Checker {

    private record Served(Granted grant, Entry entry) {}

    public Fifo() {}

    @Override
    public String claim() {
        return "first come, first served";
    }

    @Override
    public Verdict check(History history) {
        List<Violation> violations = new ArrayList<>();
        int served = 0;
        for (String lock : history.locks()) {
            RecordedQueue queue = RecordedQueue.of(history, lock);
            if (queue.isEmpty()) {
                continue;
            }
            List<Served> grants = new ArrayList<>();
            for (Granted grant : history.of(Granted.class, lock)) {
                Optional<Life> life = queue.entryOf(grant);
                if (life.isEmpty()) {
                    violations.add(Violation.of(
                            grant.who() + " was granted " + lock + " at revision "
                                    + grant.token().revision() + ", where etcd has no entry of it",
                            grant));
                    continue;
                }
                grants.add(new Served(grant, life.get().entry()));
                violations.addAll(notAtHead(lock, queue, grant, life.get()));
            }
            violations.addAll(outOfOrder(lock, grants));
            served += grants.size();
        }
        return Verdict.of(claim(), violations, Count.of(served, "grant") + " in queue order");
    }

    private static List<Violation> notAtHead(String lock, RecordedQueue queue, Granted grant, Life life) {
        Life head = queue.headAt(grant.token().revision()).orElseThrow();
        if (head.equals(life)) {
            return List.of();
        }
        List<Operation> proof = new ArrayList<>(List.of(grant));
        proof.addAll(life.operations());
        proof.addAll(head.operations());
        String what = grant.who() + " was granted " + lock + " at revision "
                + grant.token().revision() + " by " + life.entry() + ", while " + head.entry() + " was at the head";
        return List.of(new Violation(what, proof));
    }

    private static List<Violation> outOfOrder(String lock, List<Served> grants) {
        List<Served> ordered = new ArrayList<>(grants);
        ordered.sort(Comparator.comparing(served -> served.grant().token()));
        List<Violation> violations = new ArrayList<>();
        for (int i = 1; i < ordered.size(); i++) {
            Served before = ordered.get(i - 1);
            Served next = ordered.get(i);
            if (next.entry().createRevision() < before.entry().createRevision()) {
                violations.add(Violation.of(
                        next.entry() + " of " + lock + " was served after " + before.entry() + ", which came later",
                        before.grant(),
                        next.grant()));
            }
        }
        return violations;
    }
}
