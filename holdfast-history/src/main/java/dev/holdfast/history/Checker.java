package dev.holdfast.history;

import java.time.Duration;
import java.util.List;

/** Looks at a history and says whether one promise was kept. Immutable and thread-safe. */
public sealed interface Checker
        permits OneHolder, TokensGrow, Linearizable, Fifo, HonestDeadline, DeadlineOnlyConfirmed, Progress, NoOrphans {

    /** The promise in a few words, such as "tokens grow". */
    String claim();

    /** Judges every lock of the history. */
    Verdict check(History history);

    /**
     * Every checker there is, the safety of the lock first. What a history says nothing of, the checker of it finds kept,
     * and its evidence counts zero.
     */
    static List<Checker> all() {
        return all(new Progress());
    }

    /**
     * As {@link #all()}, and everybody has to be granted in that time.
     *
     * @param bound as {@link Progress#within} has it
     */
    static List<Checker> allWithin(Duration bound) {
        return all(Progress.within(bound));
    }

    private static List<Checker> all(Progress progress) {
        return List.of(
                new OneHolder(),
                new TokensGrow(),
                Linearizable.fencedMutex(),
                new Fifo(),
                new HonestDeadline(),
                new DeadlineOnlyConfirmed(),
                progress,
                new NoOrphans());
    }
}
