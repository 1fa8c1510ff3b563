package dev.holdfast.testkit.simulation;

import com.google.protobuf.ByteString;
import dev.holdfast.FencingToken;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What must be true of every run, checked as it goes: it sees every request, every revision and every grant, and keeps
 * its own books of who owns what. It shares no code with what it checks.
 *
 * <p>The names are those of the protocol's invariants: S1 ownership is exclusive in revision space, S2 tokens increase, S3
 * nobody believes in a hold whose entry is gone, I1 one entry of a queue per transaction, I2 acquires are fenced by the
 * session epoch, I3 one attempt at a time, I4 deletes name an entry and not only a key, I5 a grant's revision is one at
 * which its entry was admitted, I8 belief ends at the last confirmed renewal plus TTL less the margin and never comes back,
 * and nothing is granted without the time that its caller wants, I9 entries are written once, I10 no historic read in a
 * transaction that writes, I11 guarded writes of a hold come before those of later holds, L nothing is left over, not even
 * for the client to clean up, and G a client that has seen that the cluster was restored holds nothing of the time before.
 */
final class Invariants {

    private static final String ROOT = "_holdfast/";
    static final String SESSIONS = ROOT + "sess/";
    private static final String NOTHING = ROOT + "none";
    /** What the simulation's users write under the guard of their holds of a lock. */
    static final String DATA = "_simulation/data/";

    /** Instead of the create_revision of a hold's entry: it is of a history that was cut off by a restore. */
    private static final long BYGONE = 0;

    /** A token as one number has its sequence in so many bits. */
    private static final int FENCING_SEQUENCE_BITS = 20;

    /** Of each queue, so many entries and tokens are remembered, and of each session, so many entries. */
    private static final int MAX_REMEMBERED = 10_000;

    /** So many lists of a queue are remembered. */
    private static final int MAX_LISTS = 100;

    /**
     * A hold as its owner sees it.
     *
     * @param key of its entry
     * @param belief whether it says that it is held, asked now
     * @param nanoTime its process's monotonic clock
     */
    record Claim(
            String process,
            String lock,
            String key,
            FencingToken token,
            BooleanSupplier belief,
            LongSupplier nanoTime) {
        @Override
        public String toString() {
            return "hold " + token + " of '" + lock + "' by " + process + " (" + key + ")";
        }
    }

    /** An entry of a queue, from its creation to its end. */
    private record Place(String key, long created, long deleted) {
        boolean isThere() {
            return deleted == Long.MAX_VALUE;
        }
    }

    /** An acquire that was sent. */
    private static final class Attempt {
        final Object request;
        final String key;
        final long epoch;

        /** The create_revision of the entry in whose place it comes, without which it cannot be applied; 0 = none. */
        final long yielded;

        boolean isDefinite;

        Attempt(Object request, String key, long epoch, long yielded) {
            this.request = request;
            this.key = key;
            this.epoch = epoch;
            this.yielded = yielded;
        }
    }

    private static final class Queue {
        final TreeMap<Long, Place> places = new TreeMap<>();

        /** The create_revision of each key that is there: a key alone is no identity, it may be used again. */
        final Map<String, Long> createdOf = new HashMap<>();

        final Set<FencingToken> tokens = new LinkedHashSet<>();

        /** The open holds, each with its entry's create_revision, or {@link #BYGONE}. */
        final Map<Claim, Long> claims = new LinkedHashMap<>();

        /** Those of them that have said that they are lost. */
        final Set<Claim> lost = new HashSet<>();

        /** The keys of entries that were there, and whose creation a restore has undone. */
        final Set<String> bygone = new HashSet<>();

        @Nullable
        Claim last;

        long dataToken;

        /** To which revision a restore has put it back; what is older may be there again though it was released. */
        long restoredTo;

        void restore(long revision) {
            restoredTo = revision;
            places.tailMap(revision, false).values().stream()
                    .filter(Place::isThere)
                    .forEach(place -> bygone.add(place.key));
            places.tailMap(revision, false).clear();
            createdOf.clear();
            places.replaceAll((created, place) ->
                    place.deleted > revision ? new Place(place.key, created, Long.MAX_VALUE) : place);
            places.values().stream().filter(Place::isThere).forEach(place -> createdOf.put(place.key, place.created));
            tokens.removeIf(token -> token.grantRevision() > revision);
            claims.replaceAll((claim, created) -> isKept(claim, created, revision) ? created : BYGONE);
            last = last != null && last.token.grantRevision() <= revision ? last : null;
            dataToken = 0;
        }

        /* What was granted by then has been granted, and its entry is there as it was. */
        private boolean isKept(Claim claim, long created, long revision) {
            Place place = places.get(created);
            return claim.token.grantRevision() <= revision
                    && place != null
                    && place.isThere()
                    && place.key.equals(claim.key);
        }
    }

    /** A keep-alive that was answered. */
    private record Renewal(long sentNanos, long ttlSeconds, long term) {}

