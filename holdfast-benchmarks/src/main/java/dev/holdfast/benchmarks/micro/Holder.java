package dev.holdfast.benchmarks.micro;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import java.time.Duration;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a thread does that holds the lock: enters again, and asks whether it still holds. */
@State(Scope.Thread)
public class Holder {

    private static final Duration ATOMIC_STEP = Duration.ofMillis(100);

    private final Embedded embedded = new Embedded();
    private final DistributedLock lock = embedded.holdfast().lock("orders/42");

    /** Locks, in the thread that is measured. */
    @Setup(Level.Iteration)
    public void hold() {
        lock.lock();
    }

    /** Unlocks; throws if the lock was lost meanwhile. */
    @TearDown(Level.Iteration)
    public void release() {
        lock.unlock();
    }

    /** Ends the client. */
    @TearDown
    public void close() {
        embedded.close();
    }

    /** Enters again and leaves. */
    @Benchmark
    public void reenter() {
        Embedded.pair(lock);
    }

    /** The thread's hold, and its state by the deadline. */
    @Benchmark
    public Hold.State state() {
        return lock.hold().state();
    }

    /** What is to be asked before a step that must not be late: enough time left, or an exception. */
    @Benchmark
    public void ensure() {
        lock.hold().ensure(ATOMIC_STEP);
    }

    /** The token as one number. */
    @Benchmark
    public long token() {
        return lock.hold().token().asLong();
    }
}
