package dev.holdfast.benchmarks.compare;

import java.util.Locale;
import java.util.Map;

/** What is said while it runs. */
final class Progress {

    private Progress() {}

    /**
     * What is left of a plan, by how far off it was until now.
     *
     * @param done of the planned seconds
     */
    static double secondsLeft(double planned, double done, double elapsed) {
        return done > 0 ? (planned - done) * elapsed / done : planned;
    }

    static String minutes(double seconds) {
        long whole = Math.round(seconds);
        return whole < 60 ? whole + " s" : String.format(Locale.ROOT, "%d:%02d min", whole / 60, whole % 60);
    }

    /** The one measure of a cell that is looked for first. */
    static String describe(Map<String, Double> metrics) {
        if (metrics.getOrDefault("overlaps", 0.0) > 0) {
            return "void: two held one lock";
        }
        for (String[] measure : new String[][] {
            {"pair_p50_ns", " ns a pair, median"},
            {"recall_p50_us", " us a recall, median"},
            {"pairs_per_second", " pairs/s"},
            {"take_over_ms", " ms to the next hold"},
            {"kept_per_second", " kept/s"},
            {"acquired_seconds", " s to acquire"},
            {"hand_over_mean_us", " us a hand-over"},
            {"hand_over_p50_us", " us, median"}
        }) {
            Double value = metrics.get(measure[0]);
            if (value != null) {
                return Numbers.shorten(value) + measure[1];
            }
        }
        return "no measure";
    }
}
