package dev.holdfast.runtime;

import dev.holdfast.DistributedLock;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.NameMode;
import dev.holdfast.Transaction;
import dev.holdfast.etcd.Credentials;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.HolderInfoWriter;
import dev.holdfast.inspect.Inspection;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.protocol.Callers;
import dev.holdfast.protocol.Entry;
import dev.holdfast.protocol.Failure;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import dev.holdfast.protocol.Moment;
import dev.holdfast.protocol.Observer;
import dev.holdfast.protocol.QueueMachine;
import dev.holdfast.protocol.SessionMachine;
import dev.holdfast.protocol.Sessions;
import dev.holdfast.protocol.Views;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The client as a whole: puts protocol, etcd client and callers together, and closes them in order. Thread-safe. */
public final class LockClient implements Holdfast {

    /** The reserved root of keys that are no lock entries. */
    static final String ROOT = "_holdfast";

    static final String CLOSED = "the client was closed";

    private static final long CLOSE_PATIENCE_NANOS = 3_000_000_000L;
    private static final AtomicInteger MADE = new AtomicInteger();

    private final ClientSettings settings;
    private final List<String> endpoints;
    private final Scheduler scheduler;
    private final Executor completions;
    private final Executor listeners;
    private final Runnable disconnect;
    private final EtcdClient etcd;
    private final Wire wire;
    private final Sessions sessions;
    private final Views views;
    private final ServerCheck serverCheck;
    private final HolderInfoWriter entryInfos;
    private final EtcdInspection inspection;
    private final ClientLog log;
    private final ForcedReleases forced;

    private final ConcurrentMap<String, NamedReference> locks = new ConcurrentHashMap<>();
    private final ReferenceQueue<NamedLock> collected = new ReferenceQueue<>();
    private final ReentrantLock sharing = new ReentrantLock();
    private final Set<NamedLock> retained = ConcurrentHashMap.newKeySet();
    private final CompletableFuture<Void> opened = new CompletableFuture<>();
    private final CompletableFuture<Void> revoked = new CompletableFuture<>();
    private final CompletableFuture<Void> closedDown = new CompletableFuture<>();
    private volatile boolean isClosed;
    private volatile @Nullable ShutdownHook shutdownHook;

    /* Confined to the event loop. */
    private final Set<LocalQueue> active = new Line<>();
    private final Set<LockName> warnedOfNesting = new HashSet<>();

    /**
     * A client that does nothing before {@link #start}.
     *
     * @param completions where futures are completed
     * @param listeners where loss listeners run
     * @param disconnect ends whatever the client runs on; called once, after everything else
     * @param onBug told when the protocol breaks one of its own invariants, after everything was given up
     */
    public LockClient(
            ClientSettings settings,
            Scheduler scheduler,
            Transport transport,
            Executor completions,
            Executor listeners,
            Runnable disconnect,
            Consumer<Throwable> onBug) {
        this(MADE.incrementAndGet(), settings, scheduler, transport, null, completions, listeners, disconnect, onBug);
    }

