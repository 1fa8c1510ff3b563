package dev.holdfast.runtime;

import java.util.List;

/**
 * What a few threads do at the same time, and what must be true then in whichever order their steps come. Lincheck makes
 * one for each order that it tries, and calls {@link #begin}, the threads, {@link #check}; see {@link Interleavings}.
 */
interface Interleaving {

    /** For each thread the names of the public methods that it calls, in order. */
    List<List<String>> threads();

    /** Makes everything. Not in the constructor: there Lincheck does not look yet. */
    void begin();

    /** Afterwards. Throws if a claim does not hold. Lincheck calls it only where it is annotated as validating. */
    void check();

    static void require(boolean isTrue, String claim) {
        if (!isTrue) {
            throw new AssertionError("NOT TRUE: " + claim);
        }
    }
}
