package dev.holdfast.chaos;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The small disk of a member is full: it can write only where it has reserved room. */
final class DiskFull {

    /** What is put so that the member has to write: a key outside of all locks. */
    static final String FILLER_KEY = "chaos/filler";

    private static final int CHUNK_BYTES = 1 << 20;
    // More than the disk has; the file system refuses long before.
    private static final int MOST_CHUNKS = 1_024;

    private DiskFull() {}

    static Undo begin(Path disk, Member member) {
        Path ballast = disk.resolve("ballast");
        byte[] chunk = new byte[CHUNK_BYTES];
        try (OutputStream out = Files.newOutputStream(ballast)) {
            for (int i = 0; i < MOST_CHUNKS; i++) {
                out.write(chunk);
            }
        } catch (IOException e) {
            // Full. The rest of the last chunk was written as far as it would go.
        }
        return () -> {
            Files.deleteIfExists(ballast);
            // It may have died of it, as etcd does when it cannot write.
            member.start();
        };
    }
}
