package dev.holdfast.runtime;

import dev.holdfast.LockException;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.inspect.ForceResult;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockListing;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.LockWatch;
import dev.holdfast.inspect.Position;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Looks at locks through an etcd client: that of a {@link LockClient}, or one of its own. Thread-safe. */
final class EtcdInspection implements Inspector {

    private static final Logger LOG = System.getLogger("dev.holdfast");
    private static final long RETRY_NANOS = 100_000_000;
    private static final String UNKNOWN = LockClient.CLOSED
            + " before etcd answered, so the entry may have been deleted, or may still be: look again";

    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final Executor callbacks;
    private final KeyNames names;
    private final Supplier<Set<Long>> ownLeases;
    private final Runnable disconnect;

    private final Set<Question<?>> open = ConcurrentHashMap.newKeySet();
    private final Set<LockObserver> observers = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosed;

    /**
     * Sends nothing yet.
     *
     * @param callbacks completes futures and calls listeners; never refuses
     * @param ownLeases asked on the loop
     * @param disconnect ends whatever it runs on, once
     */
    EtcdInspection(
            EtcdClient etcd,
            Scheduler scheduler,
            Executor callbacks,
            KeyNames names,
            Supplier<Set<Long>> ownLeases,
            Runnable disconnect) {
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.callbacks = callbacks;
        this.names = names;
        this.ownLeases = ownLeases;
        this.disconnect = disconnect;
    }

    /** One with a thread and a connection of its own, but without a session; returns when etcd has answered. */
    static Inspector connect(
            ClientSettings settings,
            Transport transport,
            @Nullable Account account,
            @Nullable Executor callbackExecutor,
            Duration timeout) {
        int number = LockClient.nextNumber();
        EventLoop loop = new EventLoop("holdfast-loop-" + number);
        ExecutorService own = LockClient.pool("holdfast-callback-" + number);
        Executor wanted = callbackExecutor != null ? callbackExecutor : own;
        Executor callbacks = task -> {
            try {
                wanted.execute(task);
            } catch (RejectedExecutionException full) {
                runElsewhere(task, own);
            }
        };
        ExecutorService asking = LockClient.pool("holdfast-login-" + number);
        EtcdClient etcd = new EtcdClient(
                transport,
                loop,
                EtcdClient.Settings.defaults().withRequestTimeoutNanos(settings.requestTimeoutNanos()),
                account == null ? null : account.askedOn(asking));
        etcd.onRegression(etcd::forgetRevisions);
        EtcdInspection inspection = new EtcdInspection(
                etcd,
                loop,
                callbacks,
                KeyNames.of(settings.namespace(), settings.nameMode()),
                Set::of,
                () -> loop.execute(() -> {
                    etcd.close();
                    // After the replies that this has brought about.
                    loop.execute(() -> {
                        transport.close();
                        loop.close();
                        own.shutdown();
                        asking.shutdown();
                    });
                }));
        boolean isReady = false;
        try {
            inspection.awaitAnswer(timeout, transport.endpoints());
            isReady = true;
            return inspection;
        } finally {
            if (!isReady) {
                inspection.close();
            }
        }
    }

    private static void runElsewhere(Runnable task, Executor other) {
        try {
            other.execute(task);
        } catch (RejectedExecutionException shutDown) {
            // It is closed: there is no loop any more that could be held up.
            task.run();
        }
    }

    private void awaitAnswer(Duration timeout, List<String> endpoints) {
        CompletableFuture<Void> answered = new CompletableFuture<>();
        AtomicReference<String> last = new AtomicReference<>("");
        String where = String.join(", ", endpoints);
        scheduler.execute(() -> ping(answered, last, where));
        try {
            answered.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new LockException.Refused("no etcd at " + where + " within " + timeout.toMillis() + " ms"
                    + whyNot(Objects.requireNonNullElse(last.get(), "")));
        } catch (ExecutionException e) {
            throw e.getCause() instanceof LockException.Refused refused
                    ? refused
                    : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LockException.Refused("interrupted while connecting", e);
        }
    }

