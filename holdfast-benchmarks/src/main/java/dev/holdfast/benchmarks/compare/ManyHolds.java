package dev.holdfast.benchmarks.compare;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One client of Holdfast that acquires very many locks and keeps them: how long that takes, how much heap, and what one more
 * costs then. Says "ready"; at "go" acquires, and says "holding"; at the next "go" says its results and ends.
 */
final class ManyHolds {

    /* What has no thread and no limit of its own must not have everything under way at once. */
    private static final int UNDER_WAY = 1_000;

    private static final int PROBES = 300;
    private static final int SAMPLES = 100;

    private ManyHolds() {}

    /** Takes endpoints, prefix of the names, how many, time to live in seconds. */
    public static void main(String[] arguments) throws InterruptedException {
        Orders orders = new Orders();
        int count = Integer.parseInt(arguments[2]);
        try (Holdfast holdfast = HoldfastLock.connect(arguments[0], Integer.parseInt(arguments[3]))) {
            acquire(holdfast, arguments[1] + "-warm-up-", Math.min(count, 10_000))
                    .forEach(Hold::close);
            long[] before = probe(holdfast, arguments[1] + "-probe");
            long heapBefore = Heap.usedBytes();
            Orders.say("ready");
            orders.await("go");
            long begin = System.nanoTime();
            List<Hold> holds = acquire(holdfast, arguments[1] + "-", count);
            long end = System.nanoTime();
            Orders.say("holding");
            orders.await("go");
            Orders.say("result acquired_seconds " + (end - begin) / 1e9);
            Orders.say("result acquired_per_second " + count / ((end - begin) / 1e9));
            Orders.say("result heap_bytes_each " + (double) (Heap.usedBytes() - heapBefore) / count);
            Orders.say("result one_more_before_p50_us " + Latency.of(before).p50Micros());
            Latency oneMore = Latency.of(probe(holdfast, arguments[1] + "-probe"));
            Orders.say("result one_more_p50_us " + oneMore.p50Micros());
            Orders.say("result one_more_p99_us " + oneMore.p99Micros());
            Orders.say("result overlaps " + taken(arguments, count));
            long lost = holds.stream()
                    .filter(hold -> hold.state() == Hold.State.LOST)
                    .count();
            Orders.say("result lost " + lost);
            Orders.say("result threads " + Thread.getAllStackTraces().keySet().size());
        }
        System.exit(0);
    }

    /** What it takes to acquire one more lock, many times. */
    private static long[] probe(Holdfast holdfast, String name) {
        DistributedLock lock = holdfast.lock(name, LockOptions.defaults().withSynchronousRelease());
        long[] nanos = new long[PROBES];
        for (int i = 0; i < PROBES; i++) {
            long request = System.nanoTime();
            lock.lock();
            try {
                nanos[i] = System.nanoTime() - request;
            } finally {
                lock.unlock();
            }
        }
        return nanos;
    }

    /** How many of the locks that are held, of a sample of them, another client can have nevertheless. */
    static int taken(String[] arguments, int count) {
        int taken = 0;
        try (Holdfast other = HoldfastLock.connect(arguments[0], Integer.parseInt(arguments[3]))) {
            int samples = Math.min(SAMPLES, count);
            for (int i = 0; i < samples; i++) {
                int index = (int) ((long) i * count / samples);
                if (other.lock(arguments[1] + "-" + index).tryAcquire().isPresent()) {
                    taken++;
                }
            }
        }
        return taken;
    }

    /** All of them, in order; some at a time. */
    static List<Hold> acquire(Holdfast holdfast, String prefix, int count) {
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
