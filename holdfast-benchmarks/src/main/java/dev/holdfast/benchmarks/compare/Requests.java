package dev.holdfast.benchmarks.compare;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;

/** The bare requests that a lock on etcd is made of. */
final class Requests {

    private Requests() {}

    static ManagedChannel channel(String endpoints) {
        String first = endpoints.split(",", -1)[0];
        return NettyChannelBuilder.forTarget(first.substring(first.indexOf("//") + 2))
                .usePlaintext()
                .directExecutor()
                .build();
    }

    static TxnRequest putIfAbsent(ByteString key) {
        return TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(key)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setCreateRevision(0))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder().setKey(key)))
                .build();
    }

    static DeleteRangeRequest delete(ByteString key) {
        return DeleteRangeRequest.newBuilder().setKey(key).build();
    }
}
