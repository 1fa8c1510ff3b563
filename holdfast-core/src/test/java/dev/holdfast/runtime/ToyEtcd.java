package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * As much of etcd as one lock client needs, in maps, behind the transport port: transactions are carried out when they are
 * sent; the answer comes with the scheduler's next task, or when the test lets it.
 */
final class ToyEtcd implements Transport {

    private static final long TERM = 3;
    private static final Status DENIED = Status.PERMISSION_DENIED.withDescription("etcdserver: permission denied");
    static final String FORCED = "_holdfast/forced/";
    static final Instant FORCED_AT = Instant.ofEpochSecond(1_700_000_000);

    private final ManualScheduler scheduler;
    private final TreeMap<ByteString, KeyValue> keys = new TreeMap<>(ByteString.unsignedLexicographicalComparator());
    private final Map<Long, Consumer<List<Event>>> watches = new LinkedHashMap<>();
    private final List<Runnable> withheld = new ArrayList<>();
    private long revision = 1_000;
    private long watchesMade;
    private final Set<StreamListener<?>> watching = new LinkedHashSet<>();

    /** Whether the watch of the records of operators says nothing. */
    boolean hidesForcedReleases;

    /** Every range that was asked for, but for those in transactions. */
    final List<RangeRequest> ranges = new ArrayList<>();

    /** Every transaction that was carried out. */
    final List<TxnRequest> transactions = new ArrayList<>();

    /** Whether the answers to transactions are kept back. */
    boolean withholdsAnswers;

    /** Whether nobody may see what is on a lease. */
    boolean hidesLeases;

    /** How often somebody asked what is on a lease. */
    int leasesAsked;

    /** Whether keep-alives are answered. */
    boolean renewsLeases = true;

    /** Whether watches are answered. */
    boolean answersWatches = true;

    /** Whether watches are told nothing of what happens. */
    boolean losesEvents;

