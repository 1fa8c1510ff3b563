package dev.holdfast.history;

import dev.holdfast.history.Verdict.Violation;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What the clients saw can be explained by a lock that carries out their operations one by one, each at some moment between
 * its call and its return: the history is linearizable (M. Herlihy, J. Wing: Linearizability, a correctness condition for
 * concurrent objects. ACM TOPLAS 12(3), 1990). Each lock is judged by itself, which that paper shows to be enough.
 *
 * <p>This judges the lock, not the beliefs in it. A hold that was lost, or whose client was killed, may have been taken by
 * the server at any moment since the client asked for it, so that it overlaps another in time is no breach here; {@link
 * OneHolder} judges that. An acquire takes effect somewhere between request and grant, so a client that was paused before
 * it noted its grant, and overtaken, breaks nothing here.
 *
 * <p>Within one lock a client has to do one thing at a time; a client with several threads appears under several names.
 * The search takes bounded memory and time, and gives up when that is not enough: then the verdict is {@link
 * Verdict.Undecided}.
 */
public final class Linearizable implements Checker {

    private final MutexModel model;
    private final Linearization.Limits limits;

    private Linearizable(MutexModel model, Linearization.Limits limits) {
        this.model = model;
        this.limits = limits;
    }

    /** Compared with a lock that only its owner releases; tokens, and entries of an owner again, are not looked at. */
    public static Linearizable ownerMutex() {
        return new Linearizable(MutexModel.OWNER_MUTEX, Linearization.Limits.DEFAULT);
    }

    /** Compared with a lock that its owner may enter again, giving back each entry; tokens are not looked at. */
    public static Linearizable reentrantMutex() {
        return new Linearizable(MutexModel.REENTRANT_MUTEX, Linearization.Limits.DEFAULT);
    }

    /**
     * Compared with a re-entrant lock whose tokens grow from hold to hold. Whatever this finds kept, the other two do as
     * well.
     */
    public static Linearizable fencedMutex() {
        return new Linearizable(MutexModel.FENCED_MUTEX, Linearization.Limits.DEFAULT);
    }

    /**
     * The same, with another limit for the search over one lock; 500,000 unless said otherwise.
     *
     * @param states how many different pairs of a set of operations and a state of the lock are looked at; each takes
     *     about 200 bytes
     * @throws IllegalArgumentException if it is not positive
     */
    public Linearizable givingUpAfter(int states) {
        if (states <= 0) {
            throw new IllegalArgumentException("a search looks at one state at least: " + states);
        }
        Linearization.Limits usual = Linearization.Limits.DEFAULT;
        double scale = (double) states / usual.states();
        return new Linearizable(
                model,
                new Linearization.Limits(
                        states, Math.max(100_000, (long) (usual.words() * scale)), Math.max(1_000_000, (long)
                                (usual.steps() * scale))));
    }

    @Override
    public String claim() {
        return "linearizable as " + model;
    }

    @Override
    public Verdict check(History history) {
        List<Violation> violations = new ArrayList<>();
        String gaveUp = "";
        int operations = 0;
        long states = 0;
        for (String lock : history.locks()) {
            List<Call> calls = Calls.of(history, lock, model.isReentrant());
            operations += calls.size();
            Linearization.Result result = new Linearization(model, calls, limits).search();
            states += result.states();
            if (result instanceof Linearization.Impossible impossible) {
                violations.add(violation(lock, calls, impossible));
            } else if (result instanceof Linearization.GaveUp && gaveUp.isEmpty()) {
                gaveUp = "gave up after " + Count.of(result.states(), "state") + " of the search over "
                        + Count.of(calls.size(), "operation") + " on " + lock;
            }
        }
        if (violations.isEmpty() && !gaveUp.isEmpty()) {
            return new Verdict.Undecided(claim(), gaveUp);
        }
        return Verdict.of(
                claim(),
                violations,
                Count.of(operations, "operation") + " in order, found in " + Count.of(states, "state"));
    }

    private Violation violation(String lock, List<Call> calls, Linearization.Impossible whole) {
        CounterExample least = CounterExample.of(model, calls, whole, limits);
        StringBuilder what = new StringBuilder()
                .append("no order explains the ")
                .append(Count.of(calls.size(), "operation"))
                .append(" on ")
                .append(lock)
                .append(": ")
                .append(whole.taken().size())
                .append(" fit, until ")
                .append(whole.blocked().returnedNanos())
                .append(", where '")
                .append(whole.blocked())
                .append("' does not. The least that does not fit:");
        int step = 0;
        for (Call call : least.taken()) {
            what.append("\n      ").append(++step).append(". ").append(call);
        }
        what.append("\n      then ")
                .append(least.state())
                .append(", and '")
                .append(least.blocked())
                .append("', which returned at ")
                .append(least.blocked().returnedNanos())
                .append(", does not fit");
        Set<Operation> proof = new LinkedHashSet<>();
        for (Call call : least.calls()) {
            proof.addAll(call.notes());
        }
        return new Violation(what.toString(), List.copyOf(proof));
    }
}
