package dev.holdfast.testkit.simulation;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.history.Checker;
import dev.holdfast.history.DeadlineOnlyConfirmed;
import dev.holdfast.history.Entry;
import dev.holdfast.history.Fifo;
import dev.holdfast.history.History;
import dev.holdfast.history.HonestDeadline;
import dev.holdfast.history.Linearizable;
import dev.holdfast.history.NoOrphans;
import dev.holdfast.history.OneHolder;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Progress;
import dev.holdfast.history.Token;
import dev.holdfast.history.TokensGrow;
import dev.holdfast.history.Verdict;
import dev.holdfast.protocol.SessionMachine;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes the history of a run as the checkers of every history read it, and asks them at the end. They judge by other
 * means what {@link Invariants} judges as it goes.
 *
 * <p>Each caller has a name of his own in it, as he does one thing at a time; a process is who owns entries and sessions.
 * What callers note has true time; what concerns a session alone, its process's.
 *
 * <p>A fault excuses what it can break and nothing else:
 *
 * <ul>
 *   <li>Somebody deletes an entry or revokes a lease of others: its owner cannot know at once, so beliefs may overlap in
 *       time, and a token may be told of after a later one. In etcd's record nothing may overlap all the same.
 *   <li>Clocks that run apart by more than the margin: beliefs may overlap in time.
 *   <li>The cluster is put back to an older revision: revisions mean something else from then on, so the history ends
 *       there. Whether all goes on is for {@link Invariants} to say.
 * </ul>
 */
final class Notes {

    /** Whether an order can be found for all operations is looked for in one of so many runs: it may take long. */
    private static final int ONE_IN = 4;

    /** And given up after so many states. */
    private static final int MOST_STATES = 20_000;

    private record Deadline(long nanos) {}

    private final World world;
    private final Set<String> locks;
    private final List<Operation> operations = new ArrayList<>();

    /** The create_revision of each entry that is there. */
    private final Map<String, Long> createdOf = new HashMap<>();

    /** When the first request for each lease was sent, by its process's clock. */
    private final Map<Long, Long> askedNanos = new HashMap<>();

    /** Whose each lease is. */
    private final Map<Long, String> owners = new HashMap<>();

    /** When each transaction under way was sent, by its process's clock. */
    private final IdentityHashMap<Object, Long> sentNanos = new IdentityHashMap<>();

    /** The callers of the holds that are believed in. */
    private final Map<Claim, String> callers = new HashMap<>();

    private final Map<Long, Deadline> deadlines = new HashMap<>();
    private final Set<Long> revoked = new HashSet<>();
    private boolean isBeliefExcused;
    private boolean isEntryTaken;
    private boolean isLeaseEndExcused;
    private boolean isCut;
    private long calmNanos;

    Notes(World world, Set<String> locks) {
        this.world = world;
        this.locks = new HashSet<>(locks);
    }

    /** Looks after one lock more. */
    void follow(String lock) {
        locks.add(lock);
    }

    private void add(Operation operation) {
        if (!isCut) {
            operations.add(operation);
        }
    }

    // ---------------------------------------------------------------------------------------------------- callers

    void requested(String who, String lock) {
        add(new Operation.Requested(world.nowNanos(), who, lock));
    }

    /** He is given a hold that he may believe in. */
    void granted(String who, Claim claim) {
        callers.put(claim, who);
        add(new Operation.Granted(world.nowNanos(), who, claim.lock(), token(claim), claim.key()));
    }

    /** He was not given the lock, or nothing but a hold that was over when he heard of it. */
    void gaveUp(String who, String lock) {
        add(new Operation.GaveUp(world.nowNanos(), who, lock));
    }

    void reentered(String who, Claim claim, int entries) {
        add(new Operation.Reentered(world.nowNanos(), who, claim.lock(), token(claim), entries));
    }

    void exited(String who, Claim claim, int entries) {
        add(new Operation.Exited(world.nowNanos(), who, claim.lock(), token(claim), entries));
    }

    /** He is about to give it back. */
    void released(Claim claim) {
        String who = callers.remove(claim);
        if (who != null) {
            add(new Operation.Released(world.nowNanos(), who, claim.lock(), token(claim)));
        }
    }

    /** From now on the hold says that it is lost. */
    void lost(Claim claim) {
        String who = callers.remove(claim);
        if (who != null) {
            add(new Operation.Lost(world.nowNanos(), who, claim.lock(), token(claim)));
        }
    }

    /** He asked, and was told that it is held, for so long at least by his clock. */
    void claimed(String who, Claim claim, long remainingNanos) {
        long now = world.nowNanos();
        String lease = Long.toHexString(Invariants.leaseOf(claim.lock(), claim.key()));
        add(new Operation.Claimed(now, who, claim.lock(), token(claim), now + remainingNanos, lease));
    }

    /** He, or his whole process, is gone. */
    void killed(String who) {
        add(new Operation.Killed(world.nowNanos(), who));
    }

    private static Token token(Claim claim) {
        return new Token(
                claim.token().clusterEpoch(),
                claim.token().grantRevision(),
                claim.token().sequence());
    }

    // ---------------------------------------------------------------------------------------------------- sessions

    /** A process sends a request. */
    void sent(String process, long localNanos, Object request) {
        if (request instanceof LeaseGrantRequest grant) {
            askedNanos.putIfAbsent(grant.getID(), localNanos);
            owners.put(grant.getID(), process);
        } else if (request instanceof TxnRequest) {
            sentNanos.put(request, localNanos);
        }
    }