    ToyEtcd(ManualScheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** Writes a key, as somebody else. */
    void put(String key) {
        revision++;
        apply(List.of(RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)))
                .build()));
    }

    /** Deletes an entry and leaves a record of who did it, as an operator does. */
    void force(String key, String by, String reason) {
        ByteString entry = ByteString.copyFromUtf8(key);
        RequestOp record = record(key, by, reason);
        revision++;
        apply(List.of(
                RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(entry))
                        .build(),
                record));
    }

    /** Leaves such a record, but no more: what no operator does. */
    void recordOnly(String key, String by, String reason) {
        RequestOp record = record(key, by, reason);
        revision++;
        apply(List.of(record));
    }

    private RequestOp record(String key, String by, String reason) {
        KeyValue found = keys.get(ByteString.copyFromUtf8(key));
        if (found == null) {
            throw new AssertionError("no such key: " + key);
        }
        ForcedRelease how = new ForcedRelease(by, reason, FORCED_AT, "any", found.getCreateRevision());
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(FORCED + key))
                        .setValue(ByteString.copyFrom(how.toJson())))
                .build();
    }

    /** Ends every watch, as a stream that breaks does. */
    void breakWatches() {
        watches.clear();
        List<StreamListener<?>> broken = List.copyOf(watching);
        watching.clear();
        broken.forEach(each -> scheduler.execute(() -> each.onClosed(Status.UNAVAILABLE)));
    }

    /** Deletes a key, as somebody else. */
    void delete(String key) {
        revision++;
        apply(List.of(RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)))
                .build()));
    }

    long revision() {
        return revision;
    }

    /** The keys that start so. */
    List<String> keys(String prefix) {
        return keys.keySet().stream()
                .map(ByteString::toStringUtf8)
                .filter(key -> key.startsWith(prefix))
                .toList();
    }

    /** Lets go of the answers that were kept back. */
    void letGo() {
        withholdsAnswers = false;
        withheld.forEach(Runnable::run);
        withheld.clear();
    }

    // ---------------------------------------------------------------------------------------------------- transport

    @Override
    public List<String> endpoints() {
        return List.of("toy");
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        if (request instanceof LeaseTimeToLiveRequest && hidesLeases) {
            leasesAsked++;
            scheduler.execute(() -> listener.onFailure(DENIED));
            return () -> {};
        }
        @SuppressWarnings("unchecked")
        R answer = (R) answerTo(request);
        boolean[] isOver = {false};
        Runnable deliver = () -> {
            if (!isOver[0]) {
                isOver[0] = true;
                listener.onAnswer(answer);
            }
        };
        scheduler.schedule(timeoutNanos, () -> {
            if (!isOver[0]) {
                isOver[0] = true;
                listener.onFailure(Status.DEADLINE_EXCEEDED);
            }
        });
        if (withholdsAnswers) {
            withheld.add(deliver);
        } else {
            scheduler.execute(deliver);
        }
        return () -> {};
    }

    private Object answerTo(Object request) {
        if (request instanceof TxnRequest txn) {
            return carryOut(txn);
        } else if (request instanceof RangeRequest range) {
            ranges.add(range);
            return read(range).setHeader(header()).build();
        } else if (request instanceof LeaseGrantRequest grant) {
            return LeaseGrantResponse.newBuilder()
                    .setHeader(header())
                    .setID(grant.getID())
                    .setTTL(grant.getTTL())
                    .build();
        } else if (request instanceof LeaseRevokeRequest revoke) {
            revision++;
            List<RequestOp> deletes = keys.values().stream()
                    .filter(each -> each.getLease() == revoke.getID())
                    .map(each -> RequestOp.newBuilder()
                            .setRequestDeleteRange(
                                    DeleteRangeRequest.newBuilder().setKey(each.getKey()))
                            .build())
                    .toList();
            apply(deletes);
            return LeaseRevokeResponse.newBuilder().setHeader(header()).build();
        } else if (request instanceof LeaseTimeToLiveRequest ask) {
            return LeaseTimeToLiveResponse.newBuilder()
                    .setHeader(header())
                    .setID(ask.getID())
                    .setTTL(1)
                    .addAllKeys(keys.values().stream()
                            .filter(each -> each.getLease() == ask.getID())
                            .map(KeyValue::getKey)
                            .toList())
                    .build();
        } else if (request instanceof StatusRequest) {
            return StatusResponse.newBuilder()
                    .setHeader(header())
                    .setVersion("3.6.0")
                    .build();
        } else if (request instanceof MemberListRequest) {
            return MemberListResponse.newBuilder().setHeader(header()).build();
        }
        throw new AssertionError("not expected: " + request);
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        return new Outbound<>() {
            @Override
            @SuppressWarnings("unchecked")
            public void send(Q message) {
                if (message instanceof LeaseKeepAliveRequest keep) {
                    renew(keep, (StreamListener<LeaseKeepAliveResponse>) listener);
                } else if (message instanceof WatchRequest watch && watch.hasCreateRequest()) {
                    watch(watch.getCreateRequest(), (StreamListener<WatchResponse>) listener);
                } else if (message instanceof WatchRequest watch && watch.hasCancelRequest()) {
                    watches.remove(watch.getCancelRequest().getWatchId());
                }
            }

            @Override
            public void cancel() {}
        };
    }

    @Override
    public void close() {}

    // ---------------------------------------------------------------------------------------------------- etcd

    private ResponseHeader header() {
        return ResponseHeader.newBuilder()
                .setClusterId(1)
                .setMemberId(1)
                .setRevision(revision)
                .setRaftTerm(TERM)
                .build();
    }

    private void renew(LeaseKeepAliveRequest keep, StreamListener<LeaseKeepAliveResponse> listener) {
        if (renewsLeases) {
            LeaseKeepAliveResponse answer = LeaseKeepAliveResponse.newBuilder()
                    .setHeader(header())
                    .setID(keep.getID())
                    .setTTL(10)
                    .build();
            scheduler.execute(() -> listener.onMessage(answer));
        }
    }

    private void watch(WatchCreateRequest create, StreamListener<WatchResponse> listener) {
        long id = watchesMade++;
        watching.add(listener);
        if (!answersWatches) {
            return;
        }
        WatchResponse.Builder envelope =
                WatchResponse.newBuilder().setWatchId(id).setHeader(header());
        WatchResponse created = envelope.clone().setCreated(true).build();
        scheduler.execute(() -> listener.onMessage(created));
        watches.put(id, events -> {
            List<Event> mine = events.stream()
                    .filter(each -> isInRange(each.getKv().getKey(), create.getKey(), create.getRangeEnd()))
                    .toList();
            boolean isHidden =
                    hidesForcedReleases && create.getKey().toStringUtf8().equals(FORCED);
            if (!mine.isEmpty() && !isHidden) {
                WatchResponse response =
                        envelope.clone().setHeader(header()).addAllEvents(mine).build();
                scheduler.execute(() -> listener.onMessage(response));
            }
        });
    }

    private TxnResponse carryOut(TxnRequest txn) {
        transactions.add(txn);
        boolean isTrue = txn.getCompareList().stream().allMatch(this::holds);
        List<RequestOp> operations = isTrue ? txn.getSuccessList() : txn.getFailureList();
        if (operations.stream().anyMatch(this::writes)) {
            revision++;
        }
        List<ResponseOp> answers = apply(operations);
        return TxnResponse.newBuilder()
                .setHeader(header())
                .setSucceeded(isTrue)
                .addAllResponses(answers)
                .build();
    }

    private boolean holds(Compare compare) {
        List<KeyValue> found = range(compare.getKey(), compare.getRangeEnd());
        if (found.isEmpty() && compare.getRangeEnd().isEmpty()) {
            found = List.of(KeyValue.getDefaultInstance());
        }
        return found.stream().allMatch(each -> switch (compare.getTarget()) {
            case CREATE -> each.getCreateRevision() == compare.getCreateRevision();
            case MOD -> each.getModRevision() == compare.getModRevision();
            default -> throw new AssertionError("not expected: " + compare);
        });
    }

    private boolean writes(RequestOp operation) {
        return operation.hasRequestPut()
                || (operation.hasRequestDeleteRange()
                        && keys.containsKey(operation.getRequestDeleteRange().getKey()));
    }

    private List<ResponseOp> apply(List<RequestOp> operations) {
        List<ResponseOp> answers = new ArrayList<>();
        List<Event> events = new ArrayList<>();
        for (RequestOp operation : operations) {
            ResponseOp.Builder answer = ResponseOp.newBuilder();
            if (operation.hasRequestPut()) {
                PutRequest put = operation.getRequestPut();
                KeyValue old = keys.get(put.getKey());
                KeyValue kv = KeyValue.newBuilder()
                        .setKey(put.getKey())
                        .setValue(put.getValue())
                        .setLease(put.getLease())
                        .setCreateRevision(old == null ? revision : old.getCreateRevision())
                        .setModRevision(revision)
                        .build();
                keys.put(put.getKey(), kv);
                events.add(Event.newBuilder()
                        .setType(Event.EventType.PUT)
                        .setKv(kv)
                        .build());
            } else if (operation.hasRequestDeleteRange()) {
                ByteString key = operation.getRequestDeleteRange().getKey();
                if (keys.remove(key) != null) {
                    events.add(Event.newBuilder()
                            .setType(Event.EventType.DELETE)
                            .setKv(KeyValue.newBuilder().setKey(key).setModRevision(revision))
                            .build());
                }
            } else {
                answer.setResponseRange(read(operation.getRequestRange()));
            }
            answers.add(answer.build());
        }
        if (!events.isEmpty() && !losesEvents) {
            List.copyOf(watches.values()).forEach(each -> each.accept(events));
        }
        return answers;
    }

    private RangeResponse.Builder read(RangeRequest request) {
        List<KeyValue> found = range(request.getKey(), request.getRangeEnd());
        boolean isCutOff = request.getLimit() > 0 && found.size() > request.getLimit();
        return RangeResponse.newBuilder()
                .addAllKvs(isCutOff ? found.subList(0, (int) request.getLimit()) : found)
                .setMore(isCutOff)
                .setCount(found.size());
    }

    private List<KeyValue> range(ByteString from, ByteString end) {
        return keys.values().stream()
                .filter(each -> isInRange(each.getKey(), from, end))
                .toList();
    }

    private static boolean isInRange(ByteString key, ByteString from, ByteString end) {
        var order = ByteString.unsignedLexicographicalComparator();
        return end.isEmpty() ? key.equals(from) : (order.compare(key, from) >= 0 && order.compare(key, end) < 0);
    }
}
