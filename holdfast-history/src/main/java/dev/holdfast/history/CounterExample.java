package dev.holdfast.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The least of a history that still cannot be put in order.
 *
 * @param calls what is left, in the order of their calls
 * @param taken the longest run of them that can be put in order, up to the return of {@code blocked}
 * @param state what the lock is after that run
 * @param blocked the call that cannot follow
 */
record CounterExample(List<Call> calls, List<Call> taken, LockState state, Call blocked) {

    /* Whole holds are left out as long as the rest cannot be put in order, first half of them, then ever smaller parts.
     * That is fair to the lock: a hold left out of a legal order of operations, with all its entries and its end, leaves a
     * legal order, in every model. So what cannot be put in order without it could not be with it. What was called after
     * the return at which the search was stuck cannot have helped it, and what had not returned by then need not have.
     * All searches together look at no more than the limit's states and then stop: what is left is no less true.
     */
    static CounterExample of(
            MutexModel model, List<Call> calls, Linearization.Impossible whole, Linearization.Limits limits) {
        long stuckNanos = whole.blocked().returnedNanos();
        List<Call> seen = new ArrayList<>();
        for (Call call : calls) {
            if (call.calledNanos() <= stuckNanos) {
                seen.add(call.returnedNanos() <= stuckNanos ? call : call.neverReturned());
            }
        }
        Set<Integer> numbers = new LinkedHashSet<>();
        seen.stream().sorted(Comparator.comparingLong(Call::calledNanos)).forEach(call -> numbers.add(call.hold()));
        List<Integer> holds = new ArrayList<>(numbers);
        Linearization.Impossible least = whole;
        long statesLeft = limits.states();
        int size = holds.size();
        boolean hasShrunk = true;
        while (size > 1 || hasShrunk) {
            size = Math.max(1, size / 2);
            hasShrunk = false;
            for (int from = 0; from < holds.size() && statesLeft > 0; ) {
                List<Integer> fewer = new ArrayList<>(holds.subList(0, from));
                fewer.addAll(holds.subList(Math.min(holds.size(), from + size), holds.size()));
                Linearization.Result result = new Linearization(model, only(seen, fewer), limits).search();
                statesLeft -= result.states() + 1L;
                if (result instanceof Linearization.Impossible still) {
                    holds = fewer;
                    least = still;
                    hasShrunk = true;
                } else {
                    from += size;
                }
            }
        }
        List<Call> left = new ArrayList<>(only(seen, holds));
        left.sort(Comparator.comparingLong(Call::calledNanos));
        return new CounterExample(left, least.taken(), least.state(), least.blocked());
    }

    private static List<Call> only(List<Call> calls, List<Integer> holds) {
        Set<Integer> kept = new HashSet<>(holds);
        return calls.stream().filter(call -> kept.contains(call.hold())).toList();
    }
}
