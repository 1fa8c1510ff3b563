package dev.holdfast.runtime;

import dev.holdfast.CommitResult;
import dev.holdfast.FencingToken;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Transaction;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.protocol.Callers;
import dev.holdfast.protocol.Entry;
import dev.holdfast.protocol.Failure;
import dev.holdfast.protocol.LockName;
import dev.holdfast.protocol.Moment;
import dev.holdfast.protocol.QueueMachine;
import dev.holdfast.protocol.Tenure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The callers of this process who share one entry in etcd's queue of a lock, first come, first served. While it has a
 * tenure it grants and hands over without the event loop and without etcd. Thread-safe.
 */
final class LocalQueue extends Line.Member<LocalQueue> implements Callers {

    /*
     * `tenure` is here from lend() until it is handed back or ended. While it is here, `current` is the one who holds, or
     * null if the next grant has to wait for more time on the deadline. It is handed back whenever nobody is left to
     * grant it to, unless it is one that is kept: then it lies here idle until somebody comes or it is recalled.
     *
     * Continuations run after the mutex is released, on the thread that settled the waiter.
     */

    /** A budget ends after this time, too: whoever holds long hands over rarely. */
    private static final long BUDGET_NANOS = 5_000_000;

    private final NamedLock home;
    private final LockClient client;
    private final QueueMachine machine;

    private final ReentrantLock mutex = new ReentrantLock();
    private final Set<Waiter> waiting = new Line<>();
    private @Nullable Tenure tenure;
    private @Nullable LockHold current;
    private @Nullable LockHold releasing;
    private @Nullable Waiter trying;
    private @Nullable Tenure lastTenure;
    private int nextSequence;

    /** Whether the tenure is kept here and nobody wants it. Written under the mutex. */
    private volatile boolean isIdle;

    private int handOvers;
    private long budgetStartNanos;

    LocalQueue(NamedLock home, LockClient client) {
        this.home = home;
        this.client = client;
        this.machine = client.newMachine(home.name(), this, this::entryValue);
    }

    LockName name() {
        return home.name();
    }

    Moment now() {
        return client.now();
    }

    String currentTraceId() {
        return client.currentTraceId();
    }

    /** What an entry says that is written now: for whom of the callers it is. */
    private byte[] entryValue() {
        Waiter first;
        LockHold before;
        mutex.lock();
        try {
            first = waiting.isEmpty() ? trying : waiting.iterator().next();
            before = releasing;
        } finally {
            mutex.unlock();
        }
        if (first != null) {
            return client.entryValue(first.options.purpose(), first.traceId, machine.isKeeping());
        }
        // For somebody who is only expected: for the same purpose as the last one, as far as anybody knows.
        return client.entryValue(before == null ? "" : before.options().purpose(), "", false);
    }

    // ---------------------------------------------------------------------------------------------------- callers

    /** Puts a caller at the end of the queue. */
    void enter(Waiter waiter) {
        boolean isLoopNeeded;
        Runnable next = null;
        mutex.lock();
        try {
            waiter.ahead = waiting.size() + (current == null ? 0 : 1);
            waiting.add(waiter);
            Tenure mine = tenure;
            isLoopNeeded = mine == null;
            if (mine != null && current == null) {
                // Whoever comes when others wait for what was kept here comes after them.
                next = isIdle && !mine.isKept() ? handBack(mine, Tenure.Return.IDLE) : grantNext(mine, now());
                isIdle = false;
            }
        } finally {
            mutex.unlock();
        }
        run(next);
        if (isLoopNeeded) {
            client.post(now -> client.onCaller(this, machine, now));
        }
        failIfClosed(waiter);
    }

    /** After it was added: whoever closes fails those he finds, and who comes later finds the client closed. */
    private void failIfClosed(Waiter waiter) {
        if (client.isClosed()) {
            fail(waiter, LockClient.CLOSED);
        }
    }

    /**
     * The fast way to an entry that is kept here: no place in the queue, no loop, no round trip.
     *
     * @return the hold; null if it has to be waited for
     */
    @Nullable
    LockHold takeIdle(LockOptions options, @Nullable Thread owner) {
        if (!isIdle) {
            return null;
        }
        mutex.lock();
        try {
            Tenure mine = tenure;
            if (!isIdle || mine == null || !mine.isKept() || client.isClosed()) {
                return null;
            }
            Moment now = now();
            if (!isTimeLeft(mine, options, now)) {
                return null;
            }
            return newHold(mine, options, owner, now);
        } finally {
            mutex.unlock();
        }
    }

