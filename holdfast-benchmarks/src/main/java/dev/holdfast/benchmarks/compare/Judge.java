package dev.holdfast.benchmarks.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Says what the records of a cell are worth. */
final class Judge {

    private Judge() {}

    /* Exclusion. A thread held the lock at least from the return of its acquire to the call of its release. If two such
     * spans of one lock overlap, two held it: there is no reading of the clock, which all processes share, that excuses
     * it. All pairs count for this, those of the warm-up too.
     *
     * Hand-over. From the call of a release to the return of the next acquire of the same lock, if that was by another
     * thread that had asked before the release was called; else somebody was late, and nothing was handed over.
     */

    /**
     * Judges all pairs of all processes; counts those acquired from {@code fromNanos} to before {@code untilNanos}.
     *
     * @param threads of each process
     * @return its measures by name; {@code overlaps} above zero make all others void
     */
    static Map<String, Double> judge(List<Pair> pairs, int processes, int threads, long fromNanos, long untilNanos) {
        List<Pair> counted = pairs.stream()
                .filter(pair -> isWithin(pair.acquiredNanos(), fromNanos, untilNanos))
                .toList();
        double seconds = (untilNanos - fromNanos) / 1e9;
        Map<String, Double> metrics = new TreeMap<>();
        metrics.put("pairs", (double) counted.size());
        metrics.put("pairs_per_second", counted.size() / seconds);
        Latency.of(counted.stream()
                        .mapToLong(pair -> pair.acquiredNanos() - pair.requestNanos())
                        .toArray())
                .putInto(metrics, "acquire");
        Latency.of(counted.stream()
                        .mapToLong(pair -> pair.returnedNanos() - pair.releaseNanos())
                        .toArray())
                .putInto(metrics, "release");
        if (!counted.isEmpty()) {
            // How long it takes until each has had its turn once, on average.
            metrics.put("mean_turn_us", processes * threads * seconds * 1e6 / counted.size());
        }
        double[] ofProcess = new double[processes];
        double[] ofThread = new double[processes * threads];
        for (Pair pair : counted) {
            ofProcess[pair.process()]++;
            ofThread[pair.process() * threads + pair.thread()]++;
        }
        metrics.put("jain_processes", jain(ofProcess));
        metrics.put("jain_threads", jain(ofThread));
        inOrder(pairs, fromNanos, untilNanos, metrics);
        return metrics;
    }

    /**
     * Judges the pairs of a process that had locks cached, and of one that took each of them from it; counts those that were
     * asked for from {@code fromNanos} on.
     *
     * @return its measures by name; {@code overlaps} above zero make all others void
     */
    static Map<String, Double> judgeRecalls(List<Pair> owner, List<Pair> taker, long fromNanos) {
        List<Pair> all = new ArrayList<>(owner);
        all.addAll(taker);
        Map<String, Double> metrics = new TreeMap<>();
        inOrder(all, Long.MAX_VALUE, Long.MAX_VALUE, metrics);
        metrics.keySet().retainAll(List.of("overlaps"));
        Latency.of(taker.stream()
                        .filter(pair -> pair.requestNanos() >= fromNanos)
                        .mapToLong(pair -> pair.acquiredNanos() - pair.requestNanos())
                        .toArray())
                .putInto(metrics, "recall");
        return metrics;
    }

    private static void inOrder(List<Pair> pairs, long fromNanos, long untilNanos, Map<String, Double> metrics) {
        Map<Integer, Span> spans = new HashMap<>();
        long overlaps = 0;
        long[] handOvers = new long[pairs.size()];
        int count = 0;
        List<Pair> ordered = pairs.stream()
                .sorted(Comparator.comparingLong(Pair::acquiredNanos).thenComparingLong(Pair::releaseNanos))
                .toList();
        for (Pair pair : ordered) {
            Span before = spans.get(pair.lock());
            long latest = pair.releaseNanos();
            if (before != null) {
                if (pair.acquiredNanos() < before.latestReleaseNanos) {
                    overlaps++;
                } else if (isHandOver(before.last, pair) && isWithin(pair.acquiredNanos(), fromNanos, untilNanos)) {
                    handOvers[count++] = pair.acquiredNanos() - before.last.releaseNanos();
                }
                latest = Math.max(latest, before.latestReleaseNanos);
            }
            spans.put(pair.lock(), new Span(pair, latest));
        }
        metrics.put("overlaps", (double) overlaps);
        Latency.of(Arrays.copyOf(handOvers, count)).putInto(metrics, "hand_over");
    }

    private static boolean isHandOver(Pair before, Pair after) {
        boolean isAnother = before.process() != after.process() || before.thread() != after.thread();
        return isAnother && after.requestNanos() <= before.releaseNanos();
    }

    private static boolean isWithin(long nanos, long fromNanos, long untilNanos) {
        return nanos >= fromNanos && nanos < untilNanos;
    }

    /** Jain's index of fairness: 1 if all have the same, 1/n if one has all. NaN if nobody has anything. */
    static double jain(double[] shares) {
        double sum = Arrays.stream(shares).sum();
        double squares = Arrays.stream(shares).map(share -> share * share).sum();
        return sum * sum / (shares.length * squares);
    }

    private record Span(Pair last, long latestReleaseNanos) {}
}