    /* With a number for people, and credentials for an etcd with authentication; null for no user. */
    private LockClient(
            int number,
            ClientSettings settings,
            Scheduler scheduler,
            Transport transport,
            @Nullable Credentials credentials,
            Executor completions,
            Executor listeners,
            Runnable disconnect,
            Consumer<Throwable> onBug) {
        this.log = new ClientLog(number, settings.clusterEpoch(), scheduler);
        this.settings = settings;
        this.endpoints = transport.endpoints();
        this.scheduler = scheduler;
        this.completions = completions;
        this.listeners = listeners;
        this.disconnect = disconnect;
        this.etcd = new EtcdClient(
                transport,
                scheduler,
                EtcdClient.Settings.defaults().withRequestTimeoutNanos(settings.requestTimeoutNanos()),
                credentials);
        String root = settings.namespace() + ROOT;
        String identity = new String(
                HolderInfo.ofThisProcess(settings.application(), settings.instance(), "")
                        .toJson(),
                java.nio.charset.StandardCharsets.UTF_8);
        this.wire = new Wire(
                scheduler, etcd, root, new Grant(settings.namespace(), root), identity, log, bug -> broken(bug, onBug));
        this.sessions = new Sessions(
                wire,
                new Ears(),
                Key.ofText(root + "/sess/"),
                settings.sessionTtlSeconds(),
                scheduler::randomLong,
                settings.locksPerLease());
        this.forced = new ForcedReleases(wire, etcd, scheduler, settings.namespace(), root, new Holders());
        etcd.onFailOver(log::onFailOver);
        this.views = new Views(wire, sessions, scheduler::randomLong, this::warnOfNesting);
        this.serverCheck =
                new ServerCheck(etcd, scheduler, endpoints, settings.allowsUnsafeServers(), settings.isBehindProxy());
        this.entryInfos = new HolderInfoWriter(settings.application(), settings.instance());
        this.inspection = new EtcdInspection(
                etcd,
                scheduler,
                this::complete,
                KeyNames.of(settings.namespace(), settings.nameMode()),
                () -> sessions.alive().stream().map(SessionMachine::leaseId).collect(Collectors.toSet()),
                () -> {});
        etcd.onRegression(() -> wire.handle(now -> {
            views.clear();
            sessions.loseAll(
                    LossReason.CLUSTER_REGRESSED,
                    "etcd's revision went back, or another cluster answers: it was restored from a snapshot or"
                            + " replaced; raise clusterEpoch",
                    now);
            etcd.forgetRevisions();
        }));
    }

    /**
     * A client with a thread of its own, connected. See {@link dev.holdfast.HoldfastBuilder#build}.
     *
     * @param account null for no user
     */
    public static Holdfast connect(
            ClientSettings settings,
            Transport transport,
            @Nullable Account account,
            @Nullable Executor callbackExecutor,
            Duration timeout) {
        int number = nextNumber();
        EventLoop loop = new EventLoop("holdfast-loop-" + number);
        ExecutorService listeners = pool("holdfast-listener-" + number);
        ExecutorService own = pool("holdfast-callback-" + number);
        // Of its own: whoever waits for a lock on a listener's thread may be waiting for the login.
        ExecutorService asking = pool("holdfast-login-" + number);
        Executor completions = callbackExecutor != null ? callbackExecutor : own;
        LockClient client = new LockClient(
                number,
                settings,
                loop,
                transport,
                account == null ? null : account.askedOn(asking),
                completions,
                listeners,
                () -> {
                    transport.close();
                    loop.close();
                    listeners.shutdown();
                    own.shutdown();
                    asking.shutdown();
                },
                bug -> {});
        client.start();
        try {
            client.opened.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            if (settings.releasesAtShutdown()) {
                client.closeAtShutdown("holdfast-shutdown-" + number);
            }
            return client;
        } catch (TimeoutException e) {
            EtcdError last = client.wire.lastError();
            String why = last != null ? last.text() : client.etcd.loginTrouble();
            // Nobody has answered so far, and the caller's patience is over.
            client.closeWithin(0);
            throw new LockException.Refused("no etcd at " + String.join(", ", transport.endpoints()) + " within "
                    + timeout.toMillis() + " ms" + (why.isEmpty() ? "" : ": " + why));
        } catch (ExecutionException e) {
            client.close();
            throw e.getCause() instanceof LockException.Refused refused
                    ? refused
                    : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            client.close();
            Thread.currentThread().interrupt();
            throw new LockException.Refused("interrupted while connecting", e);
        }
    }

    /** Connects to look at locks only, without a session. See {@link dev.holdfast.HoldfastBuilder#inspector}. */
    public static Inspector connectToInspect(
            ClientSettings settings,
            Transport transport,
            @Nullable Account account,
            @Nullable Executor callbackExecutor,
            Duration timeout) {
        return EtcdInspection.connect(settings, transport, account, callbackExecutor, timeout);
    }

    /** The number of a new client, for the names of its threads. */
    static int nextNumber() {
        return MADE.incrementAndGet();
    }

