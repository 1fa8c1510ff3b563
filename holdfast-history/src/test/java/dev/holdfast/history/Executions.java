package dev.holdfast.history;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Calls drawn from a seed: such as no lock need ever have answered, and such as a lock did answer. */
final class Executions {

    /** Acquires and releases more often than the others. */
    private static final List<Call.Kind> KINDS = List.of(
            Call.Kind.ACQUIRE,
            Call.Kind.ACQUIRE,
            Call.Kind.ACQUIRE,
            Call.Kind.REENTER,
            Call.Kind.RELEASE,
            Call.Kind.RELEASE,
            Call.Kind.RELEASE,
            Call.Kind.EXPIRE);

    private Executions() {}

    /** Any calls at all, over a short time, so that many overlap and nearly nothing is certain. */
    static List<Call> any(Random random, int size) {
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            long called = random.nextInt(12);
            long returned = random.nextInt(4) == 0 ? Call.NEVER : called + random.nextInt(5);
            Call.Kind kind = KINDS.get(random.nextInt(KINDS.size()));
            calls.add(new Call(
                    kind,
                    "abc".substring(random.nextInt(3)).substring(0, 1),
                    random.nextBoolean() ? null : new Token(0, random.nextInt(4), 0),
                    called,
                    returned,
                    i,
                    List.of()));
        }
        return calls;
    }

    /**
     * Calls that a lock of that model answered, each at a moment between its call and its return, which are drawn
     * afterwards. Some return unseen. A client does one thing at a time.
     *
     * @param clients how many; each asks for the lock as soon as it has given it back, so nearly all wait all the time
     */
    static List<Call> answered(Random random, MutexModel model, int clients, int size) {
        List<Call> calls = new ArrayList<>();
        Map<String, Long> freeSince = new HashMap<>();
        long now = 0;
        long revision = 0;
        int hold = 0;
        String owner = null;
        int entries = 0;
        Token token = null;
        for (int i = 0; i < size; i++) {
            now += 10;
            String who;
            Call.Kind kind;
            if (owner == null) {
                who = "w" + random.nextInt(clients);
                kind = Call.Kind.ACQUIRE;
                hold++;
                revision += 1 + random.nextInt(3);
                token = new Token(0, revision, 0);
            } else {
                who = owner;
                int draw = random.nextInt(10);
                boolean isInner = model.isReentrant() && entries < 4 && draw < 3;
                kind = isInner ? Call.Kind.REENTER : draw == 9 ? Call.Kind.EXPIRE : Call.Kind.RELEASE;
            }
            long called = freeSince.getOrDefault(who, 0L);
            called = kind == Call.Kind.ACQUIRE ? called : now - random.nextLong(1 + now - called);
            boolean isAnswerSeen = random.nextInt(kind == Call.Kind.ACQUIRE ? 50 : 3) > 0;
            long returned = now + random.nextInt(10);
            Token told = random.nextInt(20) == 0 ? null : token;
            calls.add(new Call(kind, who, told, called, isAnswerSeen ? returned : Call.NEVER, hold, List.of()));
            freeSince.put(who, returned);
            entries = switch (kind) {
                case ACQUIRE, REENTER -> entries + 1;
                case RELEASE -> entries - 1;
                case EXPIRE -> 0;
            };
            owner = entries == 0 ? null : who;
        }
        return calls;
    }

    /**
     * What clients note who take turns: each asks as soon as it has given the lock back, so all the others wait.
     *
     * @return requests, grants and releases in turn, three per hold
     */
    static List<Operation> turns(Random random, int clients, int holds) {
        List<Operation> told = new ArrayList<>();
        long[] freeSince = new long[clients];
        long now = 0;
        for (int i = 0; i < holds; i++) {
            int client = random.nextInt(clients);
            String who = "w" + client;
            Token token = new Token(0, 10L + 2L * i, 0);
            now += 10;
            told.add(new Operation.Requested(Math.min(freeSince[client] + 1, now), who, Story.LOCK));
            told.add(new Operation.Granted(now + 2 + random.nextInt(3), who, Story.LOCK, token, null));
            told.add(new Operation.Released(now + 6, who, Story.LOCK, token));
            freeSince[client] = now + 6;
        }
        return told;
    }

    static @Nullable String problem(MutexModel model, List<Call> calls, List<Call> order) {
        for (Call call : calls) {
            if (call.hasReturned() && !order.contains(call)) {
                return call + " returned and is not in the order";
            }
        }
        long latestCall = Long.MIN_VALUE;
        for (Call call : order) {
            latestCall = Math.max(latestCall, call.calledNanos());
            if (call.returnedNanos() < latestCall) {
                return call + " comes after a call made when it had returned";
            }
        }
        return BruteForce.isLegal(model, order) ? null : model + " does not carry these out in this order";
    }
}
