package dev.holdfast.testkit.simulation;

import java.util.EnumSet;
import java.util.Set;

/**
 * How bad the network and the server are in one run, drawn from its seed: each kind of fault is present in some runs and
 * absent in others, since a fault that is always there hides what only happens without it. Probabilities are per message.
 */
final class Weather {

    final long latencyNanos;
    double delay;
    double requestLost;
    double answerLost;
    double callReset;
    double streamReset;
    double streamDeaf;
    double ghost;
    double refused;
    double timedOut;
    double eventLost;
    double watchCancelled;
    double staleRead;
    double duplicated;
    double fragmented;
    double replayed;
    private boolean isCalm;

    Weather(Luck luck) {
        latencyNanos = luck.between(100 * World.MICRO, 5 * World.MILLI);
        boolean isRough = luck.chance(0.8);
        delay = draw(luck, isRough, 0.1);
        requestLost = draw(luck, isRough, 0.05);
        answerLost = draw(luck, isRough, 0.05);
        callReset = draw(luck, isRough, 0.05);
        streamReset = draw(luck, isRough, 0.02);
        streamDeaf = draw(luck, isRough, 0.005);
        ghost = draw(luck, isRough, 0.05);
        refused = draw(luck, isRough, 0.05);
        timedOut = draw(luck, isRough, 0.05);
        eventLost = draw(luck, isRough, 0.05);
        watchCancelled = draw(luck, isRough, 0.02);
        staleRead = draw(luck, isRough, 0.5);
        duplicated = draw(luck, isRough, 0.1);
        fragmented = draw(luck, isRough, 1);
        replayed = draw(luck, isRough, 0.1);
    }

    /** Nothing bad happens, unless it is {@link #set}. */
    Weather(long latencyNanos) {
        this.latencyNanos = latencyNanos;
    }

    /** So likely at least is it that an answer with events is lost. */
    void loseEvents(double probability) {
        eventLost = Math.max(eventLost, probability);
    }

    /** The kinds of faults that strike single messages. */
    static final Set<Drawn> OF_MESSAGES = EnumSet.of(
            Drawn.DELAY,
            Drawn.REQUEST_LOST,
            Drawn.ANSWER_LOST,
            Drawn.REQUEST_DUPLICATED,
            Drawn.CALL_RESET,
            Drawn.STREAM_RESET,
            Drawn.STREAM_DEAF,
            Drawn.GHOST,
            Drawn.REFUSED,
            Drawn.TIMED_OUT,
            Drawn.STALE_READ,
            Drawn.WATCH_CANCELLED,
            Drawn.EVENTS_FRAGMENTED,
            Drawn.EVENTS_REPLAYED);

    /** How likely each message meets such a fault from now on. */
    void set(Drawn fault, double probability) {
        switch (fault) {
            case DELAY -> delay = probability;
            case REQUEST_LOST -> requestLost = probability;
            case ANSWER_LOST -> answerLost = probability;
            case REQUEST_DUPLICATED -> duplicated = probability;
            case CALL_RESET -> callReset = probability;
            case STREAM_RESET -> streamReset = probability;
            case STREAM_DEAF -> streamDeaf = probability;
            case GHOST -> ghost = probability;
            case REFUSED -> refused = probability;
            case TIMED_OUT -> timedOut = probability;
            case STALE_READ -> staleRead = probability;
            case WATCH_CANCELLED -> watchCancelled = probability;
            case EVENTS_FRAGMENTED -> fragmented = probability;
            case EVENTS_REPLAYED -> replayed = probability;
            default -> throw new IllegalArgumentException(fault + " is no fault of messages; those are " + OF_MESSAGES);
        }
    }

    private static double draw(Luck luck, boolean isRough, double most) {
        return isRough && luck.chance(0.4) ? luck.between(0, 1_000) / 1_000.0 * most : 0;
    }

    /** Nothing bad happens any more. */
    void calm() {
        isCalm = true;
    }

    boolean strikes(double probability, Luck luck) {
        return !isCalm && probability > 0 && luck.chance(probability);
    }

    @Override
    public String toString() {
        return ("latency %.1f ms, delay %.3f, requestLost %.3f, answerLost %.3f, callReset %.3f, streamReset %.3f,"
                        + " streamDeaf %.4f, ghost %.3f, refused %.3f, timedOut %.3f, eventLost %.3f, watchCancelled %.3f,"
                        + " staleRead %.3f, duplicated %.3f, fragmented %.3f, replayed %.3f")
                .formatted(
                        latencyNanos / 1e6,
                        delay,
                        requestLost,
                        answerLost,
                        callReset,
                        streamReset,
                        streamDeaf,
                        ghost,
                        refused,
                        timedOut,
                        eventLost,
                        watchCancelled,
                        staleRead,
                        duplicated,
                        fragmented,
                        replayed);
    }
}
