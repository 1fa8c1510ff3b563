package dev.holdfast.benchmarks.compare;

import dev.holdfast.DistributedLock;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One of two processes, of which the one keeps a lock cached and the other wants it.
 *
 * <pre>
 * Recall own   says "ready"; at "next I" locks and unlocks lock I once a millisecond; says "cached" when it stays with this
 *              process, and goes on until the next order
 * Recall take  says "ready"; at "next I" locks and unlocks lock I once, and says "took"
 * </pre>
 *
 * <p>Each lock is recalled once: one that was recalled is not cached again for a while. Both end at "next -1": write down
 * their pairs, and say "done". Before all that both contend for locks that are not cached, a new one every few milliseconds:
 * what is measured happens too seldom to be compiled by itself.
 */
final class Recall {

    private static final long PERIOD_NANOS = 1_000_000;
    private static final long WARM_UP_PERIOD_NANOS = 5_000_000;
    private static final long PATIENCE_NANOS = 20_000_000_000L;

    private final Holdfast holdfast;
    private final String prefix;
    private final Recorder recorder = new Recorder(0);
    private final Orders orders = new Orders();
    private volatile int wanted = -1;

    private Recall(Holdfast holdfast, String prefix) {
        this.holdfast = holdfast;
        this.prefix = prefix;
    }

    /**
     * Takes {@code own} or {@code take}, endpoints, prefix of the names, time to live in seconds, file for its records, and
     * for how many seconds to warm up.
     */
    public static void main(String[] arguments) {
        try (Holdfast holdfast = HoldfastLock.connect(arguments[1], Integer.parseInt(arguments[3]))) {
            Recall recall = new Recall(holdfast, arguments[2]);
            recall.warmUp((long) (Double.parseDouble(arguments[5]) * 1e9));
            Orders.say("ready");
            if (arguments[0].equals("own")) {
                recall.own();
            } else {
                recall.take();
            }
            recall.write(Path.of(arguments[4]));
            Orders.say("done");
            System.exit(0);
        } catch (Throwable e) {
            Worker.fail(e);
        }
    }

    private void warmUp(long nanos) {
        LockOptions options = LockOptions.defaults().withoutCaching();
        long now = System.nanoTime();
        long end = now + nanos;
        while (now - end < 0) {
            // The clock is that of the machine, so that both processes mean the same lock.
            DistributedLock lock = holdfast.lock(prefix + "-warm-up-" + now / WARM_UP_PERIOD_NANOS, options);
            lock.lock();
            try {
                now = System.nanoTime();
            } finally {
                lock.unlock();
            }
        }
    }

    private void take() throws InterruptedException {
        for (int index = next(); index >= 0; index = next()) {
            pair(index, holdfast.lock(prefix + "-" + index));
            Orders.say("took");
        }
    }

    private void own() throws InterruptedException {
        wanted = next();
        Thread locking = new Thread(this::keep);
        locking.start();
        while (wanted >= 0) {
            wanted = next();
        }
        locking.join();
    }

    private void keep() {
        try {
            for (int index = wanted; index >= 0; index = wanted) {
                DistributedLock lock = holdfast.lock(prefix + "-" + index);
                long deadline = System.nanoTime() + PATIENCE_NANOS;
                long revision = -1;
                boolean isCached = false;
                while (wanted == index) {
                    long before = revision;
                    revision = pair(index, lock);
                    // Another hold of the same entry, though nobody wanted it in between.
                    if (!isCached && revision == before) {
                        isCached = true;
                        Orders.say("cached");
                    }
                    if (!isCached && System.nanoTime() - deadline > 0) {
                        throw new IllegalStateException(lock.name() + " does not stay cached");
                    }
                    Orders.sleepUntil(System.nanoTime() + PERIOD_NANOS);
                }
            }
        } catch (Throwable e) {
            // At once: the other one waits for what is held here.
            Worker.fail(e);
        }
    }

    /** The revision of the grant. */
    private long pair(int index, DistributedLock lock) {
        long request = System.nanoTime();
        long acquired;
        long release;
        long revision;
        lock.lock();
        try {
            acquired = System.nanoTime();
            revision = lock.hold().token().grantRevision();
            release = System.nanoTime();
        } finally {
            lock.unlock();
        }
        recorder.add(index, request, acquired, release, System.nanoTime());
        return revision;
    }

    private int next() throws InterruptedException {
        return (int) orders.await("next")[0];
    }

    private void write(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            recorder.writeTo(channel);
        }
    }
}
