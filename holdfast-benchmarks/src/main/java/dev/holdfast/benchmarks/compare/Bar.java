package dev.holdfast.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;

/**
 * What was promised before it was measured.
 *
 * @param value what was measured, or NaN
 * @param isAtLeast whether the limit is a lower one
 */
record Bar(String workload, String claim, double value, double limit, boolean isAtLeast) {

    private static final String RATE = "pairs_per_second";

    /* The bar for the number of threads is not among these: nothing here measures it. */

    /** All of them, against these results. */
    static List<Bar> all(Results results, List<String> storages, Pace pace) {
        List<Bar> bars = new ArrayList<>();
        oneLock(bars, results);
        distinctLocks(bars, results, storages);
        oneProcess(bars, results);
        fewProcesses(bars, results);
        manyProcesses(bars, results);
        crashes(bars, results, pace);
        cached(bars, results);
        scale(bars, results);
        return bars;
    }

    /** {@code pass}, {@code miss} or {@code not measured}. */
    String verdict() {
        if (Double.isNaN(value)) {
            return "not measured";
        }
        return (isAtLeast ? value >= limit : value <= limit) ? "pass" : "miss";
    }

    private static void oneLock(List<Bar> bars, Results results) {
        double floor = rate(results, Workload.W1, Kind.FLOOR);
        bars.add(new Bar(
                "W1",
                "time of a pair with synchronous release / (transaction + delete)",
                floor / rate(results, Workload.W1, Kind.HOLDFAST_SYNCHRONOUS),
                1.05,
                false));
        bars.add(new Bar(
                "W1",
                "time of a pair with asynchronous release, caching off / (transaction + delete)",
                floor / rate(results, Workload.W1, Kind.HOLDFAST_UNCACHED),
                0.6,
                false));
    }

    private static void distinctLocks(List<Bar> bars, Results results, List<String> storages) {
        for (int data = 0; data < storages.size(); data++) {
            int folder = data;
            boolean isTmpfs = storages.get(data).equals("tmpfs");
            double ours = results.median(Workload.W2, Kind.HOLDFAST_UNCACHED, data, RATE);
            bars.add(new Bar(
                    "W2 on " + storages.get(data),
                    "pairs with caching off / Go Mutex",
                    ours / results.median(Workload.W2, Kind.GO_MUTEX, data, RATE),
                    isTmpfs ? 2.2 : 3,
                    true));
            List<Kind> durable = Results.kinds().stream()
                    .filter(kind -> kind.isPeer() && kind.isDurable())
                    .toList();
            bars.add(new Bar(
                    "W2 on " + storages.get(data),
                    "pairs with caching off / the fastest durable peer",
                    ours / Results.mostOf(durable, kind -> results.median(Workload.W2, kind, folder, RATE)),
                    1.2,
                    true));
        }
        bars.add(new Bar(
                "W2",
                "CPU of the client for a pair with caching off, us",
                results.median(Workload.W2, Kind.HOLDFAST_UNCACHED, 0, "client_cpu_us_per_pair"),
                60,
                false));
    }

    private static void oneProcess(List<Bar> bars, Results results) {
        double ours = rate(results, Workload.W3_64, Kind.HOLDFAST);
        bars.add(new Bar(
                "W3-64",
                "pairs / ReentrantLock(true)",
                ours / rate(results, Workload.W3_64, Kind.FAIR_LOCK),
                0.5,
                true));
        bars.add(new Bar(
                "W3-64",
                "pairs / PostgreSQL advisory",
                ours / rate(results, Workload.W3_64, Kind.POSTGRES_ADVISORY),
                4,
                true));
        bars.add(new Bar("W3-64", "pairs / Go Mutex", ours / rate(results, Workload.W3_64, Kind.GO_MUTEX), 100, true));
    }

