package dev.holdfast.chaos;

import dev.holdfast.CommitResult;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.chaos.Aside.Outcome;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One thread of a {@link JavaClient}: takes one lock after another, each in a way drawn from its seed, works under it, and
 * notes what it believes.
 *
 * <p>It works as many programs do, and as the documentation warns: it reads the registers when it has got the lock, and
 * writes them at the end <em>without</em> looking again whether the lock is still its own.
 */
final class JavaWorker {

    private static final long MILLI = 1_000_000;

    /** How often it asks its hold where it stands. */
    private static final long ASK_NANOS = 20 * MILLI;

    /** How long it waits for a guarded transaction before it calls its fate unknown. */
    private static final long COMMIT_SECONDS = 15;

    /** How long it rests between two locks, at most. */
    private static final int REST_MILLIS = 60;

    private final String who;
    private final JavaClient.Task task;
    private final Random luck;
    private final Holdfast holdfast;
    private final Notes notes;
    private final WireNotes wire;
    private int elements;
    private @Nullable RegisterClient registers;
    private @Nullable Token lastToken;

    JavaWorker(String who, JavaClient.Task task, long seed, Holdfast holdfast, Notes notes, WireNotes wire) {
        this.who = who;
        this.task = task;
        this.luck = new Random(seed);
        this.holdfast = holdfast;
        this.notes = notes;
        this.wire = wire;
    }

    void run(BooleanSupplier isEnding) {
        try (RegisterClient client = new RegisterClient(task.registers())) {
            registers = client;
            while (!isEnding.getAsBoolean()) {
                String name = task.locks().get(luck.nextInt(task.locks().size()));
                try {
                    once(name);
                } catch (InterruptedException e) {
                    throw new IllegalStateException("nobody interrupts it", e);
                }
                LockSupport.parkNanos((1 + luck.nextInt(REST_MILLIS)) * MILLI);
            }
        } catch (IOException | RuntimeException | Error e) {
            notes.add(new Aside.Problem(who, "ended by " + e + at(e)));
            throw new IllegalStateException(who, e);
        }
    }

    private static String at(Throwable e) {
        return e.getStackTrace().length == 0 ? "" : " at " + e.getStackTrace()[0];
    }

    private void once(String name) throws IOException, InterruptedException {
        if (task.isCareless() && lastToken != null && luck.nextInt(4) == 0) {
            actWithoutTheLock(name, lastToken);
            return;
        }
        LockOptions options = luck.nextInt(3) == 0 ? LockOptions.defaults().strictFifo() : LockOptions.defaults();
        if (luck.nextInt(4) == 0) {
            options = options.withSynchronousRelease();
        }
        DistributedLock lock = holdfast.lock(name, options);
        notes.add(new Operation.Requested(System.nanoTime(), who, name));
        int way = luck.nextInt(10);
        try {
            if (way < 3) {
                byThread(lock);
            } else {
                Optional<Hold> hold = byHandle(lock, way);
                if (hold.isPresent()) {
                    Work work = begin(hold.get());
                    work.until(holdNanos());
                    work.end(hold.get()::close);
                } else {
                    notes.add(new Operation.GaveUp(System.nanoTime(), who, name));
                }
            }
        } catch (LockException.Indeterminate e) {
            notes.add(new Operation.GaveUp(System.nanoTime(), who, name));
        } catch (LockException.Refused e) {
            notes.add(new Operation.GaveUp(System.nanoTime(), who, name));
            notes.add(new Aside.Problem(who, "was refused " + name + ": " + e.getMessage()));
        }
    }

