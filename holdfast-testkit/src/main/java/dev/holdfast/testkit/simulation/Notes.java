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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

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
 *   <li>Somebody deletes an entry or revokes a lease of others: its owner cannot know at once. So the belief in that very
 *       entry, or in those on that lease, counts until that moment, and one that begins later does not count. {@link
 *       Invariants} judges those by etcd's record. All other beliefs are judged as ever.
 *   <li>Clocks that run apart by more than the margin: beliefs may overlap in time.
 *   <li>The cluster is put back to an older revision: revisions mean something else from then on. So what etcd recorded and
 *       whom it granted make up a history for each time between two restores, each judged by itself; what a client can
 *       know by itself, and who waits for how long, is judged over the whole run.
 * </ul>
 */
final class Notes {

    /** Whether an order can be found for all operations is looked for in one of so many runs: it may take long. */
    private static final int ONE_IN = 4;

    /** And given up after so many states. */
    private static final int MOST_STATES = 20_000;

    /** Of so many keep-alives and confirmations of a session it is remembered that there were any, when all else is forgotten. */
    private static final int MOST_RENEWALS = 200;

    private record Deadline(long nanos) {}

    /** An entry that is there. */
    private record There(String lock, Entry entry, @Nullable String owner) {}

    private final World world;
    private final Set<String> locks;

    /** All that clients noted of themselves. */
    private final List<Operation> operations = new ArrayList<>();

    /** Who was granted what, and what etcd recorded of it, for each time between two restores. */
    private final List<List<Operation>> eras = new ArrayList<>(List.of(new ArrayList<>()));

    /** The entries that are there, by their keys. */
    private final Map<String, There> there = new LinkedHashMap<>();

    /** The create_revisions of each key's entries in this era. */
    private final Map<String, TreeSet<Long>> created = new HashMap<>();

    /** When the first request for each lease was sent, by its process's clock. */
    private final Map<Long, Long> askedNanos = new HashMap<>();

    /** Whose each lease is. */
    private final Map<Long, String> owners = new HashMap<>();

    /** When each transaction under way was sent, by its process's clock. */
    private final IdentityHashMap<Object, Long> sentNanos = new IdentityHashMap<>();

    /** The callers of the holds that are believed in, in the order of their grants. */
    private final Map<Claim, String> callers = new LinkedHashMap<>();

    /** Those of them whose belief does not count. */
    private final Set<Claim> excused = new HashSet<>();

    private final Map<Long, Deadline> deadlines = new HashMap<>();

    /** The sessions that each process has. */
    private final Map<String, Set<Long>> sessionsOf = new HashMap<>();

    private final Set<Long> revoked = new HashSet<>();
    private final Set<Entry> taken = new HashSet<>();
    private boolean areClocksSound = true;
    private long calmNanos;
    private long restoredRevision;

    Notes(World world, Set<String> locks) {
        this.world = world;
        this.locks = new HashSet<>(locks);
    }

    /** Looks after one lock more. */
    void follow(String lock) {
        locks.add(lock);
    }

    private void addToBoth(Operation operation) {
        operations.add(operation);
        era().add(operation);
    }

    private List<Operation> era() {
        return eras.get(eras.size() - 1);
    }

    /* What is noted of a hold counts in the history of its era, unless it is excused. */
    private void add(Claim claim, Operation operation) {
        operations.add(operation);
        if (!excused.contains(claim)) {
            era().add(operation);
        }
    }

    // ---------------------------------------------------------------------------------------------------- callers

    void requested(String who, String lock) {
        addToBoth(new Operation.Requested(world.nowNanos(), who, lock));
    }

    /**
     * He is given a hold that he may believe in.
     *
     * @param counts whether it is of the history that goes on
     */
    void granted(String who, Claim claim, boolean counts) {
        long now = world.nowNanos();
        callers.put(claim, who);
        Operation granted = new Operation.Granted(now, who, claim.lock(), token(claim), claim.key());
        if (!counts || isTaken(claim) || isBygone(claim)) {
            excused.add(claim);
            operations.add(granted);
            era().add(new Operation.GaveUp(now, who, claim.lock()));
        } else {
            addToBoth(granted);
        }
    }