    private static final class Session {
        long epoch;
        long believedUntilNanos;
        boolean hasBelief;
        final List<Renewal> unconfirmed = new ArrayList<>();
        final Map<String, List<Attempt>> attempts = new HashMap<>();
        boolean isExcused;

        /** Whose it is; empty if nobody asked for it. */
        String process = "";

        /** The how manieth it is of all that were asked for. */
        long number;

        /** The entries, with their create_revisions, that an answer has shown to be those of its attempts. */
        final Set<String> known = new LinkedHashSet<>();

        boolean hadKey;

        /** It was opened before the cluster was put back to an older state. */
        boolean isFromBefore;

        /** The revisions after this one, up to the other, are those of a history that was cut off while it lived. */
        long bygoneAfter = Long.MAX_VALUE;

        long bygoneUpTo;

        /** Its client has seen that the cluster was put back. */
        boolean isGivenUp;

        boolean isBygone(long revision) {
            return revision > bygoneAfter && revision <= bygoneUpTo;
        }
    }

    /** What a client has been told, as far as its event loop has surely taken it in. */
    private static final class Client {
        /** The highest revision that a linearizable answer has shown; and with what has only arrived. */
        long floor;

        long floorToBe;

        /** Counts how often the ground was seen to move. */
        long era;

        /** How many sessions had been asked for when an answer came that shows it; 0 if none did. */
        long alarmed;

        /** Of each lock, the revisions of lists of its whole queue, and when they were taken in, by its clock. */
        final Map<String, TreeMap<Long, Long>> lists = new HashMap<>();

        final Map<String, Long> listsToBe = new HashMap<>();

        /** Deletions of whose events its watches were not told: keys with the revisions of their deletion. */
        final Set<String> untold = new HashSet<>();

        /** What was listed or deleted later has never been: lists of other revisions will have the same numbers. */
        void restore(long revision) {
            lists.values().forEach(each -> each.tailMap(revision, false).clear());
            listsToBe.values().removeIf(each -> each > revision);
            untold.removeIf(each -> Long.parseLong(each.substring(each.lastIndexOf('@') + 1)) > revision);
        }
    }

    /** What was so when a request was sent. */
    private record Stamp(long revision, long floor, long era, Map<Long, List<Renewal>> renewals) {}

    private final Consumer<String> violated;
    private Consumer<Claim> whenLost = claim -> {};
    private boolean areClocksSound = true;
    private long latestRevision;
    private long sessionsAsked;
    private long strays;
    private final Map<String, Queue> queues = new TreeMap<>();
    private final Set<String> oneAtATime;
    private final Map<Long, Session> sessions = new TreeMap<>();
    private final Map<String, Client> clients = new HashMap<>();
    private final Set<String> excusedEntries = new HashSet<>();

    /** The keys, and the users' guarded writes, of requests that the network has delivered twice. */
    private final Set<String> duplicatedKeys = new HashSet<>();

    private final Set<String> duplicatedWrites = new HashSet<>();

    private final IdentityHashMap<Object, Stamp> stamps = new IdentityHashMap<>();

    /**
     * @param oneAtATime the locks whose callers of one process share one entry; for the others each caller has its own
     * @param violated told what is wrong
     */
    Invariants(List<String> locks, Set<String> oneAtATime, Consumer<String> violated) {
        this.violated = violated;
        this.oneAtATime = oneAtATime;
        locks.forEach(lock -> queues.put(lock, new Queue()));
    }

    /** Looks after one lock more. */
    void follow(String lock) {
        queues.putIfAbsent(lock, new Queue());
    }

    private void require(boolean isTrue, Supplier<String> what) {
        if (!isTrue) {
            violated.accept(what.get());
        }
    }

    // ---------------------------------------------------------------------------------------------------- the server

    /** A transaction is about to be carried out or not. */
    void onTxn(TxnRequest txn) {
        Set<String> written = new HashSet<>();
        for (RequestOp op : txn.getSuccessList()) {
            if (op.hasRequestPut()) {
                onPut(txn, op.getRequestPut(), written);
            } else if (op.hasRequestDeleteRange()) {
                onDelete(txn, op.getRequestDeleteRange());
            }
        }
        for (RequestOp op : txn.getFailureList()) {
            require(!op.hasRequestPut(), () -> "I2: written without the compares: " + Wording.of(txn));
            if (op.hasRequestDeleteRange()) {
                require(
                        isKey(op.getRequestDeleteRange(), NOTHING),
                        () -> "I4: deleted without the compares: " + Wording.of(txn));
            }
        }
        boolean isWriting = txn.getSuccessList().stream().anyMatch(op -> !op.hasRequestRange())
                || txn.getFailureList().stream().anyMatch(op -> !op.hasRequestRange());
        if (isWriting) {
            for (List<RequestOp> ops : List.of(txn.getSuccessList(), txn.getFailureList())) {
                for (RequestOp op : ops) {
                    require(
                            !op.hasRequestRange() || op.getRequestRange().getRevision() == 0,
                            () -> "I10: a historic read in a transaction that writes: " + Wording.of(txn));
                }
            }
        }
    }