    /** A process gets the answer to a request. */
    void answered(String process, long localNanos, Object request, Object answer) {
        Long sent = sentNanos.remove(request);
        if (sent == null || !(request instanceof TxnRequest txn) || !(answer instanceof TxnResponse said)) {
            return;
        }
        for (Compare compare : txn.getCompareList()) {
            String key = compare.getKey().toStringUtf8();
            if (key.startsWith(Invariants.SESSIONS) && isShown(compare.getKey(), said)) {
                add(new Operation.Confirmed(
                        localNanos,
                        process,
                        key.substring(Invariants.SESSIONS.length()),
                        sent,
                        said.getHeader().getRaftTerm()));
            }
        }
    }

    /* It has the revision that was compared with, or a range shows it. */
    private static boolean isShown(ByteString key, TxnResponse said) {
        return said.getSucceeded()
                || said.getResponsesList().stream()
                        .flatMap(op -> op.getResponseRange().getKvsList().stream())
                        .anyMatch(kv -> kv.getKey().equals(key));
    }

    /** The answer to a keep-alive arrived. */
    void keptAlive(String process, long localNanos, long sentLocalNanos, LeaseKeepAliveResponse answer) {
        if (answer.getTTL() > 0) {
            add(new Operation.KeptAlive(
                    localNanos,
                    process,
                    Long.toHexString(answer.getID()),
                    sentLocalNanos,
                    answer.getTTL() * 1_000,
                    answer.getHeader().getRaftTerm()));
        }
    }

    /** Looks whether sessions were opened or their deadlines moved; after each turn of a process's event loop. */
    void look(String process, List<SessionMachine> sessions, long localNanos) {
        for (SessionMachine session : sessions) {
            long deadline = session.deadline().nanos();
            Deadline before = deadlines.put(session.leaseId(), new Deadline(deadline));
            String lease = Long.toHexString(session.leaseId());
            if (before == null) {
                add(new Operation.Opened(
                        localNanos,
                        process,
                        lease,
                        askedNanos.getOrDefault(session.leaseId(), Long.MIN_VALUE),
                        session.ttlSeconds() * 1_000L,
                        deadline));
            } else if (before.nanos != deadline) {
                add(new Operation.DeadlineMoved(localNanos, process, lease, deadline));
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- etcd

    /** A revision was made. */
    void revision(long revision, List<Event> events) {
        if (isCut) {
            return;
        }
        for (Event event : events) {
            KeyValue kv = event.getKv();
            String key = kv.getKey().toStringUtf8();
            int slash = key.lastIndexOf('/');
            String lock = slash < 0 ? "" : key.substring(0, slash);
            boolean isDelete = event.getType() == Event.EventType.DELETE;
            if (locks.contains(lock) && !isDelete) {
                createdOf.put(key, kv.getCreateRevision());
                add(new Operation.Put(
                        lock, new Entry(key, kv.getCreateRevision()), revision, owners.get(kv.getLease())));
            } else if (locks.contains(lock)) {
                Long created = createdOf.remove(key);
                if (created != null) {
                    add(new Operation.Deleted(lock, new Entry(key, created), revision));
                }
            } else if (isDelete && key.startsWith(Invariants.SESSIONS)) {
                String lease = key.substring(Invariants.SESSIONS.length());
                if (!isLeaseEndExcused && !revoked.contains(Long.parseUnsignedLong(lease, 16))) {
                    add(new Operation.LeaseEnded(world.nowNanos(), lease));
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- faults

    /** Somebody takes an entry away from its owner. */
    void entryTaken() {
        isEntryTaken = true;
        isBeliefExcused = true;
    }

    /** Somebody ends a lease of others. */
    void leaseTaken(long lease) {
        isBeliefExcused = true;
        revoked.add(lease);
    }

    void clocksAreUnsound() {
        isBeliefExcused = true;
        isLeaseEndExcused = true;
    }

    /** The cluster is put back to an older revision. */
    void restored() {
        isCut = true;
    }

    /** No faults from now on. */
    void calm() {
        calmNanos = world.nowNanos();
    }

    // ---------------------------------------------------------------------------------------------------- verdict

    /** What happened. */
    History history() {
        List<Operation> all = new ArrayList<>(operations);
        all.add(new Operation.Faulted(0, calmNanos, "whatever this run knows"));
        if (!isCut) {
            all.add(new Operation.WatchedUntil(world.nowNanos()));
        }
        return new History(all);
    }

    /** Everything that promises are kept by, as far as this run's faults leave it promised. */
    void check(Mix mix) {
        List<Checker> checkers = new ArrayList<>(List.of(new HonestDeadline(), new DeadlineOnlyConfirmed()));
        if (!isEntryTaken || mix.of(Drawn.LOST_DELETE) == 0) {
            // A waiter whose entry was taken away, and who was not told, can be granted without one.
            checkers.add(new Fifo());
        }
        if (isBeliefExcused) {
            checkers.add(OneHolder.inRevisions());
        } else {
            checkers.add(new OneHolder());
            checkers.add(new TokensGrow());
        }
        if (!isCut) {
            checkers.add(new Progress());
            checkers.add(new NoOrphans());
        }
        if (!isBeliefExcused && world.trace() % ONE_IN == 0) {
            // Whatever this finds kept, the owner mutex and the re-entrant mutex do as well.
            checkers.add(Linearizable.fencedMutex().givingUpAfter(MOST_STATES));
        }
        History history = history();
        for (Checker checker : checkers) {
            Verdict verdict = checker.check(history);
            if (verdict.isBroken()) {
                world.violated(verdict.toString());
            } else if (!verdict.isKept()) {
                mix.countUndecided();
            } else if (checker instanceof Linearizable) {
                mix.count(Drawn.CHECKED_ORDER);
            }
        }
    }
}
