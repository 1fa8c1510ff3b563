package dev.holdfast.history;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Linearizability by its definition: every order of every choice of calls is tried. Shares no code with what it is
 * compared with, the models included.
 */
final class BruteForce {

    private BruteForce() {}

    static boolean isLinearizable(MutexModel model, List<Call> calls) {
        return extend(model, calls, new ArrayList<>());
    }

    /** @param order the numbers of calls, in an order that is to be extended to one of all that returned */
    private static boolean extend(MutexModel model, List<Call> calls, List<Integer> order) {
        // What is wrong with the beginning of an order is wrong with the whole of it.
        if (!respectsTime(calls, order)
                || !isLegal(model, order.stream().map(calls::get).toList())) {
            return false;
        }
        boolean isComplete = true;
        for (int i = 0; i < calls.size(); i++) {
            isComplete &= order.contains(i) || !calls.get(i).hasReturned();
        }
        if (isComplete) {
            return true;
        }
        for (int i = 0; i < calls.size(); i++) {
            if (!order.contains(i)) {
                order.add(i);
                if (extend(model, calls, order)) {
                    return true;
                }
                order.remove(order.size() - 1);
            }
        }
        return false;
    }

    /** Nobody comes behind one that was called when he had returned. */
    private static boolean respectsTime(List<Call> calls, List<Integer> order) {
        for (int i = 0; i < order.size(); i++) {
            for (int j = i + 1; j < order.size(); j++) {
                Call before = calls.get(order.get(i));
                Call behind = calls.get(order.get(j));
                if (behind.hasReturned() && behind.returnedNanos() < before.calledNanos()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** One by one, with an entry on a pile for each time the lock was entered. */
    static boolean isLegal(MutexModel model, List<Call> order) {
        Deque<String> entries = new ArrayDeque<>();
        boolean isFenced = model == MutexModel.FENCED_MUTEX;
        Token current = null;
        Token highest = null;
        for (Call call : order) {
            boolean isOuter = call.kind() == Call.Kind.ACQUIRE;
            if (isOuter ? !entries.isEmpty() : !call.owner().equals(entries.peek())) {
                return false;
            }
            if (call.kind() == Call.Kind.REENTER && model == MutexModel.OWNER_MUTEX) {
                return false;
            }
            if (isFenced && call.token() != null) {
                boolean isNews = isOuter || current == null;
                if (isNews ? !isGreater(call.token(), highest) : !call.token().equals(current)) {
                    return false;
                }
                highest = call.token();
            }
            if (isOuter || (isFenced && current == null)) {
                current = call.token();
            }
            switch (call.kind()) {
                case ACQUIRE, REENTER -> entries.push(call.owner());
                case RELEASE -> entries.pop();
                case EXPIRE -> entries.clear();
            }
        }
        return true;
    }

    private static boolean isGreater(Token token, @Nullable Token than) {
        return than == null || token.compareTo(than) > 0;
    }
}