    private void onPut(TxnRequest txn, PutRequest put, Set<String> written) {
        String key = put.getKey().toStringUtf8();
        String lock = lockOf(key);
        if (lock == null) {
            return;
        }
        require(written.add(lock), () -> "I1: two entries of '" + lock + "' in one transaction: " + Wording.of(txn));
        require(
                put.getLease() != 0 && put.getLease() == leaseOf(lock, key),
                () -> "I2: " + key + " is not on its lease");
        String session = SESSIONS + Long.toHexString(put.getLease());
        boolean isFenced = txn.getCompareList().stream()
                .anyMatch(compare -> compare.getKey().toStringUtf8().equals(session)
                        && compare.getTarget() == Compare.CompareTarget.MOD
                        && compare.getResult() == Compare.CompareResult.EQUAL
                        && compare.getModRevision() > 0);
        require(isFenced, () -> "I2: an acquire without the session's epoch: " + Wording.of(txn));
        boolean isFresh = txn.getCompareList().stream()
                .anyMatch(compare -> (compare.getKey().toStringUtf8().equals(key)
                                || compare.getKey().toStringUtf8().equals(lock + "/"))
                        && isCreate(compare)
                        && compare.getCreateRevision() == 0);
        require(isFresh, () -> "I9: " + key + " may be there already: " + Wording.of(txn));
    }

    private void onDelete(TxnRequest txn, DeleteRangeRequest delete) {
        String key = delete.getKey().toStringUtf8();
        if (lockOf(key) == null && !key.startsWith(ROOT)) {
            return;
        }
        boolean isNamed = txn.getCompareList().stream()
                .anyMatch(compare -> compare.getKey().equals(delete.getKey())
                        && isCreate(compare)
                        && compare.getCreateRevision() > 0);
        require(
                isKey(delete, NOTHING) || (delete.getRangeEnd().isEmpty() && isNamed),
                () -> "I4: a delete without key and create_revision: " + Wording.of(txn));
    }

    private static boolean isCreate(Compare compare) {
        return compare.getTarget() == Compare.CompareTarget.CREATE
                && compare.getResult() == Compare.CompareResult.EQUAL;
    }

    private static boolean isKey(DeleteRangeRequest delete, String key) {
        return delete.getRangeEnd().isEmpty() && delete.getKey().equals(ByteString.copyFromUtf8(key));
    }

