package dev.holdfast.history;

import dev.holdfast.history.Operation.Faulted;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Operation.WatchedUntil;
import dev.holdfast.history.Verdict.Violation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Nobody waits for ever: by the time until which the clients were watched, everybody who waits has been granted the lock,
 * has given up or is dead. With a bound, everybody is granted within that time after it asked or after the last fault was
 * put right, whichever is later.
 *
 * <p>A kill is a fault: its entry stays until its lease ends. The bound therefore has to leave room for a TTL, for the
 * holds of everybody ahead in the queue, and for the hand-overs between them. A wait whose end nobody was there to see is
 * not judged, but counted: one that was still on when the history ended without a {@link WatchedUntil}, and one that was
 * given up, or asked anew, within the bound.
 */
public final class Progress implements Checker {

    private static final long UNBOUNDED = Long.MAX_VALUE;

    private final long boundNanos;

    /** Nobody waits for ever. */
    public Progress() {
        this(UNBOUNDED);
    }

    private Progress(long boundNanos) {
        this.boundNanos = boundNanos;
    }

    /**
     * Everybody is granted within that time.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public static Progress within(Duration bound) {
        if (bound.isNegative() || bound.isZero()) {
            throw new IllegalArgumentException("a bound for waits is positive: " + bound);
        }
        return new Progress(bound.toNanos());
    }

    /** A wait and what ended it, or null when nothing did; a client that asks anew has ended its wait before. */
    private record Wait(Requested request, Operation.@Nullable ByClient end) {}

    @Override
    public String claim() {
        return "everybody gets his turn";
    }

    @Override
    public Verdict check(History history) {
        long calmNanos = Long.MIN_VALUE;
        for (Faulted fault : history.of(Faulted.class)) {
            calmNanos = Math.max(calmNanos, fault.untilNanos());
        }
        for (Killed killed : history.of(Killed.class)) {
            calmNanos = Math.max(calmNanos, killed.atNanos());
        }
        WatchedUntil watched = null;
        for (WatchedUntil until : history.of(WatchedUntil.class)) {
            watched = watched == null || until.atNanos() > watched.atNanos() ? until : watched;
        }
        List<Violation> violations = new ArrayList<>();
        int granted = 0;
        int unjudged = 0;
        for (String lock : history.locks()) {
            for (Wait wait : waits(history, lock)) {
                Violation violation = breach(wait, calmNanos, watched);
                if (violation != null) {
                    violations.add(violation);
                } else if (wait.end() instanceof Granted) {
                    granted++;
                } else if (!(wait.end() instanceof Killed)) {
                    unjudged++;
                }
            }
        }
        return Verdict.of(claim(), violations, Count.of(granted, "wait") + " granted, " + unjudged + " not judged");
    }

    private @Nullable Violation breach(Wait wait, long calmNanos, @Nullable WatchedUntil watched) {
        Operation end = wait.end() == null ? watched : wait.end();
        if (end == null || wait.end() instanceof Killed) {
            return null;
        }
        long endNanos = wait.end() != null ? wait.end().atNanos() : ((WatchedUntil) end).atNanos();
        long fromNanos = Math.max(wait.request().atNanos(), calmNanos);
        if (endNanos <= fromNanos) {
            return null; // While something was wrong, or while nobody watched.
        }
        boolean isForEver = wait.end() == null && boundNanos == UNBOUNDED;
        if (!isForEver && endNanos - fromNanos <= boundNanos) {
            return null;
        }
        String waited = wait.request().who() + " waited " + Nanos.text(endNanos - fromNanos) + " for "
                + wait.request().lock() + (fromNanos > wait.request().atNanos() ? " after the last fault" : "");
        String what = wait.end() instanceof Granted
                ? waited + ", longer than " + Nanos.text(boundNanos)
                : waited + " and was not granted";
        return Violation.of(what, wait.request(), end);
    }

    /* A grant without a wait is none of ours: the client did not note that it asked. */
    private static List<Wait> waits(History history, String lock) {
        List<Operation.ByClient> notes = new ArrayList<>(history.of(Operation.ByClient.class, lock));
        // Of what happened at one instant, the request is taken to be first: so its wait is not left open.
        notes.sort(Comparator.comparingLong(Operation.ByClient::atNanos)
                .thenComparing(note -> !(note instanceof Requested)));
        Map<String, Requested> waiting = new HashMap<>();
        List<Wait> waits = new ArrayList<>();
        for (Operation.ByClient note : notes) {
            if (note instanceof Requested request) {
                Requested before = waiting.put(note.who(), request);
                if (before != null) {
                    waits.add(new Wait(before, request));
                }
            } else if (note instanceof Granted || note instanceof GaveUp || note instanceof Killed) {
                Requested request = waiting.remove(note.who());
                if (request != null) {
                    waits.add(new Wait(request, note));
                }
            }
        }
        waiting.values().stream()
                .sorted(Comparator.comparingLong(Requested::atNanos).thenComparing(Requested::who))
                .forEach(request -> waits.add(new Wait(request, null)));
        return waits;
    }
}
