package dev.holdfast.history;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The search for an order in which calls can have taken effect one by one: each between its call and its return, each as
 * the model allows. Used once, by one thread.
 */
final class Linearization {

    /* The algorithm is Wing and Gong's (J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects. Journal of Parallel
     * and Distributed Computing 17, 1993) with Lowe's memoisation (G. Lowe: Testing for linearizability. Concurrency and
     * Computation: Practice and Experience 29(4), 2017), the one that Knossos and Porcupine use:
     *
     *   The events, calls and returns, are a list in the order of time. Walk it from its head. A call whose effect the
     *   model allows now is taken: it goes on the stack, its events leave the list, and the walk begins again. A call that
     *   the model does not allow is passed by. A return means that its call has to be taken before anything that was
     *   called later: the walk is stuck, the last call taken is put back, and the walk goes on behind it. Stuck with an
     *   empty stack, there is no order. When no return is left in the list, there is one.
     *
     *   What can follow depends on the set of calls taken and on the state they led to, not on their order. So a pair seen
     *   before is not walked again.
     *
     * A call that never returned has no return event: it never blocks, and may be taken late or not at all. Events of one
     * moment are taken to overlap, calls before returns.
     *
     * Why the farthest return that blocked is the one to tell about: a walk passes a return only after its call was taken,
     * and the search tries every walk. So all that returned before it can be put in order, and with it no longer.
     */

    /** When to give up: after that many pairs, or words to keep them, or steps of the walk. */
    record Limits(int states, long words, long steps) {
        static final Limits DEFAULT = new Limits(500_000, 8_000_000, 200_000_000);
    }

    /** What the search came to. */
    sealed interface Result {
        /** How many pairs of a set of calls and a state were seen. */
        int states();
    }

    /** There is an order: this one. */
    record Found(List<Call> order, int states) implements Result {}

    /**
     * There is none.
     *
     * @param taken the longest run of calls that takes in all that had returned before {@code blocked} did
     * @param state what the lock is after them
     * @param blocked the call that should have taken effect by then, and cannot
     */
    record Impossible(List<Call> taken, LockState state, Call blocked, int states) implements Result {}

    /** It took too much. */
    record GaveUp(int states) implements Result {}

    /** A set of calls, as {@link #takenSet} has it, and the state they led to. */
    private static final class Seen {
        private final long[] set;
        private final LockState state;

        Seen(long[] set, LockState state) {
            this.set = set;
            this.state = state;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Seen seen && Arrays.equals(set, seen.set) && state.equals(seen.state);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(set) + state.hashCode();
        }
    }

    private final MutexModel model;
    private final Limits limits;

    /** In the order of their calls, so that a set of calls taken is mostly a beginning of it. */
    private final List<Call> calls;

    /* The list: event e is the call of calls.get(callOf[e]), or its return if isReturn[e]. The head comes last. */
    private final int[] callOf;
    private final boolean[] isReturn;
    private final int[] next;
    private final int[] previous;
    private final int head;
    private final int[] callEvent;
    private final int[] returnEvent;

    /* The calls taken, as bits; the words before fullWords are full, those from usedWords on empty. */
    private final long[] taken;
    private int fullWords;
    private int usedWords;
    private final Set<Seen> seen = new HashSet<>();
    private final int[] stack;
    private final LockState[] before;
    private int depth;
    private int returnsLeft;
    private long wordsSeen;
    private long steps;

    /* The farthest return that blocked, and the stack as it was then. Below kept, both stacks are still the same. */
    private int farthest = -1;
    private final int[] farthestStack;
    private int farthestDepth;
    private int kept;
    private LockState farthestState = LockState.NEW;

    Linearization(MutexModel model, List<Call> unordered, Limits limits) {
        this.model = model;
        this.limits = limits;
        List<Call> ordered = new ArrayList<>(unordered);
        ordered.sort(Comparator.comparingLong(Call::calledNanos));
        this.calls = ordered;
        int n = ordered.size();
        int[] returned = returnOrder(ordered);
        int events = n + returned.length;
        callOf = new int[events];
        isReturn = new boolean[events];
        next = new int[events + 1];
        previous = new int[events + 1];
        head = events;
        callEvent = new int[n];
        returnEvent = new int[n];
        Arrays.fill(returnEvent, -1);
        int c = 0;
        int r = 0;
        for (int e = 0; e < events; e++) {
            boolean isCall = c < n
                    && (r == returned.length
                            || ordered.get(c).calledNanos()
                                    <= ordered.get(returned[r]).returnedNanos());
            isReturn[e] = !isCall;
            callOf[e] = isCall ? c++ : returned[r++];
            (isCall ? callEvent : returnEvent)[callOf[e]] = e;
        }
        for (int e = 0; e <= events; e++) {
            next[e] = e == events ? 0 : e + 1;
            previous[e] = e == 0 ? events : e - 1;
        }
        returnsLeft = returned.length;
        taken = new long[(n + 63) >>> 6];
        stack = new int[n];
        farthestStack = new int[n];
        before = new LockState[n];
    }

