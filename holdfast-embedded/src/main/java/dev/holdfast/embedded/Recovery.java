package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads a log back into an engine, or says what is wrong with it. Changes nothing on the disk.
 */
final class Recovery {
    /*
     * The newest snapshot, then every segment from its number on, batch by batch. Whatever does not fit exactly is refused;
     * only the end of the last segment may be torn (LogFormat says how that is told from damage).
     */

    private static final String WHAT_TO_DO =
            "; nothing was changed. Put back a copy of the whole directory, or move it away to"
                    + " begin with an empty data set, in which no lock is held and tokens begin anew";

    private final Disk disk;
    private final long upTo;
    private final long nowNanos;
    private final TreeSet<Long> segments = new TreeSet<>();
    private final TreeSet<Long> snapshots = new TreeSet<>();
    private final List<String> leftovers = new ArrayList<>();
    private boolean hasMark;

    private Recovery(Disk disk, long upTo, long nowNanos) {
        this.disk = disk;
        this.upTo = upTo;
        this.nowNanos = nowNanos;
    }

    /**
     * A log that was read back.
     *
     * @param segment number of the last segment
     * @param position where the next batch goes in it
     * @param lastBatchAt where the last batch is in it, or -1 when it has none
     * @param lastBatch the last batch in it, or empty
     * @param sequence of the last batch in the log
     * @param chain what the next header is chained to
     * @param snapshotBytes the size of the snapshot, zero when there is none
     * @param tornBytes how much of a write that was under way is left behind the last batch
     * @param leftovers files that are no longer needed
     */
    record Log(
            Engine engine,
            long segment,
            int position,
            int lastBatchAt,
            ByteString lastBatch,
            int allocated,
            long sequence,
            int chain,
            long snapshotBytes,
            int tornBytes,
            boolean hasMark,
            List<String> leftovers) {}

    /** The log on this disk, or null when there is none. */
    static @Nullable Log read(Disk disk, long nowNanos) throws IOException {
        return new Recovery(disk, Long.MAX_VALUE, nowNanos).read();
    }

    /** The engine as it was after a batch; what comes after is not looked at. */
    static Engine readUpTo(Disk disk, long sequence, long nowNanos) throws IOException {
        Log log = new Recovery(disk, sequence, nowNanos).read();
        if (log == null) {
            throw new IOException("there is no log any more");
        }
        return log.engine();
    }

    private @Nullable Log read() throws IOException {
        for (String name : disk.names()) {
            long segment = LogFormat.Kind.SEGMENT.numberOf(name);
            long snapshot = LogFormat.Kind.SNAPSHOT.numberOf(name);
            if (segment >= 0) {
                segments.add(segment);
            } else if (snapshot >= 0) {
                snapshots.add(snapshot);
            } else if (name.endsWith(CommandLog.UNFINISHED)) {
                leftovers.add(name);
            } else if (name.equals(CommandLog.MARK)) {
                hasMark = true;
            }
        }
        if (segments.isEmpty() && snapshots.isEmpty()) {
            if (hasMark) {
                throw damaged(CommandLog.MARK, "speaks of a log, but there is none");
            }
            return null;
        }
        return replay();
    }

