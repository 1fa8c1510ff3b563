package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import dev.holdfast.etcdapi.AlarmMember;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmResponse;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.CompactionResponse;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.DeleteRangeResponse;
import dev.holdfast.etcdapi.HashResponse;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseLeasesResponse;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.LeaseStatus;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An etcd store as a value: keys with revisions, transactions, leases, watches. Each method is one request; it is carried
 * out completely, or refused with an {@link EtcdException} and nothing of it happens. The same calls in the same order
 * give the same answers: the engine has no clock, no thread and no randomness.
 *
 * <p>Time is an argument: {@code nowNanos} counts from any moment, must never go back from call to call, and must be
 * positive or zero. Leases end when {@link #expire} is called, never by themselves.
 *
 * <p>Not thread-safe; whoever owns it calls it from one thread at a time.
 */
public final class Engine {
    /** The etcd release whose behaviour the engine shows, and which it names as its own version. */
    public static final String API_VERSION = "3.6.16";

    /** The largest request that changes anything, in bytes; etcd's default. */
    public static final int MAX_REQUEST_BYTES = 3 * 512 * 1024;

    /** Watch answers of this size and more are split where the client asked for fragments; etcd's default. */
    static final int FRAGMENT_BYTES = MAX_REQUEST_BYTES + 512 * 1024;

    /**
     * The largest answer to a request, in bytes, with {@value #PAIR_OVERHEAD_BYTES} more for each pair: a request with more is
     * refused. One request could ask thousands of times for all that is stored.
     */
    static final long MAX_ANSWER_BYTES = 256L * 1024 * 1024;

    private static final int PAIR_OVERHEAD_BYTES = 64;

    /** So many times its own bytes a pair is counted at most: with a key of one byte it has nine. */
    private static final int MAX_OVERHEAD_FACTOR = 9;

    static final int MAX_REVISIONS_PER_REPLAY = 1_000;

    static final long MIN_LEASE_TTL_SECONDS = 2;
    static final long MAX_LEASE_TTL_SECONDS = 9_000_000_000L;

    /** What etcd wraps around a request before it measures it: the request's number and its kind. */
    private static final int ENVELOPE_BYTES = 18;

    /** What the record of a small command needs at most. */
    private static final int SMALL_COMMAND_BYTES = 64;

    private static final KeyRange EVERYTHING =
            KeyRange.of(ByteString.copyFrom(new byte[] {0}), ByteString.copyFrom(new byte[] {0}));

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final long clusterId;
    private final long memberId;
    private final Set<AlarmType> alarms;
    private final WatchIndex watchIndex = new WatchIndex();
    private final Set<WatchStream> watchStreams = new LinkedHashSet<>();
    private Store store;
    private Leases leases;
    private Journal journal = Journal.NONE;
    private long term;
    private long applied;
    private long leaseIdSeed;
    private boolean isTorn;

    /**
     * An empty store.
     *
     * @param clusterId should be fresh for each data set, so that a client can tell one from another; lease ids chosen by
     *     the engine follow from it
     */
    public Engine(long clusterId, long memberId) {
        this.clusterId = clusterId;
        this.memberId = memberId;
        store = new Store();
        leases = new Leases();
        alarms = EnumSet.noneOf(AlarmType.class);
        term = 2;
        leaseIdSeed = clusterId;
    }

    private Engine(Engine other) {
        clusterId = other.clusterId;
        memberId = other.memberId;
        store = new Store(other.store);
        leases = new Leases(other.leases);
        alarms = EnumSet.copyOf(other.alarms);
        term = other.term;
        applied = other.applied;
        leaseIdSeed = other.leaseIdSeed;
    }

    /**
     * The same data set as it is now, as an engine of its own: a snapshot, which can be put in the place of this one later.
     * Watch streams belong to connections and are not copied.
     */
    public Engine copy() {
        return new Engine(this);
    }

    /** The data set of an image; every lease has its full TTL from now. History before its last revision is compacted. */
    Engine(EngineImage image, long nowNanos) {
        clusterId = image.clusterId();
        memberId = image.memberId();
        store = new Store(image);
        leases = new Leases();
        alarms = EnumSet.noneOf(AlarmType.class);
        alarms.addAll(image.alarms());
        term = image.term();
        applied = image.applied();
        leaseIdSeed = image.leaseIdSeed();
        image.leases().forEach((id, ttlSeconds) -> leases.grant(id, ttlSeconds, nowNanos));
        image.pairs().forEach(kv -> leases.move(kv.getKey(), 0, kv.getLease()));
    }

    /** What a restart needs; a view of the engine as it is now, to be used before the next call. */
    EngineImage image() {
        Map<Long, Long> ttls = new TreeMap<>();
        leases.all().forEach(lease -> ttls.put(lease.id(), lease.ttlSeconds()));
        return new EngineImage(
                clusterId,
                memberId,
                term,
                applied,
                leaseIdSeed,
                store.revision(),
                store.compactedRevision(),
                alarms,
                ttls,
                store.read(EVERYTHING).values(),
                store.changes(store.revision()));
    }

    /**
     * True when something that nobody foresaw, such as a want of memory, has stopped it in the middle of a change: then it is in
     * no state that a request would lead to, and must not be asked any more.
     */
    boolean isTorn() {
        return isTorn;
    }

    /** Until {@code isTorn} is cleared, which nothing but the end of the change does. */
    private void beginChange() {
        if (isTorn) {
            throw new IllegalStateException("a change was broken off before");
        }
        isTorn = true;
    }

    /** From now on, changes are written down there. */
    void recordIn(Journal to) {
        journal = to;
    }

    /** Becomes what another engine of the same data set is. All watches end, as what they were told may no longer be true. */
    void revertTo(Engine other) {
        List.copyOf(watchStreams).forEach(WatchStream::close);
        store = new Store(other.store);
        leases = new Leases(other.leases);
        alarms.clear();
        alarms.addAll(other.alarms);
        term = other.term;
        applied = other.applied;
        leaseIdSeed = other.leaseIdSeed;
        isTorn = false;
    }

    /**
     * Carries out again what was written down.
     *
     * @throws IllegalStateException when it does not lead to that revision: it was not written by an engine in this state
     */
    void replay(Command command, long revision, long nowNanos) {
        if (command instanceof Command.Write write) {
            for (RequestOp op : write.operations().getSuccessList()) {
                switch (op.getRequestCase()) {
                    case REQUEST_PUT -> {
                        requireThere(op.getRequestPut().getLease());
                        writePut(op.getRequestPut());
                    }
                    case REQUEST_DELETE_RANGE -> writeDelete(op.getRequestDeleteRange());
                    case REQUEST_RANGE, REQUEST_TXN, REQUEST_NOT_SET ->
                        throw new IllegalStateException("an operation that changes nothing");
                }
            }
        } else if (command instanceof Command.Grant grant) {
            if (leases.get(grant.lease()) != null) {
                throw new IllegalStateException("lease " + grant.lease() + " is granted twice");
            }
            leases.grant(grant.lease(), grant.ttlSeconds(), nowNanos);
            leaseIdSeed = grant.leaseIdSeed();
        } else if (command instanceof Command.Revoke revoke) {
            Leases.Lease lease = requireThere(revoke.lease());
            if (lease != null) {
                lease.keys().forEach(store::delete);
                leases.remove(lease);
            }
        } else if (command instanceof Command.Compact compact) {
            // A restored store may have forgotten more already.
            if (compact.revision() > store.compactedRevision() && compact.revision() <= store.revision()) {
                store.compact(compact.revision());
            }
        } else if (command instanceof Command.Alarm alarm) {
            if (alarm.raised()) {
                alarms.add(alarm.type());
            } else {
                alarms.remove(alarm.type());
            }
        } else if (command instanceof Command.Term newTerm) {
            term = newTerm.term();
        }
        commit();
        if (store.revision() != revision) {
            throw new IllegalStateException("it leads to revision " + store.revision() + " instead of " + revision);
        }
    }

    private Leases.@Nullable Lease requireThere(long lease) {
        Leases.Lease found = leases.get(lease);
        if (lease != 0 && found == null) {
            throw new IllegalStateException("there is no lease " + lease);
        }
        return found;
    }

    public long clusterId() {
        return clusterId;
    }

    public long memberId() {
        return memberId;
    }

    public long term() {
        return term;
    }

    /** The last revision; 1 for an empty store. */
    public long revision() {
        return store.revision();
    }

    /** Reads and watches below this revision are refused; -1 when there was never a compaction. */
    public long compactedRevision() {
        return store.compactedRevision();
    }

    // ---------------------------------------------------------------------------------------------------- keys

    public RangeResponse range(RangeRequest request) {
        Requests.check(request);
        requireAnswerable(List.of(request), 0);
        RangeResponse.Builder answer = readRange(request);
        return answer.setHeader(header(revision())).build();
    }

    public PutResponse put(PutRequest request) {
        Requests.check(request);
        requireSize(request);
        requireHealthy();
        requireSpace();
        requireLease(request);
        requirePrevious(request);
        journal.reserve(request.getSerializedSize(), Journal.Purpose.GROWS);
        beginChange();
        PutResponse.Builder answer = writePut(request);
        note(TxnRequest.newBuilder().addSuccess(RequestOp.newBuilder().setRequestPut(request)));
        commit();
        isTorn = false;
        return answer.setHeader(header(revision())).build();
    }

    public DeleteRangeResponse deleteRange(DeleteRangeRequest request) {
        Requests.check(request);
        requireSize(request);
        requireHealthy();
        if (request.getPrevKv()) {
            requireAnswerable(List.of(previousPairs(request)), 0);
        }
        journal.reserve(request.getSerializedSize(), Journal.Purpose.FREES);
        beginChange();
        DeleteRangeResponse.Builder answer = writeDelete(request);
        note(TxnRequest.newBuilder().addSuccess(RequestOp.newBuilder().setRequestDeleteRange(request)));
        commit();
        isTorn = false;
        return answer.setHeader(header(revision())).build();
    }

    public TxnResponse txn(TxnRequest request) {
        Requests.check(request);
        if (!Requests.isReadOnly(request)) {
            requireSize(request);
            requireHealthy();
            if (Requests.needsSpace(request)) {
                requireSpace();
            }
        }
        Branch branch = choose(request);
        requireExecutable(branch, new ArrayList<>());
        List<RangeRequest> reads = new ArrayList<>();
        long putBytes = gatherReads(branch, reads);
        requireAnswerable(reads, putBytes);
        TxnRequest.Builder writes = TxnRequest.newBuilder();
        boolean frees = gatherWrites(branch, writes);
        if (writes.getSuccessCount() > 0) {
            journal.reserve(request.getSerializedSize(), frees ? Journal.Purpose.FREES : Journal.Purpose.GROWS);
        }
        beginChange();
        TxnResponse.Builder answer = execute(branch);
        note(writes);
        commit();
        isTorn = false;
        return answer.setHeader(header(revision())).build();
    }

    /** Gathers what a transaction writes, in order. Returns true when nothing of it is a put. */
    private static boolean gatherWrites(Branch branch, TxnRequest.Builder writes) {
        boolean frees = true;
        int nested = 0;
        for (RequestOp op : branch.ops) {
            switch (op.getRequestCase()) {
                case REQUEST_PUT -> {
                    writes.addSuccess(op);
                    frees = false;
                }
                case REQUEST_DELETE_RANGE -> writes.addSuccess(op);
                case REQUEST_TXN -> frees &= gatherWrites(branch.nested.get(nested++), writes);
                case REQUEST_RANGE, REQUEST_NOT_SET -> {}
            }
        }
        return frees;
    }

    /** Takes down what was just written, if anything was: before it is committed, for then the watchers hear of it. */
    private void note(TxnRequest.Builder writes) {
        if (store.readRevision() > store.revision()) {
            journal.append(new Command.Write(writes.build()), store.readRevision());
        }
    }

    public CompactionResponse compact(CompactionRequest request) {
        requireHealthy();
        store.requireCompactable(request.getRevision());
        journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.FREES);
        compactAt(request.getRevision());
        applied++;
        return CompactionResponse.newBuilder().setHeader(header(revision())).build();
    }

    /**
     * Compacts by itself, so that little more than this many revisions, and no more than these bytes of changes, are kept;
     * the last revision always is. Cheap when there is nothing to do.
     */
    public void retainHistory(int revisions, long bytes) {
        long target = store.retentionTarget(revisions, bytes);
        if (target > store.compactedRevision()) {
            journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.FREES);
            compactAt(target);
        }
    }

    private void compactAt(long revision) {
        beginChange();
        store.compact(revision);
        journal.append(new Command.Compact(revision), revision());
        isTorn = false;
    }

    /*
     * A transaction. All compares, nested ones too, look at the state before it: so the branches are chosen first, then
     * everything that could fail is checked against that same state, and only then anything is written. Ranges inside see
     * the writes before them.
     */

    /** The side of a transaction that its compares chose, and the chosen sides of the transactions nested in it. */
    private record Branch(boolean succeeded, List<RequestOp> ops, List<Branch> nested) {}

    private Branch choose(TxnRequest request) {
        boolean succeeded = request.getCompareList().stream().allMatch(this::holds);
        List<RequestOp> ops = succeeded ? request.getSuccessList() : request.getFailureList();
        List<Branch> nested = new ArrayList<>();
        for (RequestOp op : ops) {
            if (op.hasRequestTxn()) {
                nested.add(choose(op.getRequestTxn()));
            }
        }
        return new Branch(succeeded, ops, nested);
    }

    private boolean holds(Compare compare) {
        Collection<KeyValue> pairs =
                store.read(KeyRange.of(compare.getKey(), compare.getRangeEnd())).values();
        if (pairs.isEmpty()) {
            // An absent key is all zero, but it has no value that could be compared.
            return compare.getTarget() != Compare.CompareTarget.VALUE && holds(compare, KeyValue.getDefaultInstance());
        }
        return pairs.stream().allMatch(kv -> holds(compare, kv));
    }

    private static boolean holds(Compare compare, KeyValue kv) {
        // The getter of a target that is not set answers zero or empty: what etcd compares with, too.
        int order =
                switch (compare.getTarget()) {
                    case VERSION -> Long.compare(kv.getVersion(), compare.getVersion());
                    case CREATE -> Long.compare(kv.getCreateRevision(), compare.getCreateRevision());
                    case MOD -> Long.compare(kv.getModRevision(), compare.getModRevision());
                    case VALUE -> KeyRange.ORDER.compare(kv.getValue(), compare.getValue());
                    case LEASE -> Long.compare(kv.getLease(), compare.getLease());
                    case UNRECOGNIZED -> 0;
                };
        return switch (compare.getResult()) {
            case EQUAL -> order == 0;
            case NOT_EQUAL -> order != 0;
            case GREATER -> order > 0;
            case LESS -> order < 0;
            case UNRECOGNIZED -> true;
        };
    }

    /** @param deleted what the operations before these delete */
    private void requireExecutable(Branch branch, List<KeyRange> deleted) {
        int nested = 0;
        for (RequestOp op : branch.ops) {
            switch (op.getRequestCase()) {
                case REQUEST_RANGE -> requireReadable(op.getRequestRange().getRevision());
                case REQUEST_PUT -> {
                    PutRequest put = op.getRequestPut();
                    requirePrevious(put);
                    // A key must not be deleted and put, but not every such pair is noticed; etcd itself dies here.
                    if (keepsSomething(put) && deleted.stream().anyMatch(range -> range.contains(put.getKey()))) {
                        throw EtcdError.KEY_NOT_FOUND.exception();
                    }
                    requireLease(put);
                }
                case REQUEST_DELETE_RANGE -> {
                    DeleteRangeRequest delete = op.getRequestDeleteRange();
                    deleted.add(KeyRange.of(delete.getKey(), delete.getRangeEnd()));
                }
                case REQUEST_TXN -> requireExecutable(branch.nested.get(nested++), deleted);
                case REQUEST_NOT_SET -> {}
            }
        }
    }

    private TxnResponse.Builder execute(Branch branch) {
        TxnResponse.Builder answer = TxnResponse.newBuilder().setSucceeded(branch.succeeded);
        int nested = 0;
        for (RequestOp op : branch.ops) {
            ResponseOp.Builder result = answer.addResponsesBuilder();
            switch (op.getRequestCase()) {
                case REQUEST_RANGE ->
                    result.setResponseRange(readRange(op.getRequestRange()).setHeader(revisionOnly()));
                case REQUEST_PUT ->
                    result.setResponsePut(writePut(op.getRequestPut()).setHeader(revisionOnly()));
                case REQUEST_DELETE_RANGE ->
                    result.setResponseDeleteRange(
                            writeDelete(op.getRequestDeleteRange()).setHeader(revisionOnly()));
                // etcd leaves the header of a nested transaction empty.
                case REQUEST_TXN ->
                    result.setResponseTxn(
                            execute(branch.nested.get(nested++)).setHeader(ResponseHeader.getDefaultInstance()));
                case REQUEST_NOT_SET -> throw new IllegalStateException("an operation that was not checked");
            }
        }
        return answer;
    }

    /** Gathers what a transaction reads: ranges, and the previous pairs of deletes. Returns the bytes of its puts. */
    private static long gatherReads(Branch branch, List<RangeRequest> reads) {
        long putBytes = 0;
        int nested = 0;
        for (RequestOp op : branch.ops) {
            switch (op.getRequestCase()) {
                case REQUEST_RANGE -> reads.add(op.getRequestRange());
                case REQUEST_PUT -> putBytes += op.getRequestPut().getSerializedSize() + PAIR_OVERHEAD_BYTES;
                case REQUEST_DELETE_RANGE -> {
                    if (op.getRequestDeleteRange().getPrevKv()) {
                        reads.add(previousPairs(op.getRequestDeleteRange()));
                    }
                }
                case REQUEST_TXN -> putBytes += gatherReads(branch.nested.get(nested++), reads);
                case REQUEST_NOT_SET -> {}
            }
        }
        return putBytes;
    }

    private static RangeRequest previousPairs(DeleteRangeRequest request) {
        return RangeRequest.newBuilder()
                .setKey(request.getKey())
                .setRangeEnd(request.getRangeEnd())
                .build();
    }

    /**
     * Refuses an answer that would be too large, before anything of the request is carried out.
     *
     * @param ownBytes what the request itself puts, and any of its reads may find
     */
    private void requireAnswerable(List<RangeRequest> reads, long ownBytes) {
        long largest = store.sizeBytes() * MAX_OVERHEAD_FACTOR + ownBytes;
        boolean isOfThePast = reads.stream().anyMatch(read -> read.getRevision() > 0);
        if (!isOfThePast && largest * reads.size() <= MAX_ANSWER_BYTES) {
            return; // as nearly always
        }
        long bytes = 0;
        for (RangeRequest read : reads) {
            bytes += ownBytes;
            for (KeyValue kv : select(read).pairs) {
                bytes += kv.getSerializedSize() + PAIR_OVERHEAD_BYTES;
                bytes -= read.getKeysOnly() ? kv.getValue().size() : 0;
            }
            if (bytes > MAX_ANSWER_BYTES) {
                throw new EtcdException(Status.RESOURCE_EXHAUSTED.withDescription(
                        "holdfast: the answer would be larger than " + MAX_ANSWER_BYTES + " bytes"));
            }
        }
    }

    /** What a range finds: how many pairs there are, those that are asked for, and whether a limit has cut some off. */
    private record Selection(int count, List<KeyValue> pairs, boolean isCut) {}

    private RangeResponse.Builder readRange(RangeRequest request) {
        Selection selection = select(request);
        RangeResponse.Builder answer =
                RangeResponse.newBuilder().setCount(selection.count).setMore(selection.isCut);
        for (KeyValue kv : selection.pairs) {
            answer.addKvs(request.getKeysOnly() ? kv.toBuilder().clearValue().build() : kv);
        }
        return answer;
    }

    private Selection select(RangeRequest request) {
        Collection<KeyValue> pairs = store.read(
                        KeyRange.of(request.getKey(), request.getRangeEnd()), request.getRevision())
                .values();
        int count = pairs.size();
        if (request.getCountOnly()) {
            return new Selection(count, List.of(), false);
        }
        long limit = request.getLimit();
        boolean filtered = request.getMinModRevision() != 0
                || request.getMaxModRevision() != 0
                || request.getMinCreateRevision() != 0
                || request.getMaxCreateRevision() != 0;
        // Where a filter or an order is given, all pairs are looked at. A sort target without an order is not an order
        // here: etcd cuts off by key first and sorts the rest.
        boolean cutsFirst = limit > 0 && request.getSortOrder() == RangeRequest.SortOrder.NONE && !filtered;
        List<KeyValue> found = new ArrayList<>();
        for (KeyValue kv : pairs) {
            if (cutsFirst && found.size() > limit) {
                break;
            }
            if (!filtered || passes(request, kv)) {
                found.add(kv);
            }
        }
        Comparator<KeyValue> order = order(request);
        if (order != null) {
            found.sort(order);
        }
        boolean isCut = limit > 0 && found.size() > limit;
        return new Selection(count, isCut ? found.subList(0, (int) limit) : found, isCut);
    }

    private static boolean passes(RangeRequest request, KeyValue kv) {
        return (request.getMinModRevision() == 0 || kv.getModRevision() >= request.getMinModRevision())
                && (request.getMaxModRevision() == 0 || kv.getModRevision() <= request.getMaxModRevision())
                && (request.getMinCreateRevision() == 0 || kv.getCreateRevision() >= request.getMinCreateRevision())
                && (request.getMaxCreateRevision() == 0 || kv.getCreateRevision() <= request.getMaxCreateRevision());
    }

    /** The order asked for, or null for that of the keys. A target other than the key without an order means ascending. */
    private static @Nullable Comparator<KeyValue> order(RangeRequest request) {
        Comparator<KeyValue> ascending =
                switch (request.getSortTarget()) {
                    case KEY -> Comparator.comparing(KeyValue::getKey, KeyRange.ORDER);
                    case VERSION -> Comparator.comparingLong(KeyValue::getVersion);
                    case CREATE -> Comparator.comparingLong(KeyValue::getCreateRevision);
                    case MOD -> Comparator.comparingLong(KeyValue::getModRevision);
                    case VALUE -> Comparator.comparing(KeyValue::getValue, KeyRange.ORDER);
                    case UNRECOGNIZED -> throw EtcdError.INVALID_SORT_OPTION.exception();
                };
        return switch (request.getSortOrder()) {
            case DESCEND -> ascending.reversed();
            case ASCEND, NONE -> request.getSortTarget() == RangeRequest.SortTarget.KEY ? null : ascending;
            case UNRECOGNIZED -> throw EtcdError.INVALID_SORT_OPTION.exception();
        };
    }

    private PutResponse.Builder writePut(PutRequest request) {
        KeyValue previous = store.get(request.getKey());
        long fromLease = previous == null ? 0 : previous.getLease();
        long lease = request.getIgnoreLease() ? fromLease : request.getLease();
        ByteString value = request.getIgnoreValue() && previous != null ? previous.getValue() : request.getValue();
        store.put(request.getKey(), value, lease);
        leases.move(request.getKey(), fromLease, lease);
        PutResponse.Builder answer = PutResponse.newBuilder();
        if (request.getPrevKv() && previous != null) {
            answer.setPrevKv(previous);
        }
        return answer;
    }

    private DeleteRangeResponse.Builder writeDelete(DeleteRangeRequest request) {
        List<KeyValue> doomed = List.copyOf(
                store.read(KeyRange.of(request.getKey(), request.getRangeEnd())).values());
        for (KeyValue kv : doomed) {
            store.delete(kv.getKey());
            leases.move(kv.getKey(), kv.getLease(), 0);
        }
        DeleteRangeResponse.Builder answer = DeleteRangeResponse.newBuilder().setDeleted(doomed.size());
        return request.getPrevKv() ? answer.addAllPrevKvs(doomed) : answer;
    }

    /** Makes what was written one revision and tells the watches. */
    private void commit() {
        applied++;
        List<Store.Change> changes = store.commit();
        if (changes.isEmpty()) {
            return;
        }
        long revision = store.revision();
        Map<WatchStream.Watch, List<Store.Change>> due = new LinkedHashMap<>();
        for (Store.Change change : changes) {
            watchIndex.forEachOn(change.key(), watch -> {
                if (watch.wants(change, revision)) {
                    due.computeIfAbsent(watch, w -> new ArrayList<>()).add(change);
                }
            });
        }
        due.forEach((watch, wanted) -> watch.stream().deliver(watch, wanted, revision));
    }

    private void requireReadable(long atRevision) {
        if (atRevision > store.revision()) {
            throw EtcdError.FUTURE_REVISION.exception();
        }
        if (atRevision != 0 && atRevision < store.compactedRevision()) {
            throw EtcdError.COMPACTED.exception();
        }
    }

    private void requirePrevious(PutRequest request) {
        if (keepsSomething(request) && store.get(request.getKey()) == null) {
            throw EtcdError.KEY_NOT_FOUND.exception();
        }
    }

    private static boolean keepsSomething(PutRequest request) {
        return request.getIgnoreValue() || request.getIgnoreLease();
    }

    private void requireLease(PutRequest request) {
        if (request.getLease() != 0 && leases.get(request.getLease()) == null) {
            throw EtcdError.LEASE_NOT_FOUND.exception();
        }
    }

    private static void requireSize(MessageLite request) {
        if (request.getSerializedSize() + ENVELOPE_BYTES > MAX_REQUEST_BYTES) {
            throw EtcdError.REQUEST_TOO_LARGE.exception();
        }
    }

    private void requireSpace() {
        if (alarms.contains(AlarmType.NOSPACE)) {
            throw EtcdError.NO_SPACE.exception();
        }
    }

    private void requireHealthy() {
        if (alarms.contains(AlarmType.CORRUPT)) {
            throw EtcdError.CORRUPT.exception();
        }
    }

    // -------------------------------------------------------------------------------------------------- leases

    /** Grants a lease; id 0 means that the engine chooses a positive one. TTLs below 2 s become 2 s. */
    public LeaseGrantResponse leaseGrant(LeaseGrantRequest request, long nowNanos) {
        requireHealthy();
        requireSpace();
        if (request.getTTL() > MAX_LEASE_TTL_SECONDS) {
            throw EtcdError.LEASE_TTL_TOO_LARGE.exception();
        }
        if (leases.get(request.getID()) != null) {
            throw EtcdError.LEASE_EXISTS.exception();
        }
        journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.GROWS);
        beginChange();
        long id = request.getID() == 0 ? freshLeaseId() : request.getID();
        Leases.Lease lease = leases.grant(id, Math.max(request.getTTL(), MIN_LEASE_TTL_SECONDS), nowNanos);
        journal.append(new Command.Grant(id, lease.ttlSeconds(), leaseIdSeed), revision());
        isTorn = false;
        applied++;
        return LeaseGrantResponse.newBuilder()
                .setHeader(header(revision()))
                .setID(id)
                .setTTL(lease.ttlSeconds())
                .build();
    }

    /** Numbers scattered over the positive longs (splitmix64), so that ids of different engines do not meet. */
    private long freshLeaseId() {
        long id;
        do {
            leaseIdSeed += 0x9e3779b97f4a7c15L;
            long z = leaseIdSeed;
            z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
            z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
            id = (z ^ (z >>> 31)) & Long.MAX_VALUE;
        } while (id == 0 || leases.get(id) != null);
        return id;
    }

    /** Ends a lease; its keys go in one revision, in their order. */
    public LeaseRevokeResponse leaseRevoke(LeaseRevokeRequest request) {
        requireHealthy();
        Leases.Lease lease = leases.get(request.getID());
        if (lease == null) {
            throw EtcdError.LEASE_NOT_FOUND.exception();
        }
        end(lease);
        return LeaseRevokeResponse.newBuilder().setHeader(header(revision())).build();
    }

    private void end(Leases.Lease lease) {
        journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.FREES);
        beginChange();
        lease.keys().forEach(store::delete);
        leases.remove(lease);
        journal.append(new Command.Revoke(lease.id()), store.readRevision());
        commit();
        isTorn = false;
    }

    /**
     * Gives a lease its full TTL from now. The answer's TTL is 0 when the lease does not exist, or no longer: one whose time
     * was over is ended first. The header shows the revision before that.
     */
    public LeaseKeepAliveResponse leaseKeepAlive(LeaseKeepAliveRequest request, long nowNanos) {
        LeaseKeepAliveResponse.Builder answer = LeaseKeepAliveResponse.newBuilder()
                .setHeader(header(revision()))
                .setID(request.getID());
        Leases.Lease lease = leases.get(request.getID());
        if (lease == null) {
            return answer.build();
        }
        if (lease.expiryNanos() <= nowNanos) {
            end(lease);
            return answer.build();
        }
        beginChange();
        leases.restart(lease, nowNanos);
        isTorn = false;
        applied++;
        return answer.setTTL(lease.ttlSeconds()).build();
    }

    /** The seconds a lease has left, rounded down; -1 when it does not exist. */
    public LeaseTimeToLiveResponse leaseTimeToLive(LeaseTimeToLiveRequest request, long nowNanos) {
        LeaseTimeToLiveResponse.Builder answer = LeaseTimeToLiveResponse.newBuilder()
                .setHeader(header(revision()))
                .setID(request.getID());
        Leases.Lease lease = leases.get(request.getID());
        if (lease == null) {
            return answer.setTTL(-1).build();
        }
        answer.setGrantedTTL(lease.ttlSeconds());
        answer.setTTL(Math.max(0, lease.expiryNanos() - nowNanos) / NANOS_PER_SECOND);
        return request.getKeys() ? answer.addAllKeys(lease.keys()).build() : answer.build();
    }

    /** All leases, the next to expire first. */
    public LeaseLeasesResponse leaseLeases() {
        LeaseLeasesResponse.Builder answer = LeaseLeasesResponse.newBuilder().setHeader(header(revision()));
        for (Leases.Lease lease : leases.all()) {
            answer.addLeases(LeaseStatus.newBuilder().setID(lease.id()));
        }
        return answer.build();
    }

    /** When {@link #expire} is due next; {@link Long#MAX_VALUE} when there is no lease. */
    public long nextExpiryNanos() {
        Leases.Lease next = leases.next();
        return next == null ? Long.MAX_VALUE : next.expiryNanos();
    }

    /** Ends every lease whose time is over, one revision each, the longest overdue first. Returns how many. */
    public int expire(long nowNanos) {
        int ended = 0;
        for (Leases.Lease next = leases.next(); next != null && next.expiryNanos() <= nowNanos; next = leases.next()) {
            end(next);
            ended++;
        }
        return ended;
    }

    // ------------------------------------------------------------------------------------------------- watches

    /**
     * Opens a stream of watches.
     *
     * @param listener gets what the stream answers while the engine is being called; it must not call the engine itself
     */
    public WatchStream openWatchStream(Consumer<WatchResponse> listener) {
        WatchStream stream = new WatchStream(this, listener);
        watchStreams.add(stream);
        return stream;
    }

    /** Tells every watch that asked for it, and got nothing since the last call, how far it is. */
    public void reportProgress() {
        watchStreams.forEach(WatchStream::reportProgress);
    }

    WatchIndex watchIndex() {
        return watchIndex;
    }

    void forget(WatchStream stream) {
        watchStreams.remove(stream);
    }

    List<Store.Change> changes(long atRevision) {
        return store.changes(atRevision);
    }

    // ----------------------------------------------------------------------------------- the cluster and its state

    /** A new leader: the term grows and every lease starts its TTL anew. */
    public void changeLeader(long nowNanos) {
        journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.FREES);
        beginChange();
        term++;
        journal.append(new Command.Term(term), revision());
        restartLeases(nowNanos);
        isTorn = false;
    }

    /** Every lease starts its TTL anew. */
    void restartLeases(long nowNanos) {
        for (Leases.Lease lease : List.copyOf(leases.all())) {
            leases.restart(lease, nowNanos);
        }
    }

    /**
     * Shows, raises or clears alarms. Under NOSPACE puts and grants are refused while deletes, keep-alives and revokes go on;
     * under CORRUPT nothing is written.
     */
    public AlarmResponse alarm(AlarmRequest request) {
        AlarmResponse.Builder answer = AlarmResponse.newBuilder().setHeader(header(revision()));
        AlarmType type = request.getAlarm();
        boolean known = type == AlarmType.NOSPACE || type == AlarmType.CORRUPT;
        switch (request.getAction()) {
            case GET ->
                alarms.stream()
                        .filter(alarm -> type == AlarmType.NONE || type == alarm)
                        .forEach(alarm -> answer.addAlarms(alarmOfThisMember(alarm)));
            case ACTIVATE -> {
                if (known) {
                    setAlarm(type, true);
                    answer.addAlarms(alarmOfThisMember(type));
                }
            }
            case DEACTIVATE -> {
                if (alarms.contains(type)) {
                    setAlarm(type, false);
                    answer.addAlarms(alarmOfThisMember(type));
                }
            }
            case UNRECOGNIZED -> {}
        }
        return answer.build();
    }

    private void setAlarm(AlarmType type, boolean raised) {
        journal.reserve(SMALL_COMMAND_BYTES, Journal.Purpose.FREES);
        beginChange();
        if (raised) {
            alarms.add(type);
        } else {
            alarms.remove(type);
        }
        journal.append(new Command.Alarm(type, raised), revision());
        isTorn = false;
    }

    private AlarmMember alarmOfThisMember(AlarmType alarm) {
        return AlarmMember.newBuilder().setMemberID(memberId).setAlarm(alarm).build();
    }

    public StatusResponse status() {
        StatusResponse.Builder answer = StatusResponse.newBuilder()
                .setHeader(header(revision()))
                .setVersion(API_VERSION)
                .setDbSize(store.sizeBytes())
                .setDbSizeInUse(store.sizeBytes())
                .setLeader(memberId)
                .setRaftIndex(applied)
                .setRaftAppliedIndex(applied)
                .setRaftTerm(term);
        for (AlarmType alarm : alarms) {
            answer.addErrors("memberID:" + Long.toUnsignedString(memberId) + " alarm:" + alarm + " ");
        }
        return answer.build();
    }

    /** A checksum of all pairs as they are now: equal stores have equal ones. Not comparable with real etcd's. */
    public HashResponse hash() {
        CRC32C crc = new CRC32C();
        store.read(EVERYTHING).values().forEach(kv -> crc.update(kv.toByteArray()));
        return HashResponse.newBuilder()
                .setHeader(header(revision()))
                .setHash((int) crc.getValue())
                .build();
    }

    /** A header with this revision. */
    ResponseHeader header(long revision) {
        return ResponseHeader.newBuilder()
                .setClusterId(clusterId)
                .setMemberId(memberId)
                .setRevision(revision)
                .setRaftTerm(term)
                .build();
    }

    /** The header of an answer inside a transaction. */
    private ResponseHeader revisionOnly() {
        return ResponseHeader.newBuilder().setRevision(store.readRevision()).build();
    }
}