    private String whyNot(String last) {
        String trouble = etcd.loginTrouble();
        return !last.isEmpty() || trouble.isEmpty() ? last : ": " + trouble;
    }

    private void ping(CompletableFuture<Void> answered, AtomicReference<String> last, String where) {
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(Scope.bytes(Key.ofText(names.root() + "/none")))
                .setCountOnly(true)
                .build();
        etcd.range(request, outcome -> {
            if (outcome instanceof Outcome.Failure<RangeResponse> failure
                    && !failure.error().isPermissionDenied()) {
                EtcdError error = failure.error();
                last.set(": " + error.text());
                if (LockReading.isFinal(error)) {
                    answered.completeExceptionally(new LockException.Refused(
                            "etcd at " + where + " refuses: " + error.text() + "; " + error.advice()));
                } else if (!isClosed) {
                    scheduler.schedule(RETRY_NANOS, () -> ping(answered, last, where));
                }
            } else {
                answered.complete(null);
            }
        });
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        observers.forEach(LockObserver::close);
        open.forEach(Question::close);
        disconnect.run();
    }

    private static LockException closed() {
        return new LockException.Refused(LockClient.CLOSED);
    }

    static LockException refused(EtcdError error) {
        return new LockException.Refused("etcd does not tell about locks: " + error.text() + "; " + error.advice());
    }