    private Log replay() throws IOException {
        long base = snapshots.isEmpty() ? 1 : snapshots.last();
        requireUnbroken(base);
        LogFormat.FileHeader first = header(LogFormat.Kind.SEGMENT, base, beginning(LogFormat.Kind.SEGMENT, base));
        Engine engine = new Engine(first.clusterId(), first.memberId());
        long snapshotBytes = 0;
        if (!snapshots.isEmpty()) {
            byte[] snapshot = content(LogFormat.Kind.SNAPSHOT, base);
            engine = restore(base, snapshot, first);
            snapshotBytes = snapshot.length;
        } else if (first.sequence() != 1 || first.chain() != 0) {
            throw damaged(first.kind().fileName(base), "is not the beginning of a log, and there is no snapshot");
        }

        long sequence = first.sequence() - 1;
        int chain = first.chain();
        Log log = null;
        for (long number = base; number <= segments.last(); number++) {
            byte[] content = content(LogFormat.Kind.SEGMENT, number);
            LogFormat.FileHeader header = header(LogFormat.Kind.SEGMENT, number, content);
            if (header.clusterId() != first.clusterId() || header.memberId() != first.memberId()) {
                throw damaged(header.kind().fileName(number), "belongs to another data set");
            }
            if (header.chain() != chain || header.sequence() != sequence + 1) {
                throw damaged(
                        header.kind().fileName(number),
                        "does not continue the files before it, of which the last batch is number " + sequence);
            }
            log = replay(engine, number, content, sequence, header.checksum(), snapshotBytes);
            sequence = log.sequence();
            chain = log.chain();
            if (sequence == upTo) {
                return log;
            }
        }
        if (log == null) {
            throw new IllegalStateException("a log without segments");
        }
        requireNothingMissing(first, sequence);
        return log;
    }

    private void requireUnbroken(long base) throws IOException {
        for (long number = base; number <= Math.max(base, segments.isEmpty() ? 0 : segments.last()); number++) {
            if (!segments.contains(number)) {
                String name = LogFormat.Kind.SEGMENT.fileName(number);
                throw damaged(
                        name,
                        snapshots.isEmpty() && number == 1
                                ? "is missing, and so is a snapshot that would replace it"
                                : "is missing");
            }
        }
        segments.headSet(base).forEach(number -> leftovers.add(LogFormat.Kind.SEGMENT.fileName(number)));
        snapshots.headSet(base).forEach(number -> leftovers.add(LogFormat.Kind.SNAPSHOT.fileName(number)));
    }

    private Engine restore(long number, byte[] file, LogFormat.FileHeader segment) throws IOException {
        String name = LogFormat.Kind.SNAPSHOT.fileName(number);
        LogFormat.FileHeader header = header(LogFormat.Kind.SNAPSHOT, number, file);
        int imageBytes = file.length - LogFormat.FILE_HEADER_BYTES - 4;
        if (header.following() != imageBytes) {
            throw damaged(name, "has " + imageBytes + " bytes after its header instead of " + header.following());
        }
        int checksum = LogFormat.crc(file, LogFormat.FILE_HEADER_BYTES, imageBytes);
        if (checksum != java.nio.ByteBuffer.wrap(file).getInt(file.length - 4)) {
            throw damaged(name, "is damaged: its checksum is wrong");
        }
        if (header.clusterId() != segment.clusterId()
                || header.memberId() != segment.memberId()
                || header.chain() != segment.chain()
                || header.sequence() != segment.sequence()) {
            throw damaged(name, "does not belong to " + segment.kind().fileName(number));
        }
        try {
            return new Engine(EngineImage.of(file, LogFormat.FILE_HEADER_BYTES, imageBytes), nowNanos);
        } catch (IOException | RuntimeException e) {
            throw damaged(name, "is no image of an engine (" + e.getMessage() + ")");
        }
    }

