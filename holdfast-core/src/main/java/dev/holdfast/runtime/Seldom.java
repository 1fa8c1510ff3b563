package dev.holdfast.runtime;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;

/** Lets so many lines of one kind through in a while, and counts the others, so that an outage floods no log. Thread-safe. */
final class Seldom {

    /** For a line that is to be held back. */
    static final long HELD_BACK = -1;

    private record Window(long startNanos, int lines, long heldBack, long admitted) {}

    private final LongSupplier nanoTime;
    private final long windowNanos;
    private final ConcurrentMap<String, Window> windows = new ConcurrentHashMap<>();

    Seldom(LongSupplier nanoTime, long windowNanos) {
        this.nanoTime = nanoTime;
        this.windowNanos = windowNanos;
    }

    /**
     * Asks for one line.
     *
     * @param kind one of a few words, not text from outside: each is remembered
     * @param most lines of the kind in one window, at least 1
     * @return how many were held back since the last one that was let through; or {@link #HELD_BACK}
     */
    long admit(String kind, int most) {
        long now = nanoTime.getAsLong();
        Window window = windows.compute(kind, (k, old) -> {
            if (old == null || now - old.startNanos >= windowNanos) {
                return new Window(now, 1, 0, old == null ? 0 : old.heldBack);
            }
            return old.lines < most
                    ? new Window(old.startNanos, old.lines + 1, 0, old.heldBack)
                    : new Window(old.startNanos, old.lines, old.heldBack + 1, HELD_BACK);
        });
        return window.admitted;
    }
}
