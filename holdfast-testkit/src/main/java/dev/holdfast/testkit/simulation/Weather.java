package dev.holdfast.testkit.simulation;

/**
 * How bad the network and the server are in one run, drawn from its seed: each kind of fault is present in some runs and
 * absent in others, since a fault that is always there hides what only happens without it. Probabilities are per message.
 */
final class Weather {

    final long latencyNanos;
    final double delay;
    final double requestLost;
    final double answerLost;
    final double callReset;
    final double streamReset;
    final double streamDeaf;
    final double ghost;
    final double refused;
    final double timedOut;
    final double eventLost;
    final double watchCancelled;
    final double staleRead;
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
                        + " staleRead %.3f")
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
                        staleRead);
    }
}
