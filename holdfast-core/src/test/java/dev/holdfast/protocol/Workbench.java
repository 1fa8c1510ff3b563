package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;

/**
 * The machines of one client on a workbench: their commands are collected, and the test plays etcd, the network and the
 * clocks. The monotonic clock overflows three seconds after the start.
 */
final class Workbench implements Outbox, Sessions.Listener {

    static final int TTL_SECONDS = 30;
    static final long SECOND = 1_000_000_000L;
    static final long MILLI = 1_000_000L;

    private final List<Command> sent = new ArrayList<>();
    private final List<Command.WakeAt> wakeUps = new ArrayList<>();

    /** The same in each run. */
    final LongSupplier luck = new SplittableRandom(0x5eed)::nextLong;

    final Sessions sessions = new Sessions(this, this, Key.ofText("_holdfast/sess/"), TTL_SECONDS, luck);
    final List<LockName> nested = new ArrayList<>();
    final Views views = new Views(this, sessions, luck, nested::add);

    final List<SessionMachine> opened = new ArrayList<>();
    final List<LossReason> lost = new ArrayList<>();
    final List<Failure> refused = new ArrayList<>();

    private Moment now = new Moment(Long.MAX_VALUE - 3 * SECOND, 1_700_000_000_000L);

    /** The cluster's revision; tests move it on as they write. */
    long revision = 100;

    // ---------------------------------------------------------------------------------------------------- commands

    @Override
    public void add(Command command) {
        if (command instanceof Command.WakeAt wakeUp) {
            wakeUps.add(wakeUp);
        } else {
            sent.add(command);
        }
    }

    /** Takes the oldest command of that kind; there must be one. */
    <C extends Command> C take(Class<C> kind) {
        for (int i = 0; i < sent.size(); i++) {
            if (kind.isInstance(sent.get(i))) {
                return kind.cast(sent.remove(i));
            }
        }
        throw new AssertionError("no " + kind.getSimpleName() + " among " + sent);
    }

    /** Takes all commands of that kind. */
    <C extends Command> List<C> takeAll(Class<C> kind) {
        List<C> taken = new ArrayList<>();
        while (has(kind)) {
            taken.add(take(kind));
        }
        return taken;
    }

    boolean has(Class<? extends Command> kind) {
        return sent.stream().anyMatch(kind::isInstance);
    }

    /** Nothing of these kinds was sent and not taken. */
    void assertNone(Class<?>... kinds) {
        for (Class<?> kind : kinds) {
            assertThat(sent).noneMatch(kind::isInstance);
        }
    }

    /** Nothing that could put an entry into a queue. */
    void assertNoAttempt() {
        assertNone(Command.Acquire.class, Command.TryAcquire.class, Command.Yield.class);
    }

    void discardSent() {
        sent.clear();
    }

    // ---------------------------------------------------------------------------------------------------- time

    Moment now() {
        return now;
    }

    /** Moves both clocks, from wake-up to wake-up. */
    void advance(Duration time) {
        long end = now.nanos() + time.toNanos();
        int bound = 100_000;
        while (true) {
            Command.WakeAt first = null;
            for (Command.WakeAt each : wakeUps) {
                if (first == null || each.nanos() - first.nanos() < 0) {
                    first = each;
                }
            }
            if (first == null || first.nanos() - end > 0) {
                break;
            }
            assertThat(bound--).as("wake-ups in " + time).isPositive();
            wakeUps.remove(first);
            moveOn(Math.max(0, first.nanos() - now.nanos()));
            first.who().onTick(now);
        }
        moveOn(end - now.nanos());
    }

    void advanceMillis(long millis) {
        advance(Duration.ofMillis(millis));
    }

    /** Moves both clocks without waking anybody, as when the process is stopped. */
    void stop(Duration time) {
        moveOn(time.toNanos());
    }

    /** Wakes whoever is due. */
    void goOn() {
        advance(Duration.ZERO);
    }

    private void moveOn(long nanos) {
        now = new Moment(now.nanos() + nanos, now.wallMillis() + nanos / MILLI);
    }

    /** Steps the wall clock alone, as after a suspension of the host or at an operator's hand. */
    void stepWallClock(Duration step) {
        now = new Moment(now.nanos(), now.wallMillis() + step.toMillis());
    }

    // ---------------------------------------------------------------------------------------------------- session

    /** Opens a session whose epoch is the next revision. */
    SessionMachine openSession() {
        sessions.open(now);
        return answerOpening();
    }

    /** Plays etcd for a session that is being opened. */
    SessionMachine answerOpening() {
        Command.GrantLease grant = take(Command.GrantLease.class);
        grant.session().onGranted(grant.leaseId(), TTL_SECONDS, now);
        Command.WriteSessionKey write = take(Command.WriteSessionKey.class);
        write.session().onKeyWritten(write.leaseId(), ++revision, now);
        assertThat(grant.session().isAlive()).isTrue();
        return grant.session();
    }

    /** The session's watch is of no interest to the test. */
    SessionMachine openSessionQuietly() {
        SessionMachine session = openSession();
        assertThat(take(Command.OpenWatch.class).watch().key()).isEqualTo(session.key());
        return session;
    }

    /** Answers the newest keep-alive and confirms it. */
    void renew(SessionMachine session) {
        List<Command.KeepAlive> sentAlive = takeAll(Command.KeepAlive.class);
        session.onKeepAlive(sentAlive.get(sentAlive.size() - 1), TTL_SECONDS, 3, now);
        Command.Confirm confirm = take(Command.Confirm.class);
        session.onConfirmed(confirm.renewal(), 3, true, now);
        assertThat(session.isAlive()).isTrue();
    }

    @Override
    public void onSessionOpened(SessionMachine session) {
        opened.add(session);
    }

    @Override
    public void onSessionRefused(Failure failure, Moment moment) {
        refused.add(failure);
    }

    @Override
    public void onSessionLost(SessionMachine session, LossReason reason, String detail, Moment moment) {
        lost.add(reason);
    }

    // ---------------------------------------------------------------------------------------------------- queue

    static LockName name(String name) {
        return LockName.of(name, "", "_holdfast", false);
    }

    QueueMachine machine(String name, Crowd callers) {
        return new QueueMachine(name(name), this, sessions, views, callers, () -> new byte[0]);
    }

    /** Somebody else's entry, of a lease that is not ours. */
    static Entry stranger(String name, int who, long createRevision) {
        return new Entry(name(name).entryKey(0x0ddL << 32 | who, 0), createRevision);
    }

    static Failure ambiguous() {
        return new Failure(Failure.Kind.AMBIGUOUS, "no answer");
    }

    static Failure failure(Failure.Kind kind) {
        return new Failure(kind, "as scripted");
    }

    static Change put(Entry entry) {
        return new Change(false, entry.key(), entry.createRevision(), entry.createRevision());
    }

    static Change delete(Entry entry, long atRevision) {
        return new Change(true, entry.key(), 0, atRevision);
    }

    static Snapshot all(long atRevision, Entry... members) {
        return new Snapshot(atRevision, List.of(members), true);
    }

    static Snapshot some(long atRevision, Entry... members) {
        return new Snapshot(atRevision, List.of(members), false);
    }
}
