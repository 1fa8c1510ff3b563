package dev.holdfast.embedded;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A folder of files that nobody else uses: every file operation the log is made of, one method for each thing that can go
 * wrong. What was written to a file is safe after {@link OpenFile#force}, which files there are after {@link #force}.
 */
interface Disk extends Closeable {
    /** The names of the files there are. */
    List<String> names() throws IOException;

    /** A new, empty file. */
    OpenFile create(String name) throws IOException;

    /** A file that is there. */
    OpenFile open(String name) throws IOException;

    /** Renames a file in one step, in the place of one that may have that name. */
    void rename(String from, String to) throws IOException;

    void delete(String name) throws IOException;

    /** Makes safe which files there are, and their names. */
    void force() throws IOException;

    /** What a message calls the file. */
    String path(String name);

    @Override
    void close() throws IOException;

    /** An open file. */
    interface OpenFile extends Closeable {
        byte[] readAll() throws IOException;

        /** The beginning of it: so many bytes, or as many as there are. */
        byte[] readFirst(int bytes) throws IOException;

        /** Writes all of it. */
        void write(ByteBuffer bytes, long position) throws IOException;

        /** Returns when everything written is safe from a power failure. After an error nothing is known about any of it. */
        void force() throws IOException;

        void truncate(long bytes) throws IOException;

        @Override
        void close() throws IOException;
    }
}
