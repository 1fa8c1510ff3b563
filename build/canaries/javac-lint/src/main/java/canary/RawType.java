package canary;

import java.util.List;

/** Names a generic type without its argument. */
public final class RawType {
    private RawType() {}

    static int count(List waiters) {
        return waiters.size();
    }
}