    /** The face that belongs to threads, sometimes entered twice. */
    private void byThread(DistributedLock lock) throws IOException, InterruptedException {
        if (luck.nextBoolean()) {
            lock.lock();
        } else if (!lock.tryLock(luck.nextInt(3_000), TimeUnit.MILLISECONDS)) {
            notes.add(new Operation.GaveUp(System.nanoTime(), who, lock.name()));
            return;
        }
        Work work = begin(lock.hold());
        boolean isTwice = luck.nextInt(4) == 0;
        if (isTwice) {
            try {
                lock.lock();
                notes.add(new Operation.Reentered(System.nanoTime(), who, lock.name(), work.token, 2));
            } catch (LockException.Lost e) {
                work.lost();
                isTwice = false;
            }
        }
        work.until(holdNanos());
        if (isTwice) {
            notes.add(new Operation.Exited(System.nanoTime(), who, lock.name(), work.token, 1));
            try {
                lock.unlock();
            } catch (LockException.Lost e) {
                work.lost();
            }
        }
        work.end(lock::unlock);
    }

    private Optional<Hold> byHandle(DistributedLock lock, int way) throws InterruptedException {
        return switch (way) {
            case 3, 4 -> Optional.of(lock.acquire());
            case 5 -> lock.tryAcquire();
            case 6 -> lock.tryAcquire(Duration.ofMillis(luck.nextInt(3_000)));
            case 7, 8 -> byTicket(lock.enqueue());
            default -> byFuture(lock.acquireAsync());
        };
    }

    /** Waits in small steps, keeping its place; now and then it gives up. */
    private Optional<Hold> byTicket(Ticket ticket) throws InterruptedException {
        boolean isPatient = luck.nextInt(3) != 0;
        for (int i = 0; isPatient || i < 5; i++) {
            Optional<Hold> hold = ticket.await(Duration.ofMillis(50 + luck.nextInt(400)));
            if (hold.isPresent()) {
                return hold;
            }
        }
        return ticket.cancel() ? Optional.empty() : ticket.await(Duration.ofSeconds(1));
    }

