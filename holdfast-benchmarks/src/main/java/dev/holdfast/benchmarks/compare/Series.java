package dev.holdfast.benchmarks.compare;

import dev.holdfast.benchmarks.compare.Workload.Choice;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * What grows while all else stays.
 *
 * @param axis what is on the horizontal axis
 * @param kinds who is measured; with caching on, one who is alone would send nothing, and there would be nothing to see
 * @param sizeOf how much there is of what grows
 * @param workloads from the smallest on
 */
record Series(
        String id,
        String title,
        String axis,
        List<Kind> kinds,
        ToIntFunction<Workload> sizeOf,
        List<Workload> workloads) {

    static final Series THREADS = new Series(
            "threads",
            "threads of one process, one lock",
            "threads",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.HOLDFAST_STRICT, Kind.GO_MUTEX),
            Workload::threads,
            each(
                    n -> Workload.pairs("threads-" + n, n + " threads of one process, one lock", 1, n, 1, Choice.ONE),
                    1,
                    2,
                    4,
                    8,
                    16,
                    32,
                    64));

    static final Series PROCESSES = new Series(
            "processes",
            "processes of one thread, one lock",
            "processes",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.GO_MUTEX),
            Workload::processes,
            each(
                    n -> Workload.pairs(
                            "processes-" + n, n + " processes of one thread, one lock", n, 1, 1, Choice.ONE),
                    1,
                    2,
                    4,
                    8));

    static final Series LOCKS = new Series(
            "locks",
            "locks wanted at a time, each by a thread of its own, of one process",
            "locks",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.GO_MUTEX),
            Workload::threads,
            each(
                    n -> Workload.pairs("locks-" + n, n + " threads of one process, a lock each", 1, n, n, Choice.OWN),
                    1,
                    2,
                    4,
                    8,
                    16,
                    32,
                    64,
                    128,
                    256));

    static final Series HELD = new Series(
            "held",
            "locks held by one client",
            "locks held",
            List.of(Kind.HOLDFAST),
            Workload::names,
            each(n -> Workload.held("held-" + n, n), 1, 10, 100, 1_000, 10_000, 100_000));

    static final Series KEPT = new Series(
            "kept",
            "locks that one client keeps cached and does not use just then, each with a watch",
            "locks kept",
            List.of(Kind.HOLDFAST),
            Workload::names,
            each(n -> Workload.kept("kept-" + n, n), 1, 10, 100, 1_000, 10_000));

    private static final List<Series> ALL = List.of(THREADS, PROCESSES, LOCKS, HELD, KEPT);

    private static List<Workload> each(IntFunction<Workload> workload, int... sizes) {
        return IntStream.of(sizes).mapToObj(workload).toList();
    }

    /** All there are, in the order in which they run. */
    static List<Series> all() {
        return ALL;
    }

    int size(Workload workload) {
        return sizeOf.applyAsInt(workload);
    }

    /** The one of this size. */
    Workload workload(int size) {
        return workloads.stream()
                .filter(workload -> size(workload) == size)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no " + id + " of " + size));
    }

    static boolean takesPart(Kind kind, Workload workload) {
        return ALL.stream().anyMatch(series -> series.workloads.contains(workload) && series.kinds.contains(kind));
    }
}
