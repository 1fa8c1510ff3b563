package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** How the log's files look, byte by byte. Pure. Numbers are big endian, checksums CRC32C. */
final class LogFormat {
    /*
     * Segment     file header, then batches, then zeros that are there in advance.
     * Snapshot    file header, the image of an engine, checksum of the image.
     * Mark        file header whose sequence is that of a batch known to be safe.
     *
     * File header, 64 bytes: kind, version, chain, cluster id, member id, number, sequence, bytes that follow (of a
     * snapshot), zeros, checksum of all that.
     *
     * Batch, on a multiple of 32 bytes: header of 32 bytes (mark, bytes of the payload, sequence, chain, checksum of the
     * payload, zeros, checksum of all that), the payload (masked), one byte that ends it. A batch is what one fsync makes
     * safe: all of it counts, or nothing.
     *
     * Chain: each header names the checksum of the header before it, those of segments and snapshots that of the last batch
     * before them. So a batch, a segment or a snapshot that is missing, out of order, or from elsewhere does not fit.
     *
     * Torn or damaged? A power failure during a write leaves some of its sectors as they were before, and those were zeros:
     * segments are filled with zeros in advance, and a torn tail is overwritten with zeros before anything else is. A batch
     * that is complete has no sector of zeros: its header starts with the mark, its payload is masked so that a run of zeros
     * in it is none on the disk, and its last byte is not zero. So a bad batch at the end of the log that lacks a sector, or
     * its last byte, was being written when the power failed, and nobody was told that it happened: it is cut off. A bad
     * batch that lacks nothing was complete once, so it may have been answered: that is damage, and so is every bad batch
     * with a good one after it, because a batch is written only after the one before is safe.
     *
     * The mark file is a second witness. It is written after each fsync without one of its own, so it may lag behind
     * but never runs ahead: a log that ends before it has lost what was answered.
     */

    static final int VERSION = 1;
    static final int FILE_HEADER_BYTES = 64;
    static final int BATCH_HEADER_BYTES = 32;
    static final int SECTOR_BYTES = 512;

    /** The largest payload of a batch; a turn of the engine gathers far less. */
    static final int MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

    private static final int ALIGNMENT_BYTES = 32; // divides a sector, so that no batch header spans two
    private static final int BATCH_MARK = 0x48664274;
    private static final byte LAST_BYTE = (byte) 0xa5;

    private LogFormat() {}

    enum Kind {
        SEGMENT(0x486f6c644c6f6701L),
        SNAPSHOT(0x486f6c64536e6101L),
        MARK(0x486f6c644d726b01L);

        private final long magic;

        Kind(long magic) {
            this.magic = magic;
        }

        /** What a file of this kind and number is called; marks have no number. */
        String fileName(long number) {
            return this == MARK ? "synced" : String.format(Locale.ROOT, "%016d.%s", number, suffix());
        }

        /** The number in a file name, or -1 when it is not a name of this kind. */
        long numberOf(String fileName) {
            return fileName.matches("[0-9]{16}\\." + suffix()) ? Long.parseLong(fileName.substring(0, 16)) : -1;
        }

        private String suffix() {
            return this == SEGMENT ? "log" : "snapshot";
        }
    }

    /**
     * How each file begins.
     *
     * @param chain of a segment and a snapshot the checksum of the last header before it
     * @param number of a segment its own, of a snapshot that of the first segment after it
     * @param sequence of a segment that of its first batch, of a snapshot that of the first batch after it, of a mark that of
     *     the last batch known to be safe
     * @param following the bytes that a snapshot's image has
     */
    record FileHeader(Kind kind, int chain, long clusterId, long memberId, long number, long sequence, long following) {

        byte[] toBytes() {
            ByteBuffer bytes = ByteBuffer.allocate(FILE_HEADER_BYTES);
            bytes.putLong(kind.magic).putInt(VERSION).putInt(chain);
            bytes.putLong(clusterId).putLong(memberId).putLong(number).putLong(sequence);
            bytes.putLong(following);
            bytes.putInt(FILE_HEADER_BYTES - 4, checksum());
            return bytes.array();
        }

        /** What the next header is chained to. */
        int checksum() {
            ByteBuffer bytes = ByteBuffer.allocate(FILE_HEADER_BYTES - 4);
            bytes.putLong(kind.magic).putInt(VERSION).putInt(chain);
            bytes.putLong(clusterId).putLong(memberId).putLong(number).putLong(sequence);
            bytes.putLong(following);
            return crc(bytes.array(), 0, FILE_HEADER_BYTES - 4);
        }

        /** Reads one; the reason why it is none when it is none. */
        static Read read(Kind kind, byte[] file) {
            if (file.length < FILE_HEADER_BYTES) {
                return new Read(null, "has only " + file.length + " bytes");
            }
            ByteBuffer bytes = ByteBuffer.wrap(file);
            long magic = bytes.getLong();
            int version = bytes.getInt();
            FileHeader header = new FileHeader(
                    kind,
                    bytes.getInt(),
                    bytes.getLong(),
                    bytes.getLong(),
                    bytes.getLong(),
                    bytes.getLong(),
                    bytes.getLong());
            if (crc(file, 0, FILE_HEADER_BYTES - 4) != bytes.getInt(FILE_HEADER_BYTES - 4)) {
                return new Read(null, "is damaged in its first " + FILE_HEADER_BYTES + " bytes");
            }
            if (version != VERSION) {
                return new Read(null, "has format version " + version + ", and this program knows " + VERSION);
            }
            return magic == kind.magic ? new Read(header, "") : new Read(null, "is of another kind than its name says");
        }

        record Read(@Nullable FileHeader header, String wrong) {}
    }

    // -------------------------------------------------------------------------------------------------- batches

