package dev.holdfast.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A directory of the file system that only this user can enter and only one process at a time uses. Made with mode 0700
 * where it is missing, its files with 0600.
 */
final class DataDirectory implements Disk {
    /*
     * The lock of the operating system belongs to a process: it goes when the process ends, however it ends, and a child
     * does not inherit it. It also goes when the process closes *any* descriptor of that file, so a second look from inside
     * this process must not even open it: first comes a set of what this JVM has open. A lock on a network file system is as
     * good as that file system's locks; a data directory belongs on a local disk.
     */

    static final String LOCK = "lock";

    private static final Set<Path> OPEN_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final boolean posix;
    private final FileChannel lockFile;
    private boolean closed;

    private DataDirectory(Path directory, boolean posix, FileChannel lockFile) {
        this.directory = directory;
        this.posix = posix;
        this.lockFile = lockFile;
    }

    /**
     * Enters a directory, which is made when it is missing.
     *
     * @throws DataDirectoryException when others have access to it, another engine uses it, or something else is in it
     */
    static DataDirectory enter(Path path) throws IOException {
        make(path);
        if (!Files.isDirectory(path)) {
            throw new DataDirectoryException(path + " is not a directory; name another one");
        }
        Path directory = path.toRealPath();
        boolean posix = directory.getFileSystem().supportedFileAttributeViews().contains("posix");
        if (posix) {
            requirePrivate(directory);
        }
        requireOurs(directory);
        if (!OPEN_HERE.add(directory)) {
            throw inUse(directory, "this process");
        }
        try {
            return new DataDirectory(directory, posix, lock(directory, posix));
        } catch (IOException | RuntimeException e) {
            OPEN_HERE.remove(directory);
            throw e;
        }
    }

    private static void make(Path path) throws IOException {
        try {
            if (!Files.exists(path)) {
                Path parent = path.toAbsolutePath().getParent();
                if (parent != null) {
                    Files.createDirectories(parent);
                }
                boolean posix =
                        path.getFileSystem().supportedFileAttributeViews().contains("posix");
                Files.createDirectory(path, posix ? mode("rwx------") : new FileAttribute<?>[0]);
                if (posix && parent != null) {
                    force(parent);
                }
            }
        } catch (FileAlreadyExistsException e) {
            // Somebody was faster, or there is a file: looked at next.
        } catch (IOException e) {
            throw new DataDirectoryException("cannot make the data directory " + path + ": " + reason(e), e);
        }
    }

    private static void requirePrivate(Path directory) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(directory);
        for (PosixFilePermission permission : permissions) {
            if (!permission.name().startsWith("OWNER")) {
                throw new DataDirectoryException("others have access to " + directory + " ("
                        + PosixFilePermissions.toString(permissions)
                        + "), and what is stored may be secret; run: chmod 700 "
                        + directory);
            }
        }
    }

    /** A directory with files, but none of ours, is somebody else's. */
    private static void requireOurs(Path directory) throws IOException {
        String stranger = "";
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (name.equals(LOCK) || LogFormat.Kind.SEGMENT.numberOf(name) >= 0) {
                    return;
                }
                if (!name.equals("lost+found")) {
                    stranger = name;
                }
            }
        } catch (IOException e) {
            throw new DataDirectoryException("cannot read the data directory " + directory + ": " + reason(e), e);
        }
        if (!stranger.isEmpty()) {
            throw new DataDirectoryException(directory + " is no data directory of Holdfast, and not empty (there is "
                    + stranger + "); name another one");
        }
    }

    private static FileChannel lock(Path directory, boolean posix) throws IOException {
        Path file = directory.resolve(LOCK);
        FileChannel channel;
        try {
            channel = FileChannel.open(
                    file,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                    attributes(posix));
        } catch (IOException e) {
            throw new DataDirectoryException("cannot write in the data directory " + directory + ": " + reason(e), e);
        }
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Loaded twice in this JVM. The channel stays open: closing it would take the other one's lock away.
            throw inUse(directory, "this process");
        }
        if (lock == null) {
            String holder = "another process";
            try (channel) {
                byte[] pid = new byte[20];
                int length = channel.read(ByteBuffer.wrap(pid), 0);
                if (length > 0) {
                    holder = "process " + new String(pid, 0, length, StandardCharsets.US_ASCII).strip();
                }
            }
            throw inUse(directory, holder);
        }
        byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(pid), 0);
        return channel;
    }

    private static DataDirectoryException inUse(Path directory, String holder) {
        return new DataDirectoryException("the data directory " + directory + " is in use by " + holder
                + "; stop that one, or name another directory");
    }

    private static FileAttribute<?>[] mode(String permissions) {
        return new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        };
    }

    private static FileAttribute<?>[] attributes(boolean posix) {
        return posix ? mode("rw-------") : new FileAttribute<?>[0];
    }

    private static String reason(IOException e) {
        String message = String.valueOf(e.getMessage());
        return e.getClass() == IOException.class ? message : e.getClass().getSimpleName() + " " + message;
    }

    @Override
    public List<String> names() throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            files.forEach(file -> names.add(String.valueOf(file.getFileName())));
        }
        return names;
    }

    @Override
    public OpenFile create(String name) throws IOException {
        return new Channel(FileChannel.open(
                directory.resolve(name),
                Set.of(
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE),
                attributes(posix)));
    }

    @Override
    public OpenFile open(String name) throws IOException {
        return new Channel(
                FileChannel.open(directory.resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(directory.resolve(from), directory.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(String name) throws IOException {
        try {
            Files.delete(directory.resolve(name));
        } catch (NoSuchFileException e) {
            // Just as well.
        }
    }

    @Override
    public void force() throws IOException {
        if (posix) {
            force(directory);
        }
    }

    private static void force(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public String path(String name) {
        return directory.resolve(name).toString();
    }

    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            try {
                lockFile.close();
            } finally {
                OPEN_HERE.remove(directory);
            }
        }
    }

    /** Interrupting a thread in the middle of an operation closes the channel, so the engine's thread is never interrupted. */
    private record Channel(FileChannel channel) implements OpenFile {
        /** The channel copies what it is given into memory outside the heap, and keeps that: so it is given pieces. */
        private static final int PIECE_BYTES = 1 << 20;

        @Override
        public byte[] readAll() throws IOException {
            return readFirst(Math.toIntExact(channel.size()));
        }

        @Override
        public byte[] readFirst(int atMost) throws IOException {
            byte[] bytes = new byte[Math.toIntExact(Math.min(channel.size(), atMost))];
            int length = 0;
            while (length < bytes.length) {
                int piece = Math.min(PIECE_BYTES, bytes.length - length);
                int read = channel.read(ByteBuffer.wrap(bytes, length, piece), length);
                if (read < 0) {
                    return Arrays.copyOf(bytes, length); // somebody has cut it meanwhile
                }
                length += read;
            }
            return bytes;
        }

        @Override
        public void write(ByteBuffer bytes, long position) throws IOException {
            long at = position;
            int end = bytes.limit();
            while (bytes.position() < end) {
                bytes.limit(Math.min(end, bytes.position() + PIECE_BYTES));
                at += channel.write(bytes, at);
            }
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public void truncate(long bytes) throws IOException {
            channel.truncate(bytes);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
