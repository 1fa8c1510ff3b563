package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchProgressRequest;
import dev.holdfast.etcdapi.WatchRequest;

/** Short ways to write requests in tests. */
final class Messages {
    private Messages() {}

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static RangeRequest get(String key) {
        return RangeRequest.newBuilder().setKey(bytes(key)).build();
    }

    static RangeRequest.Builder prefix(String prefix) {
        return RangeRequest.newBuilder().setKey(bytes(prefix)).setRangeEnd(KeyRange.prefixEnd(bytes(prefix)));
    }

    static PutRequest put(String key, String value) {
        return PutRequest.newBuilder().setKey(bytes(key)).setValue(bytes(value)).build();
    }

    static PutRequest put(String key, String value, long lease) {
        return put(key, value).toBuilder().setLease(lease).build();
    }

    static DeleteRangeRequest delete(String key) {
        return DeleteRangeRequest.newBuilder().setKey(bytes(key)).build();
    }

    static DeleteRangeRequest delete(String key, String rangeEnd) {
        return delete(key).toBuilder().setRangeEnd(bytes(rangeEnd)).build();
    }

    static RequestOp op(RangeRequest request) {
        return RequestOp.newBuilder().setRequestRange(request).build();
    }

    static RequestOp op(PutRequest request) {
        return RequestOp.newBuilder().setRequestPut(request).build();
    }

    static RequestOp op(DeleteRangeRequest request) {
        return RequestOp.newBuilder().setRequestDeleteRange(request).build();
    }

    static RequestOp op(TxnRequest request) {
        return RequestOp.newBuilder().setRequestTxn(request).build();
    }

    static TxnRequest then(RequestOp... ops) {
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        for (RequestOp op : ops) {
            txn.addSuccess(op);
        }
        return txn.build();
    }

    static Compare created(String key, Compare.CompareResult result, long revision) {
        return Compare.newBuilder()
                .setKey(bytes(key))
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(result)
                .setCreateRevision(revision)
                .build();
    }

    static LeaseGrantRequest grant(long id, long ttlSeconds) {
        return LeaseGrantRequest.newBuilder().setID(id).setTTL(ttlSeconds).build();
    }

    static LeaseRevokeRequest revoke(long id) {
        return LeaseRevokeRequest.newBuilder().setID(id).build();
    }

    static LeaseKeepAliveRequest keepAlive(long id) {
        return LeaseKeepAliveRequest.newBuilder().setID(id).build();
    }

    static WatchCreateRequest.Builder watch(String key) {
        return WatchCreateRequest.newBuilder().setKey(bytes(key));
    }

    static WatchCreateRequest.Builder watchPrefix(String prefix) {
        return watch(prefix).setRangeEnd(KeyRange.prefixEnd(bytes(prefix)));
    }

    static WatchRequest createWatch(WatchCreateRequest.Builder watch) {
        return WatchRequest.newBuilder().setCreateRequest(watch).build();
    }

    static WatchRequest cancelWatch(long id) {
        return WatchRequest.newBuilder()
                .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
                .build();
    }

    static WatchRequest progress() {
        return WatchRequest.newBuilder()
                .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                .build();
    }
}
