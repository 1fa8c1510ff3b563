package dev.holdfast.testkit.simulation;

import com.google.protobuf.ByteString;
import dev.holdfast.embedded.Engine;
import dev.holdfast.embedded.EtcdException;
import dev.holdfast.embedded.WatchStream;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseStatus;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.Member;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.spi.Cancellable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An etcd cluster of a few members in front of one {@link Engine}, with the bad manners of real ones. What goes through
 * the log is applied at once, whichever member was asked. A member may lag: its serializable reads and its watches show
 * the past for a while. A member may be a leader that lost its office without noticing: it answers keep-alives of leases
 * as it last knew them, and renews nothing.
 */
final class SimServer {

    private static final ByteString SESSIONS = ByteString.copyFromUtf8("_holdfast/sess/");

    /** Longer than any run. */
    private static final long OTHERS_TTL_SECONDS = 100_000;

    private static final ByteString ALL = ByteString.copyFrom(new byte[] {0});

    /** What a member that thinks it is the leader knows: the term and the leases of its time. */
    private record OldTimes(long untilNanos, long term, long revision, Map<Long, Long> ttlSecondsByLease) {}

    private record Lag(long untilNanos, long revision) {}

    private final World world;
    private final Luck luck;
    private final Weather weather;
    private final Invariants invariants;
    private final Notes notes;
    private final Mix mix;
    private Engine engine;
    private final Map<Integer, Lag> lags = new TreeMap<>();
    private final Map<Integer, OldTimes> stuck = new TreeMap<>();
    private int life;
    private final List<WatchResponse> revisions = new ArrayList<>();
    private Cancellable expiry = () -> {};
    private long stalledUntilNanos;

    SimServer(World world, Weather weather, Invariants invariants, Notes notes, Mix mix) {
        this.world = world;
        this.luck = world.fork();
        this.weather = weather;
        this.invariants = invariants;
        this.notes = notes;
        this.mix = mix;
        this.engine = new Engine(world.fork().nextLong() | 1, 1);
        follow();
    }

    /* Sees every revision from now on. */
    private void follow() {
        engine.openWatchStream(revisions::add)
                .accept(WatchRequest.newBuilder()
                        .setCreateRequest(
                                WatchCreateRequest.newBuilder().setKey(ALL).setRangeEnd(ALL))
                        .build());
        revisions.clear();
    }

    // ---------------------------------------------------------------------------------------------------- requests

    /** When what arrives now is looked at: later while the cluster has no leader. */
    long readyAtNanos() {
        return Math.max(world.nowNanos(), stalledUntilNanos);
    }

    /**
     * Carries out a request.
     *
     * @throws EtcdException if it is refused
     */
    Object answer(int member, Object request) {
        try {
            if (request instanceof RangeRequest range) {
                Lag lag = staleness(member);
                return range.getSerializable() && lag != null ? staleRange(range, lag) : engine.range(range);
            } else if (request instanceof TxnRequest txn) {
                Lag lag = staleness(member);
                if (isSerializable(txn) && txn.getSuccessCount() == 2) {
                    mix.count(Drawn.LONG_WAIT);
                }
                if (lag != null && isSerializable(txn)) {
                    return staleTxn(txn, lag);
                }
                invariants.onTxn(txn);
                TxnResponse done = engine.txn(txn);
                countKind(txn, done.getSucceeded());
                return done;
            } else if (request instanceof LeaseGrantRequest grant) {
                return engine.leaseGrant(grant, world.nowNanos());
            } else if (request instanceof LeaseRevokeRequest revoke) {
                return engine.leaseRevoke(revoke);
            } else if (request instanceof LeaseTimeToLiveRequest ask) {
                return engine.leaseTimeToLive(ask, world.nowNanos());
            } else if (request instanceof StatusRequest) {
                return engine.status();
            } else if (request instanceof MemberListRequest) {
                return MemberListResponse.newBuilder()
                        .setHeader(header(engine.revision()))
                        .addMembers(Member.newBuilder().setID(engine.memberId()))
                        .build();
            }
            throw new IllegalArgumentException("no such request in the simulation: " + request.getClass());
        } finally {
            changed();
        }
    }

