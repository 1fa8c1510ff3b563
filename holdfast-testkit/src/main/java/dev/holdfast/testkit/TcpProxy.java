package dev.holdfast.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A TCP load balancer, with a hand on the cable: each connection goes to the next of its targets, and connections can be
 * broken, refused, stalled one way or both, slowed down, or lose what is answered. Thread-safe.
 */
public final class TcpProxy implements AutoCloseable {

    private static final int CHUNK_BYTES = 64 * 1024;
    private static final int CHUNKS = 64;
    private static final int CONNECT_TIMEOUT_MILLIS = 2_000;
    private static final long POLL_NANOS = 1_000_000;

    private final ServerSocketChannel server;
    private final List<InetSocketAddress> targets;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicInteger lostAnswers = new AtomicInteger();
    private volatile boolean stallsRequests;
    private volatile boolean stallsAnswers;
    private volatile boolean isRefusing;
    private volatile boolean losesAnswers;
    private volatile Delay delay = Delay.NONE;
    private volatile boolean isClosed;

    private TcpProxy(ServerSocketChannel server, List<InetSocketAddress> targets) {
        this.server = server;
        this.targets = List.copyOf(targets);
    }

    /** Listens on a free loopback port and passes connections on to the targets in turn; at least one. */
    public static TcpProxy start(List<InetSocketAddress> targets) {
        return start(InetAddress.getLoopbackAddress(), targets);
    }

    /** As {@link #start(List)}, on a free port of that address. */
    public static TcpProxy start(InetAddress at, List<InetSocketAddress> targets) {
        try {
            ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress(at, 0));
            TcpProxy proxy = new TcpProxy(server, targets);
            daemon("accept", proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@link #start(List)}, to endpoints such as {@code http://127.0.0.1:2379}. */
    public static TcpProxy before(List<String> endpoints) {
        return start(endpoints.stream()
                .map(URI::create)
                .map(uri -> new InetSocketAddress(uri.getHost(), uri.getPort()))
                .toList());
    }

    /** Where it listens: {@code host:port}. */
    public String address() {
        return server.socket().getInetAddress().getHostAddress() + ":"
                + server.socket().getLocalPort();
    }

    /** How many connections were made so far. */
    public int accepted() {
        return accepted.get();
    }

    /** As {@link #address()}, with the scheme of a client's endpoint: {@code http} or {@code https}. */
    public String endpoint(String scheme) {
        return scheme + "://" + address();
    }

    /** Breaks every connection there is; new ones are made as before. */
    public void cut() {
        links.forEach(Link::close);
    }

    /** While it is on, every connection is reset: those there are now, and new ones as soon as they are made. */
    public void refuse(boolean on) {
        isRefusing = on;
        if (on) {
            links.forEach(Link::reset);
        }
    }

    /**
     * While it is on, connections are accepted and nothing passes; what is sent meanwhile arrives afterwards. Once this has
     * returned, not a byte passes.
     */
    public void stall(boolean on) {
        stallRequests(on);
        stallAnswers(on);
    }

    /** As {@link #stall}, for what clients send alone. */
    public void stallRequests(boolean on) {
        stallsRequests = on;
        links.forEach(link -> link.requests.awaitPassing());
    }

    /** As {@link #stall}, for what the targets send alone. */
    public void stallAnswers(boolean on) {
        stallsAnswers = on;
        links.forEach(link -> link.answers.awaitPassing());
    }

    /** From now on everything arrives so much later, in each direction; the order stays. */
    public void delay(Duration each) {
        delay(each, each, 0);
    }

    /**
     * From now on everything arrives later, by a time that is drawn anew for each piece. What one side says on one
     * connection stays in order; between connections, and between the two directions, the order is lost.
     *
     * @param seed from which the times are drawn
     */
    public void delay(Duration least, Duration most, long seed) {
        delay = new Delay(least.toNanos(), most.toNanos(), new SplittableRandom(seed));
    }

    /**
     * While it is on, requests arrive, and what is answered does not: it is thrown away. A connection on which something
     * was thrown away passes no answers any more, and breaks when it is turned off.
     */
    public void loseAnswers(boolean on) {
        losesAnswers = on;
        if (!on) {
            links.stream().filter(link -> link.hasLost).forEach(Link::close);
        }
    }

    @Override
    public void close() {
        isClosed = true;
        closeQuietly(server);
        cut();
    }

    /** How many pieces of answers were thrown away so far. */
    public int lostAnswers() {
        return lostAnswers.get();
    }

    private void accept() {
        while (!isClosed) {
            try {
                SocketChannel client = server.accept();
                int number = accepted.getAndIncrement();
                daemon("connect", () -> connect(client, number));
            } catch (IOException e) {
                // Closed, or the client was gone before it was accepted.
            }
        }
    }

    private void connect(SocketChannel client, int number) {
        if (isRefusing) {
            resetQuietly(client);
            return;
        }
        for (int i = 0; i < targets.size() && !isClosed; i++) {
            SocketChannel target = null;
            try {
                target = SocketChannel.open();
                target.socket().connect(targets.get((number + i) % targets.size()), CONNECT_TIMEOUT_MILLIS);
                new Link(client, target).open();
                return;
            } catch (IOException e) {
                closeQuietly(target);
            }
        }
        closeQuietly(client);
    }

    private static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, "tcp-proxy-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void closeQuietly(@Nullable AutoCloseable socket) {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (Exception e) {
            // There is nothing to lose on it.
        }
    }

