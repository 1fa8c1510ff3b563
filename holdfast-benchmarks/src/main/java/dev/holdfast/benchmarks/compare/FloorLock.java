package dev.holdfast.benchmarks.compare;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.KVGrpc;
import io.grpc.ManagedChannel;
import java.util.List;

/** No lock, but the two requests that one is made of: a put if the key is absent, and a delete. For one client only. */
final class FloorLock implements Contender {

    private final ManagedChannel channel;

    FloorLock(String way, String endpoints, int ttlSeconds) {
        if (!way.isEmpty() || ttlSeconds <= 0) {
            throw new IllegalArgumentException("the floor has no ways");
        }
        channel = Requests.channel(endpoints);
    }

    @Override
    public Seat seat(List<String> names) {
        KVGrpc.KVBlockingStub etcd = KVGrpc.newBlockingStub(channel);
        // The channel connects with its first request; all others have connected when they say that they are ready.
        etcd.deleteRange(Requests.delete(ByteString.copyFromUtf8(names.get(0))));
        List<ByteString> keys = names.stream().map(ByteString::copyFromUtf8).toList();
        return new Seat() {
            @Override
            public void lock(int name) {
                if (!etcd.txn(Requests.putIfAbsent(keys.get(name))).getSucceeded()) {
                    throw new IllegalStateException("somebody else's key is there");
                }
            }

            @Override
            public void unlock(int name) {
                if (etcd.deleteRange(Requests.delete(keys.get(name))).getDeleted() != 1) {
                    throw new IllegalStateException("somebody else deleted the key");
                }
            }
        };
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