    /** He was not given the lock, or nothing but a hold that was over when he heard of it. */
    void gaveUp(String who, String lock) {
        addToBoth(new Operation.GaveUp(world.nowNanos(), who, lock));
    }

    void reentered(String who, Claim claim, int entries) {
        add(claim, new Operation.Reentered(world.nowNanos(), who, claim.lock(), token(claim), entries));
    }

    void exited(String who, Claim claim, int entries) {
        add(claim, new Operation.Exited(world.nowNanos(), who, claim.lock(), token(claim), entries));
    }

    /** He is about to give it back. */
    void released(Claim claim) {
        String who = callers.remove(claim);
        if (who != null) {
            add(claim, new Operation.Released(world.nowNanos(), who, claim.lock(), token(claim)));
            excused.remove(claim);
        }
    }

    /** From now on the hold says that it is lost. */
    void lost(Claim claim) {
        String who = callers.remove(claim);
        if (who != null) {
            add(claim, new Operation.Lost(world.nowNanos(), who, claim.lock(), token(claim)));
            excused.remove(claim);
        }
    }

    /** He asked, and was told that it is held, for so long at least by his clock. */
    void claimed(String who, Claim claim, long remainingNanos) {
        long now = world.nowNanos();
        String lease = Long.toHexString(Invariants.leaseOf(claim.lock(), claim.key()));
        operations.add(new Operation.Claimed(now, who, claim.lock(), token(claim), now + remainingNanos, lease));
    }

    /** He, or his whole process, is gone. */
    void killed(String who) {
        addToBoth(new Operation.Killed(world.nowNanos(), who));
        callers.entrySet().removeIf(each -> {
            boolean isHis = each.getValue().equals(who);
            if (isHis) {
                excused.remove(each.getKey());
            }
            return isHis;
        });
    }

    /* Admitted before the last restore, by an entry that was gone again by the snapshot; he hears of it only now. */
    private boolean isBygone(Claim claim) {
        Long made = created.getOrDefault(claim.key(), new TreeSet<>())
                .floor(claim.token().grantRevision());
        return made == null && claim.token().grantRevision() <= restoredRevision;
    }

    private boolean isTaken(Claim claim) {
        return revoked.contains(Invariants.leaseOf(claim.lock(), claim.key())) || taken.contains(entryOf(claim));
    }

    /* The last one of its key that was made by the revision of the grant. */
    private Entry entryOf(Claim claim) {
        Long made = created.getOrDefault(claim.key(), new TreeSet<>())
                .floor(claim.token().grantRevision());
        return new Entry(claim.key(), made == null ? claim.token().grantRevision() : made);
    }

    /* From now on whoever holds by what was taken cannot know better. */
    private void excuseTaken() {
        callers.forEach((claim, who) -> {
            if (!excused.contains(claim) && isTaken(claim)) {
                era().add(new Operation.Lost(world.nowNanos(), who, claim.lock(), token(claim)));
                excused.add(claim);
            }
        });
    }

