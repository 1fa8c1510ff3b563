package dev.holdfast.benchmarks.micro;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * The floor under whatever must know how much time is left: both clocks are read, because one of them stands still while
 * the machine is suspended, and the other one may be set back.
 */
@State(Scope.Thread)
public class Clocks {

    /** As a question about a hold has to. */
    @Benchmark
    public long readOnce() {
        return System.nanoTime() ^ System.currentTimeMillis();
    }

    /** As a pair has to: when it takes the lock, and when it says that it was held all the time. */
    @Benchmark
    public long readForAPair() {
        return System.nanoTime() ^ System.currentTimeMillis() ^ System.nanoTime() ^ System.currentTimeMillis();
    }
}
