package dev.holdfast.embedded;

import com.google.protobuf.CodedOutputStream;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The commands of one engine on a disk: what {@link #commit} has returned for is there after any crash. Confined to its
 * engine's thread.
 */
final class CommandLog implements Journal, AutoCloseable {
    /*
     * In a turn the engine carries out what has come in, and its commands gather here. Then commit() writes them as one
     * batch and makes it safe with one fsync, and only then what the engine answered in that turn leaves the house. So
     * many callers share one fsync, and nobody, by an answer, a read or a watch, learns of what a crash could take back.
     *
     * Space is made sure of before a command is carried out: it goes where zeros are already safe on the disk, so that a
     * full disk is a refusal of one request, and not a failure in the middle. What only makes the store larger must leave a
     * reserve, which is for those who release, revoke and compact.
     *
     * An error of write or fsync is final. The kernel may have thrown the data away and call the next fsync a success, so
     * nothing is written any more, and the engine goes back to what is known to be safe and is only read from. The restart
     * decides whether the last batch happened; its callers were told that it may have. It is written once more then, since
     * what is read back from the kernel's memory need not be on the disk.
     *
     * When a segment is full the next one is begun, a snapshot of the engine replaces what is before it, and only when that is
     * safe the old files go. A crash anywhere in between leaves either the old files or the snapshot complete.
     */

    static final String MARK = LogFormat.Kind.MARK.fileName(0);

    /** What a file is called until it is complete. */
    static final String UNFINISHED = ".tmp";

    /** What a command needs beside the request that it came from. */
    private static final int COMMAND_OVERHEAD_BYTES = 128;

    private static final long RETRY_NANOS = 1_000_000_000L;

    private static final Logger LOG = System.getLogger("dev.holdfast");

    /**
     * How much disk a log takes.
     *
     * @param chunkBytes how much is filled with zeros at a time
     * @param reserveBytes what is left for releases when the disk is full
     * @param segmentBytes the size of a segment after which there is a snapshot; more when the snapshot is larger
     */
    record Limits(int chunkBytes, int reserveBytes, int segmentBytes) {
        static final Limits DEFAULT = new Limits(4 << 20, 2 << 20, 64 << 20);

        /** Segments are read back as a whole. */
        static final int MAX_SEGMENT_BYTES = 1 << 30;
    }

    private final Disk disk;
    private final Limits limits;
    private final LongSupplier clock;
    private final Engine engine;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private Disk.OpenFile segment;
    private Disk.@Nullable OpenFile mark;
    private long segmentNumber;
    private int position;
    private int allocated;
    private long sequence; // of the last batch; all of them are safe
    private int chain;
    private long snapshotBytes;
    private int nextSnapshotAt;
    private boolean isFull;
    private long nextAttemptNanos;
    private boolean saysItsLimit;
    private @Nullable Throwable failure;

    private CommandLog(Disk disk, Limits limits, LongSupplier clock, Recovery.Log log) throws IOException {
        this.disk = disk;
        this.limits = limits;
        this.clock = clock;
        engine = log.engine();
        segmentNumber = log.segment();
        position = log.position();
        allocated = log.allocated();
        sequence = log.sequence();
        chain = log.chain();
        snapshotBytes = log.snapshotBytes();
        nextSnapshotAt = segmentBytes();
        segment = disk.open(LogFormat.Kind.SEGMENT.fileName(segmentNumber));
    }

    /**
     * Opens the log on a disk, or begins one.
     *
     * @param clusterId of a log that is begun
     * @throws DataDirectoryException when there is one but it is not as it was written
     */
    static CommandLog open(Disk disk, Limits limits, LongSupplier clock, long clusterId, long memberId)
            throws IOException {
        Recovery.Log found = Recovery.read(disk, clock.getAsLong());
        if (found == null) {
            createSegment(disk, limits, new Engine(clusterId, memberId), 1, 0, 1);
            found = Recovery.read(disk, clock.getAsLong());
        }
        if (found == null) {
            throw new IOException("a segment that was just made is gone");
        }
        CommandLog log = new CommandLog(disk, limits, clock, found);
        try {
            log.tidyUp(found);
        } catch (IOException | RuntimeException | Error e) {
            log.close();
            throw e;
        }
        log.engine.restartLeases(clock.getAsLong());
        log.engine.recordIn(log);
        return log;
    }

    private void tidyUp(Recovery.Log found) throws IOException {
        if (found.tornBytes() > 0) {
            LOG.log(
                    Level.WARNING,
                    "{0}: the last write was not finished and was never answered; its {1} bytes at byte {2} are cut off",
                    disk.path(LogFormat.Kind.SEGMENT.fileName(segmentNumber)),
                    found.tornBytes(),
                    position);
            segment.write(ByteBuffer.allocate(found.tornBytes()), position);
        }
        if (found.lastBatchAt() >= 0) {
            segment.write(found.lastBatch().asReadOnlyByteBuffer(), found.lastBatchAt());
        }
        segment.force();
        disk.force();
        if (!found.hasMark()) {
            create(disk, MARK, List.of(ByteBuffer.wrap(markBytes())));
        }
        mark = disk.open(MARK);
        forceMark();
        for (String name : found.leftovers()) {
            disk.delete(name);
        }
    }

    Engine engine() {
        return engine;
    }

    // ---------------------------------------------------------------------------------------------- the journal

    @Override
    public void reserve(int bytes, Purpose purpose) {
        if (failure != null) {
            throw new EtcdException(refusal());
        }
        long end = (long) position + LogFormat.batchBytes(pending.size() + bytes + COMMAND_OVERHEAD_BYTES);
        if (purpose == Purpose.GROWS) {
            end += limits.reserveBytes();
        }
        while (end > allocated) {
            grow();
        }
    }

    @Override
    public void append(Command command, long revision) {
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(pending, 512);
            command.writeTo(out, revision);
            out.flush();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
    }

    /** Fills the next part of the segment with zeros. */
    private void grow() {
        if (isFull && clock.getAsLong() < nextAttemptNanos) {
            throw EtcdError.NO_SPACE.exception();
        }
        if (allocated > Limits.MAX_SEGMENT_BYTES) {
            if (!saysItsLimit) {
                saysItsLimit = true;
                LOG.log(
                        Level.ERROR,
                        "holdfast: {0} has reached its limit of {1} bytes, since no snapshot could replace it: every change is"
                                + " refused from now on, releases too, and reads go on; make room on that disk, then restart",
                        disk.path(LogFormat.Kind.SEGMENT.fileName(segmentNumber)),
                        Limits.MAX_SEGMENT_BYTES);
            }
            throw EtcdError.NO_SPACE.exception();
        }
        try {
            segment.write(ByteBuffer.allocate(limits.chunkBytes()), allocated);
        } catch (IOException e) {
            if (!isFull) {
                LOG.log(
                        Level.ERROR,
                        "holdfast: no space for the log in {0} ({1}): puts and new leases are refused, releases go on for a"
                                + " while; make room on that disk, nothing else is needed",
                        disk.path(LogFormat.Kind.SEGMENT.fileName(segmentNumber)),
                        e.getMessage());
            }
            isFull = true;
            nextAttemptNanos = clock.getAsLong() + RETRY_NANOS;
            giveBack();
            throw EtcdError.NO_SPACE.exception();
        }
        try {
            segment.force();
        } catch (IOException | Error e) {
            fail(e);
            throw new EtcdException(refusal());
        }
        allocated += limits.chunkBytes();
        if (isFull) {
            isFull = false;
            LOG.log(Level.INFO, "holdfast: there is space for the log again; puts and new leases are accepted");
        }
    }

    /** What could be had of a chunk is of no use, and may be the last space that others have. */
    private void giveBack() {
        try {
            segment.truncate(allocated);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "holdfast: a part of a chunk stays", e);
        }
    }

    // --------------------------------------------------------------------------------------------------- commit

    /** True when something was carried out that a crash could still take back: nobody may hear of it yet. */
    boolean hasPending() {
        return pending.size() > 0;
    }

    int pendingBytes() {
        return pending.size();
    }

    /**
     * Makes safe what has gathered. Costs one write and one fsync, or nothing when there is nothing. Whatever it throws, the
     * log has failed.
     *
     * @throws IOException when it could not; this is final, and what has gathered may or may not be there after a restart
     */
    void commit() throws IOException {
        if (failure != null) {
            throw new IOException("the log has failed before", failure);
        }
        if (!hasPending()) {
            return;
        }
        try {
            ByteBuffer batch = LogFormat.batch(sequence + 1, chain, pending.toByteArray());
            int bytes = batch.remaining();
            int nextChain = LogFormat.checksumOf(batch);
            if (position + bytes > allocated) {
                throw new IllegalStateException("a command that had no space reserved");
            }
            segment.write(batch, position);
            segment.force();
            position += bytes;
            chain = nextChain;
            sequence++;
            pending.reset();
            writeMark();
        } catch (IOException | RuntimeException | Error e) {
            // Also for want of memory, which a write takes beside the heap: a batch that is half there is never
            // followed.
            fail(e);
            throw e;
        }
    }

    private void writeMark() {
        if (mark != null) {
            try {
                mark.write(ByteBuffer.wrap(markBytes()), 0);
            } catch (IOException e) {
                // An old mark is not wrong, only less of a witness.
                LOG.log(Level.WARNING, "holdfast: cannot write {0} ({1})", disk.path(MARK), e.getMessage());
            }
        }
    }

    private void forceMark() throws IOException {
        if (mark != null) {
            mark.write(ByteBuffer.wrap(markBytes()), 0);
            mark.force();
        }
    }

    private byte[] markBytes() {
        return new LogFormat.FileHeader(LogFormat.Kind.MARK, 0, engine.clusterId(), engine.memberId(), 0, sequence, 0)
                .toBytes();
    }

    private void fail(Throwable cause) {
        failure = cause;
        LOG.log(
                Level.ERROR,
                "holdfast: writing {0} failed ({1}): every write is refused from now on, reads go on; check the disk, then"
                        + " restart",
                disk.path(LogFormat.Kind.SEGMENT.fileName(segmentNumber)),
                cause instanceof IOException ? cause.getMessage() : cause.toString());
    }

    /** True when writing failed and nothing more will be written. */
    boolean hasFailed() {
        return failure != null;
    }

    /** Ends it, because what has gathered may be half of something. */
    void abandon() {
        if (failure == null) {
            fail(new IllegalStateException("a change was broken off"));
        }
    }

    /** What a write gets after a failure, and whoever was waiting for the batch that failed. */
    Status refusal() {
        return Status.UNAVAILABLE.withDescription(
                "holdfast: the log cannot be written; nothing is changed any more until a restart");
    }

    /** After a failure: forgets what has gathered. */
    void forgetPending() {
        pending.reset();
    }

    /** After a failure: the engine as it is on the disk for certain, read back. What has gathered is forgotten. */
    Engine readBack() throws IOException {
        forgetPending();
        return Recovery.readUpTo(disk, sequence, clock.getAsLong());
    }

    // ------------------------------------------------------------------------------------------------- snapshots

    /**
     * Begins a new segment behind a snapshot when this one is full; nothing may be pending. Where the disk has no room for
     * that it is tried again later.
     */
    void replaceOldSegments() {
        if (position < nextSnapshotAt || failure != null) {
            return;
        }
        if (hasPending()) {
            throw new IllegalStateException("a snapshot in the middle of a turn");
        }
        long old = segmentNumber;
        try {
            nextSnapshotAt = position + segmentBytes() / 4;
            beginSegment();
            nextSnapshotAt = segmentBytes() / 4;
            long written = writeSnapshot();
            nextSnapshotAt = segmentBytes();
            deleteBefore(segmentNumber);
            LOG.log(
                    Level.DEBUG,
                    "holdfast: snapshot {0} of {1} bytes replaces the log up to segment {2}",
                    segmentNumber,
                    written,
                    old);
        } catch (IOException e) {
            if (failure != null) {
                return; // which was said
            }
            LOG.log(
                    Level.WARNING,
                    "holdfast: cannot write a snapshot beside {0} ({1}), so the log goes on growing; make room on that disk",
                    disk.path(LogFormat.Kind.SEGMENT.fileName(segmentNumber)),
                    e.getMessage());
        }
    }

    private int segmentBytes() {
        return (int) Math.min(Math.max(limits.segmentBytes(), snapshotBytes), Limits.MAX_SEGMENT_BYTES / 2);
    }

    private void beginSegment() throws IOException {
        Disk.OpenFile next;
        long number = segmentNumber + 1;
        forceMark();
        try {
            createSegment(disk, limits, engine, number, chain, sequence + 1);
        } catch (UnknownOutcomeException e) {
            // It may be there after a crash, and then nothing more must be in the segment before it.
            fail(e);
            throw e;
        }
        try {
            next = disk.open(LogFormat.Kind.SEGMENT.fileName(number));
        } catch (IOException | RuntimeException | Error e) {
            // It is there, so the same goes for this.
            fail(e);
            throw e;
        }
        Disk.OpenFile previous = segment;
        segment = next;
        segmentNumber = number;
        position = LogFormat.FILE_HEADER_BYTES;
        allocated = LogFormat.FILE_HEADER_BYTES + limits.chunkBytes() + limits.reserveBytes();
        saysItsLimit = false;
        chain = segmentHeader(engine, number, chain, sequence + 1).checksum();
        previous.close();
    }

    private long writeSnapshot() throws IOException {
        byte[] image = engine.image().toBytes();
        LogFormat.FileHeader segmentHeader = LogFormat.FileHeader.read(
                        LogFormat.Kind.SEGMENT, segment.readFirst(LogFormat.FILE_HEADER_BYTES))
                .header();
        if (segmentHeader == null) {
            throw new IOException("a segment that was just made cannot be read");
        }
        LogFormat.FileHeader header = new LogFormat.FileHeader(
                LogFormat.Kind.SNAPSHOT,
                segmentHeader.chain(),
                engine.clusterId(),
                engine.memberId(),
                segmentNumber,
                sequence + 1,
                image.length);
        ByteBuffer checksum = ByteBuffer.allocate(4).putInt(0, LogFormat.crc(image, 0, image.length));
        create(
                disk,
                LogFormat.Kind.SNAPSHOT.fileName(segmentNumber),
                List.of(ByteBuffer.wrap(header.toBytes()), ByteBuffer.wrap(image), checksum));
        snapshotBytes = image.length;
        return image.length;
    }

    private void deleteBefore(long number) throws IOException {
        for (String name : disk.names()) {
            long segmentFile = LogFormat.Kind.SEGMENT.numberOf(name);
            long snapshotFile = LogFormat.Kind.SNAPSHOT.numberOf(name);
            if ((segmentFile >= 0 && segmentFile < number) || (snapshotFile >= 0 && snapshotFile < number)) {
                disk.delete(name);
            }
        }
    }

    private static void createSegment(Disk disk, Limits limits, Engine engine, long number, int chain, long sequence)
            throws IOException {
        create(
                disk,
                LogFormat.Kind.SEGMENT.fileName(number),
                List.of(
                        ByteBuffer.wrap(
                                segmentHeader(engine, number, chain, sequence).toBytes()),
                        ByteBuffer.allocate(limits.chunkBytes() + limits.reserveBytes())));
    }

    private static LogFormat.FileHeader segmentHeader(Engine engine, long number, int chain, long sequence) {
        return new LogFormat.FileHeader(
                LogFormat.Kind.SEGMENT, chain, engine.clusterId(), engine.memberId(), number, sequence, 0);
    }

    /** A file may be there, or not: the disk did not say. */
    private static final class UnknownOutcomeException extends IOException {
        private static final long serialVersionUID = 1;

        UnknownOutcomeException(Throwable cause) {
            super(cause.getMessage(), cause);
        }
    }

    /** Makes a file that is there with all its contents, or not at all. */
    private static void create(Disk disk, String name, List<ByteBuffer> contents) throws IOException {
        String unfinished = name + UNFINISHED;
        try (Disk.OpenFile file = disk.create(unfinished)) {
            long end = 0;
            for (ByteBuffer content : contents) {
                int bytes = content.remaining();
                file.write(content, end);
                end += bytes;
            }
            file.force();
        } catch (IOException e) {
            try {
                disk.delete(unfinished);
            } catch (IOException left) {
                e.addSuppressed(left); // the next start deletes it
            }
            throw e;
        }
        try {
            disk.rename(unfinished, name);
            disk.force();
        } catch (IOException | Error e) {
            throw new UnknownOutcomeException(e);
        }
    }

    /** Closes the files; what was committed is safe already. */
    @Override
    public void close() throws IOException {
        try {
            if (failure == null) {
                forceMark();
            }
        } finally {
            try {
                segment.close();
                if (mark != null) {
                    mark.close();
                }
            } finally {
                disk.close();
            }
        }
    }
}