    private static int[] returnOrder(List<Call> ordered) {
        List<Integer> returned = new ArrayList<>();
        for (int i = 0; i < ordered.size(); i++) {
            if (ordered.get(i).hasReturned()) {
                returned.add(i);
            }
        }
        returned.sort(Comparator.comparingLong(i -> ordered.get(i).returnedNanos()));
        return returned.stream().mapToInt(Integer::intValue).toArray();
    }

    Result search() {
        LockState state = LockState.NEW;
        int event = next[head];
        while (returnsLeft > 0) {
            if (++steps > limits.steps()) {
                return new GaveUp(seen.size());
            }
            int call = callOf[event];
            if (!isReturn[event]) {
                LockState after = model.after(state, calls.get(call));
                if (after == null || !isNew(call, after)) {
                    event = next[event];
                    continue;
                }
                if (seen.size() > limits.states() || wordsSeen > limits.words()) {
                    return new GaveUp(seen.size());
                }
                before[depth] = state;
                stack[depth++] = call;
                state = after;
                lift(call);
                event = next[head];
                continue;
            }
            if (event > farthest) {
                farthest = event;
                System.arraycopy(stack, kept, farthestStack, kept, depth - kept);
                kept = depth;
                farthestDepth = depth;
                farthestState = state;
            }
            if (depth == 0) {
                return new Impossible(
                        order(farthestStack, farthestDepth), farthestState, calls.get(callOf[farthest]), seen.size());
            }
            int last = stack[--depth];
            kept = Math.min(kept, depth);
            state = before[depth];
            putBack(last);
            event = next[callEvent[last]];
        }
        return new Found(order(stack, depth), seen.size());
    }

    private List<Call> order(int[] numbers, int count) {
        return Arrays.stream(numbers, 0, count).mapToObj(calls::get).toList();
    }

    /** Marks the call as taken, unless that led to a pair seen before. */
    private boolean isNew(int call, LockState after) {
        mark(call);
        long[] set = takenSet();
        if (seen.add(new Seen(set, after))) {
            wordsSeen += set.length;
            return true;
        }
        unmark(call);
        return false;
    }

    /**
     * The calls taken, in few words: how many words are in use, then the place and the bits of each of these that is not
     * full. An early call that is never taken costs two words, and not all those behind it.
     */
    private long[] takenSet() {
        int partial = 0;
        for (int i = fullWords; i < usedWords; i++) {
            partial += taken[i] == -1L ? 0 : 1;
        }
        long[] set = new long[1 + 2 * partial];
        set[0] = usedWords;
        int at = 1;
        for (int i = fullWords; i < usedWords; i++) {
            if (taken[i] != -1L) {
                set[at++] = i;
                set[at++] = taken[i];
            }
        }
        return set;
    }

    private void mark(int call) {
        taken[call >>> 6] |= 1L << call;
        usedWords = Math.max(usedWords, (call >>> 6) + 1);
        while (fullWords < usedWords && taken[fullWords] == -1L) {
            fullWords++;
        }
    }

    private void unmark(int call) {
        taken[call >>> 6] &= ~(1L << call);
        fullWords = Math.min(fullWords, call >>> 6);
        while (usedWords > fullWords && taken[usedWords - 1] == 0) {
            usedWords--;
        }
    }

    private void lift(int call) {
        unlink(callEvent[call]);
        if (returnEvent[call] >= 0) {
            unlink(returnEvent[call]);
            returnsLeft--;
        }
    }

    private void putBack(int call) {
        unmark(call);
        if (returnEvent[call] >= 0) {
            link(returnEvent[call]);
            returnsLeft++;
        }
        link(callEvent[call]);
    }

    private void unlink(int event) {
        next[previous[event]] = next[event];
        previous[next[event]] = previous[event];
    }

    /* Its neighbours are as they were when it was unlinked: what was unlinked later is linked earlier. */
    private void link(int event) {
        next[previous[event]] = event;
        previous[next[event]] = event;
    }
}