    /** Takes the lock if it is free, without a place in the queue. */
    void attempt(Waiter waiter) {
        boolean isTaken;
        mutex.lock();
        try {
            isTaken = tenure != null || !waiting.isEmpty();
            if (!isTaken) {
                trying = waiter;
            }
        } finally {
            mutex.unlock();
        }
        if (client.isClosed()) {
            fail(waiter, LockClient.CLOSED);
        } else if (isTaken) {
            waiter.onBusy();
        } else {
            client.post(now -> client.onTrial(this, machine, waiter, now));
        }
    }

    /** Leaves the queue. @return false if it was settled before */
    boolean cancel(Waiter waiter, String why) {
        if (!settle(waiter, why)) {
            return false;
        }
        Runnable next = null;
        mutex.lock();
        try {
            Tenure mine = tenure;
            if (mine != null && current == null && !isIdle) {
                // He may have been the one for whom too little time was left.
                next = grantNext(mine, now());
            }
        } finally {
            mutex.unlock();
        }
        run(next);
        client.post(machine::onCallerGone);
        return true;
    }

    boolean isWaiting(Waiter waiter) {
        mutex.lock();
        try {
            return !waiter.isSettled;
        } finally {
            mutex.unlock();
        }
    }

    /** How many callers are before it. */
    int position(Waiter waiter) {
        mutex.lock();
        try {
            int before = 0;
            for (Waiter each : waiting) {
                if (each == waiter) {
                    return before;
                }
                before++;
            }
            return 0;
        } finally {
            mutex.unlock();
        }
    }

    /**
     * Settles a waiter without a grant.
     *
     * @param outcome in a word, as {@link Flight} has it
     * @return whether the caller of this method is the one who did
     */
    boolean settle(Waiter waiter, String outcome) {
        boolean isFirst;
        mutex.lock();
        try {
            waiting.remove(waiter);
            forgetTry(waiter);
            isFirst = !waiter.isSettled;
            waiter.isSettled = true;
        } finally {
            mutex.unlock();
        }
        if (isFirst) {
            Flight.waited(waiter.flight, name().name(), outcome, waiter.ahead, null);
        }
        return isFirst;
    }

    void fail(Waiter waiter, String why) {
        if (settle(waiter, "failed")) {
            waiter.continuation.onFailed(new LockException.Refused("lock '" + name() + "': " + why));
        }
    }

    // ---------------------------------------------------------------------------------------------------- tenure

    @Override
    public boolean areWaiting() {
        mutex.lock();
        try {
            return !waiting.isEmpty();
        } finally {
            mutex.unlock();
        }
    }

    @Override
    public void lend(Tenure lent, Moment now) {
        run(begin(lent, null, now));
    }

    @Override
    public void lendTo(Trial trial, Tenure lent, Moment now) {
        run(begin(lent, (Waiter) trial, now));
    }

    private @Nullable Runnable begin(Tenure lent, @Nullable Waiter first, Moment now) {
        mutex.lock();
        try {
            LockHold over = releasing;
            releasing = null;
            if (over != null) {
                // Somebody came before the release was sent: the entry goes on, but that hold is over.
                released(over, Optional.empty());
            }
            tenure = lent;
            if (lent != lastTenure) {
                lastTenure = lent;
                nextSequence = 0;
            }
            handOvers = 0;
            budgetStartNanos = now.nanos();
            if (first == null || first.isSettled) {
                return grantNext(lent, now);
            }
            if (isTimeLeft(lent, first.options, now)) {
                return grant(lent, first, now);
            }
            // Free, but not for as long as this caller wants it: he does not wait for the next renewal.
            first.isSettled = true;
            Runnable next = grantNext(lent, now);
            return () -> {
                Flight.waited(first.flight, name().name(), "busy", first.ahead, null);
                first.continuation.onBusy();
                run(next);
            };
        } finally {
            mutex.unlock();
        }
    }

    @Override
    public boolean mayKeep() {
        mutex.lock();
        try {
            // Not for a caller who only tries: where one does, others do, and would find it taken as long as it is
            // kept.
            return !waiting.isEmpty() && waiting.iterator().next().options.isCached();
        } finally {
            mutex.unlock();
        }
    }

    @Override
    public void giveBackIfIdle(Tenure unkept, Moment now) {
        Runnable next = null;
        mutex.lock();
        try {
            if (tenure == unkept && isIdle) {
                next = handBack(unkept, Tenure.Return.AT_ONCE);
            }
        } finally {
            mutex.unlock();
        }
        run(next);
    }

