package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * One lock and unlock, by the monotonic clock that all processes of a machine share.
 *
 * @param requestNanos before the lock was asked for
 * @param acquiredNanos after it was got
 * @param releaseNanos before it was given back
 * @param returnedNanos after that call returned
 */
record Pair(
        int process,
        int thread,
        int lock,
        long requestNanos,
        long acquiredNanos,
        long releaseNanos,
        long returnedNanos) {

    /** Of one pair in a file of records: four times, the lock, the thread, all big-endian. The Go worker writes the same. */
    static final int BYTES = 4 * Long.BYTES + 2 * Integer.BYTES;

    /** What one process wrote. */
    static List<Pair> read(Path records, int process) throws IOException {
        List<Pair> pairs = new ArrayList<>();
        try (FileChannel file = FileChannel.open(records, StandardOpenOption.READ)) {
            if (file.size() % BYTES != 0) {
                throw new IOException(records + " ends inside a record");
            }
            ByteBuffer all = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
            while (all.hasRemaining()) {
                long request = all.getLong();
                long acquired = all.getLong();
                long release = all.getLong();
                long returned = all.getLong();
                int lock = all.getInt();
                pairs.add(new Pair(process, all.getInt(), lock, request, acquired, release, returned));
            }
        }
        return pairs;
    }
}
