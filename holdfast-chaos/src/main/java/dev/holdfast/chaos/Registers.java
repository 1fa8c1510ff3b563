package dev.holdfast.chaos;

import dev.holdfast.history.Token;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Resources outside etcd that holders of locks write to: for each lock a fenced register, which refuses tokens smaller
 * than the greatest it has seen, and an open one, which takes whatever comes. They count how often they were written: a
 * holder reads the number and writes it back greater by one.
 *
 * <p>Served on a socket in the file system, since that is seen from every network namespace. Everything that was read,
 * written or refused is kept. Thread-safe.
 */
final class Registers implements AutoCloseable {

    /** Which of a lock's two registers. */
    enum Kind {
        FENCED,
        OPEN
    }

    /**
     * Somebody wanted to read or to write.
     *
     * @param atNanos when the register decided
     * @param who the writer; empty of a read, which does not say
     * @param base the number that the writer had read before; of a read the number that was read
     * @param value what it wrote; of a read the number that was read
     * @param isAccepted whether the register took it
     */
    record Access(
            long atNanos,
            Kind kind,
            boolean isWrite,
            String who,
            String lock,
            Token token,
            long base,
            long value,
            boolean isAccepted) {}

    /** More than that are more than a run can judge. */
    private static final int MOST_ACCESSES = 1_000_000;

    private record Name(Kind kind, String lock) {}

    private static final class Register {
        Token greatest = new Token(0, 0, 0);
        long value;
    }

    private final Path directory;
    private final Path socket;
    private final ServerSocketChannel server;
    private final Thread acceptor;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

    private final ReentrantLock mutex = new ReentrantLock();
    private final Map<Name, Register> registers = new HashMap<>();
    private final List<Access> accesses = new ArrayList<>();

    private Registers(Path directory, ServerSocketChannel server) {
        this.directory = directory;
        this.socket = directory.resolve("s");
        this.server = server;
        acceptor = new Thread(this::accept, "registers");
        acceptor.setDaemon(true);
        acceptor.start();
    }

    static Registers serve() throws IOException {
        // Not below the directory of the run: the path of a socket has at most 107 bytes.
        Path directory = Files.createTempDirectory("holdfast-registers-");
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(directory.resolve("s")));
        return new Registers(directory, server);
    }

    /** Where clients reach it. */
    Path socket() {
        return socket;
    }

    /** What was read, written and refused so far, in the order in which the registers decided. */
    List<Access> accesses() {
        mutex.lock();
        try {
            return List.copyOf(accesses);
        } finally {
            mutex.unlock();
        }
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel connection = server.accept();
                connections.add(connection);
                Thread thread = new Thread(() -> serve(connection), "register client");
                thread.setDaemon(true);
                thread.start();
            }
        } catch (ClosedChannelException e) {
            // The end.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void serve(SocketChannel connection) {
        try (connection;
                BufferedReader lines = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(connection), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                ByteBuffer answer = StandardCharsets.UTF_8.encode(answer(line) + "\n");
                while (answer.hasRemaining()) {
                    connection.write(answer);
                }
            }
        } catch (IOException e) {
            // Its client was killed, or this is the end.
        } finally {
            connections.remove(connection);
        }
    }

    /**
     * Carries out one request, fields separated by tabs: {@code read KIND LOCK TOKEN}, answered with {@code value N}, or
     * {@code write KIND LOCK TOKEN WHO BASE}, answered with {@code accepted N}; either with {@code refused TOKEN}, the
     * greatest seen. A read raises that, too: whoever read before a greater token came must not write after it.
     */
    String answer(String request) {
        String[] fields = request.split("\t", -1);
        Kind kind = Kind.valueOf(fields[1]);
        String lock = fields[2];
        Token token = Token.parse(fields[3]);
        mutex.lock();
        try {
            Register register = registers.computeIfAbsent(new Name(kind, lock), name -> new Register());
            boolean isStale = token.compareTo(register.greatest) < 0;
            register.greatest = isStale ? register.greatest : token;
            boolean isAccepted = kind == Kind.OPEN || !isStale;
            boolean isWrite = fields[0].equals("write");
            long base = isWrite ? Long.parseLong(fields[5]) : register.value;
            long value = isWrite ? base + 1 : register.value;
            if (accesses.size() < MOST_ACCESSES) {
                String who = isWrite ? fields[4] : "";
                accesses.add(new Access(System.nanoTime(), kind, isWrite, who, lock, token, base, value, isAccepted));
            }
            if (!isAccepted) {
                return "refused\t" + register.greatest;
            }
            register.value = value;
            return (isWrite ? "accepted\t" : "value\t") + value;
        } finally {
            mutex.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (SocketChannel connection : connections) {
            connection.close();
        }
        Files.deleteIfExists(socket);
        Files.deleteIfExists(directory);
    }
}
