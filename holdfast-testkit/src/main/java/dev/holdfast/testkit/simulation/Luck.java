package dev.holdfast.testkit.simulation;

import java.util.List;
import java.util.SplittableRandom;

/** The only source of randomness of a run. Forks are independent: drawing from one does not move the others. */
final class Luck {

    private final SplittableRandom random;

    Luck(long seed) {
        this(new SplittableRandom(seed));
    }

    private Luck(SplittableRandom random) {
        this.random = random;
    }

    Luck fork() {
        return new Luck(random.split());
    }

    long nextLong() {
        return random.nextLong();
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    /** Uniform, both ends included. */
    long between(long low, long high) {
        return low >= high ? low : random.nextLong(low, high + 1);
    }

    /** From 0 to below {@code n}. */
    int index(int n) {
        return random.nextInt(n);
    }

    <T> T oneOf(List<T> choices) {
        return choices.get(index(choices.size()));
    }

    /** Mostly near the mean, seldom far above it (exponential), at most ten times the mean. */
    long around(long mean) {
        double drawn = -Math.log(1 - random.nextDouble()) * mean;
        return (long) Math.min(drawn, 10.0 * mean);
    }
}
