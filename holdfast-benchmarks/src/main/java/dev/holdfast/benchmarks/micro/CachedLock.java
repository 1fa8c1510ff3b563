package dev.holdfast.benchmarks.micro;

import dev.holdfast.DistributedLock;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A cached lock is taken and released again, by one thread. */
@State(Scope.Benchmark)
public class CachedLock {

    private static final String NAME = "orders/42";
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    /* A pair of lock and unlock that reaches etcd makes two revisions, and an iteration has thousands of pairs. A cached
     * lock gets a new entry after 2^20 holds, as no more tokens fit into one. */
    private static final long MOST_REVISIONS = 1_000;

    private final Embedded embedded = new Embedded();
    private final DistributedLock lock = embedded.holdfast().lock(NAME);
    private long revision;

    /** Locks until the lock is cached. */
    @Setup(Level.Iteration)
    public void becomeCached() {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        long before = -1;
        revision = grantRevision();
        while (revision != before) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException(
                        "the lock does not stay cached: what would be measured is another thing");
            }
            before = revision;
            revision = grantRevision();
        }
    }

    /** Throws if the lock was not cached all the time. */
    @TearDown(Level.Iteration)
    public void check() {
        long grown = grantRevision() - revision;
        if (grown > MOST_REVISIONS) {
            throw new IllegalStateException("the lock did not stay cached: " + grown + " revisions in one iteration");
        }
    }

    /** Ends the client. */
    @TearDown
    public void close() {
        embedded.close();
    }

    private long grantRevision() {
        lock.lock();
        try {
            return lock.hold().token().grantRevision();
        } finally {
            lock.unlock();
        }
    }

    /** The lock object is kept. */
    @Benchmark
    public void kept() {
        Embedded.pair(lock);
    }

    /** The lock is looked up by its name each time. */
    @Benchmark
    public void lookedUp() {
        Embedded.pair(embedded.holdfast().lock(NAME));
    }
}
