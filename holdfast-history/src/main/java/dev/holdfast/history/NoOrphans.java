package dev.holdfast.history;

import dev.holdfast.history.RecordedQueue.Life;
import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * When all is over, no entry is left: every entry that etcd recorded was deleted, and whoever looked at the end found
 * none.
 *
 * <p>Entries of clients that have no part in the history are not judged: another program may share the lock and go on.
 * When no client has a part in it, every entry is judged.
 */
public final class NoOrphans implements Checker {

    public NoOrphans() {}

    @Override
    public String claim() {
        return "nothing is left behind";
    }

    @Override
    public Verdict check(History history) {
        Set<String> clients = history.clients();
        List<Violation> violations = new ArrayList<>();
        int deleted = 0;
        int others = 0;
        for (String lock : history.locks()) {
            for (Life life : RecordedQueue.of(history, lock).lives()) {
                if (!isJudged(clients, life.owner())) {
                    others++;
                } else if (life.deleted() == null) {
                    violations.add(Violation.of("entry " + life.entry() + " was never deleted", life.first()));
                } else {
                    deleted++;
                }
            }
            for (Operation.Left left : history.of(Operation.Left.class, lock)) {
                if (isJudged(clients, left.owner())) {
                    violations.add(Violation.of("entry " + left.entry() + " was left at the end", left));
                }
            }
        }
        String evidence = deleted + (deleted == 1 ? " entry" : " entries") + " deleted";
        return Verdict.of(
                claim(), violations, others == 0 ? evidence : evidence + ", " + others + " of others not judged");
    }

    private static boolean isJudged(Set<String> clients, @Nullable String owner) {
        return clients.isEmpty() || (owner != null && clients.contains(owner));
    }
}