    private void countKind(TxnRequest txn, boolean isDone) {
        boolean isPutting = txn.getSuccessList().stream().anyMatch(RequestOp::hasRequestPut);
        boolean isDeleting = txn.getSuccessList().stream().anyMatch(RequestOp::hasRequestDeleteRange);
        boolean isOfSession = isPutting
                && txn.getSuccess(0).getRequestPut().getKey().startsWith(SESSIONS)
                && txn.getCompare(0).getTarget() == Compare.CompareTarget.MOD;
        if (isDone && isOfSession) {
            mix.count(Drawn.BUMP);
        } else if (isDone && isPutting && isDeleting) {
            mix.count(Drawn.YIELD);
        }
    }

    LeaseKeepAliveResponse keepAlive(int member, LeaseKeepAliveRequest request) {
        OldTimes old = stuck.get(member);
        if (old != null && old.untilNanos > world.nowNanos()) {
            mix.count(Drawn.STUCK_LEADER);
            return LeaseKeepAliveResponse.newBuilder()
                    .setHeader(header(old.revision).setRaftTerm(old.term))
                    .setID(request.getID())
                    .setTTL(old.ttlSecondsByLease.getOrDefault(request.getID(), 0L))
                    .build();
        }
        try {
            return engine.leaseKeepAlive(request, world.nowNanos());
        } finally {
            changed();
        }
    }

    /** Opens a stream of watches at a member; the listener is called while the engine is, and must only post. */
    WatchStream openWatches(Consumer<WatchResponse> listener) {
        return engine.openWatchStream(listener);
    }

    /** Until when the member's watches show nothing new. */
    long watchesHeldUntilNanos(int member) {
        Lag lag = lagOf(member);
        return lag == null ? 0 : lag.untilNanos;
    }

    /** What a watch from now on means at that member: from what it thinks is now. */
    WatchRequest seenBy(int member, WatchRequest request) {
        Lag lag = lagOf(member);
        boolean isFromNow =
                request.hasCreateRequest() && request.getCreateRequest().getStartRevision() == 0;
        if (lag == null || !isFromNow || lag.revision + 1 <= engine.compactedRevision()) {
            return request;
        }
        return request.toBuilder()
                .setCreateRequest(request.getCreateRequest().toBuilder().setStartRevision(lag.revision + 1))
                .build();
    }

    /** A Created as that member says it: with the revision it has reached. */
    WatchResponse seenBy(int member, WatchResponse response) {
        Lag lag = lagOf(member);
        if (lag == null || !response.getCreated() || response.getCanceled()) {
            return response;
        }
        return response.toBuilder().setHeader(header(lag.revision)).build();
    }

    private RangeResponse staleRange(RangeRequest range, Lag lag) {
        if (lag.revision < engine.compactedRevision()) {
            return engine.range(range);
        }
        mix.count(Drawn.STALE_READ);
        return engine.range(range.toBuilder().setRevision(lag.revision).build()).toBuilder()
                .setHeader(header(lag.revision))
                .build();
    }

    private TxnResponse staleTxn(TxnRequest txn, Lag lag) {
        TxnResponse.Builder answer = TxnResponse.newBuilder().setSucceeded(true).setHeader(header(lag.revision));
        for (RequestOp op : txn.getSuccessList()) {
            answer.addResponses(ResponseOp.newBuilder().setResponseRange(staleRange(op.getRequestRange(), lag)));
        }
        return answer.build();
    }

    private static boolean isSerializable(TxnRequest txn) {
        return txn.getCompareCount() == 0
                && txn.getSuccessList().stream()
                        .allMatch(op ->
                                op.hasRequestRange() && op.getRequestRange().getSerializable());
    }

    private ResponseHeader.Builder header(long revision) {
        return ResponseHeader.newBuilder()
                .setClusterId(engine.clusterId())
                .setMemberId(engine.memberId())
                .setRevision(revision)
                .setRaftTerm(engine.term());
    }

    private @Nullable Lag lagOf(int member) {
        Lag lag = lags.get(member);
        return lag != null && lag.untilNanos > world.nowNanos() ? lag : null;
    }

