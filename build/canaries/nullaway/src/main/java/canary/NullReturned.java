package canary;

import org.jspecify.annotations.NullMarked;

/** Promises a holder and returns none. */
@NullMarked
public final class NullReturned {
    private NullReturned() {}

    static String holder() {
        return null;
    }
}
