package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** The holder ends while another waits: how long until the other holds. */
final class Crash {

    /** How long the waiter is given to get into the queue: nothing says when it is there. */
    static final double SETTLE_SECONDS = 2;

    private static final double HOLD_SECONDS = 30;
    private static final double TAKE_OVER_SECONDS = 60;

    private Crash() {}

    /** @param isKilled by SIGKILL; else by SIGTERM */
    static Map<String, Double> measure(WorkerProcess holder, WorkerProcess waiter, boolean isKilled)
            throws IOException, InterruptedException {
        holder.tell("go");
        holder.await("held", HOLD_SECONDS);
        waiter.tell("go");
        Orders.sleepUntil(System.nanoTime() + (long) (SETTLE_SECONDS * 1e9));
        long end = System.nanoTime();
        if (isKilled) {
            holder.handle().destroyForcibly();
        } else {
            holder.handle().destroy();
        }
        long held = Long.parseLong(waiter.await("held", TAKE_OVER_SECONDS)[0]);
        Map<String, Double> metrics = new TreeMap<>();
        metrics.put("overlaps", held < end ? 1.0 : 0.0);
        metrics.put("take_over_ms", (held - end) / 1e6);
        return metrics;
    }
}
