package dev.holdfast.benchmarks.compare;

import dev.holdfast.benchmarks.compare.Workload.Choice;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/** What grows while all else stays. */
enum Series {
    THREADS(
            "threads",
            "threads of one process, one lock",
            "threads",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.HOLDFAST_STRICT, Kind.GO_MUTEX),
            Workload::threads,
            n -> Workload.pairs("threads-" + n, n + " threads of one process, one lock", 1, n, 1, Choice.ONE),
            1,
            2,
            4,
            8,
            16,
            32,
            64),
    PROCESSES(
            "processes",
            "processes of one thread, one lock",
            "processes",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.GO_MUTEX),
            Workload::processes,
            n -> Workload.pairs("processes-" + n, n + " processes of one thread, one lock", n, 1, 1, Choice.ONE),
            1,
            2,
            4,
            8),
    LOCKS(
            "locks",
            "locks wanted at a time, each by a thread of its own, of one process",
            "locks",
            List.of(Kind.HOLDFAST_UNCACHED, Kind.GO_MUTEX),
            Workload::threads,
            n -> Workload.pairs("locks-" + n, n + " threads of one process, a lock each", 1, n, n, Choice.OWN),
            1,
            2,
            4,
            8,
            16,
            32,
            64,
            128,
            256),
    HELD(
            "held",
            "locks held by one client",
            "locks held",
            List.of(Kind.HOLDFAST),
            Workload::names,
            n -> Workload.held("held-" + n, n),
            1,
            10,
            100,
            1_000,
            10_000,
            100_000),
    KEPT(
            "kept",
            "locks that one client keeps cached and does not use just then, each with a watch",
            "locks kept",
            List.of(Kind.HOLDFAST),
            Workload::names,
            n -> Workload.kept("kept-" + n, n),
            1,
            10,
            100,
            1_000,
            10_000);

    private final String id;
    private final String title;
    private final String axis;
    private final List<Kind> kinds;
    private final ToIntFunction<Workload> sizeOf;
    private final List<Workload> workloads;

    Series(
            String id,
            String title,
            String axis,
            List<Kind> kinds,
            ToIntFunction<Workload> sizeOf,
            IntFunction<Workload> workload,
            int... sizes) {
        this.id = id;
        this.title = title;
        this.axis = axis;
        this.kinds = kinds;
        this.sizeOf = sizeOf;
        workloads = IntStream.of(sizes).mapToObj(workload).toList();
    }

    String id() {
        return id;
    }

    String title() {
        return title;
    }

    /** What is on the horizontal axis. */
    String axis() {
        return axis;
    }

    /** Who is measured. With caching on, one who is alone would send nothing, and there would be nothing to see. */
    List<Kind> kinds() {
        return kinds;
    }

    /** From the smallest on. */
    List<Workload> workloads() {
        return workloads;
    }

    /** How much there is of what grows. */
    int size(Workload workload) {
        return sizeOf.applyAsInt(workload);
    }

    /** Whose smallest, or any other size, it is. */
    Workload workload(int size) {
        return workloads.stream()
                .filter(workload -> size(workload) == size)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no " + id + " of " + size));
    }

    static boolean takesPart(Kind kind, Workload workload) {
        return Arrays.stream(values())
                .anyMatch(series -> series.workloads.contains(workload) && series.kinds.contains(kind));
    }
}
