package canary;

import java.util.Queue;

/** Waits where nobody can see it waiting. */
public final class WaitsOnAMonitor {
    private WaitsOnAMonitor() {}

    static void awaitFirst(Queue<String> waiters) throws InterruptedException {
        synchronized (waiters) {
            while (waiters.isEmpty()) {
                waiters.wait();
            }
        }
    }
}