    private Log replay(
            Engine engine, long number, byte[] content, long sequenceBefore, int chainBefore, long snapshotBytes)
            throws IOException {
        String name = LogFormat.Kind.SEGMENT.fileName(number);
        boolean isLast = number == segments.last();
        int written = LogFormat.written(content);
        int position = LogFormat.FILE_HEADER_BYTES;
        int lastBatchAt = -1;
        int tornBytes = 0;
        long sequence = sequenceBefore;
        int chain = chainBefore;
        while (sequence != upTo) {
            LogFormat.Found found = LogFormat.find(content, written, position);
            if (found instanceof LogFormat.Batch batch) {
                if (batch.sequence() != sequence + 1 || batch.chain() != chain) {
                    throw damaged(
                            name,
                            "is damaged at byte " + position + ": batch " + batch.sequence() + " does not follow batch "
                                    + sequence);
                }
                replay(engine, batch, name, position);
                sequence = batch.sequence();
                chain = batch.checksum();
                lastBatchAt = position;
                position += batch.bytes();
            } else if (found instanceof LogFormat.Damaged damage) {
                throw damaged(name, "is damaged at byte " + position + ": " + damage.wrong());
            } else {
                tornBytes = Math.max(0, written - position);
                if (tornBytes > 0 && !isLast) {
                    throw damaged(name, "is damaged at byte " + position + ": the segment breaks off");
                }
                break;
            }
        }
        byte[] lastBatch = new byte[lastBatchAt < 0 ? 0 : position - lastBatchAt];
        if (lastBatchAt >= 0) {
            // A file that was cut short may lack the zeros that fill up the last batch.
            System.arraycopy(
                    content, lastBatchAt, lastBatch, 0, Math.min(lastBatch.length, content.length - lastBatchAt));
        }
        return new Log(
                engine,
                number,
                position,
                lastBatchAt,
                ByteString.copyFrom(lastBatch),
                content.length,
                sequence,
                chain,
                snapshotBytes,
                tornBytes,
                hasMark,
                leftovers);
    }

    private void replay(Engine engine, LogFormat.Batch batch, String name, int position) throws IOException {
        try {
            CodedInputStream in = batch.payload().newCodedInput();
            while (!in.isAtEnd()) {
                Command.Recorded next = Command.readFrom(in);
                engine.replay(next.command(), next.revision(), nowNanos);
            }
        } catch (IOException | RuntimeException e) {
            throw new DataDirectoryException(
                    disk.path(name) + " cannot be carried out again: at byte " + position + ", batch "
                            + batch.sequence() + ": " + e.getMessage() + WHAT_TO_DO,
                    e);
        }
    }

    /** The second witness: what was known to be safe must have been found. */
    private void requireNothingMissing(LogFormat.FileHeader first, long sequence) throws IOException {
        if (!hasMark) {
            return;
        }
        byte[] file;
        try (Disk.OpenFile open = disk.open(CommandLog.MARK)) {
            file = open.readAll();
        }
        LogFormat.FileHeader.Read read = LogFormat.FileHeader.read(LogFormat.Kind.MARK, file);
        if (read.header() == null || file.length != LogFormat.FILE_HEADER_BYTES) {
            throw damaged(
                    CommandLog.MARK,
                    (read.header() == null ? read.wrong() : "is too long")
                            + ", so it cannot be told whether the log is complete (if you know that it is, delete this file)");
        }
        if (read.header().clusterId() != first.clusterId()) {
            throw damaged(CommandLog.MARK, "belongs to another data set");
        }
        if (read.header().sequence() > sequence) {
            throw damaged(
                    LogFormat.Kind.SEGMENT.fileName(segments.last()),
                    "has lost its end: batch " + read.header().sequence()
                            + " was answered, and the last one there is batch " + sequence);
        }
    }

    private byte[] content(LogFormat.Kind kind, long number) throws IOException {
        try (Disk.OpenFile open = disk.open(kind.fileName(number))) {
            return open.readAll();
        }
    }

    private byte[] beginning(LogFormat.Kind kind, long number) throws IOException {
        try (Disk.OpenFile open = disk.open(kind.fileName(number))) {
            return open.readFirst(LogFormat.FILE_HEADER_BYTES);
        }
    }

    private LogFormat.FileHeader header(LogFormat.Kind kind, long number, byte[] file) throws IOException {
        LogFormat.FileHeader.Read read = LogFormat.FileHeader.read(kind, file);
        if (read.header() == null) {
            throw damaged(kind.fileName(number), read.wrong());
        }
        if (read.header().number() != number) {
            throw damaged(kind.fileName(number), "is number " + read.header().number() + " by its content");
        }
        return read.header();
    }

    private DataDirectoryException damaged(String name, String wrong) {
        return new DataDirectoryException(disk.path(name) + " " + wrong + WHAT_TO_DO);
    }
}
