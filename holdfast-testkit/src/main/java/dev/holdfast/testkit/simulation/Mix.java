package dev.holdfast.testkit.simulation;

import java.util.EnumMap;
import java.util.Map;

/** How often what was drawn. */
public final class Mix {

    private final Map<Drawn, Long> counts = new EnumMap<>(Drawn.class);

    private long undecided;

    /** Nothing was drawn yet. */
    public Mix() {}

    void count(Drawn what) {
        counts.merge(what, 1L, Long::sum);
    }

    /** Adds what another run drew. */
    public void add(Mix other) {
        undecided += other.undecided;
        other.counts.forEach((what, count) -> counts.merge(what, count, Long::sum));
    }

    /** How often it was drawn. */
    public long of(Drawn what) {
        return counts.getOrDefault(what, 0L);
    }

    void countUndecided() {
        undecided++;
    }

    /** Of how many histories no order was found, nor that there is none, in the time that was given. */
    long undecided() {
        return undecided;
    }

    /** How many operations of users were begun. */
    long operations() {
        long sum = 0;
        for (Drawn operation : Drawn.OPERATIONS) {
            sum += of(operation);
        }
        return sum;
    }

    /** Each kind that was drawn, with its number. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        counts.forEach((what, count) ->
                text.append(text.isEmpty() ? "" : ", ").append(what).append(' ').append(count));
        return text.toString();
    }
}