    private static void fewProcesses(List<Bar> bars, Results results) {
        double floor = results.median(Workload.EVENT, Kind.FLOOR, 0, "hand_over_p50_us");
        for (Workload workload : List.of(Workload.W4B_2, Workload.W4B_8)) {
            bars.add(new Bar(
                    workload.id(),
                    "pairs / Go Mutex",
                    rate(results, workload, Kind.HOLDFAST) / rate(results, workload, Kind.GO_MUTEX),
                    workload.equals(Workload.W4B_2) ? 12 : 8,
                    true));
            bars.add(new Bar(
                    workload.id(),
                    "hand-over, median / (delete to event, median)",
                    results.median(workload, Kind.HOLDFAST, 0, "hand_over_p50_us") / floor,
                    1.3,
                    false));
        }
    }

    private static void manyProcesses(List<Bar> bars, Results results) {
        double ours = rate(results, Workload.W4, Kind.HOLDFAST);
        bars.add(new Bar("W4", "pairs / Go Mutex", ours / rate(results, Workload.W4, Kind.GO_MUTEX), 20, true));
        bars.add(new Bar(
                "W4",
                "pairs / PostgreSQL advisory",
                ours / rate(results, Workload.W4, Kind.POSTGRES_ADVISORY),
                1,
                true));
        bars.add(new Bar(
                "W4",
                "Jain's index over processes",
                results.median(Workload.W4, Kind.HOLDFAST, 0, "jain_processes"),
                0.99,
                true));
        bars.add(new Bar(
                "W4",
                "longest wait / mean turn",
                results.median(Workload.W4, Kind.HOLDFAST, 0, "acquire_max_us")
                        / results.median(Workload.W4, Kind.HOLDFAST, 0, "mean_turn_us"),
                4,
                false));
    }

    private static void crashes(List<Bar> bars, Results results, Pace pace) {
        bars.add(new Bar(
                "W5",
                "longest time to the next hold after SIGKILL, ms",
                results.most(Workload.KILL, Kind.HOLDFAST, 0, "take_over_ms"),
                pace.ttlSeconds() * 1e3 + 1e3,
                false));
        bars.add(new Bar(
                "W5",
                "longest time to the next hold after SIGTERM, ms",
                results.most(Workload.TERMINATE, Kind.HOLDFAST, 0, "take_over_ms"),
                100,
                false));
    }

    private static void cached(List<Bar> bars, Results results) {
        bars.add(new Bar(
                "W7-1",
                "a cached lock taken and released again, median, ns",
                results.median(Workload.W7_1, Kind.HOLDFAST, 0, "pair_p50_ns"),
                100,
                false));
        bars.add(new Bar(
                "W7-1",
                "the same with the lock looked up by its name, median, ns",
                results.median(Workload.W7_1, Kind.HOLDFAST_NAMED, 0, "pair_p50_ns"),
                150,
                false));
        bars.add(new Bar(
                "W7-recall",
                "lock() of what another process has cached, median / (delete to event, median)",
                results.median(Workload.RECALL, Kind.HOLDFAST, 0, "recall_p50_us")
                        / results.median(Workload.EVENT, Kind.FLOOR, 0, "hand_over_p50_us"),
                2,
                false));
    }

    private static void scale(List<Bar> bars, Results results) {
        bars.add(new Bar(
                "W6",
                "100,000 locks acquired in, s",
                results.median(Workload.HELD_100K, Kind.HOLDFAST, 0, "acquired_seconds"),
                5,
                false));
        bars.add(new Bar(
                "W6",
                "heap of each of 100,000 held locks, bytes",
                results.median(Workload.HELD_100K, Kind.HOLDFAST, 0, "heap_bytes_each"),
                1_024,
                false));
        bars.add(new Bar(
                "W6",
                "ranges for a release among 10,000 waiters",
                results.median(Workload.WAITERS_10K, Kind.HOLDFAST_STRICT, 0, "ranges_per_hand_over"),
                1,
                false));
    }

    private static double rate(Results results, Workload workload, Kind kind) {
        return results.median(workload, kind, 0, RATE);
    }
}
