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
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
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
 * I9 entries are written once, I10 no historic read in a transaction that writes, I11 guarded writes of a hold come before
 * those of later holds, L nothing is left over.
 */
final class Invariants {

    private static final String ROOT = "_holdfast/";
    static final String SESSIONS = ROOT + "sess/";
    private static final String NOTHING = ROOT + "none";
    private static final String DATA = "data/";

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

        final Set<FencingToken> tokens = new HashSet<>();

        /** The open holds, each with its entry's create_revision. */
        final Map<Claim, Long> claims = new LinkedHashMap<>();

        /** Those of them that have said that they are lost. */
        final Set<Claim> lost = new HashSet<>();

        @Nullable
        Claim last;

        long dataToken;

        void restore(long revision) {
            places.tailMap(revision, false).clear();
            createdOf.clear();
            places.replaceAll((created, place) ->
                    place.deleted > revision ? new Place(place.key, created, Long.MAX_VALUE) : place);
            places.values().stream().filter(Place::isThere).forEach(place -> createdOf.put(place.key, place.created));
            tokens.clear();
            claims.clear();
            last = null;
            dataToken = 0;
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

        /** It was opened before the cluster was put back to an older state. */
        boolean isFromBefore;
    }

    private final Consumer<String> violated;
    private Consumer<Claim> whenLost = claim -> {};
    private boolean isRestored;
    private boolean areClocksSound = true;
    private final Map<String, Queue> queues = new TreeMap<>();
    private final Set<String> oneAtATime;
    private final Map<Long, Session> sessions = new TreeMap<>();
    private final Set<String> excusedEntries = new HashSet<>();
    private boolean isEventLost;

    /** What was known of each session's renewals when a transaction was sent. */
    private final IdentityHashMap<Object, Map<Long, List<Renewal>>> stamps = new IdentityHashMap<>();

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
        for (Event event : events) {
            String key = event.getKv().getKey().toStringUtf8();
            boolean isDelete = event.getType() == Event.EventType.DELETE;
            if (key.startsWith(SESSIONS)) {
                session(Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16)).epoch = isDelete ? 0 : revision;
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

    /**
     * Whether it is a user's, guarded by his hold. What comes of one that is carried out twice is the user's to see to: the hold
     * is there both times, and may have been handed over in between.
     */
    static boolean isUsersWrite(Object request) {
        return request instanceof TxnRequest txn
                && txn.getSuccessList().stream()
                        .anyMatch(
                                op -> op.getRequestPut().getKey().toStringUtf8().startsWith(DATA));
    }

    private void onData(String key, KeyValue kv) {
        if (isRestored) {
            // Tokens of two histories: only a higher cluster epoch would keep them in order.
            return;
        }
        Queue queue = queues.get(key.substring(DATA.length()));
        if (queue != null) {
            long token = Long.parseLong(kv.getValue().toStringUtf8());
            require(
                    token >= queue.dataToken,
                    () -> "I11: a guarded write of token " + token + " came after one of token " + queue.dataToken);
            queue.dataToken = Math.max(queue.dataToken, token);
        }
    }

    // ---------------------------------------------------------------------------------------------------- a process

    /** A process sends a request. */
    void onSent(String process, long localNanos, Object request) {
        if (request instanceof LeaseGrantRequest grant) {
            Session session = session(grant.getID());
            if (!session.hasBelief) {
                session.hasBelief = true;
                session.believedUntilNanos = localNanos + beliefNanos(grant.getTTL());
            }
        } else if (request instanceof TxnRequest txn) {
            Map<Long, List<Renewal>> stamp = new TreeMap<>();
            for (Compare compare : txn.getCompareList()) {
                String key = compare.getKey().toStringUtf8();
                if (key.startsWith(SESSIONS)) {
                    long lease = Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16);
                    stamp.put(lease, List.copyOf(session(lease).unconfirmed));
                    onAttempts(process, lease, compare.getModRevision(), txn);
                }
            }
            stamps.put(request, stamp);
        }
    }

