package dev.holdfast.benchmarks.compare;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.Lease;
import io.etcd.jetcd.Lock;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.etcd.jetcd.support.CloseableClient;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The lock service of etcd through jetcd. A lease for each seat, because the service lets whoever has the lease of the
 * holder in.
 */
final class JetcdLock implements Contender {

    private final Client client;
    private final int ttlSeconds;
    private final List<CloseableClient> keptAlive = new ArrayList<>();
    private final List<Long> leases = new ArrayList<>();

    JetcdLock(String way, String endpoints, int ttlSeconds) {
        if (!way.isEmpty()) {
            throw new IllegalArgumentException("no such way: " + way);
        }
        this.ttlSeconds = ttlSeconds;
        client = Client.builder().endpoints(endpoints.split(",", -1)).build();
    }

    @Override
    public Seat seat(List<String> names) throws Exception {
        Lease leaseClient = client.getLeaseClient();
        long lease = leaseClient.grant(ttlSeconds).get().getID();
        leases.add(lease);
        keptAlive.add(leaseClient.keepAlive(lease, new Unheard()));
        Lock locks = client.getLockClient();
        List<ByteSequence> keys = names.stream()
                .map(name -> ByteSequence.from(name, StandardCharsets.UTF_8))
                .toList();
        ByteSequence[] owned = new ByteSequence[names.size()];
        return new Seat() {
            @Override
            public void lock(int name) throws Exception {
                owned[name] = locks.lock(keys.get(name), lease).get().getKey();
            }

            @Override
            public void unlock(int name) throws Exception {
                locks.unlock(owned[name]).get();
            }
        };
    }

    @Override
    public void close() {
        keptAlive.forEach(CloseableClient::close);
        for (long lease : leases) {
            client.getLeaseClient().revoke(lease).join();
        }
        client.close();
    }

    private static final class Unheard implements StreamObserver<LeaseKeepAliveResponse> {

        @Override
        public void onNext(LeaseKeepAliveResponse renewed) {}

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {}
    }
}
