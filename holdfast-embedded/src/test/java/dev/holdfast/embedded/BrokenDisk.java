package dev.holdfast.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A disk between the log and the real one that makes the log behave as if it had a bug: what a crash test is worth shows
 * when it meets them.
 */
final class BrokenDisk implements Disk {
    /** Bugs that a log could have. */
    enum Bug {
        /** A turn is answered though nothing of it was made safe. */
        ANSWERS_BEFORE_THE_FSYNC,
        /** A new segment or snapshot gets its name, and the old files go, before that name is safe. */
        FORGETS_TO_FORCE_THE_DIRECTORY,
        /** A segment or snapshot gets its name before its contents are safe. */
        RENAMES_BEFORE_THE_FSYNC,
        /** What a snapshot replaces is deleted before the snapshot is there. */
        DELETES_BEFORE_THE_SNAPSHOT,
        /** The mark names a batch that is not safe yet. */
        MARKS_TOO_EARLY,
        /** With a torn tail the last good batch goes, too. */
        CUTS_TOO_MUCH,
        /** Whatever is on the disk has the right checksum. */
        BELIEVES_EVERYTHING
    }

    private final Disk disk;
    private final Bug bug;

    BrokenDisk(Disk disk, Bug bug) {
        this.disk = disk;
        this.bug = bug;
    }

    @Override
    public List<String> names() throws IOException {
        return disk.names();
    }

    @Override
    public OpenFile create(String name) throws IOException {
        if (bug == Bug.DELETES_BEFORE_THE_SNAPSHOT && name.contains("snapshot")) {
            String segment = name.replace(".snapshot" + CommandLog.UNFINISHED, ".log");
            for (String old : disk.names()) {
                if (old.endsWith(".log") && !old.equals(segment)) {
                    disk.delete(old);
                }
            }
        }
        return new BrokenFile(name, disk.create(name));
    }

    @Override
    public OpenFile open(String name) throws IOException {
        return new BrokenFile(name, disk.open(name));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        disk.rename(from, to);
    }

    @Override
    public void delete(String name) throws IOException {
        disk.delete(name);
    }

    @Override
    public void force() throws IOException {
        if (bug != Bug.FORGETS_TO_FORCE_THE_DIRECTORY) {
            disk.force();
        }
    }

    @Override
    public String path(String name) {
        return disk.path(name);
    }

    @Override
    public void close() throws IOException {
        disk.close();
    }

    private final class BrokenFile implements OpenFile {
        private final String name;
        private final OpenFile file;

        BrokenFile(String name, OpenFile file) {
            this.name = name;
            this.file = file;
        }

        @Override
        public byte[] readAll() throws IOException {
            byte[] content = file.readAll();
            if (bug == Bug.CUTS_TOO_MUCH && name.endsWith(".log")) {
                cutTooMuch(content);
            } else if (bug == Bug.BELIEVES_EVERYTHING) {
                makeChecksumsRight(name, content);
            }
            return content;
        }

        @Override
        public byte[] readFirst(int bytes) throws IOException {
            byte[] beginning = file.readFirst(bytes);
            if (bug == Bug.BELIEVES_EVERYTHING) {
                makeHeaderRight(beginning);
            }
            return beginning;
        }

        @Override
        public void write(ByteBuffer bytes, long position) throws IOException {
            if (bug == Bug.MARKS_TOO_EARLY && name.equals(CommandLog.MARK)) {
                byte[] written = new byte[bytes.remaining()];
                bytes.duplicate().get(written);
                LogFormat.FileHeader mark =
                        LogFormat.FileHeader.read(LogFormat.Kind.MARK, written).header();
                if (mark != null) {
                    file.write(
                            ByteBuffer.wrap(new LogFormat.FileHeader(
                                            LogFormat.Kind.MARK,
                                            0,
                                            mark.clusterId(),
                                            mark.memberId(),
                                            0,
                                            mark.sequence() + 1,
                                            0)
                                    .toBytes()),
                            position);
                    return;
                }
            }
            file.write(bytes, position);
        }

        @Override
        public void force() throws IOException {
            boolean unfinished = name.endsWith(CommandLog.UNFINISHED);
            boolean forgotten = unfinished
                    ? bug == Bug.RENAMES_BEFORE_THE_FSYNC
                    : bug == Bug.ANSWERS_BEFORE_THE_FSYNC && name.endsWith(".log");
            if (!forgotten) {
                file.force();
            }
        }

        @Override
        public void truncate(long bytes) throws IOException {
            file.truncate(bytes);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    private static void cutTooMuch(byte[] segment) {
        int written = LogFormat.written(segment);
        int last = -1;
        int position = LogFormat.FILE_HEADER_BYTES;
        while (LogFormat.find(segment, written, position) instanceof LogFormat.Batch batch) {
            last = position;
            position += batch.bytes();
        }
        if (last >= 0 && position < written) {
            java.util.Arrays.fill(segment, last, segment.length, (byte) 0);
        }
    }

    private static void makeHeaderRight(byte[] file) {
        if (file.length >= LogFormat.FILE_HEADER_BYTES) {
            int checksum = LogFormat.crc(file, 0, LogFormat.FILE_HEADER_BYTES - 4);
            ByteBuffer.wrap(file).putInt(LogFormat.FILE_HEADER_BYTES - 4, checksum);
        }
    }

    private static void makeChecksumsRight(String name, byte[] file) {
        makeHeaderRight(file);
        int imageBytes = file.length - LogFormat.FILE_HEADER_BYTES - 4;
        if (name.endsWith(".snapshot") && imageBytes > 0) {
            int checksum = LogFormat.crc(file, LogFormat.FILE_HEADER_BYTES, imageBytes);
            ByteBuffer.wrap(file).putInt(file.length - 4, checksum);
        }
    }
}
