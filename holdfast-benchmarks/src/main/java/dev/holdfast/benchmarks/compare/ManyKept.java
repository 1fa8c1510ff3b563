package dev.holdfast.benchmarks.compare;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One client of Holdfast that has very many locks cached, each with a watch, and then does nothing: what that costs. Says
 * "ready"; at "go" locks and unlocks all of them until they stay with it, and says "holding"; at the next "go" says its results
 * and ends.
 */
final class ManyKept {

    private static final int AT_ONCE = 250;
    private static final int MOST_ROUNDS = 100;
    private static final int WARM_UP = 2_000;

    private ManyKept() {}

    /** Takes endpoints, prefix of the names, how many, time to live in seconds. */
    public static void main(String[] arguments) throws InterruptedException {
        Orders orders = new Orders();
        int count = Integer.parseInt(arguments[2]);
        try (Holdfast holdfast = HoldfastLock.connect(arguments[0], Integer.parseInt(arguments[3]))) {
            ManyHolds.acquire(holdfast, arguments[1] + "-warm-up-", Math.min(count, WARM_UP))
                    .forEach(Hold::close);
            long heapBefore = Heap.usedBytes();
            Orders.say("ready");
            orders.await("go");
            long begin = System.nanoTime();
            long[] revisions = new long[count];
            for (int from = 0; from < count; from += AT_ONCE) {
                keep(holdfast, arguments[1] + "-", from, Math.min(count, from + AT_ONCE), revisions);
            }
            long end = System.nanoTime();
            Orders.say("holding");
            orders.await("go");
            Orders.say("result kept_per_second " + count / ((end - begin) / 1e9));
            Orders.say("result heap_bytes_each " + (double) (Heap.usedBytes() - heapBefore) / count);
            Orders.say("result overlaps " + ManyHolds.taken(arguments, count));
            long[] now = pairs(holdfast, arguments[1] + "-", 0, Math.min(count, AT_ONCE));
            long still = 0;
            for (int i = 0; i < now.length; i++) {
                still += now[i] == revisions[i] ? 1 : 0;
            }
            Orders.say("result still_kept " + (double) still / now.length);
        }
        System.exit(0);
    }

    /** Locks and unlocks some of them until no lock gets a new entry any more. */
    private static void keep(Holdfast holdfast, String prefix, int from, int to, long[] revisions) {
        for (int round = 0; round < MOST_ROUNDS; round++) {
            long[] now = pairs(holdfast, prefix, from, to);
            boolean isSame = Arrays.equals(now, 0, now.length, revisions, from, to);
            System.arraycopy(now, 0, revisions, from, now.length);
            if (isSame) {
                return;
            }
        }
        throw new IllegalStateException("locks " + from + " to " + to + " do not stay cached");
    }

    /** Takes and gives back each once; the revisions of the grants. */
    private static long[] pairs(Holdfast holdfast, String prefix, int from, int to) {
        List<CompletableFuture<Hold>> asked = new ArrayList<>();
        for (int i = from; i < to; i++) {
            asked.add(holdfast.lock(prefix + i).acquireAsync());
        }
        return asked.stream()
                .map(CompletableFuture::join)
                .mapToLong(hold -> {
                    long revision = hold.token().grantRevision();
                    hold.close();
                    return revision;
                })
                .toArray();
    }
}