    /** How old the member's own state is when it is asked for it: sometimes a little, without its watches lagging, too. */
    private @Nullable Lag staleness(int member) {
        Lag lag = lagOf(member);
        if (lag == null && weather.strikes(weather.staleRead, luck)) {
            return new Lag(world.nowNanos(), Math.max(1, engine.revision() - luck.between(1, 30)));
        }
        return lag;
    }

    /** Something may have been written: tells the invariants, and arms the next expiry. */
    private void changed() {
        for (WatchResponse revision : List.copyOf(revisions)) {
            List<Event> events = revision.getEventsList();
            long number = revision.getHeader().getRevision();
            world.note("server", "revision", number, () -> number + " " + describe(events));
            invariants.onRevision(number, events);
            notes.revision(number, events);
        }
        revisions.clear();
        expiry.cancel();
        long next = engine.nextExpiryNanos();
        if (next != Long.MAX_VALUE) {
            expiry = world.after(Math.max(next, stalledUntilNanos) - world.nowNanos(), "expiry", "server", () -> {
                if (engine.expire(world.nowNanos()) > 0) {
                    mix.count(Drawn.LEASE_EXPIRED);
                }
                changed();
            });
        }
    }

    private static String describe(List<Event> events) {
        StringBuilder text = new StringBuilder();
        for (Event event : events) {
            text.append(event.getType() == Event.EventType.DELETE ? " DELETE " : " PUT ")
                    .append(event.getKv().getKey().toStringUtf8());
        }
        return text.toString();
    }

    // ---------------------------------------------------------------------------------------------------- faults

    /** A new leader: every lease starts its TTL anew. */
    void changeLeader() {
        engine.changeLeader(world.nowNanos());
        changed();
    }

    /** No leader: nothing is answered and no lease ends for this time; then there is a new leader. */
    void stall(long nanos) {
        stalledUntilNanos = world.nowNanos() + nanos;
        world.after(nanos, "elected", "server", this::changeLeader);
        changed();
    }

    /** The member loses its office and does not notice for this time, while another one takes over. */
    void stick(int member, long nanos) {
        Map<Long, Long> ttls = new LinkedHashMap<>();
        for (LeaseStatus lease : engine.leaseLeases().getLeasesList()) {
            LeaseTimeToLiveRequest ask =
                    LeaseTimeToLiveRequest.newBuilder().setID(lease.getID()).build();
            ttls.put(
                    lease.getID(), engine.leaseTimeToLive(ask, world.nowNanos()).getGrantedTTL());
        }
        stuck.put(member, new OldTimes(world.nowNanos() + nanos, engine.term(), engine.revision(), ttls));
        changeLeader();
    }

    /** How often it was started anew with a snapshot: what was sent before then reaches it no more. */
    int life() {
        return life;
    }

    /** A snapshot of it all as it is now, for {@link #restore}. */
    Engine snapshot() {
        return engine.copy();
    }

    /** The cluster is put back to a snapshot, and started anew; every lease has its whole TTL again. */
    void restore(Engine snapshot) {
        life++;
        engine = snapshot;
        engine.changeLeader(world.nowNanos());
        lags.clear();
        stuck.clear();
        follow();
        RangeRequest all =
                RangeRequest.newBuilder().setKey(ALL).setRangeEnd(ALL).build();
        List<KeyValue> pairs = engine.range(all).getKvsList();
        world.note("server", "restored", engine.revision(), () -> "to revision " + engine.revision());
        notes.restored(engine.revision(), pairs);
        invariants.onRestored(engine.revision(), pairs);
        changed();
    }

    /** The member stays at the revision it has now, for this time. */
    void lag(int member, long nanos) {
        lags.put(member, new Lag(world.nowNanos() + nanos, engine.revision()));
    }

    /** Forgets the past, but for the last so many revisions. */
    void compact(long keep) {
        long at = engine.revision() - keep;
        if (at > engine.compactedRevision() && at > 1) {
            engine.compact(CompactionRequest.newBuilder().setRevision(at).build());
        }
    }

