package dev.holdfast.history;

import java.util.List;

/** Looks at a history and says whether one promise was kept. Stateless and thread-safe. */
public sealed interface Checker permits OneHolder, TokensGrow, Fifo, NoOrphans {

    /** The promise in a few words, such as "tokens grow". */
    String claim();

    /** Judges every lock of the history. */
    Verdict check(History history);

    /** Every checker there is, the safety of the lock first. */
    static List<Checker> all() {
        return List.of(new OneHolder(), new TokensGrow(), new Fifo(), new NoOrphans());
    }
}
