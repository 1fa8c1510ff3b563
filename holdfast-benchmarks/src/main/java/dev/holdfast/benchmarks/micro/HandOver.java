package dev.holdfast.benchmarks.micro;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/**
 * Threads of one client contend for one lock. Beside it the fair lock of the JDK, which knows nothing of other processes:
 * what handing over inside a process costs at least.
 */
@State(Scope.Benchmark)
public class HandOver {

    private static final String JDK = "jdk-fair";

    /** Whose lock. */
    @Param({"holdfast", JDK})
    public String of = JDK;

    private final Embedded embedded = new Embedded();
    private Lock lock = new ReentrantLock(true);

    /** Chooses the lock. */
    @Setup
    public void choose() {
        lock = of.equals(JDK) ? new ReentrantLock(true) : embedded.holdfast().lock("orders/42");
    }

    /** Ends the client. */
    @TearDown
    public void close() {
        embedded.close();
    }

    /** Two threads. */
    @Benchmark
    @Threads(2)
    public void by02() {
        Embedded.pair(lock);
    }

    /** Eight threads. */
    @Benchmark
    @Threads(8)
    public void by08() {
        Embedded.pair(lock);
    }

    /** Sixty-four threads. */
    @Benchmark
    @Threads(64)
    public void by64() {
        Embedded.pair(lock);
    }
}