    static void tell(Consumer<LockEvent> listener, LockEvent event) {
        try {
            listener.accept(event);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "a listener to lock events failed", e);
        }
    }

    // ---------------------------------------------------------------------------------------------------- questions

    /** Something that was asked, and its answer. */
    private final class Question<T> {
        /** Completed on the loop; for those who wait. */
        final CompletableFuture<T> answer = new CompletableFuture<>();

        /** Set by whichever comes first: closing, or a step that cannot be taken back. */
        private final AtomicBoolean isDecided = new AtomicBoolean();

        /** Whether a step may be taken that cannot be taken back; from then on, closing leaves it unknown. */
        boolean mayAct() {
            return isDecided.compareAndSet(false, true);
        }

        void close() {
            fail(isDecided.compareAndSet(false, true) ? closed() : ForcedReleasing.unknown(UNKNOWN));
        }

        void answer(T value) {
            open.remove(this);
            answer.complete(value);
        }

        void fail(RuntimeException failure) {
            open.remove(this);
            answer.completeExceptionally(failure);
        }

        /** Completed where dependents may run. */
        @SuppressWarnings("FutureReturnValueIgnored") // It cannot fail.
        CompletableFuture<T> future() {
            CompletableFuture<T> future = new CompletableFuture<>();
            answer.whenComplete((value, failure) -> callbacks.execute(() -> {
                if (failure == null) {
                    future.complete(value);
                } else {
                    future.completeExceptionally(failure);
                }
            }));
            return future;
        }

        T await() throws InterruptedException {
            if (scheduler.isOnLoop()) {
                throw new IllegalStateException("a blocking call on the client's event loop: use the method that"
                        + " returns a future, or give the client a callbackExecutor with threads of its own");
            }
            try {
                return answer.get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof LockException.Refused refused) {
                    throw refused;
                }
                if (e.getCause() instanceof LockException.Indeterminate unknown) {
                    throw unknown;
                }
                throw new IllegalStateException(e.getCause());
            }
        }
    }

    private <T> Question<T> ask(Consumer<Question<T>> how) {
        Question<T> question = new Question<>();
        open.add(question);
        scheduler.execute(() -> {
            if (!isClosed) {
                how.accept(question);
            }
        });
        if (isClosed) {
            question.close();
        }
        return question;
    }

    private <T> void read(Scope scope, Question<T> question, Consumer<LockListing> then) {
        new LockReading(etcd, scheduler, scope, false, then, error -> question.fail(refused(error))).start();
    }

    private Question<LockListing> askForLocks(String prefix) {
        Scope scope = Scope.ofPrefix(names, prefix);
        return ask(question -> read(scope, question, question::answer));
    }

    private Question<LockState> askForLock(String name) {
        Scope scope = Scope.ofLock(names, name);
        return ask(question ->
                read(scope, question, listing -> question.answer(listing.locks().get(0))));
    }

    private Question<Position> askForPosition(String name) {
        Scope scope = Scope.ofLock(names, name);
        return ask(question -> read(scope, question, listing -> {
            Set<Long> leases = ownLeases.get();
            LockState lock = listing.locks().get(0);
            question.answer(new Position(
                    lock,
                    lock.queue().stream()
                            .filter(entry -> leases.contains(entry.leaseId()))
                            .toList()));
        }));
    }

    private Question<ForceResult> askForRelease(String name, QueueEntry entry, String by, String reason) {
        requireText("by", by);
        requireText("reason", reason);
        LockName lock = names.lock(name);
        Key key = Key.ofText(names.namespace() + entry.key());
        if (!lock.isMember(key)) {
            throw new IllegalArgumentException(
                    "entry '" + entry.key() + "' is not one of lock '" + name + "': pass one of its queue");
        }
        return ask(question -> {
            ForcedRelease record = new ForcedRelease(
                    by, reason, Instant.ofEpochMilli(scheduler.wallMillis()), name, entry.createRevision());
            new ForcedReleasing(etcd, scheduler, names, key, record, new ForcedReleasing.Listener() {
                        @Override
                        public boolean mayDelete() {
                            return question.mayAct();
                        }

                        @Override
                        public void onDeleted(ForcedRelease done) {
                            question.answer(new ForceResult.Released(done));
                        }

                        @Override
                        public void onGone() {
                            read(
                                    Scope.ofLock(names, name),
                                    question,
                                    listing -> question.answer(
                                            new ForceResult.Gone(listing.locks().get(0))));
                        }

                        @Override
                        public void onFailed(RuntimeException failure) {
                            question.fail(failure);
                        }
                    })
                    .start();
        });
    }

    private static void requireText(String what, String text) {
        if (text.isBlank() || text.length() > ForcedRelease.MAX_TEXT) {
            throw new IllegalArgumentException(
                    what + " must have 1 to " + ForcedRelease.MAX_TEXT + " characters, but has " + text.length());
        }
    }

    // ---------------------------------------------------------------------------------------------------- Inspection

    @Override
    public CompletableFuture<LockListing> locksAsync(String prefix) {
        return askForLocks(prefix).future();
    }

    @Override
    public CompletableFuture<LockState> lockAsync(String name) {
        return askForLock(name).future();
    }

    @Override
    public CompletableFuture<Position> positionAsync(String name) {
        return askForPosition(name).future();
    }

    @Override
    public CompletableFuture<ForceResult> forceReleaseAsync(String name, QueueEntry entry, String by, String reason) {
        return askForRelease(name, entry, by, reason).future();
    }

    @Override
    public LockListing locks(String prefix) throws InterruptedException {
        return askForLocks(prefix).await();
    }

    @Override
    public LockState lock(String name) throws InterruptedException {
        return askForLock(name).await();
    }

    @Override
    public Position position(String name) throws InterruptedException {
        return askForPosition(name).await();
    }

    @Override
    public ForceResult forceRelease(String name, QueueEntry entry, String by, String reason)
            throws InterruptedException {
        return askForRelease(name, entry, by, reason).await();
    }

    @Override
    public LockWatch watch(String name, Consumer<LockEvent> listener) {
        return observe(Scope.ofLock(names, name), listener);
    }

    @Override
    public LockWatch watchAll(String prefix, Consumer<LockEvent> listener) {
        return observe(Scope.ofPrefix(names, prefix), listener);
    }

    private LockWatch observe(Scope scope, Consumer<LockEvent> listener) {
        LockObserver observer = new LockObserver(etcd, scheduler, callbacks, scope, listener, observers::remove);
        observers.add(observer);
        scheduler.execute(observer::start);
        if (isClosed) {
            observer.close();
        }
        return observer;
    }
}
