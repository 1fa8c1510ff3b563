package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/** Takes down the pairs of one thread, outside the heap: what is written here is not allocation of the lock. */
final class Recorder {

    private static final int PAIRS_PER_CHUNK = 4_096;

    private final int thread;
    private final List<ByteBuffer> full = new ArrayList<>();
    private ByteBuffer chunk = ByteBuffer.allocateDirect(PAIRS_PER_CHUNK * Pair.BYTES);

    Recorder(int thread) {
        this.thread = thread;
    }

    void add(int lock, long requestNanos, long acquiredNanos, long releaseNanos, long returnedNanos) {
        if (!chunk.hasRemaining()) {
            full.add(chunk);
            chunk = ByteBuffer.allocateDirect(PAIRS_PER_CHUNK * Pair.BYTES);
        }
        chunk.putLong(requestNanos)
                .putLong(acquiredNanos)
                .putLong(releaseNanos)
                .putLong(returnedNanos)
                .putInt(lock)
                .putInt(thread);
    }

    /** Writes all of it; to be called once, when the thread has ended. */
    void writeTo(FileChannel file) throws IOException {
        full.add(chunk);
        for (ByteBuffer each : full) {
            each.flip();
            while (each.hasRemaining()) {
                file.write(each);
            }
        }
    }
}
