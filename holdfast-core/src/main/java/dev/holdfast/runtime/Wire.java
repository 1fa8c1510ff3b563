package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcd.WatchListener;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.protocol.Batch;
import dev.holdfast.protocol.Change;
import dev.holdfast.protocol.Command;
import dev.holdfast.protocol.Entry;
import dev.holdfast.protocol.Failure;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import dev.holdfast.protocol.Moment;
import dev.holdfast.protocol.Outbox;
import dev.holdfast.protocol.SessionMachine;
import dev.holdfast.protocol.Snapshot;
import dev.holdfast.protocol.Watch;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the machines' commands: puts them into etcd's requests, and etcd's answers into the machines' events. The
 * only place that knows both languages. It decides nothing, but for which commands share a transaction.
 *
 * <p>Confined to the event loop, but for {@link #post}.
 */
final class Wire implements Outbox {

    /** The most members an acquire's own range brings along: so many as a view watches. A longer queue is listed. */
    private static final int RANGE_LIMIT = 17;

    /** After this, a batch without an answer does not hold back the next one any more. */
    private static final long BATCH_PATIENCE_NANOS = 50_000_000;

    /** How long a small read of a waiter far back, who is in no hurry, is held for others to share its transaction. */
    private static final long COMPANY_NANOS = 200_000_000;

    private static final long REVOKE_RETRY_NANOS = 200_000_000;

    /** For what would have to wait for a bump; and for a yield that would have to wait for another entry of its lock. */
    private static final Failure LATER = new Failure(Failure.Kind.BUSY, "the session or the lock is being settled");

    private static final long SPACE_WARNING_NANOS = 60_000_000_000L;

    /** How long the owner of a watch that etcd refuses is told nothing, so that it does not ask again at once. */
    private static final long DENIED_PAUSE_NANOS = 1_000_000_000L;

    private final Scheduler scheduler;
    private final EtcdClient etcd;
    private final Grant grant;
    private final ByteString nothingKey;
    private final String identity;
    private final ClientLog log;
    private final Consumer<Throwable> onBug;

    private final Deque<Command> commands = new ArrayDeque<>();
    private final Map<SessionMachine, Batch<Command.Enqueue>> entering = new LinkedHashMap<>();
    private final Batch<Command.Release> releases = new Batch<>();
    private final List<Command.ReadPair> pairs = new ArrayList<>();
    private final Map<Watch, Cancellable> watches = new LinkedHashMap<>();
    private final Set<Long> revoking = new HashSet<>();
    private final List<Runnable> whenRevoked = new ArrayList<>();
    private @Nullable EtcdError lastError;
    private @Nullable Long lastSpaceWarning;

    /**
     * Sends nothing yet.
     *
     * @param root the reserved root with the namespace before it
     * @param grant what the user must be allowed to do
     * @param identity what session keys say of this process
     * @param log told what goes wrong
     * @param onBug told when a machine breaks one of its own invariants
     */
    Wire(
            Scheduler scheduler,
            EtcdClient etcd,
            String root,
            Grant grant,
            String identity,
            ClientLog log,
            Consumer<Throwable> onBug) {
        this.scheduler = scheduler;
        this.etcd = etcd;
        this.grant = grant;
        this.nothingKey = bytes(Key.ofText(root + "/none"));
        this.identity = identity;
        this.log = log;
        this.onBug = onBug;
    }

    // ---------------------------------------------------------------------------------------------------- loop

    /** Handles an event on the loop, from any thread. */
    void post(Consumer<Moment> event) {
        scheduler.execute(() -> handle(event));
    }

    /** Handles an event now, and carries out what the machines want. */
    void handle(Consumer<Moment> event) {
        try {
            event.accept(now());
            for (Command next = commands.poll(); next != null; next = commands.poll()) {
                carryOut(next);
            }
            sendBatches();
        } catch (RuntimeException | Error e) {
            commands.clear();
            onBug.accept(e);
        }
    }

    Moment now() {
        return new Moment(scheduler.nanoTime(), scheduler.wallMillis());
    }

    @Override
    public void add(Command command) {
        commands.add(command);
    }

    private void carryOut(Command command) {
        if (command instanceof Command.Enqueue enqueue) {
            if (!entering.computeIfAbsent(enqueue.session(), s -> new Batch<>()).add(enqueue)) {
                enqueueFailed(enqueue, LATER, now());
            }
        } else if (command instanceof Command.Release release) {
            releases.add(release);
        } else if (command instanceof Command.WakeAt wake) {
            wake(wake);
        } else if (command instanceof Command.TryAcquire attempt) {
            tryAcquire(attempt);
        } else if (command instanceof Command.OpenWatch open) {
            openWatch(open.watch());
        } else if (command instanceof Command.Unwatch unwatch) {
            Cancellable open = watches.remove(unwatch.watch());
            if (open != null) {
                open.cancel();
            }
        } else if (command instanceof Command.ListMembers list) {
            list(list);
        } else if (command instanceof Command.ReadPair read) {
            gather(read);
        } else if (command instanceof Command.ReadEntry read) {
            readEntry(read);
        } else if (command instanceof Command.KeepAlive keepAlive) {
            keepAlive(keepAlive);
        } else if (command instanceof Command.Confirm confirm) {
            confirm(confirm);
        } else if (command instanceof Command.Bump bump) {
            withdrawYields(bump.session());
            bump(bump);
        } else if (command instanceof Command.GrantLease grant) {
            grantLease(grant);
        } else if (command instanceof Command.AskTimeToLive ask) {
            askTimeToLive(ask);
        } else if (command instanceof Command.ListKeys list) {
            listKeys(list);
        } else if (command instanceof Command.ReadStray read) {
            readStray(read);
        } else if (command instanceof Command.WriteSessionKey write) {
            writeSessionKey(write);
        } else if (command instanceof Command.RevokeLease revoke) {
            entering.remove(revoke.session());
            long patience = revoke.session().ttlSeconds() * 1_000_000_000L;
            revoking.add(revoke.leaseId());
            revoke(revoke.leaseId(), scheduler.nanoTime() + patience);
        }
    }

    /** Not before its time: a machine ignores what comes too early, and would not be woken again. */
    private void wake(Command.WakeAt wake) {
        scheduler.schedule(wake.nanos() - scheduler.nanoTime(), () -> {
            if (wake.nanos() - scheduler.nanoTime() > 0) {
                wake(wake);
            } else {
                handle(wake.who()::onTick);
            }
        });
    }

    private <T> void answered(
            Outcome<T> outcome, BiConsumer<T, Moment> onAnswer, BiConsumer<Failure, Moment> onFailure) {
        handle(now -> {
            if (outcome instanceof Outcome.Answer<T> answer) {
                onAnswer.accept(answer.value(), now);
            } else if (outcome instanceof Outcome.Failure<T> failed) {
                lastError = failed.error();
                warnOfSpace(failed.error(), now);
                onFailure.accept(failureOf(failed.error()), now);
            }
        });
    }

    /** What an error of etcd means for a machine. */
    private Failure failureOf(EtcdError error) {
        Failure.Kind kind;
        if (error.isLeaseNotFound()) {
            kind = Failure.Kind.LEASE_GONE;
        } else if (error.isLeaseExists()) {
            kind = Failure.Kind.LEASE_EXISTS;
        } else if (!error.isDefinite()) {
            kind = Failure.Kind.AMBIGUOUS;
        } else if (error.isTransient()) {
            kind = Failure.Kind.BUSY;
        } else {
            kind = Failure.Kind.REFUSED;
        }
        return new Failure(kind, error.text() + "; " + (error.isPermissionDenied() ? grant.advice() : error.advice()));
    }

    private void warnOfSpace(EtcdError error, Moment now) {
        if (error.isNoSpace() && (lastSpaceWarning == null || now.nanos() - lastSpaceWarning > SPACE_WARNING_NANOS)) {
            lastSpaceWarning = now.nanos();
            log.warn(
                    "no-space",
                    "etcd is out of space: locks can be released but not taken; compact and defragment it, then disarm"
                            + " the alarm",
                    null);
        }
    }

    /** The last error of any request, for people. */
    @Nullable
    EtcdError lastError() {
        return lastError;
    }

    // ---------------------------------------------------------------------------------------------------- session

    private void grantLease(Command.GrantLease grant) {
        SessionMachine session = grant.session();
        etcd.leaseGrant(
                grant.leaseId(),
                grant.ttlSeconds(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> session.onGranted(grant.leaseId(), (int) answer.getTTL(), now),
                        (failure, now) -> session.onGrantFailed(grant.leaseId(), failure, now)));
    }

    private void askTimeToLive(Command.AskTimeToLive ask) {
        SessionMachine session = ask.session();
        etcd.leaseTimeToLive(
                ask.leaseId(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> session.onGranted(
                                ask.leaseId(), answer.getTTL() <= 0 ? 0 : (int) answer.getGrantedTTL(), now),
                        (failure, now) -> session.onGrantFailed(ask.leaseId(), failure, now)));
    }

    private void listKeys(Command.ListKeys list) {
        SessionMachine session = list.session();
        etcd.leaseKeys(
                list.leaseId(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> session.onKeysListed(
                                answer.getKeysList().stream().map(Wire::key).toList(), now),
                        // The next sweep is soon enough, and no hold is lost for want of one: a failure explains
                        // nothing.
                        (failure, now) -> {}));
    }

    private void readStray(Command.ReadStray read) {
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(bytes(read.key()))
                .setKeysOnly(true)
                .build();
        etcd.range(
                request,
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            if (answer.getKvsCount() > 0) {
                                read.session()
                                        .onStray(new Entry(
                                                read.key(), answer.getKvs(0).getCreateRevision()));
                            }
                        },
                        (failure, now) -> {}));
    }

    private void writeSessionKey(Command.WriteSessionKey write) {
        SessionMachine session = write.session();
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(createIs(write.key(), 0))
                .addSuccess(put(write.key(), sessionValue(write.nonce()), write.leaseId()))
                .addFailure(get(write.key(), false))
                .build();
        etcd.txn(
                request,
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            if (answer.getSucceeded()) {
                                session.onKeyWritten(
                                        write.leaseId(), answer.getHeader().getRevision(), now);
                                return;
                            }
                            KeyValue found = only(answer, 0);
                            if (found != null && isNonce(found, write.nonce())) {
                                session.onKeyWritten(write.leaseId(), found.getModRevision(), now);
                            } else {
                                session.onKeyNotWritten(write.leaseId(), null, now);
                            }
                        },
                        (failure, now) -> session.onKeyNotWritten(write.leaseId(), failure, now)));
    }

    private void keepAlive(Command.KeepAlive keep) {
        etcd.keepAlive(
                keep.leaseId(),
                keep.lane(),
                keep.timeoutNanos(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> keep.session()
                                .onKeepAlive(
                                        keep,
                                        (int) answer.getTTL(),
                                        answer.getHeader().getRaftTerm(),
                                        now),
                        // The next one, or a hedge, follows by itself.
                        (failure, now) -> keep.session().onTrouble(failure.text(), now)));
    }

    private void confirm(Command.Confirm confirm) {
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(modIs(confirm.key(), confirm.epoch()))
                .addSuccess(get(confirm.key(), true))
                .addFailure(get(confirm.key(), true))
                .addFailure(delete(nothingKey))
                .build();
        etcd.txn(
                request,
                confirm.lane(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> confirm.session()
                                .onKeyShown(
                                        confirm,
                                        modRevision(answer, 0),
                                        answer.getHeader().getRaftTerm(),
                                        now),
                        // Unconfirmed: the hedge follows by itself.
                        (failure, now) -> confirm.session().onTrouble(failure.text(), now)));
    }

    private void bump(Command.Bump bump) {
        SessionMachine session = bump.session();
        TxnRequest.Builder request = TxnRequest.newBuilder()
                .addCompare(modIs(bump.key(), bump.epoch()))
                .addSuccess(put(bump.key(), sessionValue(bump.nonce()), bump.leaseId()))
                .addFailure(get(bump.key(), false));
        for (Key doubtful : bump.doubtful()) {
            request.addSuccess(get(doubtful, true));
            request.addFailure(get(doubtful, true));
        }
        etcd.txn(
                request.build(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            List<Long> found = new ArrayList<>();
                            for (int i = 0; i < bump.doubtful().size(); i++) {
                                found.add(createRevision(answer, i + 1));
                            }
                            if (answer.getSucceeded()) {
                                session.onBumped(bump, answer.getHeader().getRevision(), true, found, now);
                                return;
                            }
                            KeyValue key = only(answer, 0);
                            long modRevision = key == null ? 0 : key.getModRevision();
                            session.onBumped(bump, modRevision, key != null && isNonce(key, bump.nonce()), found, now);
                        },
                        (failure, now) -> session.onBumpFailed(bump, failure, now)));
    }

    private void revoke(long leaseId, long untilNanos) {
        etcd.leaseRevoke(leaseId, outcome -> {
            boolean isRefused = outcome instanceof Outcome.Failure<?> failed
                    && failed.error().isDefinite()
                    && !failed.error().isTransient();
            boolean isOver =
                    isRefused || outcome instanceof Outcome.Answer<?> || scheduler.nanoTime() - untilNanos >= 0;
            if (!isOver) {
                scheduler.schedule(REVOKE_RETRY_NANOS, () -> revoke(leaseId, untilNanos));
            } else if (revoking.remove(leaseId) && revoking.isEmpty()) {
                whenRevoked.forEach(Runnable::run);
                whenRevoked.clear();
            }
        });
    }

    /** Runs it when no revocation is under way. */
    void whenRevoked(Runnable task) {
        if (revoking.isEmpty()) {
            task.run();
        } else {
            whenRevoked.add(task);
        }
    }

    private ByteString sessionValue(long nonce) {
        return ByteString.copyFromUtf8(Long.toHexString(nonce) + " " + identity);
    }

    private static boolean isNonce(KeyValue found, long nonce) {
        return found.getValue().startsWith(ByteString.copyFromUtf8(Long.toHexString(nonce) + " "));
    }

    // ---------------------------------------------------------------------------------------------------- batches

    private void sendBatches() {
        entering.forEach((session, batch) -> {
            if (session.canAcquire()) {
                whileThereIs(batch, taken -> enqueue(session, taken, batch, onceAnswered(batch)));
            }
        });
        whileThereIs(releases, taken -> sendReleases(taken, onceAnswered(releases)));
    }

    private static <C extends Command> void whileThereIs(Batch<C> batch, Consumer<List<C>> send) {
        for (List<C> taken = batch.take(); !taken.isEmpty(); taken = batch.take()) {
            send.accept(taken);
        }
    }

    /* A bump may last, as long as there is no space for one, and others wait for these locks. */
    private void withdrawYields(SessionMachine session) {
        Batch<Command.Enqueue> batch = entering.get(session);
        if (batch != null) {
            batch.withdrawYields().forEach(each -> enqueueFailed(each, LATER, now()));
        }
    }

    private void enqueue(
            SessionMachine session, List<Command.Enqueue> taken, Batch<Command.Enqueue> batch, Runnable done) {
        long epoch = session.epoch();
        SessionMachine.Renewal renewal = session.renewal();
        TxnRequest.Builder request =
                TxnRequest.newBuilder().addCompare(modIs(session.key(), epoch)).addFailure(get(session.key(), true));
        for (Command.Enqueue each : taken) {
            if (each instanceof Command.Acquire acquire) {
                request.addCompare(createIs(acquire.key(), 0))
                        .addSuccess(putEntry(acquire.key(), acquire.queue().value(), session.leaseId()))
                        .addSuccess(members(acquire.queue().name(), acquire.listsAll() ? 0 : RANGE_LIMIT))
                        .addFailure(get(acquire.key(), true));
            } else if (each instanceof Command.Yield leave) {
                Entry own = leave.own();
                request.addCompare(createIs(own.key(), own.createRevision()))
                        .addCompare(createIs(leave.fresh(), 0))
                        .addSuccess(delete(bytes(own.key())))
                        .addSuccess(putEntry(leave.fresh(), leave.queue().value(), session.leaseId()))
                        .addSuccess(members(leave.queue().name(), RANGE_LIMIT))
                        .addFailure(get(own.key(), true))
                        .addFailure(get(leave.fresh(), true));
            }
        }
        etcd.txn(
                request.build(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            done.run();
                            long sessionRevision = answer.getSucceeded() ? epoch : modRevision(answer, 0);
                            session.onConfirmed(renewal, answer.getHeader().getRaftTerm(), sessionRevision != 0, now);
                            taken.forEach(batch::onSettled);
                            if (answer.getSucceeded()) {
                                enqueued(taken, answer, now);
                            } else {
                                notEnqueued(taken, answer, epoch, sessionRevision, now);
                            }
                        },
                        (failure, now) -> {
                            done.run();
                            session.onTrouble(failure.text(), now);
                            if (failure.kind() == Failure.Kind.REFUSED && taken.size() > 1) {
                                // One of them is at fault; the others must not suffer for it.
                                for (Command.Enqueue each : taken) {
                                    if (session.canAcquire()) {
                                        enqueue(session, List.of(each), batch, () -> {});
                                    } else {
                                        batch.onSettled(each);
                                        enqueueFailed(each, LATER, now);
                                    }
                                }
                                return;
                            }
                            taken.forEach(batch::onSettled);
                            taken.forEach(each -> enqueueFailed(each, failure, now));
                        }));
    }

    private static void enqueued(List<Command.Enqueue> taken, TxnResponse answer, Moment now) {
        long revision = answer.getHeader().getRevision();
        int operation = 0;
        for (Command.Enqueue each : taken) {
            LockName name = each.queue().name();
            if (each instanceof Command.Acquire acquire) {
                acquire.queue().onAcquired(acquire, revision, snapshot(answer, operation + 1, name), now);
                operation += 2;
            } else if (each instanceof Command.Yield leave) {
                leave.queue().onYielded(leave, revision, snapshot(answer, operation + 2, name), now);
                operation += 3;
            }
        }
    }

    private static void notEnqueued(
            List<Command.Enqueue> taken, TxnResponse answer, long epoch, long sessionRevision, Moment now) {
        int operation = 1;
        for (Command.Enqueue each : taken) {
            if (each instanceof Command.Acquire acquire) {
                long found = createRevision(answer, operation);
                acquire.queue().onNotAcquired(acquire, epoch, sessionRevision, found, now);
                operation++;
            } else if (each instanceof Command.Yield leave) {
                long own = createRevision(answer, operation);
                long fresh = createRevision(answer, operation + 1);
                leave.queue().onNotYielded(leave, epoch, sessionRevision, own, fresh, now);
                operation += 2;
            }
        }
    }

    private static void enqueueFailed(Command.Enqueue each, Failure failure, Moment now) {
        if (each instanceof Command.Acquire acquire) {
            acquire.queue().onAcquireFailed(acquire, failure, now);
        } else if (each instanceof Command.Yield leave) {
            leave.queue().onYieldFailed(leave, failure, now);
        }
    }

    private void sendReleases(List<Command.Release> taken, Runnable done) {
        TxnRequest.Builder request = TxnRequest.newBuilder();
        for (Command.Release release : taken) {
            Entry entry = release.entry();
            request.addCompare(createIs(entry.key(), entry.createRevision())).addSuccess(delete(bytes(entry.key())));
        }
        etcd.txn(
                request.build(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            done.run();
                            if (!answer.getSucceeded() && taken.size() > 1) {
                                taken.forEach(release -> sendReleases(List.of(release), () -> {}));
                                return;
                            }
                            for (Command.Release release : taken) {
                                if (release.queue() != null) {
                                    release.queue().onReleased(release, answer.getSucceeded(), now);
                                } else {
                                    release.session().onGhostReleased(release.entry(), true);
                                }
                            }
                        },
                        (failure, now) -> {
                            done.run();
                            taken.forEach(release -> release.session().onTrouble(failure.text(), now));
                            if (failure.kind() == Failure.Kind.REFUSED && taken.size() > 1) {
                                taken.forEach(release -> sendReleases(List.of(release), () -> {}));
                                return;
                            }
                            for (Command.Release release : taken) {
                                if (release.queue() != null) {
                                    release.queue().onReleaseFailed(release, failure, now);
                                } else {
                                    release.session().onGhostReleased(release.entry(), false);
                                }
                            }
                        }));
    }

    /** Tells the batch once: when the answer is here, or when it has been waited for long enough. */
    private Runnable onceAnswered(Batch<?> batch) {
        boolean[] isTold = {false};
        Runnable tell = () -> {
            if (!isTold[0]) {
                isTold[0] = true;
                batch.onAnswered();
            }
        };
        Cancellable patience = scheduler.schedule(BATCH_PATIENCE_NANOS, () -> handle(now -> tell.run()));
        return () -> {
            patience.cancel();
            tell.run();
        };
    }

    // ---------------------------------------------------------------------------------------------------- queue

    private void tryAcquire(Command.TryAcquire attempt) {
        SessionMachine session = attempt.session();
        SessionMachine.Renewal renewal = session.renewal();
        LockName name = attempt.queue().name();
        Compare isFree = createIs(name.prefix(), 0).toBuilder()
                .setRangeEnd(bytes(name.prefix().prefixEnd()))
                .build();
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(modIs(session.key(), attempt.epoch()))
                .addCompare(isFree)
                .addSuccess(putEntry(attempt.key(), attempt.queue().value(), session.leaseId()))
                .addFailure(get(session.key(), true))
                .addFailure(members(name, attempt.listsAll() ? 0 : RANGE_LIMIT))
                .addFailure(get(attempt.key(), true))
                // Never reached with an effect; makes the transaction one that goes through the log in either case.
                .addFailure(delete(nothingKey))
                .build();
        etcd.txn(
                request,
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            long term = answer.getHeader().getRaftTerm();
                            if (answer.getSucceeded()) {
                                session.onConfirmed(renewal, term, true, now);
                                attempt.queue()
                                        .onTried(attempt, answer.getHeader().getRevision(), now);
                                return;
                            }
                            long sessionRevision = modRevision(answer, 0);
                            session.onConfirmed(renewal, term, sessionRevision != 0, now);
                            attempt.queue()
                                    .onNotTried(
                                            attempt,
                                            sessionRevision,
                                            createRevision(answer, 2),
                                            snapshot(answer, 1, name),
                                            now);
                        },
                        (failure, now) -> {
                            session.onTrouble(failure.text(), now);
                            attempt.queue().onTryFailed(attempt, failure, now);
                        }));
    }

    private void readEntry(Command.ReadEntry read) {
        // Able to write, and so through the log: a plain range may be stale on some servers, even through the leader.
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(createIs(read.key(), 0))
                .addFailure(get(read.key(), true))
                .addFailure(delete(nothingKey))
                .build();
        etcd.txn(
                request,
                outcome -> answered(
                        outcome,
                        (answer, now) -> read.queue()
                                .onEntryRead(read, answer.getSucceeded() ? 0 : createRevision(answer, 0), now),
                        (failure, now) -> read.queue().onEntryReadFailed(read, now)));
    }

    // ---------------------------------------------------------------------------------------------------- view

    private void list(Command.ListMembers list) {
        RangeRequest request = memberRange(list.name(), 0)
                .setSerializable(!list.linearizable())
                .build();
        etcd.range(
                request,
                outcome -> answered(
                        outcome,
                        (answer, now) -> list.lister()
                                .onListed(
                                        list,
                                        snapshot(answer, answer.getHeader().getRevision(), list.name()),
                                        now),
                        (failure, now) -> list.lister().onListFailed(list, failure, now)));
    }

    /* A process may have thousands of waiters far back, and each reads its pair every few seconds. */
    private void gather(Command.ReadPair read) {
        pairs.add(read);
        if (pairs.size() == Batch.MAX_SIZE) {
            readGathered();
        } else if (pairs.size() == 1) {
            scheduler.schedule(COMPANY_NANOS, () -> handle(now -> readGathered()));
        }
    }

    private void readGathered() {
        if (!pairs.isEmpty()) {
            readPairs(List.copyOf(pairs));
            pairs.clear();
        }
    }

    private void readPairs(List<Command.ReadPair> taken) {
        TxnRequest.Builder request = TxnRequest.newBuilder();
        Map<Key, Integer> places = new HashMap<>();
        for (Command.ReadPair read : taken) {
            // The entry of one waiter is often the predecessor of another.
            for (Key each : List.of(read.predecessor(), read.own())) {
                if (places.putIfAbsent(each, places.size()) == null) {
                    request.addSuccess(serializable(each));
                }
            }
        }
        etcd.txn(
                request.build(),
                outcome -> answered(
                        outcome,
                        (answer, now) -> {
                            for (Command.ReadPair read : taken) {
                                read.waiter()
                                        .onPairRead(
                                                read,
                                                answer.getHeader().getRevision(),
                                                createRevision(answer, places.getOrDefault(read.predecessor(), 0)),
                                                createRevision(answer, places.getOrDefault(read.own(), 0)),
                                                now);
                            }
                        },
                        (failure, now) -> {
                            if (failure.kind() == Failure.Kind.REFUSED && taken.size() > 1) {
                                // One of them is at fault; the others must not suffer for it.
                                taken.forEach(read -> readPairs(List.of(read)));
                                return;
                            }
                            taken.forEach(read -> read.waiter().onPairReadFailed(read, now));
                        }));
    }

    private void openWatch(Watch watch) {
        ByteString end = watch.isPrefix() ? bytes(watch.key().prefixEnd()) : ByteString.EMPTY;
        Cancellable open = etcd.watch(bytes(watch.key()), end, watch.fromRevision(), new WatchListener() {
            @Override
            public void onCreated(long revision) {
                handle(now -> watch.owner().onWatchCreated(watch, revision, now));
            }

            @Override
            public void onEvents(WatchResponse response) {
                List<Change> changes = new ArrayList<>(response.getEventsCount());
                for (Event event : response.getEventsList()) {
                    KeyValue kv = event.getKv();
                    changes.add(new Change(
                            event.getType() == Event.EventType.DELETE,
                            key(kv.getKey()),
                            kv.getCreateRevision(),
                            kv.getModRevision()));
                }
                handle(now -> watch.owner().onWatchEvents(watch, changes, response.getFragment(), now));
            }

            @Override
            public void onEnded(String reason, long compactRevision, @Nullable EtcdError error) {
                if (error != null && (error.isPermissionDenied() || error.isUnauthenticated())) {
                    denied(watch, error);
                } else {
                    ended(watch);
                }
            }
        });
        watches.put(watch, open);
    }

    private void ended(Watch watch) {
        watches.remove(watch);
        handle(now -> watch.owner().onWatchEnded(watch, now));
    }

    /* It would be refused again and again; the owner believes until then that it is being opened. */
    private void denied(Watch watch, EtcdError error) {
        warnIfDenied(watch.key(), error);
        watches.put(watch, scheduler.schedule(DENIED_PAUSE_NANOS, () -> ended(watch)));
    }

    /** Says that a watch was refused, and what to grant. */
    void warnIfDenied(Key key, @Nullable EtcdError error) {
        if (error != null && (error.isPermissionDenied() || error.isUnauthenticated())) {
            log.onWatchDenied(key, error.text(), error.isPermissionDenied() ? grant.advice() : error.advice());
        }
    }

    // ---------------------------------------------------------------------------------------------------- guards

    /** Carries out a transaction of the user's if the entry still exists. */
    void commit(
            Entry entry, List<Compare> conditions, List<RequestOp> writes, Consumer<Outcome<TxnResponse>> onOutcome) {
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(createIs(entry.key(), entry.createRevision()))
                .addAllCompare(conditions)
                .addAllSuccess(writes)
                .addFailure(get(entry.key(), true))
                .addFailure(delete(nothingKey))
                .build();
        etcd.txn(request, onOutcome::accept);
    }

    /** The create_revision that a failed guarded transaction found at the guard's key; 0 = absent. */
    static long guardRevision(TxnResponse answer) {
        return createRevision(answer, 0);
    }

    // ---------------------------------------------------------------------------------------------------- etcd's words

    static ByteString bytes(Key key) {
        return ByteString.copyFrom(key.latin1(), StandardCharsets.ISO_8859_1);
    }

    private static Key key(ByteString bytes) {
        return new Key(bytes.toString(StandardCharsets.ISO_8859_1));
    }

    private static Compare modIs(Key key, long revision) {
        return Compare.newBuilder()
                .setKey(bytes(key))
                .setTarget(Compare.CompareTarget.MOD)
                .setResult(Compare.CompareResult.EQUAL)
                .setModRevision(revision)
                .build();
    }

    private static Compare createIs(Key key, long revision) {
        return Compare.newBuilder()
                .setKey(bytes(key))
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setCreateRevision(revision)
                .build();
    }

    private static RequestOp put(Key key, ByteString value, long lease) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(value)
                        .setLease(lease))
                .build();
    }

    private static RequestOp putEntry(Key key, byte[] value, long lease) {
        return put(key, ByteString.copyFrom(value), lease);
    }

    private static RequestOp delete(ByteString key) {
        return RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(key))
                .build();
    }

    private static RequestOp get(Key key, boolean isKeyOnly) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(bytes(key)).setKeysOnly(isKeyOnly))
                .build();
    }

    private static RequestOp serializable(Key key) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder()
                        .setKey(bytes(key))
                        .setKeysOnly(true)
                        .setSerializable(true))
                .build();
    }

    private static RequestOp members(LockName name, int limit) {
        return RequestOp.newBuilder().setRequestRange(memberRange(name, limit)).build();
    }

    private static RangeRequest.Builder memberRange(LockName name, int limit) {
        return RangeRequest.newBuilder()
                .setKey(bytes(name.prefix()))
                .setRangeEnd(bytes(name.prefix().prefixEnd()))
                .setKeysOnly(true)
                .setLimit(limit);
    }

    private static Snapshot snapshot(TxnResponse answer, int index, LockName name) {
        return snapshot(
                answer.getResponses(index).getResponseRange(),
                answer.getHeader().getRevision(),
                name);
    }

    private static Snapshot snapshot(RangeResponse range, long revision, LockName name) {
        List<Entry> members = new ArrayList<>(range.getKvsCount());
        for (KeyValue kv : range.getKvsList()) {
            Key key = key(kv.getKey());
            if (name.isMember(key)) {
                members.add(new Entry(key, kv.getCreateRevision()));
            }
        }
        return new Snapshot(revision, members, !range.getMore());
    }

    private static @Nullable KeyValue only(TxnResponse answer, int index) {
        RangeResponse range = answer.getResponses(index).getResponseRange();
        return range.getKvsCount() == 0 ? null : range.getKvs(0);
    }

    private static long createRevision(TxnResponse answer, int index) {
        KeyValue found = only(answer, index);
        return found == null ? 0 : found.getCreateRevision();
    }

    private static long modRevision(TxnResponse answer, int index) {
        KeyValue found = only(answer, index);
        return found == null ? 0 : found.getModRevision();
    }
}
