package dev.holdfast.testkit.contract;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseStatus;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Somebody with a hand on the store itself, who looks at keys, deletes them and revokes leases as he pleases. */
final class Operator implements AutoCloseable {

    private static final long TIMEOUT_NANOS = 20_000_000_000L;

    private final Transport transport;

    Operator(Transport transport) {
        this.transport = transport;
    }

    /** The keys with this prefix, in the order of their creation; an empty prefix means all keys. */
    List<KeyValue> keys(String prefix) {
        ByteString from = prefix.isEmpty() ? ByteString.copyFrom(new byte[1]) : ByteString.copyFromUtf8(prefix);
        ByteString to = prefix.isEmpty() ? from : after(from);
        return range(RangeRequest.newBuilder().setKey(from).setRangeEnd(to).build()).getKvsList().stream()
                .sorted(Comparator.comparingLong(KeyValue::getCreateRevision))
                .toList();
    }

    private static ByteString after(ByteString prefix) {
        byte[] bytes = prefix.toByteArray();
        bytes[bytes.length - 1]++;
        return ByteString.copyFrom(bytes);
    }

    /** The entries in the queue of a lock, first one first. */
    List<KeyValue> queue(String lockName) {
        String prefix = lockName + "/";
        return keys(prefix).stream()
                .filter(kv -> kv.getKey().toStringUtf8().indexOf('/', prefix.length()) < 0)
                .toList();
    }

    /** How many keys begin with the prefix. */
    long count(String prefix) {
        ByteString from = ByteString.copyFromUtf8(prefix);
        return range(RangeRequest.newBuilder()
                        .setKey(from)
                        .setRangeEnd(after(from))
                        .setCountOnly(true)
                        .build())
                .getCount();
    }

    /** The revision of the store: it grows with every write. */
    long revision() {
        return range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("x"))
                        .setCountOnly(true)
                        .build())
                .getHeader()
                .getRevision();
    }

    private RangeResponse range(RangeRequest request) {
        return call(KVGrpc.getRangeMethod(), request);
    }

    /**
     * Releases a lock by force: deletes that entry of its queue and leaves a record of it, in one transaction.
     *
     * @param index 0 = the holder's
     * @return the record's key; it stays until it is deleted
     */
    ByteString release(String lockName, int index, String by, String reason) {
        KeyValue entry = queue(lockName).get(index);
        ForcedRelease how = new ForcedRelease(by, reason, Instant.now(), lockName, entry.getCreateRevision());
        ByteString record = ByteString.copyFromUtf8(
                ForcedRelease.key("_holdfast", entry.getKey().toStringUtf8()));
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(entry.getKey())
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(entry.getCreateRevision()))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(entry.getKey())))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(
                                PutRequest.newBuilder().setKey(record).setValue(ByteString.copyFrom(how.toJson()))))
                .build();
        if (!call(KVGrpc.getTxnMethod(), request).getSucceeded()) {
            throw new IllegalStateException("the entry is gone already: " + entry);
        }
        return record;
    }

    void put(String key, String value) {
        put(key, value, 0);
    }

    void put(String key, String value, long leaseId) {
        call(
                KVGrpc.getPutMethod(),
                PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8(value))
                        .setLease(leaseId)
                        .build());
    }

    void txn(TxnRequest request) {
        call(KVGrpc.getTxnMethod(), request);
    }

    void grant(long leaseId, int ttlSeconds) {
        call(
                LeaseGrpc.getLeaseGrantMethod(),
                LeaseGrantRequest.newBuilder().setID(leaseId).setTTL(ttlSeconds).build());
    }

    /** The TTL a lease was granted, in seconds. */
    long grantedTtl(long leaseId) {
        return call(
                        LeaseGrpc.getLeaseTimeToLiveMethod(),
                        LeaseTimeToLiveRequest.newBuilder().setID(leaseId).build())
                .getGrantedTTL();
    }

    /** How long a lease lives if it is not renewed, in seconds; -1 if it is gone. */
    long remainingTtl(long leaseId) {
        return call(
                        LeaseGrpc.getLeaseTimeToLiveMethod(),
                        LeaseTimeToLiveRequest.newBuilder().setID(leaseId).build())
                .getTTL();
    }

    /** The leases there are. */
    List<Long> leases() {
        return call(LeaseGrpc.getLeaseLeasesMethod(), LeaseLeasesRequest.getDefaultInstance()).getLeasesList().stream()
                .map(LeaseStatus::getID)
                .toList();
    }

    /** Forgets what was before the present revision. */
    void compact() {
        call(
                KVGrpc.getCompactMethod(),
                CompactionRequest.newBuilder().setRevision(revision()).build());
    }

    void delete(ByteString key) {
        call(
                KVGrpc.getDeleteRangeMethod(),
                DeleteRangeRequest.newBuilder().setKey(key).build());
    }

    void revoke(long leaseId) {
        call(
                LeaseGrpc.getLeaseRevokeMethod(),
                LeaseRevokeRequest.newBuilder().setID(leaseId).build());
    }

    private <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
        CompletableFuture<R> answer = new CompletableFuture<>();
        transport.unary(
                transport.endpoints().get(0),
                method,
                new Metadata(),
                request,
                TIMEOUT_NANOS,
                new Transport.UnaryListener<>() {
                    @Override
                    public void onAnswer(R message) {
                        answer.complete(message);
                    }

                    @Override
                    public void onFailure(Status status) {
                        answer.completeExceptionally(status.asRuntimeException());
                    }
                });
        return answer.join();
    }

    @Override
    public void close() {
        transport.close();
    }
}
