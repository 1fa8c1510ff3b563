package dev.holdfast.etcd;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchResponse;

/** Answers of an etcd server, for scripts. */
public final class Answers {

    /** The cluster that answers unless a test says otherwise. */
    public static final long CLUSTER = 0xC1;

    private Answers() {}

    public static ResponseHeader header(long revision) {
        return header(CLUSTER, revision);
    }

    public static ResponseHeader header(long clusterId, long revision) {
        return ResponseHeader.newBuilder()
                .setClusterId(clusterId)
                .setMemberId(1)
                .setRevision(revision)
                .setRaftTerm(2)
                .build();
    }

    public static TxnResponse txn(long revision) {
        return TxnResponse.newBuilder()
                .setHeader(header(revision))
                .setSucceeded(true)
                .build();
    }

    /** All that was asked for was done, and every range was empty. */
    public static TxnResponse txn(TxnRequest request, long revision) {
        TxnResponse.Builder answer = txn(revision).toBuilder();
        for (RequestOp each : request.getSuccessList()) {
            ResponseOp.Builder done = ResponseOp.newBuilder();
            if (each.hasRequestRange()) {
                done.setResponseRange(RangeResponse.getDefaultInstance());
            }
            answer.addResponses(done);
        }
        return answer.build();
    }

    public static RangeResponse range(long revision) {
        return RangeResponse.newBuilder().setHeader(header(revision)).build();
    }

    public static LeaseKeepAliveResponse keepAlive(long leaseId, long ttlSeconds) {
        return LeaseKeepAliveResponse.newBuilder()
                .setHeader(header(1))
                .setID(leaseId)
                .setTTL(ttlSeconds)
                .build();
    }

    /** The answer to a create request. */
    public static WatchResponse created(long watchId, long revision) {
        return WatchResponse.newBuilder()
                .setHeader(header(revision))
                .setWatchId(watchId)
                .setCreated(true)
                .build();
    }

    /** The answer to a create request the server refuses. */
    public static WatchResponse refused(String reason) {
        return WatchResponse.newBuilder()
                .setHeader(header(1))
                .setWatchId(-1)
                .setCreated(true)
                .setCanceled(true)
                .setCancelReason(reason)
                .build();
    }

    /** The end of a watch. */
    public static WatchResponse canceled(long watchId) {
        return WatchResponse.newBuilder()
                .setHeader(header(1))
                .setWatchId(watchId)
                .setCanceled(true)
                .build();
    }

    /** A response with one PUT of key "k". */
    public static WatchResponse put(long watchId, long revision) {
        WatchResponse.Builder response =
                WatchResponse.newBuilder().setHeader(header(revision)).setWatchId(watchId);
        response.addEventsBuilder()
                .getKvBuilder()
                .setKey(ByteString.copyFromUtf8("k"))
                .setCreateRevision(revision)
                .setModRevision(revision)
                .setVersion(1);
        return response.build();
    }
}