    private void onAttempts(String process, long lease, long epoch, TxnRequest txn) {
        Session session = session(lease);
        long yielded = txn.getCompareList().stream()
                .filter(Invariants::isCreate)
                .mapToLong(Compare::getCreateRevision)
                .max()
                .orElse(0);
        for (RequestOp op : txn.getSuccessList()) {
            String key = op.getRequestPut().getKey().toStringUtf8();
            String lock = op.hasRequestPut() ? lockOf(key) : null;
            if (lock == null || !oneAtATime.contains(lock)) {
                continue;
            }
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
        return place != null && !place.isThere();
    }

    /** A process gets the answer to a request. */
    void onAnswered(String process, Object request, Object answer) {
        if (answer instanceof TxnResponse said) {
            settle(request);
            long term = said.getHeader().getRaftTerm();
            Map<Long, List<Renewal>> stamp = stamps.remove(request);
            if (stamp != null) {
                stamp.forEach((lease, renewals) -> renewals.forEach(renewal -> {
                    if (renewal.term == term) {
                        Session session = session(lease);
                        session.believedUntilNanos = Math.max(
                                session.believedUntilNanos, renewal.sentNanos + beliefNanos(renewal.ttlSeconds));
                        session.unconfirmed.remove(renewal);
                    }
                }));
            }
        }
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

    /** A caller is given a hold. */
    void onGrant(Claim claim, long revisionNow) {
        Queue queue = queues.get(claim.lock);
        if (queue == null) {
            violated.accept("a grant of an unknown lock: " + claim);
            return;
        }
        if (session(leaseOf(claim.lock, claim.key)).isFromBefore) {
            // Of a client that has not noticed yet that the ground has moved.
            return;
        }
        long granted = claim.token.grantRevision();
        Place place = entryOf(claim, queue);
        if (place == null) {
            violated.accept("I5: " + claim + " has an entry that never was");
            return;
        }
        boolean isExcused = isExcused(claim, place.created);
        if (isExcused && !place.isThere()) {
            // Somebody deleted it, and the event may have been lost: nobody could know, and the token is an old one.
            require(isEventLost || granted < place.deleted, () -> "I5: " + claim + " was granted after " + place);
            queue.claims.put(claim, place.created);
            return;
        }
        require(granted <= revisionNow, () -> "I5: " + claim + " at revision " + revisionNow);
        require(granted < place.deleted, () -> "I5: " + claim + " was granted after " + place);
        for (Place before : queue.places.headMap(place.created).values()) {
            require(before.deleted <= granted, () -> "S1: " + claim + " while " + before + " was before it");
        }
        require(queue.tokens.add(claim.token), () -> "S2: two holds have one token: " + claim);
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

    /** A server has lost an event of a watch: who is not told of a deletion may believe in what is gone. */
    void onEventLost() {
        isEventLost = true;
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
        queues.values().forEach(queue -> queue.claims.keySet().removeIf(claim -> claim.process.equals(process)));
    }

    /** What depends on time. */
    void afterEvent() {
        for (Queue queue : queues.values()) {
            if (!queue.claims.isEmpty()) {
                queue.claims.keySet().forEach(claim -> look(queue, claim));
                queue.claims.keySet().removeIf(this::isOver);
            }
        }
    }

    /** Told at once when a hold says for the first time that it is lost. */
    void whenLost(Consumer<Claim> listener) {
        whenLost = listener;
    }

    private void look(Queue queue, Claim claim) {
        boolean isBelieved = claim.belief.getAsBoolean();
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
     * The cluster was put back to an older revision, with these pairs: what was later has never been. Nothing is promised
     * of sessions from before, but that they end or go on.
     */
    void onRestored(long revision, List<KeyValue> pairs) {
        isRestored = true;
        for (Session session : sessions.values()) {
            session.isFromBefore = true;
            session.epoch = 0;
            // A bump that the snapshot does not have fences nothing any more: nobody can know what becomes of what it
            // fenced.
            session.attempts.clear();
        }
        for (Queue queue : queues.values()) {
            queue.restore(revision);
        }
        for (KeyValue kv : pairs) {
            String key = kv.getKey().toStringUtf8();
            if (key.startsWith(SESSIONS)) {
                session(Long.parseUnsignedLong(key.substring(SESSIONS.length()), 16)).epoch = kv.getModRevision();
            }
        }
    }

    /** Whether S3 is not promised of that hold. */
    private boolean mayBeLate(Claim claim, long created) {
        return !areClocksSound || isExcused(claim, created);
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