    @Override
    public void onRenewed(Tenure renewed, Moment now) {
        Runnable next = null;
        mutex.lock();
        try {
            if (tenure == renewed && current == null && !isIdle) {
                next = grantNext(renewed, now);
            }
        } finally {
            mutex.unlock();
        }
        run(next);
    }

    /** Grants to the first waiter, or hands the tenure back if there is none. Under the mutex. */
    private @Nullable Runnable grantNext(Tenure mine, Moment now) {
        Iterator<Waiter> inOrder = waiting.iterator();
        if (!inOrder.hasNext()) {
            return handBack(mine, Tenure.Return.IDLE);
        }
        Waiter first = inOrder.next();
        if (!isTimeLeft(mine, first.options, now)) {
            // Granted after the next renewal, or never if the session is lost before.
            return null;
        }
        return grant(mine, first, now);
    }

    private static boolean isTimeLeft(Tenure mine, LockOptions options, Moment now) {
        long left = mine.deadline().remainingNanos(now.nanos(), now.wallMillis());
        return left > options.minHold().toNanos();
    }

    private void forgetTry(Waiter waiter) {
        if (trying == waiter) {
            trying = null;
        }
    }

    private Runnable grant(Tenure mine, Waiter waiter, Moment now) {
        waiting.remove(waiter);
        forgetTry(waiter);
        waiter.isSettled = true;
        LockHold hold = newHold(mine, waiter.options, waiter.owner, now);
        Flight.waited(waiter.flight, name().name(), "granted", waiter.ahead, hold.token());
        return () -> waiter.continuation.onGranted(hold);
    }

    private LockHold newHold(Tenure mine, LockOptions options, @Nullable Thread owner, Moment now) {
        isIdle = false;
        FencingToken token =
                new FencingToken(client.clusterEpoch(), mine.grantRevision(), nextSequence++, options.isStrictFifo());
        LockHold hold = new LockHold(this, mine, token, options, now, owner);
        current = hold;
        if (owner != null) {
            home.entered(owner, hold);
        }
        Duration most = options.maxHold().orElse(null);
        if (most != null) {
            hold.endsBy(client.later(most.toNanos(), () -> expire(hold)));
        }
        return hold;
    }

    private Runnable handBack(Tenure mine, Tenure.Return why) {
        tenure = null;
        isIdle = false;
        return () -> client.post(now -> machine.onTenureReturned(mine, why, now));
    }

    /** The current hold is over: hands over, or back. Under the mutex. */
    private @Nullable Runnable goOn(LockHold over, Moment now) {
        current = null;
        over.cancelEnd();
        Tenure mine = tenure;
        if (mine == null) {
            return null;
        }
        if (over.hasUndecidedCommits() || nextSequence > FencingToken.MAX_SEQUENCE) {
            releasing = over;
            return handBack(mine, Tenure.Return.MUST_LEAVE);
        }
        if (waiting.isEmpty() && mine.isKept() && over.options().isCached()) {
            isIdle = true;
            return null;
        }
        if (waiting.isEmpty()) {
            releasing = over;
            return handBack(mine, over.releaseDone() == null ? Tenure.Return.IDLE : Tenure.Return.AT_ONCE);
        }
        handOvers++;
        boolean isBudgetOver =
                handOvers >= over.options().handOverBudget() || now.nanos() - budgetStartNanos > BUDGET_NANOS;
        if (isBudgetOver && !mine.isAlone()) {
            releasing = over;
            return handBack(mine, Tenure.Return.BUDGET_OVER);
        }
        Runnable next = grantNext(mine, now);
        return () -> {
            released(over, Optional.empty());
            run(next);
        };
    }

    private static @Nullable Runnable inOrder(@Nullable Runnable first, @Nullable Runnable then) {
        if (first == null || then == null) {
            return first == null ? then : first;
        }
        return () -> {
            first.run();
            then.run();
        };
    }

    private static void run(@Nullable Runnable action) {
        if (action != null) {
            action.run();
        }
    }

    // ---------------------------------------------------------------------------------------------------- release

    /** Releases a hold. */
    void close(LockHold hold) {
        Loss known;
        Runnable next = null;
        mutex.lock();
        try {
            if (!hold.markClosed()) {
                return;
            }
            Moment now = now();
            known = hold.currentLoss(now);
            if (known == null) {
                hold.markReleased();
            } else if (!hold.isLost()) {
                next = lost(hold, known);
            }
            if (current == hold) {
                next = inOrder(next, goOn(hold, now));
            }
        } finally {
            mutex.unlock();
        }
        run(next);
        if (known != null) {
            throw new LockException.Lost(known);
        }
        awaitRelease(hold);
    }

