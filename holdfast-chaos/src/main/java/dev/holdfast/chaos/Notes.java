package dev.holdfast.chaos;

import dev.holdfast.history.History;
import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.Operation;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The file in which a client notes what it does, a line for each. A line is given to the kernel before the method
 * returns, so it is there even if the process is killed at the next instruction. Thread-safe.
 */
final class Notes implements AutoCloseable {

    /** More than that from one client is more than a run can judge: it then begins nothing new. */
    private static final long MOST_BYTES = 32L << 20;

    private final ReentrantLock mutex = new ReentrantLock();
    private final OutputStream out;
    private final AtomicLong bytes = new AtomicLong();

    private Notes(OutputStream out) {
        this.out = out;
    }

    static Notes open(Path file) throws IOException {
        return new Notes(Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    void add(Operation operation) {
        write(HistoryCodec.encode(operation));
    }

    void add(Aside aside) {
        write(aside.line());
    }

    /** Whether so much was noted that the client should begin nothing new. */
    boolean isFull() {
        return bytes.get() > MOST_BYTES;
    }

    private void write(String line) {
        byte[] encoded = (line + "\n").getBytes(StandardCharsets.UTF_8);
        mutex.lock();
        try {
            out.write(encoded);
            bytes.addAndGet(encoded.length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            mutex.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /** What stands in such a file. */
    record Contents(History history, List<Aside> asides) {
        Contents {
            asides = List.copyOf(asides);
        }

        /** The parts, one after the other. */
        static Contents joined(List<Contents> parts) {
            List<Aside> asides = new ArrayList<>();
            parts.forEach(part -> asides.addAll(part.asides()));
            return new Contents(
                    History.joined(parts.stream().map(Contents::history).toList()), asides);
        }
    }

    /** Reads a file. A last line without an end was being written when its writer died, and is left out. */
    static Contents read(Path file) throws IOException {
        List<Operation> operations = new ArrayList<>();
        List<Aside> asides = new ArrayList<>();
        boolean endsWhole = endsWithLineFeed(file);
        int number = 0;
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            String line = reader.readLine();
            while (line != null) {
                String next = reader.readLine();
                number++;
                boolean isWhole = next != null || endsWhole;
                if (isWhole && line.startsWith("#")) {
                    Aside aside = Aside.parse(line);
                    if (aside != null) {
                        asides.add(aside);
                    }
                } else if (isWhole && !line.isEmpty()) {
                    operations.add(HistoryCodec.decode(line, number));
                }
                line = next;
            }
        }
        return new Contents(new History(operations), asides);
    }

    private static boolean endsWithLineFeed(Path file) throws IOException {
        try (var channel = Files.newByteChannel(file)) {
            if (channel.size() == 0) {
                return true;
            }
            channel.position(channel.size() - 1);
            var last = java.nio.ByteBuffer.allocate(1);
            return channel.read(last) == 1 && last.get(0) == '\n';
        }
    }
}