    void setNoSpace(boolean isFull) {
        engine.alarm(AlarmRequest.newBuilder()
                .setAction(isFull ? AlarmRequest.AlarmAction.ACTIVATE : AlarmRequest.AlarmAction.DEACTIVATE)
                .setAlarm(AlarmType.NOSPACE)
                .build());
    }

    /** Everything is as it should be from now on. */
    void calm() {
        lags.clear();
        stuck.clear();
        stalledUntilNanos = Math.min(stalledUntilNanos, world.nowNanos());
        setNoSpace(false);
        changed();
    }

    long revision() {
        return engine.revision();
    }

    int leaseCount() {
        return engine.leaseLeases().getLeasesCount();
    }

    /** Somebody ends a lease of somebody else. */
    void revoke(long lease) {
        try {
            engine.leaseRevoke(LeaseRevokeRequest.newBuilder().setID(lease).build());
        } catch (EtcdException gone) {
            // It ended by itself.
        }
        changed();
    }

    /** An operator releases an entry by force, and says so where its owner looks. */
    void release(String key, long createRevision) {
        ForcedRelease how = new ForcedRelease(
                "operator", "the simulation wants it", Instant.ofEpochMilli(0), "any", createRevision);
        ByteString entry = ByteString.copyFromUtf8(key);
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(entry)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(createRevision))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(entry)))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8(ForcedRelease.key("_holdfast", key)))
                                .setValue(ByteString.copyFrom(how.toJson()))))
                .build();
        try {
            engine.txn(request);
        } catch (EtcdException full) {
            // It writes, and so it is refused when there is no space.
        }
        changed();
    }

    /** Somebody deletes an entry of somebody else. */
    void delete(String key) {
        engine.deleteRange(DeleteRangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .build());
        changed();
    }

    /** Somebody deletes everything below a prefix. */
    void deleteAll(String prefix) {
        ByteString from = ByteString.copyFromUtf8(prefix);
        engine.deleteRange(DeleteRangeRequest.newBuilder()
                .setKey(from)
                .setRangeEnd(end(from))
                .build());
        changed();
    }

    private static ByteString end(ByteString prefix) {
        // No prefix here ends with the highest byte.
        byte[] end = prefix.toByteArray();
        end[end.length - 1]++;
        return ByteString.copyFrom(end);
    }

    /** Somebody keeps keys of his own below a lock's, whose names come before those of its entries. */
    void nest(String lock, int keys) {
        for (int i = 0; i < keys; i++) {
            engine.put(PutRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8(lock + "/-/" + i))
                    .build());
        }
        changed();
    }

    // ---------------------------------------------------------------------------------------------------- others

    /** A lease of a client of another kind; it does not end by itself. */
    void grantOther(long lease) {
        LeaseGrantRequest request = LeaseGrantRequest.newBuilder()
                .setID(lease)
                .setTTL(OTHERS_TTL_SECONDS)
                .build();
        notes.sent("other", 0, request);
        engine.leaseGrant(request, world.nowNanos());
        changed();
    }

    /**
     * What a lock of another language does first: put the key unless it is there.
     *
     * @return the create_revision of the key
     * @throws EtcdException if the lease is gone, or there is no space
     */
    long putOther(String key, long lease) {
        ByteString entry = ByteString.copyFromUtf8(key);
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(entry)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(0))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder().setKey(entry).setLease(lease)))
                .build();
        engine.txn(request);
        changed();
        return createRevision(entry);
    }

    private long createRevision(ByteString key) {
        RangeResponse found = engine.range(RangeRequest.newBuilder().setKey(key).build());
        return found.getKvsCount() == 0 ? 0 : found.getKvs(0).getCreateRevision();
    }

    /** Whether nothing below the prefix was created before that. */
    boolean isFirst(String prefix, long createRevision) {
        ByteString from = ByteString.copyFromUtf8(prefix);
        return engine.range(RangeRequest.newBuilder()
                                .setKey(from)
                                .setRangeEnd(end(from))
                                .setMaxCreateRevision(createRevision - 1)
                                .setLimit(1)
                                .build())
                        .getKvsCount()
                == 0;
    }
}
