package dev.holdfast.testkit.simulation;

import dev.holdfast.spi.Cancellable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Virtual time: everything that happens in a run is an event of this queue, in the order of its time, and of its making
 * where times are equal. Nothing in a run knows of any other clock, thread or source of randomness; so the same seed gives
 * the same events, and {@link #trace()} is one number over all of them.
 */
final class World {

    static final long MICRO = 1_000;
    static final long MILLI = 1_000_000;
    static final long SECOND = 1_000_000_000;

    /** How many lines of the log are kept. */
    private static final int LOG_LINES = 4_000;

    /** No run has so many events, unless something in it spins. */
    private static final int MAX_EVENTS = 1_000_000;

    private final Luck luck;
    private final boolean isLogging;
    private final Deque<String> log = new ArrayDeque<>();
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long nowNanos;
    private long made;
    private long happened;
    private long trace = 0xcbf29ce484222325L;
    private @Nullable String violation;
    private Runnable afterEach = () -> {};

    /**
     * An empty world at time zero.
     *
     * @param isLogging whether the last lines are kept; changes nothing else
     */
    World(long seed, boolean isLogging) {
        this.luck = new Luck(seed);
        this.isLogging = isLogging;
    }

    Luck fork() {
        return luck.fork();
    }

    /** True time, which no process sees. */
    long nowNanos() {
        return nowNanos;
    }

    /** Called after every event. */
    void afterEach(Runnable check) {
        afterEach = check;
    }

    /** Lets something happen after this much true time. */
    Cancellable after(long delayNanos, String kind, String who, Runnable action) {
        Event event = new Event(nowNanos + Math.max(0, delayNanos), made++, kind, who, action);
        events.add(event);
        return event;
    }

    /** Runs everything up to that time, or until something is wrong. */
    void runUntil(long nanos) {
        while (step(nanos)) {
            // step() does it all
        }
        nowNanos = Math.max(nowNanos, nanos);
    }

    /** Runs the next event if it is not after that time. */
    private boolean step(long untilNanos) {
        Event next = events.peek();
        if (next == null || next.timeNanos > untilNanos || violation != null) {
            return false;
        }
        events.remove();
        if (next.action != null) {
            Runnable action = next.action;
            nowNanos = next.timeNanos;
            happened++;
            mix(nowNanos);
            mix(next.kind.hashCode());
            mix(next.who.hashCode());
            try {
                action.run();
            } catch (RuntimeException | Error e) {
                violated("an exception in " + next.kind + " of " + next.who + ": " + Failures.text(e));
            }
            afterEach.run();
            if (happened > MAX_EVENTS) {
                violated("the run has more than " + MAX_EVENTS + " events: something spins");
            }
        }
        return true;
    }

    /** Puts a fact into the trace and, if somebody wants to read it, into the log. */
    void note(String who, String what, long number, Supplier<String> detail) {
        mix(what.hashCode());
        mix(number);
        if (isLogging) {
            log.add("%12.6f %-8s %s %s".formatted(nowNanos / 1e9, who, what, detail.get()));
            if (log.size() > LOG_LINES) {
                log.remove();
            }
        }
    }

    private void mix(long value) {
        trace = (trace ^ value) * 0x100000001b3L;
        trace ^= trace >>> 29;
    }

    /** The run has failed; the first reason counts. May be called where an exception would be swallowed. */
    void violated(String what) {
        if (violation == null) {
            violation = what;
            note("world", "VIOLATED", 0, () -> what);
        }
    }

    /** What is wrong; null if nothing is. */
    @Nullable
    String violation() {
        return violation;
    }

    long trace() {
        return trace;
    }

    long happened() {
        return happened;
    }

    List<String> log() {
        return List.copyOf(log);
    }

    private static final class Event implements Cancellable, Comparable<Event> {
        private final long timeNanos;
        private final long order;
        private final String kind;
        private final String who;
        private @Nullable Runnable action;

        Event(long timeNanos, long order, String kind, String who, Runnable action) {
            this.timeNanos = timeNanos;
            this.order = order;
            this.kind = kind;
            this.who = who;
            this.action = action;
        }

        @Override
        public void cancel() {
            action = null;
        }

        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(timeNanos, other.timeNanos);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }
}