    /** The bytes that a batch with this payload takes in its segment. */
    static int batchBytes(int payloadBytes) {
        int bytes = BATCH_HEADER_BYTES + payloadBytes + 1;
        return (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    }

    static ByteBuffer batch(long sequence, int chain, byte[] payload) {
        byte[] bytes = new byte[batchBytes(payload.length)];
        ByteBuffer header = ByteBuffer.wrap(bytes);
        header.putInt(BATCH_MARK)
                .putInt(payload.length)
                .putLong(sequence)
                .putInt(chain)
                .putInt(crc(payload, 0, payload.length));
        header.putInt(BATCH_HEADER_BYTES - 4, crc(bytes, 0, BATCH_HEADER_BYTES - 4));
        System.arraycopy(payload, 0, bytes, BATCH_HEADER_BYTES, payload.length);
        mask(bytes, BATCH_HEADER_BYTES, payload.length, sequence);
        bytes[BATCH_HEADER_BYTES + payload.length] = LAST_BYTE;
        return ByteBuffer.wrap(bytes);
    }

    /** What the next header is chained to after this batch. */
    static int checksumOf(ByteBuffer batch) {
        return batch.getInt(BATCH_HEADER_BYTES - 4);
    }

    /** What is found at a place where a batch should begin. */
    sealed interface Found {}

    /** A good batch. */
    record Batch(long sequence, int chain, int checksum, ByteString payload) implements Found {
        int bytes() {
            return batchBytes(payload.size());
        }
    }

    /** The end of what was written. */
    record End() implements Found {}

    /** A write that was under way when the power failed. */
    record Torn() implements Found {}

    /** None of these. */
    record Damaged(String wrong) implements Found {}

    /**
     * Looks at a place where a batch should begin, in the last segment of a log.
     *
     * @param written what {@link #written} says of the segment
     */
    static Found find(byte[] segment, int written, int position) {
        if (position >= written) {
            return new End();
        }
        if (!isHeader(segment, position)) {
            for (int later = position + ALIGNMENT_BYTES; later < written; later += ALIGNMENT_BYTES) {
                if (isHeader(segment, later)) {
                    return new Damaged("there is a batch at byte " + later + ", but none before it");
                }
            }
            // Torn inside the header, or before it: what was to come first is not there.
            boolean startsWithZeros = allZero(segment, position, position + BATCH_HEADER_BYTES);
            boolean endsInHeader = written < position + BATCH_HEADER_BYTES;
            return startsWithZeros || endsInHeader ? new Torn() : new Damaged("the header of a batch has changed");
        }
        ByteBuffer header = ByteBuffer.wrap(segment, position, BATCH_HEADER_BYTES);
        header.getInt();
        int payloadBytes = header.getInt();
        long sequence = header.getLong();
        int chain = header.getInt();
        int payloadChecksum = header.getInt();
        int last = position + BATCH_HEADER_BYTES + payloadBytes;
        if (last < segment.length) {
            byte[] payload = new byte[payloadBytes];
            System.arraycopy(segment, position + BATCH_HEADER_BYTES, payload, 0, payloadBytes);
            mask(payload, 0, payloadBytes, sequence);
            if (segment[last] == LAST_BYTE && crc(payload, 0, payloadBytes) == payloadChecksum) {
                int checksum = header.getInt(position + BATCH_HEADER_BYTES - 4);
                return new Batch(sequence, chain, checksum, ByteString.copyFrom(payload));
            }
        }
        for (int later = position + ALIGNMENT_BYTES; later < written; later += ALIGNMENT_BYTES) {
            if (isHeader(segment, later)) {
                return new Damaged("the batch has changed, and there is one after it at byte " + later);
            }
        }
        return lacksSomething(segment, position, last) ? new Torn() : new Damaged("the batch has changed");
    }

    private static boolean isHeader(byte[] segment, int position) {
        if (position + BATCH_HEADER_BYTES > segment.length) {
            return false;
        }
        ByteBuffer header = ByteBuffer.wrap(segment, position, BATCH_HEADER_BYTES);
        int mark = header.getInt();
        int payloadBytes = header.getInt();
        return mark == BATCH_MARK
                && payloadBytes >= 0
                && payloadBytes <= MAX_PAYLOAD_BYTES
                && header.getInt(position + BATCH_HEADER_BYTES - 4) == crc(segment, position, BATCH_HEADER_BYTES - 4);
    }

    /** True when the last byte of a batch, or one of its sectors, was never written. */
    private static boolean lacksSomething(byte[] segment, int from, int last) {
        if (last >= segment.length || segment[last] == 0) {
            return true;
        }
        for (int start = from; start <= last; start = (start / SECTOR_BYTES + 1) * SECTOR_BYTES) {
            if (allZero(segment, start, Math.min((start / SECTOR_BYTES + 1) * SECTOR_BYTES, last + 1))) {
                return true;
            }
        }
        return false;
    }

    private static boolean allZero(byte[] bytes, int from, int to) {
        for (int i = from; i < Math.min(to, bytes.length); i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** How many bytes of a segment there are before the zeros at its end. */
    static int written(byte[] segment) {
        int written = segment.length;
        while (written > 0 && segment[written - 1] == 0) {
            written--;
        }
        return written;
    }

    /** Makes zeros something else, and the same call takes that back. */
    private static void mask(byte[] bytes, int from, int length, long sequence) {
        long state = sequence * 0x9e3779b97f4a7c15L;
        for (int i = 0; i < length; i += 8) {
            state += 0x9e3779b97f4a7c15L;
            long z = state;
            z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
            z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
            z ^= z >>> 31;
            for (int j = i; j < Math.min(i + 8, length); j++) {
                bytes[from + j] ^= (byte) z;
                z >>>= 8;
            }
        }
    }

    static int crc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }
}
