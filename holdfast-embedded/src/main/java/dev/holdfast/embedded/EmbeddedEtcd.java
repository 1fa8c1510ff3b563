package dev.holdfast.embedded;

import dev.holdfast.Holdfast;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Status;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An etcd of one member in this JVM: an {@link Engine} with a thread and a monotonic clock. Its contents are {@linkplain
 * #inMemory in memory} and gone when it is closed, or {@linkplain #inDirectory in a directory} and there again after a
 * restart or a crash. For development, for tests, and for a single machine; it is not a distributed system.
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
 * <p>In a directory, nothing leaves before it is safe: answers, reads and events wait until every change that they could
 * reveal is on the disk. One fsync serves all requests that came in while the last one was under way.
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

    /** After so many tasks, or bytes of commands, a turn ends: so that no answer waits for long. */
    static final int MAX_TASKS_PER_TURN = 1_000;

    private static final int MAX_BYTES_PER_TURN = 1 << 20;

    private static final long EXPIRY_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final Logger LOG = System.getLogger("dev.holdfast");

    /*
     * One thread owns the engine: calls, lease expiry and deadlines are its tasks, one after the other. Answers and events
     * go out from it, too; a listener that calls back only adds a task.
     *
     * It works in turns: the tasks that have come in, then the leases whose time is over, then one commit of the log, then
     * what was held back. What is said while nothing is uncommitted need not wait. Leases come after the tasks: a renewal
     * that arrived while the disk was slow still counts.
     *
     * When the log fails, the turn has not happened as far as anybody can tell: what was held back is not said, every call
     * ends with "unavailable", which leaves its outcome open, and the engine goes back to what is on the disk. From then on
     * it is read from and its leases neither change nor end.
     *
     * A request that fails in a way nobody foresaw ends alone, and others are served. Only if it was in the middle of a change
     * then, what is in memory may be wrong: that is taken as a failure of the log, and without a log nothing more is served.
     */
    private final ScheduledThreadPoolExecutor loop;

    private final Queue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean turnIsDue = new AtomicBoolean();
    private final LongSupplier clock;
    private final Engine engine;
    private final @Nullable CommandLog log;
    private final Services services;
    private final List<String> clientUrls = new CopyOnWriteArrayList<>();
    private final List<EngineServer> servers = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    // Confined to the loop.
    private final Set<OpenCall<?, ?>> openCalls = new LinkedHashSet<>();
    private final Queue<Held> heldBack = new ArrayDeque<>();
    private boolean isLost; // memory says what may not be true, and there is no disk, or it could not be read
    private boolean isReadOnly; // the log has failed, and the engine was taken back
    private boolean hasOverdueLeases; // they could not be ended for want of space
    private long armedForNanos = Long.MAX_VALUE;
    private @Nullable Future<?> expiryTimer;
    private Cancellable progressTimer = () -> {};

    /** What a call is told once the turn is committed. */
    private record Held(OpenCall<?, ?> call, Runnable delivery) {}

    EmbeddedEtcd(Engine engine, @Nullable CommandLog log, LongSupplier clock) {
        this.engine = engine;
        this.log = log;
        this.clock = clock;
        loop =
                new ScheduledThreadPoolExecutor(1, task -> {
                    Thread thread = new Thread(task, "holdfast-embedded-etcd");
                    thread.setDaemon(true);
                    return thread;
                }) {
                    @Override
                    protected void terminated() {
                        // shutdown() interrupts a thread that waits for work. A file channel that is written to by an
                        // interrupted thread is closed instead.
                        Thread.interrupted();
                        if (log != null) {
                            close(log);
                        }
                    }
                };
        loop.setRemoveOnCancelPolicy(true);
        services = new Services(engine, clock, () -> clientUrls, this::execute);
        execute(this::scheduleProgressReport);
    }

    /** A new, empty store with a cluster id of its own. */
    public static EmbeddedEtcd inMemory() {
        SecureRandom random = new SecureRandom();
        return new EmbeddedEtcd(new Engine(random.nextLong(), random.nextLong()), null, monotonicClock());
    }

    /**
     * The store in a directory of this machine; a new one, with a cluster id of its own, where there is none yet. Whatever
     * was answered before is there, and leases resume with their full TTL. History before the last revision may be
     * compacted by that.
     *
     * <p>The directory is made when it is missing. Only its owner may have access to it, and one process at a time uses it.
     * It takes some 200 MiB, and twice the size of what is stored if that is more; memory holds all of it. A local disk
     * is wanted: every answer to a write waits for an fsync.
     *
     * <p>When the disk is full, puts and new leases are refused as etcd does it, while releases go on for a while. When an
     * fsync fails, every write is refused until a restart, and reads go on.
     *
     * @throws DataDirectoryException when others have access to the directory, it is in use, or its contents are damaged;
     *     nothing in it was changed
     * @throws IOException when it cannot be read or written
     */
    public static EmbeddedEtcd inDirectory(Path directory) throws IOException {
        return on(DataDirectory.enter(directory), CommandLog.Limits.DEFAULT);
    }

    /** The store on a disk; which is closed with it. */
    static EmbeddedEtcd on(Disk disk, CommandLog.Limits limits) throws IOException {
        SecureRandom random = new SecureRandom();
        LongSupplier clock = monotonicClock();
        try {
            CommandLog log = CommandLog.open(disk, limits, clock, random.nextLong(), random.nextLong());
            return new EmbeddedEtcd(log.engine(), log, clock);
        } catch (IOException | RuntimeException | Error e) {
            disk.close();
            throw e;
        }
    }

    /** Nanoseconds since now: never negative, never going back. */
    private static LongSupplier monotonicClock() {
        long originNanos = System.nanoTime();
        return () -> System.nanoTime() - originNanos;
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
        return serve(address, null);
    }

    /**
     * Offers etcd's gRPC services with TLS, or without for null, and then on a loopback address only. There are no users:
     * whoever the settings let in may read and write everything, so an address that others can reach wants {@link
     * ServerTls#requiringClients}.
     *
     * @param address of any interface; port 0 takes any free one
     * @throws IOException when the address is taken, or a file of the settings cannot be used
     */
    public EngineServer serve(InetSocketAddress address, @Nullable ServerTls tls) throws IOException {
        if (closed) {
            throw new IllegalStateException("closed");
        }
        EngineServer server = new EngineServer(this, address, tls);
        servers.add(server);
        clientUrls.add(server.endpoint());
        return server;
    }

    /**
     * Ends every call, server and transport, and forgets what was stored in memory; what is in a directory can be opened
     * again. Returns when all is cleaned up; or after {@value #CLOSE_TIMEOUT_SECONDS} seconds, or when the thread is
     * interrupted, and then the directory is free as soon as the disk has answered.
     */
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
                LOG.log(
                        Level.WARNING,
                        "holdfast: the embedded etcd is still busy {0} seconds after it was closed; it is cleaned up when it"
                                + " is done",
                        CLOSE_TIMEOUT_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // The thread itself is not interrupted: in the middle of an fsync that would close the file. Timers need not
        // ring.
        loop.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    private static void close(CommandLog log) {
        try {
            log.close();
        } catch (IOException | RuntimeException e) {
            LOG.log(Level.WARNING, "holdfast: closing the log failed; what was answered is safe", e);
        }
    }

    /** Why no call can be opened, or null when one can. Confined to the loop. */
    @Nullable
    Status refusal() {
        if (closed) {
            return EtcdError.STOPPED.status();
        }
        return isLost ? lost() : null;
    }

    private Status lost() {
        return Status.UNAVAILABLE.withDescription(
                log == null
                        ? "holdfast: a change was broken off, and what is in memory may be wrong"
                        : "holdfast: the log can be neither written nor read");
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
        return clock.getAsLong();
    }

    /** Runs a task on the engine's thread; false when it is closed and the task will never run. */
    boolean tryExecute(Runnable task) {
        inbox.add(task);
        // A task that a turn has taken out already runs; only one that is still there is lost with the loop.
        return callTurn() || !inbox.remove(task);
    }

    /** Sees to it that a turn comes; false when the loop takes no more. */
    private boolean callTurn() {
        if (!turnIsDue.compareAndSet(false, true)) {
            return true;
        }
        try {
            loop.execute(this::turn);
            return true;
        } catch (RejectedExecutionException e) {
            turnIsDue.set(false);
            return false;
        }
    }

    private void execute(Runnable task) {
        tryExecute(task);
    }

    /** Runs a task on the engine's thread not before a while from now. */
    Cancellable schedule(long delayNanos, Runnable task) {
        try {
            Future<?> timer = loop.schedule(
                    () -> {
                        carryOut(task);
                        endTurn();
                    },
                    delayNanos,
                    TimeUnit.NANOSECONDS);
            return () -> timer.cancel(false);
        } catch (RejectedExecutionException e) {
            return () -> {};
        }
    }

    private void turn() {
        turnIsDue.set(false);
        do {
            takeTasks();
            endTurn();
            // The loop takes no more once it is shut down; then what is left is done here.
        } while (!inbox.isEmpty() && !callTurn());
    }

    private void takeTasks() {
        for (int tasks = 0; tasks < MAX_TASKS_PER_TURN; tasks++) {
            Runnable task = inbox.poll();
            if (task == null) {
                return;
            }
            carryOut(task);
            if (engine.isTorn() || (log != null && log.pendingBytes() > MAX_BYTES_PER_TURN)) {
                return;
            }
        }
    }

    private static void carryOut(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // A listener that throws must not take the engine with it.
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
        }
    }

    private void endTurn() {
        carryOut(this::endLeases);
        carryOut(this::compact);
        if (log != null) {
            settle(log);
        } else if (engine.isTorn()) {
            giveUp();
        }
        armExpiry();
    }

    private void endLeases() {
        hasOverdueLeases = false;
        if (!isReadOnly && !engine.isTorn() && engine.nextExpiryNanos() <= nowNanos()) {
            try {
                engine.expire(nowNanos());
            } catch (EtcdException noSpace) {
                hasOverdueLeases = true;
                LOG.log(
                        Level.DEBUG,
                        "holdfast: leases are over, but that cannot be written down yet: {0}",
                        noSpace.status());
            }
        }
    }

    private void compact() {
        if (isReadOnly || engine.isTorn()) {
            return;
        }
        try {
            engine.retainHistory(RETAINED_REVISIONS, RETAINED_BYTES);
        } catch (EtcdException noSpace) {
            LOG.log(Level.DEBUG, "holdfast: history is not compacted yet: {0}", noSpace.status());
        }
    }

    // ----------------------------------------------------------------------------------------------- committing

    /** Tells a call something: at once, or when everything it could reveal is safe. */
    void deliver(OpenCall<?, ?> call, Runnable delivery) {
        if (log != null && (log.hasPending() || !heldBack.isEmpty())) {
            heldBack.add(new Held(call, delivery));
        } else {
            // In the middle of a call of the engine: a listener that throws must not break that off.
            carryOut(delivery);
        }
    }

    private void settle(CommandLog settled) {
        // Saying something may end a call, and its end may be a change of its own.
        while (!heldBack.isEmpty() || settled.hasPending() || (engine.isTorn() && !isLost)) {
            if (engine.isTorn()) {
                settled.abandon();
                takeBack(settled);
                return;
            }
            try {
                settled.commit();
            } catch (IOException | RuntimeException | Error e) {
                takeBack(settled);
                return;
            }
            for (int due = heldBack.size(); due > 0; due--) {
                carryOut(heldBack.remove().delivery());
            }
        }
        carryOut(settled::replaceOldSegments);
    }

    /** Without a log there is nothing to go back to. */
    private void giveUp() {
        if (!isLost) {
            isLost = true;
            LOG.log(Level.ERROR, "holdfast: a change was broken off in memory, so nothing is served any more");
        }
        for (OpenCall<?, ?> call : List.copyOf(openCalls)) {
            carryOut(() -> call.breakOff(lost()));
        }
    }

    /** Makes the turn not have happened. */
    private void takeBack(CommandLog failed) {
        isReadOnly = true;
        isLost = true; // until it is read back: even that may fail in any way
        failed.forgetPending(); // or what the calls are told now would wait for it
        Set<OpenCall<?, ?>> broken = new LinkedHashSet<>();
        heldBack.forEach(held -> broken.add(held.call()));
        broken.addAll(openCalls);
        heldBack.clear();
        for (OpenCall<?, ?> call : broken) {
            carryOut(() -> call.breakOff(failed.refusal()));
        }
        try {
            engine.revertTo(failed.readBack());
            isLost = false;
        } catch (IOException | RuntimeException | Error e) {
            LOG.log(Level.ERROR, "holdfast: the log cannot be read back, so nothing is served any more; restart", e);
        }
    }

    // ------------------------------------------------------------------------------------------------- the timers

    /** Makes sure the timer rings no later than the next lease ends; ringing too early is harmless. */
    private void armExpiry() {
        long next = engine.nextExpiryNanos();
        if (next >= armedForNanos || closed || isReadOnly || isLost) {
            return;
        }
        if (expiryTimer != null) {
            expiryTimer.cancel(false);
        }
        long now = nowNanos();
        armedForNanos = hasOverdueLeases ? now + EXPIRY_RETRY_NANOS : Math.max(next, now);
        expiryTimer = loop.schedule(
                () -> {
                    armedForNanos = Long.MAX_VALUE;
                    takeTasks();
                    endTurn();
                },
                armedForNanos - now,
                TimeUnit.NANOSECONDS);
    }

    private void scheduleProgressReport() {
        progressTimer = schedule(PROGRESS_PERIOD_NANOS, () -> {
            engine.reportProgress();
            scheduleProgressReport();
        });
    }
}
