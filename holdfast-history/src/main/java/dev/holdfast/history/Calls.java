package dev.holdfast.history;

import dev.holdfast.history.Operation.ByClient;
import dev.holdfast.history.Operation.Exited;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Operation.Reentered;
import dev.holdfast.history.Operation.Released;
import dev.holdfast.history.Operation.Requested;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The notes of the clients of one lock, read as calls. */
final class Calls {

    /* An acquire reaches from the request to the grant, or from the client's note before when it did not note that it asked.
     * A release is noted before it is called, and nobody notes its return: it takes effect at any later time, or never.
     * A hold that was lost may have been taken at any time, and the same goes for one whose client was killed before it
     * released it: its lease may have ended while it lived, unknown to it.
     *
     * A request that was never granted is left out, whether its client gave up, died, or never heard of it again. It may
     * have taken effect all the same; but a history has no operation that observes that a lock is held, so an acquire
     * without a grant can only keep others out. Wherever it could be put in an order, it can be left out of it.
     */

    private record HoldOf(String who, Token token) {}

    /** What was noted of the end of a hold. */
    private static final class End {
        @Nullable
        Released released;

        @Nullable
        Lost lost;
    }

    /** Where a client stands as its notes are read. */
    private static final class Client {
        @Nullable
        Requested asked;

        long lastNanos = Long.MIN_VALUE;

        /** The hold of each token. */
        final Map<Token, Integer> holds = new HashMap<>();
    }

    private Calls() {}

    /** @param isReentrant whether inner entries count; otherwise they are left out */
    static List<Call> of(History history, String lock, boolean isReentrant) {
        List<ByClient> notes = new ArrayList<>(history.of(ByClient.class, lock));
        // At one instant a client asks, is granted, and goes on.
        notes.sort(Comparator.comparingLong(ByClient::atNanos).thenComparingInt(Calls::rank));
        Map<HoldOf, End> ends = ends(notes);
        Map<String, Killed> kills = new HashMap<>();
        notes.forEach(note -> {
            if (note instanceof Killed killed) {
                kills.putIfAbsent(killed.who(), killed);
            }
        });
        Map<String, Client> clients = new LinkedHashMap<>();
        List<Call> calls = new ArrayList<>();
        int holds = 0;
        for (ByClient note : notes) {
            Client client = clients.computeIfAbsent(note.who(), who -> new Client());
            if (note instanceof Requested requested) {
                client.asked = client.asked == null ? requested : client.asked;
            } else if (note instanceof GaveUp) {
                client.asked = null;
            } else if (note instanceof Granted granted) {
                Requested asked = client.asked;
                client.asked = null;
                long calledNanos = asked == null ? client.lastNanos : asked.atNanos();
                List<Operation> proof = asked == null ? List.of(granted) : List.of(asked, granted);
                int hold = holds++;
                client.holds.put(granted.token(), hold);
                calls.add(new Call(
                        Call.Kind.ACQUIRE,
                        granted.who(),
                        granted.token(),
                        calledNanos,
                        granted.atNanos(),
                        hold,
                        proof));
                Call end = end(
                        granted,
                        ends.get(new HoldOf(granted.who(), granted.token())),
                        kills.get(granted.who()),
                        calledNanos,
                        hold);
                if (end != null) {
                    calls.add(end);
                }
            } else if (isReentrant && note instanceof Reentered inner) {
                Integer hold = client.holds.get(inner.token());
                calls.add(new Call(
                        Call.Kind.REENTER,
                        inner.who(),
                        inner.token(),
                        client.lastNanos,
                        inner.atNanos(),
                        hold == null ? holds++ : hold,
                        List.of(inner)));
            } else if (isReentrant && note instanceof Exited inner) {
                Integer hold = client.holds.get(inner.token());
                calls.add(new Call(
                        Call.Kind.RELEASE,
                        inner.who(),
                        inner.token(),
                        inner.atNanos(),
                        Call.NEVER,
                        hold == null ? holds++ : hold,
                        List.of(inner)));
            }
            client.lastNanos = note.atNanos();
        }
        return calls;
    }

    private static int rank(ByClient note) {
        if (note instanceof Requested) {
            return 0;
        }
        return note instanceof Granted ? 1 : 2;
    }

    private static Map<HoldOf, End> ends(List<ByClient> notes) {
        Map<HoldOf, End> ends = new HashMap<>();
        for (ByClient note : notes) {
            Token token = Belief.endedToken(note);
            if (token == null) {
                continue;
            }
            End end = ends.computeIfAbsent(new HoldOf(note.who(), token), hold -> new End());
            if (note instanceof Released released && end.released == null) {
                end.released = released;
            } else if (note instanceof Lost lost && end.lost == null) {
                end.lost = lost;
            }
        }
        return ends;
    }

    private static @Nullable Call end(
            Granted granted, @Nullable End end, @Nullable Killed killed, long calledNanos, int hold) {
        if (end != null && end.lost == null && end.released != null) {
            return new Call(
                    Call.Kind.RELEASE,
                    granted.who(),
                    granted.token(),
                    end.released.atNanos(),
                    Call.NEVER,
                    hold,
                    List.of(end.released));
        }
        Operation taken = end != null && end.lost != null ? end.lost : killed;
        return taken == null
                ? null
                : new Call(
                        Call.Kind.EXPIRE,
                        granted.who(),
                        granted.token(),
                        calledNanos,
                        Call.NEVER,
                        hold,
                        List.of(taken));
    }
}