    static ExecutorService pool(String name) {
        AtomicInteger made = new AtomicInteger();
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(2, 2, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, name + "-" + made.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Opens the first session, and checks what answers at the endpoints meanwhile. */
    public void start() {
        post(sessions::open);
        post(now -> serverCheck.start());
    }

    // ---------------------------------------------------------------------------------------------------- Holdfast

    @Override
    public DistributedLock lock(String name, LockOptions options) {
        long mostMillis = TimeUnit.SECONDS.toMillis(settings.sessionTtlSeconds()) / 2;
        if (options.minHold().compareTo(Duration.ofMillis(mostMillis)) > 0) {
            throw new IllegalArgumentException(
                    "minHold must be at most half of the session's TTL, " + mostMillis + " ms, but is "
                            + options.minHold().toMillis() + " ms: with more, the lock might never be granted");
        }
        return new LockHandle(named(name), this, options);
    }

    private NamedLock named(String name) {
        for (Reference<?> gone = collected.poll(); gone != null; gone = collected.poll()) {
            if (gone instanceof NamedReference reference) {
                locks.remove(reference.name, reference);
            }
        }
        while (true) {
            NamedReference known = locks.get(name);
            NamedLock lock = known == null ? null : known.get();
            if (lock != null) {
                return lock;
            }
            if (known != null) {
                locks.remove(name, known);
            }
            LockName checked = LockName.of(name, settings.namespace(), ROOT, settings.nameMode() == NameMode.STRICT);
            NamedLock made = new NamedLock(checked, this);
            if (locks.putIfAbsent(name, new NamedReference(name, made, collected)) == null) {
                return made;
            }
        }
    }

    /** Remembers which entry of the map to remove when the lock is not referred to any more. */
    private static final class NamedReference extends WeakReference<NamedLock> {
        private final String name;

        NamedReference(String name, NamedLock lock, ReferenceQueue<NamedLock> queue) {
            super(lock, queue);
            this.name = name;
        }
    }

    @Override
    public Inspection inspect() {
        return inspection;
    }

    @Override
    public void close() {
        closeWithin(CLOSE_PATIENCE_NANOS);
    }

    /** Closes the client when the JVM is shut down, unless it is closed before. */
    private void closeAtShutdown(String threadName) {
        try {
            shutdownHook = ShutdownHook.add(threadName, this::close);
        } catch (IllegalStateException e) {
            close();
            throw new LockException.Refused("the JVM is being shut down", e);
        }
    }

    private void closeWithin(long patienceNanos) {
        ShutdownHook hook = shutdownHook;
        if (hook != null) {
            shutdownHook = null;
            hook.remove();
        }
        beginClose();
        if (isOnLoop()) {
            return;
        }
        boolean isInterrupted = false;
        long deadline = System.nanoTime() + patienceNanos;
        while (true) {
            try {
                revoked.get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
                break;
            } catch (InterruptedException e) {
                isInterrupted = true;
            } catch (TimeoutException e) {
                if (patienceNanos > 0) {
                    log.warn(
                            "close-unanswered",
                            "etcd did not answer on closing; the locks are free when their leases run out",
                            null);
                }
                break;
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        if (closedDown.complete(null)) {
            post(now -> {
                etcd.close();
                // After the replies that this has brought about.
                post(later -> disconnect.run());
            });
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Completes when the leases are revoked, or surely dead, after {@link #beginClose}. */
    public CompletableFuture<Void> revoked() {
        return revoked;
    }

    /** The sessions that can be used. On the event loop. */
    public List<SessionMachine> sessions() {
        return sessions.alive();
    }

    /** Begins to close: nothing is granted any more. */
    public void beginClose() {
        if (!isClosed) {
            isClosed = true;
            inspection.close();
            post(now -> {
                List.copyOf(active).forEach(queue -> queue.failAll(CLOSED));
                sessions.close(now);
                serverCheck.close();
                forced.end();
                opened.completeExceptionally(new LockException.Refused(CLOSED));
            });
            // A task of its own, so that the commands of the one before are carried out.
            post(now -> wire.whenRevoked(() -> revoked.complete(null)));
        }
    }

    // ---------------------------------------------------------------------------------------------------- for queues

    QueueMachine newMachine(LockName name, Callers callers, Supplier<byte[]> values) {
        return new QueueMachine(name, wire, sessions, views, callers, values);
    }

    /** What an entry that is written now says about who wrote it. */
    byte[] entryValue(String purpose, String traceId, boolean cached) {
        return entryInfos.write(purpose, scheduler.wallMillis(), traceId, cached);
    }

    /** The trace of the calling thread; empty if it cannot be told. */
    String currentTraceId() {
        try {
            return Objects.requireNonNullElse(settings.traceId().get(), "");
        } catch (RuntimeException e) {
            log.note("trace-id-failed", "the supplier of trace ids failed; the lock is taken without one", e);
            return "";
        }
    }

    void onCaller(LocalQueue queue, QueueMachine machine, Moment now) {
        if (isClosed) {
            queue.failAll(CLOSED);
        } else {
            active.add(queue);
            machine.onCaller(now);
        }
    }

    void onTrial(LocalQueue queue, QueueMachine machine, Waiter trial, Moment now) {
        if (isClosed) {
            queue.fail(trial, CLOSED);
        } else {
            active.add(queue);
            machine.onTrial(trial, now);
        }
    }

    void onIdle(LocalQueue queue) {
        active.remove(queue);
    }

    void post(Consumer<Moment> event) {
        wire.post(event);
    }

    Cancellable later(long delayNanos, Runnable task) {
        return scheduler.schedule(delayNanos, task);
    }

    /** Keeps a lock that nobody may refer to any more, until {@link #release}. */
    void retain(NamedLock lock) {
        retained.add(lock);
    }

    void release(NamedLock lock) {
        retained.remove(lock);
    }

    /** Blocking on the loop would wait for itself. */
    void requireNotOnLoop() {
        if (isOnLoop()) {
            throw new IllegalStateException(
                    "a blocking call on the client's event loop: give the client a callbackExecutor"
                            + " that runs tasks on threads of its own");
        }
    }

    Moment now() {
        return wire.now();
    }

    boolean isClosed() {
        return isClosed;
    }

    boolean isOnLoop() {
        return scheduler.isOnLoop();
    }

    ReentrantLock sharing() {
        return sharing;
    }

    long clusterEpoch() {
        return settings.clusterEpoch();
    }

    long ttlNanos() {
        return settings.sessionTtlSeconds() * 1_000_000_000L;
    }

    long requestTimeoutNanos() {
        return settings.requestTimeoutNanos();
    }

    void commit(Entry entry, Transaction transaction, Consumer<Outcome<TxnResponse>> onOutcome) {
        post(now -> wire.commit(entry, transaction.conditions(), transaction.writes(), onOutcome));
    }

    /**
     * Completes a future of the user's, where his dependents may run. Whatever is wrong with the executor must reach neither
     * the loop nor another caller, who hands over just now.
     */
    void complete(Runnable completion) {
        // An executor may take a task, or even run it, and then throw. A second run would find the future completed,
        // take the turn for one that nobody took, and give back a hold that is in use.
        AtomicBoolean isBegun = new AtomicBoolean();
        Runnable once = () -> {
            if (isBegun.compareAndSet(false, true)) {
                completion.run();
            }
        };
        try {
            completions.execute(once);
        } catch (RuntimeException | Error refused) {
            // Full, broken, or no memory for a thread. Whoever waits must not wait for ever, and the loop must not run
            // what may block.
            try {
                listeners.execute(once);
            } catch (RuntimeException | Error shutDown) {
                // The client is closed: there is no loop any more. Or there is no memory: then late is worse than here.
                once.run();
            }
        }
    }

    /** Tells listeners of a loss. */
    void tell(LockHold hold, List<Consumer<Loss>> told, Loss loss) {
        log.onLoss(hold, loss);
        Flight.lost(loss);
        for (Consumer<Loss> listener : told) {
            try {
                listeners.execute(() -> {
                    try {
                        listener.accept(loss);
                    } catch (RuntimeException | Error e) {
                        log.warn("listener-failed", "a loss listener of " + hold + " failed", e);
                    }
                });
            } catch (RejectedExecutionException shutDown) {
                log.warn(
                        "listener-not-told",
                        "a loss listener of " + hold + " was not told: its executor is shut down",
                        null);
            } catch (RuntimeException | Error e) {
                // No memory for a thread, say. The others are still told.
                log.warn("listener-not-told", "a loss listener of " + hold + " was not told", e);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- by force

    /**
     * Finds out whether an operator released the entry by force, if its loss has no other explanation; calls back with the
     * loss as it is known then, within about a second.
     */
    void explain(LockHold hold, Loss loss, Consumer<Loss> then) {
        post(now -> forced.lookUp(hold.tenure().entry(), how -> then.accept(how == null ? loss : hold.lossOf(how))));
    }

    /** Who released that entry by force, if it is known. On the event loop. */
    @Nullable
    ForcedRelease forcedRelease(Entry entry) {
        return forced.known(entry);
    }

    /** Whether an entry that was just found to be ours had been released by force before. On the event loop. */
    boolean isForced(QueueMachine machine, Entry entry) {
        ForcedRelease how = forced.take(entry);
        if (how != null) {
            log.onForcedRelease(machine, entry, how.by(), how.reason());
        }
        return how != null;
    }

    /** Finds the queue that a forced release hits. */
    private final class Holders implements ForcedReleases.Holders {
        @Override
        public void onForced(Entry entry, ForcedRelease how, Moment now) {
            for (LocalQueue queue : List.copyOf(active)) {
                if (entry.equals(queue.machine().entry())) {
                    forced.remember(entry, how);
                    log.onForcedRelease(queue.machine(), entry, how.by(), how.reason());
                    queue.onForced(entry, how, now);
                } else if (queue.machine().mayGet(entry)) {
                    forced.keep(entry, how);
                }
            }
        }

        @Override
        public boolean mayHaveEntryBefore(long revision) {
            return active.stream().anyMatch(queue -> queue.machine().mayHaveEntryBefore(revision));
        }
    }

    // ---------------------------------------------------------------------------------------------------- events

    private void broken(Throwable bug, Consumer<Throwable> onBug) {
        wire.handle(now -> sessions.loseAll(LossReason.INTERNAL_ERROR, String.valueOf(bug), now));
        log.bug(bug);
        onBug.accept(bug);
    }

    private void warnOfNesting(LockName name) {
        if (warnedOfNesting.size() < 1_000 && warnedOfNesting.add(name)) {
            log.warn(
                    "nested-names",
                    "lock '" + name + "' has other locks below its name: watching it brings their traffic, too; use"
                            + " names of which none is a prefix of another, or NameMode.STRICT",
                    null);
        }
    }

    /** Hears what becomes of sessions. */
    private final class Ears implements Sessions.Listener {
        private boolean isFirst = true;

        @Override
        public void onSessionOpened(SessionMachine session) {
            log.onSessionOpened(session, isFirst);
            isFirst = false;
            forced.start();
            serverCheck.whenPassed(
                    () -> opened.complete(null),
                    reason -> opened.completeExceptionally(new LockException.Refused(reason)));
        }

        @Override
        public void onSessionRefused(Failure failure, Moment now) {
            log.onSessionRefused(failure.text());
            opened.completeExceptionally(new LockException.Refused(
                    "etcd at " + String.join(", ", endpoints) + " refuses a session: " + failure.text()));
        }

        @Override
        public void onSessionLost(SessionMachine session, LossReason reason, String detail, Moment now) {
            log.onSessionLost(session, reason, detail);
            if (reason == LossReason.CLUSTER_REGRESSED) {
                // What they saw is of a history that does not go on.
                views.clear();
            }
        }

        @Override
        public Observer observer() {
            return log;
        }
    }
}
