package dev.holdfast.benchmarks.micro;

import dev.holdfast.DistributedLock;
import dev.holdfast.LockOptions;
import dev.holdfast.inspect.HolderInfoWriter;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A lock that is not cached, through all of the client and the engine of the etcd in this JVM. What a pair costs less the
 * network, the disk and the coding of messages.
 */
@State(Scope.Benchmark)
public class WholePath {

    private final Embedded embedded = new Embedded();
    private final DistributedLock asynchronous =
            embedded.holdfast().lock("orders/42", LockOptions.defaults().withoutCaching());
    private final DistributedLock synchronous =
            embedded.holdfast().lock("orders/43", LockOptions.defaults().withSynchronousRelease());
    private final HolderInfoWriter values = new HolderInfoWriter("billing", "3f2a");
    private long sinceMillis = 1_700_000_000_000L;

    /** Ends the client. */
    @TearDown
    public void close() {
        embedded.close();
    }

    /** Unlocks without waiting for the answer; the next lock meets the release that is under way. */
    @Benchmark
    public void asynchronousRelease() {
        Embedded.pair(asynchronous);
    }

    /** Waits for the answer to the release. */
    @Benchmark
    public void synchronousRelease() {
        Embedded.pair(synchronous);
    }

    /** Only the value of an entry is written: who holds, and since when, as JSON. */
    @Benchmark
    public byte[] entryValue() {
        return values.write("", sinceMillis++, "", false);
    }
}
