package dev.holdfast.benchmarks.compare;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** How long one client of Holdfast takes to acquire very many locks, and how much heap they take. Says its results and ends. */
final class ManyHolds {

    /* What has no thread and no limit of its own must not have everything under way at once. */
    private static final int UNDER_WAY = 1_000;

    private ManyHolds() {}

    /** Takes endpoints, prefix of the names, how many, time to live in seconds. */
    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[2]);
        try (Holdfast holdfast = HoldfastLock.connect(arguments[0], Integer.parseInt(arguments[3]))) {
            acquire(holdfast, arguments[1] + "-warm-up-", Math.min(count, 10_000))
                    .forEach(Hold::close);
            long heapBefore = Heap.usedBytes();
            long begin = System.nanoTime();
            List<Hold> holds = acquire(holdfast, arguments[1] + "-", count);
            long end = System.nanoTime();
            Orders.say("result acquired_seconds " + (end - begin) / 1e9);
            Orders.say("result heap_bytes_each " + (double) (Heap.usedBytes() - heapBefore) / count);
            long lost = holds.stream()
                    .filter(hold -> hold.state() == Hold.State.LOST)
                    .count();
            Orders.say("result lost " + lost);
            Orders.say("result threads " + Thread.getAllStackTraces().keySet().size());
        }
        System.exit(0);
    }

    private static List<Hold> acquire(Holdfast holdfast, String prefix, int count) {
        List<CompletableFuture<Hold>> asked = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            if (i >= UNDER_WAY) {
                asked.get(i - UNDER_WAY).join();
            }
            asked.add(holdfast.lock(prefix + i).acquireAsync());
        }
        return new ArrayList<>(asked.stream().map(CompletableFuture::join).toList());
    }
}
