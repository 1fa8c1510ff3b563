package dev.holdfast.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A hold as its client saw it: from its grant to its release, its loss or the client's death, whichever came first.
 *
 * @param end what ended it, or null when nothing did; then it lasts to the end of the history
 */
record Belief(Operation.Granted grant, Operation.@Nullable ByClient end) {

    /** Whose hold a note ends: all of a client's when it was killed, otherwise the one with that token. */
    private record Ended(String who, @Nullable Token token) {}

    long endNanos() {
        return end == null ? Long.MAX_VALUE : end.atNanos();
    }

    /** The grants and ends of these beliefs, as the history has them. */
    static List<Operation> operations(Belief... beliefs) {
        return Stream.of(beliefs)
                .flatMap(belief -> Stream.of(belief.grant(), belief.end()))
                .filter(operation -> operation != null)
                .map(Operation.class::cast)
                .toList();
    }

    /** The beliefs about one lock in the order in which they began. */
    static List<Belief> of(History history, String lock) {
        Map<Ended, Operation.ByClient> ends = new HashMap<>();
        for (Operation.ByClient note : history.of(Operation.ByClient.class, lock)) {
            Token token = endedToken(note);
            if (token != null || note instanceof Operation.Killed) {
                ends.merge(new Ended(note.who(), token), note, Belief::earlier);
            }
        }
        List<Belief> beliefs = new ArrayList<>();
        for (Operation.Granted grant : history.of(Operation.Granted.class, lock)) {
            Operation.ByClient end = ends.get(new Ended(grant.who(), grant.token()));
            Operation.ByClient killed = ends.get(new Ended(grant.who(), null));
            beliefs.add(new Belief(grant, end == null ? killed : killed == null ? end : earlier(end, killed)));
        }
        beliefs.sort(Comparator.comparingLong(belief -> belief.grant().atNanos()));
        return beliefs;
    }

    /** The token of the hold that the note ends by name, or null when it names none. */
    static @Nullable Token endedToken(Operation.ByClient note) {
        if (note instanceof Operation.Released released) {
            return released.token();
        }
        return note instanceof Operation.Lost lost ? lost.token() : null;
    }

    private static Operation.ByClient earlier(Operation.ByClient a, Operation.ByClient b) {
        return a.atNanos() <= b.atNanos() ? a : b;
    }
}