    /** Sometimes cancels; if the turn came at that moment the library gives it back. */
    private Optional<Hold> byFuture(CompletableFuture<Hold> future) throws InterruptedException {
        try {
            boolean isPatient = luck.nextInt(3) != 0;
            return Optional.of(isPatient ? future.get() : future.get(luck.nextInt(1_000), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return future.cancel(false) ? Optional.empty() : Optional.of(future.join());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LockException failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        }
    }

    private long holdNanos() {
        int kind = luck.nextInt(100);
        if (kind < 75) {
            return luck.nextInt(8_000) * 1_000L;
        }
        if (kind < 99) {
            return luck.nextInt(250) * MILLI;
        }
        return luck.nextInt(task.ttlSeconds() * 500) * MILLI;
    }

    /** What no program should do: believes that it holds the lock since it once did. */
    private void actWithoutTheLock(String name, Token old) throws IOException {
        Token token = new Token(old.clusterEpoch(), old.revision(), old.seq() + 1);
        notes.add(new Operation.Requested(System.nanoTime(), who, name));
        notes.add(new Operation.Granted(System.nanoTime(), who, name, token, task.namespace() + name + "/careless"));
        LockSupport.parkNanos(50 * MILLI);
        OptionalLong base = registers().read(Registers.Kind.OPEN, name, token);
        registers().write(Registers.Kind.OPEN, name, token, who, base.orElse(0));
        notes.add(new Operation.Released(System.nanoTime(), who, name, token));
    }

    private RegisterClient registers() {
        RegisterClient client = registers;
        if (client == null) {
            throw new IllegalStateException("not running");
        }
        return client;
    }

    private Work begin(Hold hold) throws IOException {
        return new Work(hold, System.nanoTime());
    }

    /** What is done while the lock is held. */
    private final class Work {
        private final Hold hold;
        private final String lock;
        private final Token token;
        private final AtomicLong deadlineNanos = new AtomicLong(Long.MIN_VALUE);
        private final OptionalLong fenced;
        private final OptionalLong open;

        Work(Hold hold, long grantedNanos) throws IOException {
            this.hold = hold;
            this.lock = hold.lockName();
            this.token = new Token(
                    hold.token().clusterEpoch(),
                    hold.token().grantRevision(),
                    hold.token().sequence());
            lastToken = token;
            notes.add(new Operation.Granted(grantedNanos, who, lock, token, hold.key()));
            ask();
            hold.onLost(this::heard);
            fenced = registers().read(Registers.Kind.FENCED, lock, token);
            open = registers().read(Registers.Kind.OPEN, lock, token);
        }

        /** Works for that long, or until it is seen that the lock is lost. */
        void until(long nanos) throws InterruptedException {
            long begun = System.nanoTime();
            boolean adds = luck.nextInt(3) == 0;
            while (ask()) {
                if (adds) {
                    adds = false;
                    add();
                }
                long left = nanos - (System.nanoTime() - begun);
                if (left <= 0) {
                    return;
                }
                LockSupport.parkNanos(Math.min(left, ASK_NANOS));
            }
        }

        /** Whether it is still held; notes it if so. */
        private boolean ask() {
            Asking answer = Asking.of(hold, who, lock, token);
            Operation.Claimed claim = answer.claim();
            if (claim != null) {
                if (answer.isHeld()) {
                    deadlineNanos.accumulateAndGet(claim.deadlineNanos(), Math::max);
                    wire.moved(claim);
                }
                notes.add(claim);
            }
            if (!answer.isHeld()) {
                lost();
            }
            return answer.isHeld();
        }

        void lost() {
            notes.add(new Operation.Lost(System.nanoTime(), who, lock, token));
        }

        private void heard(Loss loss) {
            long now = System.nanoTime();
            notes.add(new Operation.Lost(now, who, lock, token));
            notes.add(new Aside.LossHeard(now, who, lock, token, loss.reason().name(), deadlineNanos.get()));
            if (loss.reason() == LossReason.INTERNAL_ERROR || loss.reason() == LossReason.CLIENT_CLOSED) {
                notes.add(new Aside.Problem(who, loss.toString()));
            }
        }

        /** Adds an element of its own to the set in etcd, guarded by the hold. */
        private void add() throws InterruptedException {
            String element = task.namespace() + "set/" + lock + "/" + who + "-" + elements++;
            notes.add(new Aside.Adding(System.nanoTime(), who, lock, token, hold.key(), element));
            CompletableFuture<CommitResult> commit =
                    hold.commit(Transaction.of().ifAbsent(element).put(element, token.toString()));
            try {
                CommitResult result = commit.get(COMMIT_SECONDS, TimeUnit.SECONDS);
                notes.add(new Aside.Added(
                        element,
                        result.applied() ? Outcome.ACKNOWLEDGED : Outcome.REFUSED,
                        result.applied() ? result.revision() : 0));
                if (!result.applied()) {
                    notes.add(new Aside.Problem(who, "a condition that held was refused for " + element));
                }
            } catch (TimeoutException | CancellationException e) {
                notes.add(new Aside.Added(element, Outcome.INDETERMINATE, 0));
            } catch (ExecutionException e) {
                boolean isDefinite =
                        e.getCause() instanceof LockException.Lost || e.getCause() instanceof LockException.Refused;
                notes.add(new Aside.Added(element, isDefinite ? Outcome.REFUSED : Outcome.INDETERMINATE, 0));
                if (!(e.getCause() instanceof LockException)) {
                    notes.add(new Aside.Problem(who, "a commit failed by " + e.getCause()));
                }
            }
        }

        /** Writes the registers, whatever has become of the lock, and gives it back. */
        void end(Runnable release) throws IOException {
            if (fenced.isPresent()) {
                registers().write(Registers.Kind.FENCED, lock, token, who, fenced.getAsLong());
            }
            registers().write(Registers.Kind.OPEN, lock, token, who, open.orElseThrow());
            notes.add(new Operation.Released(System.nanoTime(), who, lock, token));
            try {
                release.run();
            } catch (LockException.Lost e) {
                lost();
            } catch (LockException.Indeterminate e) {
                // The release goes on being repeated.
            }
        }
    }

    /** The lease that a key of an entry names, in hexadecimal. */
    static String lease(String key) {
        String last = key.substring(key.lastIndexOf('/') + 1);
        int dot = last.indexOf('.');
        return dot < 0 ? last : last.substring(0, dot);
    }
}
