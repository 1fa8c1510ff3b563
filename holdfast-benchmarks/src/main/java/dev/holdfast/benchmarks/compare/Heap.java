package dev.holdfast.benchmarks.compare;

/** The heap of this process. */
final class Heap {

    private static final int COLLECTIONS = 5;

    private Heap() {}

    /** What is left in use after several collections: the least of what was seen. */
    static long usedBytes() {
        Runtime runtime = Runtime.getRuntime();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS; i++) {
            runtime.gc();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }
}