    private void awaitRelease(LockHold hold) {
        CompletableFuture<Optional<Loss>> done = hold.releaseDone();
        if (done == null || client.isOnLoop()) {
            return;
        }
        boolean isInterrupted = false;
        try {
            while (true) {
                try {
                    Optional<Loss> found = done.get(client.ttlNanos(), TimeUnit.NANOSECONDS);
                    if (found.isPresent()) {
                        throw new LockException.Lost(found.get());
                    }
                    return;
                } catch (InterruptedException e) {
                    isInterrupted = true;
                } catch (TimeoutException e) {
                    throw new LockException.Indeterminate(
                            "etcd did not answer the release of lock '" + name() + "'; it is repeated until it does",
                            Duration.ofNanos(client.ttlNanos()));
                } catch (java.util.concurrent.ExecutionException e) {
                    throw new IllegalStateException(e);
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isForced(Entry entry, Moment now) {
        return client.isForced(machine, entry);
    }

    @Override
    public void onReleased(Entry entry, boolean wasThere, Moment now) {
        LockHold over;
        mutex.lock();
        try {
            over = releasing;
            if (over == null || !over.tenure().entry().equals(entry)) {
                return;
            }
            releasing = null;
        } finally {
            mutex.unlock();
        }
        if (wasThere) {
            released(over, Optional.empty());
        } else {
            goneBeforeRelease(over);
        }
    }

    private void goneBeforeRelease(LockHold over) {
        Loss loss = over.lossOf(LossReason.ENTRY_DELETED, "its entry was gone when it was released");
        client.explain(over, loss, explained -> {
            released(over, Optional.of(explained));
            if (over.isReleased()) {
                client.tell(over, listenersOf(over), explained);
            }
        });
    }

    private List<Consumer<Loss>> listenersOf(LockHold hold) {
        mutex.lock();
        try {
            return List.copyOf(hold.listeners());
        } finally {
            mutex.unlock();
        }
    }

    private static void released(LockHold over, Optional<Loss> loss) {
        CompletableFuture<Optional<Loss>> done = over.releaseDone();
        if (done != null) {
            done.complete(loss);
        }
    }

    // ---------------------------------------------------------------------------------------------------- loss

    @Override
    public void endTenure(Tenure ended, LossReason reason, String detail, Moment now) {
        Runnable next = null;
        LockHold over;
        mutex.lock();
        try {
            over = releasing;
            releasing = null;
            if (tenure == ended) {
                tenure = null;
                isIdle = false;
            }
            LockHold hold = current;
            if (hold != null && hold.tenure() == ended) {
                current = null;
                ForcedRelease how = reason == LossReason.FORCED ? client.forcedRelease(ended.entry()) : null;
                next = lost(hold, how == null ? hold.lossOf(reason, detail) : hold.lossOf(how));
            }
        } finally {
            mutex.unlock();
        }
        run(next);
        if (over == null) {
            return;
        }
        // Its release has not left yet. A session that ends releases it, too; an entry that is deleted was lost before.
        boolean isEntryGone = reason == LossReason.FORCED || reason == LossReason.ENTRY_DELETED;
        if (isEntryGone && over.tenure() == ended) {
            goneBeforeRelease(over);
        } else {
            released(over, Optional.empty());
        }
    }

    /** The longest hold is over. */
    private void expire(LockHold hold) {
        Runnable next = null;
        mutex.lock();
        try {
            if (current == hold) {
                Runnable telling = lost(
                        hold,
                        hold.lossOf(
                                LossReason.MAX_HOLD_REACHED,
                                "it was held for " + hold.options().maxHold().orElseThrow()));
                next = inOrder(telling, goOn(hold, now()));
            }
        } finally {
            mutex.unlock();
        }
        run(next);
    }

    /** Marks a hold as lost. Under the mutex; the listeners are told by what it returns. */
    private Runnable lost(LockHold hold, Loss loss) {
        hold.markLost(loss);
        hold.cancelEnd();
        home.lostBy(hold.owner());
        boolean isUnexplained = loss.reason() == LossReason.ENTRY_DELETED;
        if (isUnexplained) {
            hold.markUnexplained();
        }
        List<Consumer<Loss>> told = new ArrayList<>(hold.listeners());
        Thread owner = hold.owner();
        return () -> {
            if (isUnexplained) {
                client.explain(hold, loss, explained -> tellExplained(hold, explained));
            } else {
                client.tell(hold, told, loss);
            }
            if (owner != null && hold.options().interruptOnLoss()) {
                owner.interrupt();
            }
        };
    }

    /** Why the hold was lost is known now, as far as it ever will be. */
    private void tellExplained(LockHold hold, Loss explained) {
        List<Consumer<Loss>> told;
        mutex.lock();
        try {
            hold.explain(explained);
            told = List.copyOf(hold.listeners());
        } finally {
            mutex.unlock();
        }
        client.tell(hold, told, explained);
    }

    /** An operator deleted that entry, if it is the one of this queue. */
    void onForced(Entry entry, ForcedRelease how, Moment now) {
        machine.onForced(entry, LockHold.detailOf(how), now);
    }

    QueueMachine machine() {
        return machine;
    }

    void listen(LockHold hold, Consumer<Loss> listener) {
        Loss known;
        mutex.lock();
        try {
            known = hold.currentLoss(now());
            if (known == null || !hold.isLost() || hold.isUnexplained()) {
                hold.addListener(listener);
                known = null;
            }
        } finally {
            mutex.unlock();
        }
        if (known != null) {
            client.tell(hold, List.of(listener), known);
        }
    }

    @Override
    public void refuse(Failure failure, Moment now) {
        failAll(failure.text());
    }

    /** Fails everybody who waits. */
    void failAll(String why) {
        List<Waiter> all;
        mutex.lock();
        try {
            all = List.copyOf(waiting);
        } finally {
            mutex.unlock();
        }
        all.forEach(waiter -> fail(waiter, why));
    }

    @Override
    public void onIdle() {
        client.onIdle(this);
    }

    // ---------------------------------------------------------------------------------------------------- guards

    CompletableFuture<CommitResult> commit(LockHold hold, Transaction transaction) {
        CompletableFuture<CommitResult> result = new CompletableFuture<>();
        mutex.lock();
        try {
            Loss known = hold.currentLoss(now());
            if (known != null) {
                return CompletableFuture.failedFuture(new LockException.Lost(known));
            }
            if (hold.isReleased()) {
                return CompletableFuture.failedFuture(new IllegalMonitorStateException(
                        "hold " + hold.token() + " of lock '" + name() + "' was released"));
            }
            hold.commitStarted();
        } finally {
            mutex.unlock();
        }
        client.commit(hold.tenure().entry(), transaction, outcome -> committed(hold, outcome, result));
        if (client.isClosed()) {
            // Whether it was sent before that, nobody will say any more.
            result.completeExceptionally(new LockException.Indeterminate(
                    "the client was closed while a guarded transaction was on its way",
                    Duration.ofNanos(client.ttlNanos())));
        }
        return result;
    }

    private void committed(LockHold hold, Outcome<TxnResponse> outcome, CompletableFuture<CommitResult> result) {
        boolean isDefinite = !(outcome instanceof Outcome.Failure<TxnResponse> failed)
                || failed.error().isDefinite();
        mutex.lock();
        try {
            hold.commitEnded(isDefinite);
        } finally {
            mutex.unlock();
        }
        Entry entry = hold.tenure().entry();
        if (outcome instanceof Outcome.Answer<TxnResponse> answer) {
            TxnResponse said = answer.value();
            boolean isGuarded = said.getSucceeded() || Wire.guardRevision(said) == entry.createRevision();
            if (isGuarded) {
                CommitResult done =
                        new CommitResult(said.getSucceeded(), said.getHeader().getRevision());
                client.complete(() -> result.complete(done));
            } else {
                Loss loss = hold.lossOf(LossReason.ENTRY_DELETED, "its entry " + entry + " is gone from etcd");
                client.post(now -> {
                    machine.onFoundGone(entry, now);
                    client.explain(
                            hold,
                            loss,
                            explained -> client.complete(
                                    () -> result.completeExceptionally(new LockException.Lost(explained))));
                });
            }
        } else if (outcome instanceof Outcome.Failure<TxnResponse> failed) {
            LockException failure = isDefinite
                    ? new LockException.Refused("the guarded transaction was refused: " + failed.error())
                    : new LockException.Indeterminate(
                            "it is unknown whether the guarded transaction was carried out: " + failed.error(),
                            Duration.ofNanos(client.ttlNanos()));
            client.complete(() -> result.completeExceptionally(failure));
        }
    }
}