    /** A revision was made. */
    void onRevision(long revision, List<Event> events) {
        latestRevision = revision;
        for (Event event : events) {
            String key = event.getKv().getKey().toStringUtf8();
            boolean isDelete = event.getType() == Event.EventType.DELETE;
            if (key.startsWith(SESSIONS)) {
                Session session = session(Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16));
                session.epoch = isDelete ? 0 : revision;
                // It begins with its key, whatever was restored since its lease was asked for.
                session.isFromBefore &= session.hadKey;
                session.hadKey = true;
            } else if (key.startsWith(DATA) && !isDelete) {
                onData(key, event.getKv());
            } else {
                String lock = lockOf(key);
                Queue queue = lock == null ? null : queues.get(lock);
                if (queue != null && isDelete) {
                    onEntryGone(queue, key, revision);
                } else if (queue != null) {
                    onEntry(queue, event.getKv(), revision);
                }
            }
        }
    }

    private void onEntry(Queue queue, KeyValue kv, long revision) {
        String key = kv.getKey().toStringUtf8();
        require(
                kv.getVersion() == 1 && kv.getCreateRevision() == revision,
                () -> "I9: entry " + key + " was written again at " + revision);
        Place before = queue.places.put(revision, new Place(key, revision, Long.MAX_VALUE));
        require(before == null, () -> "I1: " + before + " and " + key + " have one create_revision");
        if (queue.places.size() > MAX_REMEMBERED
                && !queue.places.firstEntry().getValue().isThere()) {
            queue.places.pollFirstEntry();
        }
        queue.createdOf.put(key, revision);
    }

    private void onEntryGone(Queue queue, String key, long revision) {
        Long created = queue.createdOf.remove(key);
        if (created == null) {
            return;
        }
        queue.places.put(created, new Place(key, created, revision));
        queue.claims.forEach((claim, entry) -> {
            if (entry.equals(created)) {
                require(
                        !claim.belief.getAsBoolean() || mayBeLate(claim, created),
                        () -> "S3: " + claim + " is believed in, but its entry was deleted at " + revision);
            }
        });
    }

    /** What a user writes under the guard of his hold: whose write it is. */
    static String guardedValue(FencingToken token, String key) {
        return token.asLong() + " " + key;
    }

    private static long grantRevision(long token) {
        return token >> FENCING_SEQUENCE_BITS;
    }

    /*
     * The guard is the entry. So a write comes only while its entry is there, and one of an entry not after one of a later
     * entry, however often it is delivered. Holds that share an entry share its guard: between those a copy of a write that the
     * network made may come late, and is for the user to see to.
     */
    private void onData(String name, KeyValue kv) {
        Queue queue = queues.get(name.substring(DATA.length()));
        if (queue == null) {
            return;
        }
        String value = kv.getValue().toStringUtf8();
        int space = value.indexOf(' ');
        long token = Long.parseLong(value.substring(0, space));
        long granted = grantRevision(token);
        String key = value.substring(space + 1);
        require(
                queue.createdOf.containsKey(key),
                () -> "I11: a guarded write of token " + token + " came after the end of its entry " + key);
        if (session(leaseOf(name.substring(DATA.length()), key)).isBygone(granted)) {
            // Tokens of two histories: only a higher cluster epoch would keep them in order.
            return;
        }
        boolean isInOrder =
                duplicatedWrites.contains(value) ? granted >= grantRevision(queue.dataToken) : token >= queue.dataToken;
        require(
                isInOrder,
                () -> "I11: a guarded write of token " + token + " came after one of token " + queue.dataToken);
        queue.dataToken = Math.max(queue.dataToken, token);
    }

    // ---------------------------------------------------------------------------------------------------- a process

    /** A process sends a request. */
    void onSent(String process, long localNanos, Object request) {
        if (request instanceof LeaseGrantRequest grant) {
            Session session = session(grant.getID());
            if (session.process.isEmpty()) {
                session.process = process;
                session.number = ++sessionsAsked;
            }
            if (!session.hasBelief) {
                session.hasBelief = true;
                session.believedUntilNanos = localNanos + beliefNanos(grant.getTTL());
            }
        } else if (request instanceof TxnRequest txn) {
            Map<Long, List<Renewal>> renewals = new TreeMap<>();
            for (Compare compare : txn.getCompareList()) {
                String key = compare.getKey().toStringUtf8();
                if (key.startsWith(SESSIONS)) {
                    long lease = Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16);
                    renewals.put(lease, List.copyOf(session(lease).unconfirmed));
                    onAttempts(process, lease, compare.getModRevision(), txn);
                }
            }
            stamp(process, request, renewals);
            onDeletes(process, txn);
        } else if (request instanceof RangeRequest) {
            stamp(process, request, Map.of());
        }
    }

    private void stamp(String process, Object request, Map<Long, List<Renewal>> renewals) {
        Client client = client(process);
        stamps.put(request, new Stamp(latestRevision, client.floor, client.era, renewals));
    }

    /* A client deletes what it has made, and knows all of it but for what the network made of it, or a restore. */
    private void onDeletes(String process, TxnRequest txn) {
        for (int i = 0; i < txn.getSuccessCount(); i++) {
            String key = txn.getSuccess(i).getRequestDeleteRange().getKey().toStringUtf8();
            String lock = txn.getSuccess(i).hasRequestDeleteRange() ? lockOf(key) : null;
            if (lock == null) {
                continue;
            }
            long created = txn.getCompareList().stream()
                    .filter(compare ->
                            isCreate(compare) && compare.getKey().toStringUtf8().equals(key))
                    .mapToLong(Compare::getCreateRevision)
                    .max()
                    .orElse(0);
            Session session = session(leaseOf(lock, key));
            require(
                    session.process.isEmpty() || session.process.equals(process),
                    () -> "I4: " + process + " deletes " + key + ", an entry of " + session.process);
            // What is gone already was in an answer that came late: nothing that its client left behind.
            if (!session.known.contains(key + "@" + created) && !isGone(lock, created)) {
                stray(process, key, created, session);
            }
        }
    }

    private void stray(String process, String key, long created, Session session) {
        strays++;
        require(
                session.isFromBefore || duplicatedKeys.contains(key),
                () -> "L: " + process + " cleans up its entry " + key + "@" + created
                        + ", which it has lost sight of, though nothing was delivered twice or restored");
    }

    /** How many entries clients have found, or cleaned up, that they did not know of. */
    long strays() {
        return strays;
    }

    private void onAttempts(String process, long lease, long epoch, TxnRequest txn) {
        Session session = session(lease);
        for (RequestOp op : txn.getSuccessList()) {
            String key = op.getRequestPut().getKey().toStringUtf8();
            String lock = op.hasRequestPut() ? lockOf(key) : null;
            if (lock == null || !oneAtATime.contains(lock)) {
                continue;
            }
            long yielded = txn.getCompareList().stream()
                    .filter(each ->
                            isCreate(each) && lock.equals(lockOf(each.getKey().toStringUtf8())))
                    .mapToLong(Compare::getCreateRevision)
                    .max()
                    .orElse(0);
            List<Attempt> earlier = session.attempts.computeIfAbsent(lock, l -> new ArrayList<>());
            earlier.removeIf(
                    attempt -> attempt.isDefinite || session.epoch != attempt.epoch || isGone(lock, attempt.yielded));
            require(
                    earlier.isEmpty(),
                    () -> "I3: " + process + " sends " + key + " while it is unknown what became of "
                            + earlier.stream().map(attempt -> attempt.key).toList());
            earlier.add(new Attempt(txn, key, epoch, yielded));
        }
    }

    private boolean isGone(String lock, long created) {
        Queue queue = queues.get(lock);
        Place place = queue == null ? null : queue.places.get(created);
        // None of that revision, if it was undone by a restore.
        return created != 0 && created <= latestRevision && (place == null || !place.isThere());
    }

    /** A process gets the answer to a request. */
    void onAnswered(String process, Object request, Object answer) {
        Stamp stamp = stamps.remove(request);
        if (request instanceof TxnRequest txn && answer instanceof TxnResponse said) {
            settle(request);
            onShown(txn, said);
            if (stamp != null) {
                confirm(stamp, said.getHeader().getRaftTerm());
                if (!isSerializable(txn)) {
                    onLinearizable(process, stamp, said.getHeader());
                }
            }
        } else if (request instanceof RangeRequest range && answer instanceof RangeResponse said && stamp != null) {
            if (!range.getSerializable()) {
                onLinearizable(process, stamp, said.getHeader());
            }
            onRange(process, stamp, range, said);
        }
    }

    private void confirm(Stamp stamp, long term) {
        stamp.renewals.forEach((lease, renewals) -> renewals.forEach(renewal -> {
            if (renewal.term == term) {
                Session session = session(lease);
                session.believedUntilNanos =
                        Math.max(session.believedUntilNanos, renewal.sentNanos + beliefNanos(renewal.ttlSeconds));
                session.unconfirmed.remove(renewal);
            }
        }));
    }

    private static boolean isSerializable(TxnRequest txn) {
        return txn.getCompareCount() == 0
                && txn.getSuccessList().stream()
                        .allMatch(op ->
                                op.hasRequestRange() && op.getRequestRange().getSerializable());
    }

    /* What was put, and what was asked for by its very name, a client knows to be its own. */
    private void onShown(TxnRequest txn, TxnResponse said) {
        List<RequestOp> ops = said.getSucceeded() ? txn.getSuccessList() : txn.getFailureList();
        for (int i = 0; i < ops.size(); i++) {
            RequestOp op = ops.get(i);
            String put = op.getRequestPut().getKey().toStringUtf8();
            String lock = op.hasRequestPut() ? lockOf(put) : null;
            if (lock != null) {
                know(lock, put, said.getHeader().getRevision());
            } else if (op.hasRequestRange()
                    && op.getRequestRange().getRangeEnd().isEmpty()
                    && i < said.getResponsesCount()) {
                ResponseOp shown = said.getResponses(i);
                for (KeyValue kv : shown.getResponseRange().getKvsList()) {
                    String key = kv.getKey().toStringUtf8();
                    String of = lockOf(key);
                    if (of != null) {
                        know(of, key, kv.getCreateRevision());
                    }
                }
            }
        }
    }

    private void know(String lock, String key, long created) {
        Set<String> known = session(leaseOf(lock, key)).known;
        known.add(key + "@" + created);
        bound(known);
    }

    /* A run may be as long as one likes. */
    private static void bound(Set<?> inOrder) {
        if (inOrder.size() > MAX_REMEMBERED) {
            inOrder.remove(inOrder.iterator().next());
        }
    }

    private void onLinearizable(String process, Stamp stamp, ResponseHeader header) {
        Client client = client(process);
        if (stamp.era != client.era) {
            return;
        }
        if (header.getRevision() < stamp.floor) {
            client.alarmed = client.alarmed == 0 ? sessionsAsked : client.alarmed;
        } else {
            client.floorToBe = Math.max(client.floorToBe, header.getRevision());
        }
    }

    private void onRange(String process, Stamp stamp, RangeRequest range, RangeResponse said) {
        String key = range.getKey().toStringUtf8();
        String lock = lockOf(key);
        if (lock == null) {
            return;
        }
        if (!range.getRangeEnd().isEmpty() && key.equals(lock + "/") && !said.getMore()) {
            if (said.getHeader().getRevision() <= latestRevision) {
                client(process).listsToBe.merge(lock, said.getHeader().getRevision(), Math::max);
            }
        } else if (range.getRangeEnd().isEmpty()) {
            // Read because it is on the lease, and nothing there had that name when it was asked for.
            for (KeyValue kv : said.getKvsList()) {
                if (kv.getCreateRevision() <= stamp.revision) {
                    stray(process, key, kv.getCreateRevision(), session(leaseOf(lock, key)));
                }
            }
        }
    }

    /** A process's event loop has nothing to do: it has taken in whatever had arrived. */
    void onLoopIdle(String process, long localNanos) {
        Client client = clients.get(process);
        if (client == null) {
            return;
        }
        client.floor = client.floorToBe;
        client.listsToBe.forEach((lock, revision) -> {
            TreeMap<Long, Long> lists = client.lists.computeIfAbsent(lock, l -> new TreeMap<>());
            lists.putIfAbsent(revision, localNanos);
            if (lists.size() > MAX_LISTS) {
                lists.pollFirstEntry();
            }
        });
        client.listsToBe.clear();
        if (client.alarmed != 0) {
            giveUp(process, client.alarmed);
            client.alarmed = 0;
            client.floor = 0;
            client.floorToBe = 0;
            client.era++;
        }
    }

    /** A client says that a hold is lost because the cluster is not what it was: then so is all that is older. */
    void onRestoreSeen(Claim claim) {
        giveUp(claim.process, session(leaseOf(claim.lock, claim.key)).number);
    }

    private void giveUp(String process, long upTo) {
        for (Session session : sessions.values()) {
            session.isGivenUp |= session.isFromBefore && session.process.equals(process) && session.number <= upTo;
        }
    }

    /** A process does not wait for an answer any more. */
    void onGivenUp(Object request) {
        stamps.remove(request);
    }

    /** A process hears that a request failed. */
    void onFailed(String process, Object request, Status status) {
        boolean isDefinite = !String.valueOf(status.getDescription()).contains("timed out")
                && !String.valueOf(status.getDescription()).contains("reset");
        if (isDefinite) {
            settle(request);
        }
        stamps.remove(request);
    }

    private void settle(Object request) {
        for (Session session : sessions.values()) {
            for (List<Attempt> attempts : session.attempts.values()) {
                attempts.forEach(attempt -> attempt.isDefinite |= attempt.request == request);
            }
        }
    }

    /** A process gets the answer to a keep-alive; the network knows to which one. */
    void onKeepAlive(String process, long sentLocalNanos, LeaseKeepAliveResponse answer) {
        if (answer.getTTL() > 0) {
            session(answer.getID())
                    .unconfirmed
                    .add(new Renewal(
                            sentLocalNanos, answer.getTTL(), answer.getHeader().getRaftTerm()));
        }
    }

    private static long beliefNanos(long ttlSeconds) {
        return ttlSeconds * World.SECOND - Math.max(500 * World.MILLI, ttlSeconds * World.SECOND / 20);
    }

    /**
     * A caller is given a hold.
     *
     * @param decidedNanos when it was decided, by its process's clock: he may hear of it later
     * @param minHoldNanos how long he wants it at least
     * @return whether it is of the history that goes on; one of a history that was cut off by a restore is judged by clocks
     *     alone
     */
    boolean onGrant(Claim claim, long revisionNow, long decidedNanos, long minHoldNanos) {
        Queue queue = queues.get(claim.lock);
        if (queue == null) {
            violated.accept("a grant of an unknown lock: " + claim);
            return false;
        }
        Session session = session(leaseOf(claim.lock, claim.key));
        require(
                session.process.isEmpty() || session.process.equals(claim.process),
                () -> "S1: " + claim + " is by an entry of " + session.process);
        long left = session.believedUntilNanos - decidedNanos;
        require(
                !session.hasBelief || left > minHoldNanos,
                () -> "I8: " + claim + " was granted with " + left + " ns left, where more than " + minHoldNanos
                        + " ns were wanted");
        requireNotGivenUp(claim, session);
        long granted = claim.token.grantRevision();
        Place place = entryOf(claim, queue);
        boolean isThere = place != null && place.deleted > granted;
        if (session.isBygone(granted) || (!isThere && session.isFromBefore && queue.bygone.contains(claim.key))) {
            // Its client has not seen yet that the ground has moved.
            queue.claims.put(claim, BYGONE);
            return false;
        }
        if (place == null) {
            violated.accept("I5: " + claim + " has an entry that never was");
            return true;
        }
        require(granted <= revisionNow, () -> "I5: " + claim + " at revision " + revisionNow);
        for (Place before : queue.places.headMap(place.created).values()) {
            require(before.deleted <= granted, () -> "S1: " + claim + " while " + before + " was before it");
        }
        if (granted >= place.deleted) {
            require(isUntold(claim, place, decidedNanos), () -> "I5: " + claim + " was granted after " + place);
            // The revision is not its own: whoever was the first of those that are left may have it in his token.
            queue.claims.put(claim, place.created);
            return true;
        }
        require(queue.tokens.add(claim.token), () -> "S2: two holds have one token: " + claim);
        bound(queue.tokens);
        if (claim.belief.getAsBoolean() && !mayBeLate(claim, place.created)) {
            require(place.isThere(), () -> "S3: " + claim + " is granted, but its entry is gone: " + place);
            Claim last = queue.last;
            require(last == null || last.token.compareTo(claim.token) < 0, () -> "S2: " + claim + " after " + last);
            queue.claims.forEach((other, entry) -> require(
                    !other.belief.getAsBoolean() || mayBeLate(other, entry),
                    () -> "S3: " + claim + " while " + other + " is believed in"));
            queue.last = claim;
        }
        queue.claims.put(claim, place.created);
        return true;
    }

    private void requireNotGivenUp(Claim claim, Session session) {
        require(
                !session.isGivenUp || !claim.belief.getAsBoolean(),
                () -> "G: " + claim + " is believed in, though its client has seen that the cluster was restored");
    }

    /*
     * Somebody deleted the entry, or ended its lease, the event was lost on its way to the client, and no list of the queue that is as new as the
     * grant had come there either: nobody could know. A hold that comes by hand-over was decided on by the first one.
     */
    private boolean isUntold(Claim claim, Place place, long decidedNanos) {
        Client client = client(claim.process);
        if (!isExcused(claim, place.created) || !client.untold.contains(place.key + "@" + place.deleted)) {
            return false;
        }
        return claim.token.sequence() > 0
                || client
                        .lists
                        .getOrDefault(claim.lock, new TreeMap<>())
                        .tailMap(claim.token.grantRevision())
                        .values()
                        .stream()
                        .noneMatch(takenInNanos -> takenInNanos - decidedNanos < 0);
    }

    /** The last entry of that key that was created at or before the grant. */
    private static @Nullable Place entryOf(Claim claim, Queue queue) {
        for (Place place : queue.places
                .headMap(claim.token.grantRevision(), true)
                .descendingMap()
                .values()) {
            if (place.key.equals(claim.key)) {
                return place;
            }
        }
        return null;
    }

    /** A holder asks how long his hold is surely alive: no longer than its last confirmed renewal says. */
    void onAsked(Claim claim, long remainingNanos) {
        long untilNanos = session(leaseOf(claim.lock, claim.key)).believedUntilNanos;
        long tooMuch = claim.nanoTime.getAsLong() + remainingNanos - untilNanos;
        require(
                remainingNanos <= 0 || tooMuch <= 0,
                () -> "I8: " + claim + " says that " + remainingNanos + " ns are left, " + tooMuch + " ns too many");
    }

    /** A process's watch is not told of these events. */
    void onEventLost(String process, List<Event> events) {
        for (Event event : events) {
            if (event.getType() == Event.EventType.DELETE) {
                client(process)
                        .untold
                        .add(event.getKv().getKey().toStringUtf8() + "@"
                                + event.getKv().getModRevision());
            }
        }
    }

    /** The network delivers a request once more. */
    void onDuplicated(Object request) {
        if (request instanceof TxnRequest txn) {
            for (RequestOp op : txn.getSuccessList()) {
                String key = op.getRequestPut().getKey().toStringUtf8();
                if (key.startsWith(DATA)) {
                    duplicatedWrites.add(op.getRequestPut().getValue().toStringUtf8());
                } else if (op.hasRequestPut()) {
                    duplicatedKeys.add(key);
                }
            }
        }
    }

    /** The hold is not used any more. */
    void onClosed(Claim claim) {
        Queue queue = queues.get(claim.lock);
        if (queue != null) {
            queue.claims.remove(claim);
            queue.lost.remove(claim);
        }
    }

    /** The process is gone with all its holds. */
    void onCrash(String process) {
        for (Queue queue : queues.values()) {
            queue.claims.keySet().removeIf(claim -> claim.process.equals(process));
            queue.lost.removeIf(claim -> claim.process.equals(process));
        }
        clients.remove(process);
    }

    /** What depends on time. */
    void afterEvent() {
        for (Queue queue : queues.values()) {
            if (!queue.claims.isEmpty()) {
                queue.claims.keySet().forEach(claim -> look(queue, claim));
                queue.claims.keySet().removeIf(this::isOver);
                queue.lost.retainAll(queue.claims.keySet());
            }
        }
    }

    /** Told at once when a hold says for the first time that it is lost. */
    void whenLost(Consumer<Claim> listener) {
        whenLost = listener;
    }

    private void look(Queue queue, Claim claim) {
        boolean isBelieved = claim.belief.getAsBoolean();
        requireNotGivenUp(claim, session(leaseOf(claim.lock, claim.key)));
        require(
                !isBelieved || !queue.lost.contains(claim),
                () -> "I8: " + claim + " is believed in again after it was lost");
        if (!isBelieved && queue.lost.add(claim)) {
            whenLost.accept(claim);
        }
    }

    private boolean isOver(Claim claim) {
        boolean isPassed = claim.nanoTime.getAsLong() - session(leaseOf(claim.lock, claim.key)).believedUntilNanos >= 0;
        require(!isPassed || !claim.belief.getAsBoolean(), () -> "I8: " + claim + " is believed in past its deadline");
        return isPassed;
    }

    // ---------------------------------------------------------------------------------------------------- faults

    /** Somebody deletes that entry, as {@link #entriesThere} names it: its holder cannot know at once. */
    void excuseEntry(String entry) {
        excusedEntries.add(entry);
    }

    /** Somebody revoked that lease, or the server does so too early. */
    void excuseLease(long lease) {
        session(lease).isExcused = true;
    }

    /** The clocks of some processes run too fast or too slow for S3 to be promised; all the rest is. */
    void clocksAreUnsound() {
        areClocksSound = false;
    }

    /**
     * The cluster was put back to an older revision, with these pairs: what was later has never been. Nobody can know that
     * before an answer shows it to him. Until then what a session from before is granted at a revision of the history that was
     * cut off, or by an entry of it, is excused from the rules of the queue, but not from the clock. All that was granted by the
     * snapshot's revision, and all that is granted by entries that are there, or to a session that was opened since, is judged
     * as ever.
     */
    void onRestored(long revision, List<KeyValue> pairs) {
        for (Session session : sessions.values()) {
            session.isFromBefore = true;
            session.bygoneAfter = Math.min(session.bygoneAfter, revision);
            session.bygoneUpTo = Math.max(session.bygoneUpTo, latestRevision);
            session.epoch = 0;
            // A bump that the snapshot does not have fences nothing any more: nobody can know what becomes of what it
            // fenced.
            session.attempts.clear();
        }
        for (Queue queue : queues.values()) {
            queue.restore(revision);
        }
        clients.values().forEach(client -> client.restore(revision));
        for (KeyValue kv : pairs) {
            String key = kv.getKey().toStringUtf8();
            Queue written = key.startsWith(DATA) ? queues.get(key.substring(DATA.length())) : null;
            if (key.startsWith(SESSIONS)) {
                session(Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16)).epoch = kv.getModRevision();
            } else if (written != null) {
                String value = kv.getValue().toStringUtf8();
                long token = Long.parseLong(value.substring(0, value.indexOf(' ')));
                // A greater one is of a history that was over before.
                written.dataToken = grantRevision(token) <= revision ? token : 0;
            }
        }
        latestRevision = revision;
    }

    /** Whether S3 is not promised of that hold. */
    private boolean mayBeLate(Claim claim, long created) {
        return !areClocksSound || created == BYGONE || isExcused(claim, created);
    }

    private boolean isExcused(Claim claim, long created) {
        return excusedEntries.contains(claim.key + "@" + created) || session(leaseOf(claim.lock, claim.key)).isExcused;
    }

    // ---------------------------------------------------------------------------------------------------- end

    /** The entries that are there, of all locks. */
    List<String> entriesThere() {
        List<String> there = new ArrayList<>();
        for (Queue queue : queues.values()) {
            queue.places.values().stream()
                    .filter(Place::isThere)
                    .forEach(place -> there.add(place.key + "@" + place.created));
        }
        return there;
    }

    /** How many entries the queue has. */
    int length(String lock) {
        Queue queue = queues.get(lock);
        return queue == null ? 0 : queue.createdOf.size();
    }

    /** The last hold of that lock, if its entry is still the first and there are others behind it; else null. */
    @Nullable
    Claim inFrontOfOthers(String lock) {
        Queue queue = queues.get(lock);
        Claim last = queue == null ? null : queue.last;
        if (queue == null || last == null || queue.createdOf.size() < 2) {
            return null;
        }
        long first = Collections.min(queue.createdOf.values());
        // The key may have been made once more since by a late request, or be there again.
        boolean isItsEntry = Long.valueOf(first).equals(queue.createdOf.get(last.key))
                && first <= last.token.grantRevision()
                && first > queue.restoredTo;
        return isItsEntry ? last : null;
    }

    /** The leases that have a session key. */
    List<Long> sessionsThere() {
        List<Long> there = new ArrayList<>();
        sessions.forEach((lease, session) -> {
            if (session.epoch != 0) {
                there.add(lease);
            }
        });
        return there;
    }

    /** L: nothing is left over. */
    void atEnd() {
        require(entriesThere().isEmpty(), () -> "L: entries are left over: " + entriesThere());
        require(
                sessionsThere().isEmpty(),
                () -> "L: session keys are left over: "
                        + sessionsThere().stream().map(Long::toHexString).toList());
    }

    // ---------------------------------------------------------------------------------------------------- names

    private Client client(String process) {
        return clients.computeIfAbsent(process, p -> new Client());
    }

    private Session session(long lease) {
        return sessions.computeIfAbsent(lease, l -> new Session());
    }

    /** The lock to whose queue the key belongs: its name is all before the last slash. */
    private @Nullable String lockOf(String key) {
        int slash = key.lastIndexOf('/');
        String lock = slash < 0 ? "" : key.substring(0, slash);
        return queues.containsKey(lock) ? lock : null;
    }

    /** The lease in the name of an entry. */
    static long leaseOf(String lock, String key) {
        String suffix = key.substring(lock.length() + 1);
        int dot = suffix.indexOf('.');
        return Long.parseUnsignedLong(dot < 0 ? suffix : suffix.substring(0, dot), 16);
    }
}