    /** That process is gone, with all its sessions. */
    void exited(String process) {
        sessionsOf.remove(process);
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
                operations.add(new Operation.Confirmed(
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

    /** A process does not wait for an answer any more. */
    void givenUp(Object request) {
        sentNanos.remove(request);
    }

    /** The answer to a keep-alive arrived. */
    void keptAlive(String process, long localNanos, long sentLocalNanos, LeaseKeepAliveResponse answer) {
        if (answer.getTTL() > 0) {
            operations.add(new Operation.KeptAlive(
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
        Set<Long> leases = new HashSet<>();
        sessionsOf.put(process, leases);
        for (SessionMachine session : sessions) {
            leases.add(session.leaseId());
            long deadline = session.deadline().nanos();
            Deadline before = deadlines.put(session.leaseId(), new Deadline(deadline));
            String lease = Long.toHexString(session.leaseId());
            if (before == null) {
                operations.add(new Operation.Opened(
                        localNanos,
                        process,
                        lease,
                        askedNanos.getOrDefault(session.leaseId(), Long.MIN_VALUE),
                        session.ttlSeconds() * 1_000L,
                        deadline));
            } else if (before.nanos != deadline) {
                operations.add(new Operation.DeadlineMoved(localNanos, process, lease, deadline));
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- etcd

    /** A revision was made. */
    void revision(long revision, List<Event> events) {
        for (Event event : events) {
            KeyValue kv = event.getKv();
            String key = kv.getKey().toStringUtf8();
            boolean isDelete = event.getType() == Event.EventType.DELETE;
            if (isOfLock(key) && !isDelete) {
                put(kv, revision);
            } else if (isOfLock(key)) {
                There gone = there.remove(key);
                if (gone != null) {
                    era().add(new Operation.Deleted(gone.lock, gone.entry, revision));
                }
            } else if (isDelete && key.startsWith(Invariants.SESSIONS)) {
                String lease = key.substring(Invariants.SESSIONS.length());
                if (areClocksSound && !revoked.contains(Long.parseUnsignedLong(lease, 16))) {
                    operations.add(new Operation.LeaseEnded(world.nowNanos(), lease));
                }
            }
        }
    }

    private static String lockOf(String key) {
        return key.substring(0, Math.max(0, key.lastIndexOf('/')));
    }

    private boolean isOfLock(String key) {
        return locks.contains(lockOf(key));
    }

    private void put(KeyValue kv, long revision) {
        String key = kv.getKey().toStringUtf8();
        There made = new There(lockOf(key), new Entry(key, kv.getCreateRevision()), owners.get(kv.getLease()));
        there.put(key, made);
        created.computeIfAbsent(key, k -> new TreeSet<>()).add(kv.getCreateRevision());
        era().add(new Operation.Put(made.lock, made.entry, revision, made.owner));
    }

    // ---------------------------------------------------------------------------------------------------- faults

    /** Somebody takes that entry away from its owner. */
    void entryTaken(String key, long createRevision) {
        taken.add(new Entry(key, createRevision));
        excuseTaken();
    }

    /** Somebody ends a lease of others. */
    void leaseTaken(long lease) {
        revoked.add(lease);
        excuseTaken();
    }

    void clocksAreUnsound() {
        areClocksSound = false;
    }

    /**
     * The cluster is put back to an older revision, with these pairs. Holds that were granted by then, and whose entries are
     * there, go on; of others nobody knows what they are worth before their clients have seen it.
     */
    void restored(long revision, List<KeyValue> pairs) {
        restoredRevision = revision;
        eras.add(new ArrayList<>());
        there.clear();
        created.clear();
        for (KeyValue kv : pairs) {
            if (isOfLock(kv.getKey().toStringUtf8())) {
                put(kv, kv.getModRevision());
            }
        }
        callers.forEach((claim, who) -> {
            Entry entry = entryOf(claim);
            boolean isThere = claim.token().grantRevision() <= revision
                    && there.containsKey(claim.key())
                    && there.get(claim.key()).entry.equals(entry);
            if (!isThere) {
                excused.add(claim);
            } else if (!excused.contains(claim)) {
                era().add(new Operation.Granted(world.nowNanos(), who, claim.lock(), token(claim), claim.key()));
            }
        });
    }

    /** No faults from now on. */
    void calm() {
        calmNanos = world.nowNanos();
    }

    // ---------------------------------------------------------------------------------------------------- verdict

    /** What happened, between two restores or since the last one. */
    List<History> histories() {
        List<History> all = new ArrayList<>();
        eras.forEach(era -> all.add(new History(era)));
        return all;
    }

    /** What clients noted of themselves in the whole run. */
    History ofClients() {
        List<Operation> all = new ArrayList<>(operations);
        all.add(new Operation.Faulted(0, calmNanos, "whatever this run knows"));
        all.add(new Operation.WatchedUntil(world.nowNanos()));
        return new History(all);
    }

    /** Everything that promises are kept by, as far as this run's faults leave it promised. */
    void check(Mix mix) {
        checkSoFar(mix);
        judge(new Progress(), ofClients(), mix);
        // Without the clients, so that nobody's entries are taken for those of others.
        judge(
                new NoOrphans(),
                new History(era().stream()
                        .filter(operation -> operation instanceof Operation.InEtcd)
                        .toList()),
                mix);
    }

    /** The same, but for who waits and what is there. */
    void checkSoFar(Mix mix) {
        History ofClients = ofClients();
        judge(new HonestDeadline(), ofClients, mix);
        judge(new DeadlineOnlyConfirmed(), ofClients, mix);
        for (History history : histories()) {
            judge(new Fifo(), history, mix);
            judge(areClocksSound ? new OneHolder() : OneHolder.inRevisions(), history, mix);
            if (areClocksSound) {
                judge(new TokensGrow(), history, mix);
            }
            if (areClocksSound && world.trace() % ONE_IN == 0) {
                // Whatever this finds kept, the owner mutex and the re-entrant mutex do as well.
                judge(Linearizable.fencedMutex().givingUpAfter(MOST_STATES), history, mix);
            }
        }
    }

    /** How much is noted. */
    int size() {
        return operations.size() + era().size();
    }

    /** Judges what is noted, and forgets it, but for what is still going on. */
    void turnOver(Mix mix) {
        checkSoFar(mix);
        Set<Long> alive = new HashSet<>();
        sessionsOf.values().forEach(alive::addAll);
        Map<String, Operation.Opened> opened = new LinkedHashMap<>();
        Map<String, Deque<Operation>> latest = new HashMap<>();
        for (Operation operation : operations) {
            if (operation instanceof Operation.Opened session) {
                opened.put(session.lease(), session);
            } else if (operation instanceof Operation.KeptAlive || operation instanceof Operation.Confirmed) {
                Deque<Operation> last =
                        latest.computeIfAbsent(((Operation.OnSession) operation).lease(), lease -> new ArrayDeque<>());
                last.add(operation);
                if (last.size() > MOST_RENEWALS) {
                    last.remove();
                }
            }
        }
        operations.clear();
        opened.forEach((lease, session) -> {
            long id = Long.parseUnsignedLong(lease, 16);
            Deadline deadline = deadlines.get(id);
            if (alive.contains(id) && deadline != null) {
                // As if it had been opened when its last renewal was sent.
                operations.add(new Operation.Opened(
                        session.atNanos(),
                        session.who(),
                        lease,
                        session.sentNanos() + (deadline.nanos - session.deadlineNanos()),
                        session.ttlMillis(),
                        deadline.nanos));
                operations.addAll(latest.getOrDefault(lease, new ArrayDeque<>()));
            }
        });
        deadlines.keySet().retainAll(alive);
        askedNanos.keySet().retainAll(alive);
        owners.keySet().retainAll(alive);
        revoked.retainAll(alive);

        Set<Entry> held = new HashSet<>();
        callers.keySet().forEach(claim -> held.add(entryOf(claim)));
        there.values().forEach(each -> held.add(each.entry));
        taken.retainAll(held);
        created.clear();
        held.forEach(entry ->
                created.computeIfAbsent(entry.key(), key -> new TreeSet<>()).add(entry.createRevision()));
        eras.clear();
        eras.add(new ArrayList<>());
        there.values().forEach(each -> era().add(
                        new Operation.Put(each.lock, each.entry, each.entry.createRevision(), each.owner)));
        callers.forEach((claim, who) -> {
            if (!excused.contains(claim)) {
                era().add(new Operation.Granted(world.nowNanos(), who, claim.lock(), token(claim), claim.key()));
            }
        });
    }

    private void judge(Checker checker, History history, Mix mix) {
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