    /** Closes it as a crashed peer does: with a reset, not with an end. */
    private static void resetQuietly(SocketChannel socket) {
        try {
            socket.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException e) {
            // It is closed already.
        }
        closeQuietly(socket);
    }

    /** How long things are on the way. */
    private static final class Delay {
        static final Delay NONE = new Delay(0, 0, new SplittableRandom(0));

        private final long leastNanos;
        private final long mostNanos;
        private final SplittableRandom random;

        Delay(long leastNanos, long mostNanos, SplittableRandom random) {
            this.leastNanos = leastNanos;
            this.mostNanos = mostNanos;
            this.random = random;
        }

        long nextNanos() {
            if (leastNanos >= mostNanos) {
                return leastNanos;
            }
            synchronized (random) {
                return random.nextLong(leastNanos, mostNanos + 1);
            }
        }
    }

    /** Bytes and when they were read. */
    private static final class Chunk {
        private final ByteBuffer bytes;
        private final long readNanos = System.nanoTime();
        private @Nullable Delay from;
        private long delayNanos;

        Chunk(ByteBuffer bytes) {
            this.bytes = bytes;
        }

        /** By what is set now, which may have changed while it was on the way. */
        boolean isDue(Delay delay) {
            if (!delay.equals(from)) {
                from = delay;
                delayNanos = delay.nextNanos();
            }
            return System.nanoTime() - readNanos >= delayNanos;
        }
    }

    /** One connection. */
    private final class Link {
        private final SocketChannel client;
        private final SocketChannel target;
        private final Lane requests;
        private final Lane answers;
        private volatile boolean isCut;
        private volatile boolean hasLost;

        Link(SocketChannel client, SocketChannel target) throws IOException {
            this.client = client;
            this.target = target;
            for (SocketChannel each : List.of(client, target)) {
                each.setOption(StandardSocketOptions.TCP_NODELAY, true);
                each.configureBlocking(false);
            }
            requests = new Lane(this, client, target, false);
            answers = new Lane(this, target, client, true);
        }

        void open() {
            links.add(this);
            // Whoever sets one of these flags then goes through the links: it is seen there or here.
            if (isClosed) {
                close();
            } else if (isRefusing) {
                reset();
            } else {
                requests.open();
                answers.open();
            }
        }

        void close() {
            isCut = true;
            closeQuietly(client);
            closeQuietly(target);
            forget();
        }

        void reset() {
            isCut = true;
            resetQuietly(client);
            resetQuietly(target);
            forget();
        }

        /** Not before nothing is written any more: a stall asks only those that it finds. */
        private void forget() {
            // Only this lets go of the sockets for good.
            closeQuietly(requests.readable);
            closeQuietly(answers.readable);
            links.remove(this);
        }
    }

    /** One direction of one connection. */
    private final class Lane {
        private final Link link;
        private final SocketChannel from;
        private final SocketChannel to;
        private final boolean isOfAnswers;
        private final Selector readable;
        private final BlockingQueue<Chunk> onTheWay = new ArrayBlockingQueue<>(CHUNKS);

        /**
         * Held while bytes are passed on, so that nothing is on its way any more once a stall has begun. Never for long:
         * nothing is written for which the reader would have to make room.
         */
        private final ReentrantLock passing = new ReentrantLock();

        Lane(Link link, SocketChannel from, SocketChannel to, boolean isOfAnswers) throws IOException {
            this.link = link;
            this.from = from;
            this.to = to;
            this.isOfAnswers = isOfAnswers;
            readable = Selector.open();
            from.register(readable, SelectionKey.OP_READ);
        }

        void open() {
            daemon("read", this::read);
            daemon("write", this::write);
        }

        /** Returns when what is passed on just now, and may not know of a stall, has been. */
        @SuppressWarnings("LockNotBeforeTry") // Nothing is done under it.
        void awaitPassing() {
            passing.lock();
            passing.unlock();
        }

        private void read() {
            ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES);
            try {
                while (!link.isCut) {
                    readable.select();
                    readable.selectedKeys().clear();
                    int n = from.read(buffer.clear());
                    if (n < 0) {
                        break;
                    }
                    if (n > 0) {
                        Chunk chunk = new Chunk(
                                ByteBuffer.allocate(n).put(buffer.flip()).flip());
                        while (!link.isCut && !onTheWay.offer(chunk, 1, TimeUnit.SECONDS)) {
                            // The other side reads slowly: so do we.
                        }
                    }
                }
            } catch (IOException | InterruptedException | ClosedSelectorException e) {
                // The connection is over.
            }
            link.close();
        }

        private void write() {
            try {
                while (!link.isCut) {
                    Chunk chunk = onTheWay.poll(1, TimeUnit.SECONDS);
                    if (chunk == null) {
                        continue;
                    }
                    while (!link.isCut && !(chunk.isDue(delay) && deliver(chunk.bytes))) {
                        LockSupport.parkNanos(POLL_NANOS);
                    }
                }
            } catch (IOException | InterruptedException e) {
                link.close();
            }
        }

        /** Returns whether nothing of it is on the way any more. */
        private boolean deliver(ByteBuffer bytes) throws IOException {
            // What follows a gap would be taken for something else.
            if (isOfAnswers && (losesAnswers || link.hasLost)) {
                link.hasLost = true;
                lostAnswers.incrementAndGet();
                return true;
            }
            passing.lock();
            try {
                if (!(isOfAnswers ? stallsAnswers : stallsRequests)) {
                    to.write(bytes);
                }
            } finally {
                passing.unlock();
            }
            return !bytes.hasRemaining();
        }
    }
}
