package dev.holdfast.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Draws from 0 to n - 1 by Zipf's law with exponent 1: what comes k-th is drawn 1/k times as often as the first. Immutable. */
final class Zipf {

    private final double[] upTo;

    Zipf(int n) {
        upTo = new double[n];
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += 1.0 / (i + 1);
            upTo[i] = sum;
        }
    }

    int draw(SplittableRandom luck) {
        int found = Arrays.binarySearch(upTo, luck.nextDouble() * upTo[upTo.length - 1]);
        return found >= 0 ? found : -found - 1;
    }
}
