package dev.holdfast.embedded;

import dev.holdfast.Holdfast;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An etcd of one member in this JVM: an {@link Engine} with a thread and a monotonic clock. Its contents are in memory and
 * gone when it is closed. For development, for tests, and for a single machine; it is not a distributed system.
 *
 * <pre>{@code
 * try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
 *         EngineServer server = etcd.serve(new InetSocketAddress("127.0.0.1", 0))) {
 *     System.out.println(server.endpoint());
 * }
 * }</pre>
 *
 * <p>Leases are ended by a timer, never earlier than their last renewal plus their TTL. History is compacted by itself:
 * the last {@value #RETAINED_REVISIONS} revisions, or {@value #RETAINED_BYTES} bytes of changes if that is less, can be
 * read and watched from.
 *
 * <p>Thread-safe.
 */
public final class EmbeddedEtcd implements AutoCloseable {
    /** How many revisions of history are kept. */
    public static final int RETAINED_REVISIONS = 100_000;

    /** How many bytes of changes the kept history may have. */
    public static final long RETAINED_BYTES = 128L * 1024 * 1024;

    private static final long PROGRESS_PERIOD_NANOS = TimeUnit.MINUTES.toNanos(10);
    private static final long CLOSE_TIMEOUT_SECONDS = 10;

    /*
     * One thread owns the engine: calls, lease expiry and deadlines are its tasks, one after the other. Answers and events
     * go out from it, too; a listener that calls back only adds a task.
     */
    private final ScheduledThreadPoolExecutor loop;

    private final long originNanos = System.nanoTime();
    private final Engine engine;
    private final Services services;
    private final List<String> clientUrls = new CopyOnWriteArrayList<>();
    private final List<EngineServer> servers = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    // Confined to the loop.
    private final Set<OpenCall<?, ?>> openCalls = new LinkedHashSet<>();
    private long armedForNanos = Long.MAX_VALUE;
    private @Nullable Future<?> expiryTimer;
    private Cancellable progressTimer = () -> {};

    private EmbeddedEtcd() {
        SecureRandom random = new SecureRandom();
        engine = new Engine(random.nextLong(), random.nextLong());
        loop = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "holdfast-embedded-etcd");
            thread.setDaemon(true);
            return thread;
        });
        loop.setRemoveOnCancelPolicy(true);
        services = new Services(engine, this::nowNanos, () -> clientUrls, this::execute);
        execute(this::scheduleProgressReport);
    }

    /** A new, empty store with a cluster id of its own. */
    public static EmbeddedEtcd inMemory() {
        return new EmbeddedEtcd();
    }

    /** A way for clients in this JVM to reach it, without sockets; its only endpoint is called "embedded". */
    public Transport transport() {
        return new InJvmTransport(this);
    }

    /** A client of its own with default settings. For other settings pass {@link #transport()} to a builder. */
    public Holdfast connect() {
        return Holdfast.builder().transport(transport()).build();
    }

    /**
     * Offers etcd's gRPC services on a socket, for etcdctl and clients in other processes and languages.
     *
     * @param address of the loopback interface, as there is neither TLS nor authentication; port 0 takes any free one
     * @throws IOException when the address is taken
     * @throws IllegalArgumentException for an address that is not a loopback one
     */
    public EngineServer serve(InetSocketAddress address) throws IOException {
        if (closed) {
            throw new IllegalStateException("closed");
        }
        EngineServer server = new EngineServer(this, address);
        servers.add(server);
        clientUrls.add(server.endpoint());
        return server;
    }

    /** Ends every call, server and transport, and forgets what was stored. Returns when all is cleaned up. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        servers.forEach(EngineServer::close);
        execute(() -> {
            for (OpenCall<?, ?> call : new ArrayList<>(openCalls)) {
                call.end(EtcdError.STOPPED.status());
            }
            // What is left in the queue are tasks without delay: they still run and find it closed.
            progressTimer.cancel();
            if (expiryTimer != null) {
                expiryTimer.cancel(false);
            }
        });
        loop.shutdown();
        try {
            if (!loop.awaitTermination(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                loop.shutdownNow();
            }
        } catch (InterruptedException e) {
            loop.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    boolean isClosed() {
        return closed;
    }

    void forget(EngineServer server) {
        servers.remove(server);
        clientUrls.remove(server.endpoint());
    }

    Services services() {
        return services;
    }

    /** Calls that are under way; they end when the engine stops. Confined to the loop. */
    Set<OpenCall<?, ?>> openCalls() {
        return openCalls;
    }

    /** Nanoseconds since this object was made: never negative, never going back. */
    long nowNanos() {
        return System.nanoTime() - originNanos;
    }

    /** Runs a task on the engine's thread; false when it is closed and the task will never run. */
    boolean tryExecute(Runnable task) {
        try {
            loop.execute(() -> run(task));
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private void execute(Runnable task) {
        tryExecute(task);
    }

    /** Runs a task on the engine's thread not before a while from now. */
    Cancellable schedule(long delayNanos, Runnable task) {
        try {
            Future<?> timer = loop.schedule(() -> run(task), delayNanos, TimeUnit.NANOSECONDS);
            return () -> timer.cancel(false);
        } catch (RejectedExecutionException e) {
            return () -> {};
        }
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // A listener that throws must not take the engine with it.
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
        }
        engine.retainHistory(RETAINED_REVISIONS, RETAINED_BYTES);
        armExpiry();
    }

    /** Makes sure the timer rings no later than the next lease ends; ringing too early is harmless. */
    private void armExpiry() {
        long next = engine.nextExpiryNanos();
        if (next >= armedForNanos || closed) {
            return;
        }
        if (expiryTimer != null) {
            expiryTimer.cancel(false);
        }
        armedForNanos = next;
        expiryTimer = loop.schedule(
                () -> run(() -> {
                    armedForNanos = Long.MAX_VALUE;
                    engine.expire(nowNanos());
                }),
                Math.max(0, next - nowNanos()),
                TimeUnit.NANOSECONDS);
    }

    private void scheduleProgressReport() {
        progressTimer = schedule(PROGRESS_PERIOD_NANOS, () -> {
            engine.reportProgress();
            scheduleProgressReport();
        });
    }
}
