package dev.holdfast.testkit.contract;

import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Many leases of clients that are not there. */
final class Leases {

    private static final int AT_ONCE = 500;
    private static final int TTL_SECONDS = 3_600;

    private final Transport way;

    Leases(Transport way) {
        this.way = way;
    }

    /** Grants so many of an hour, some hundred at a time, and returns when all are there. */
    void grant(int count) throws InterruptedException {
        Semaphore room = new Semaphore(AT_ONCE);
        CompletableFuture<Void> failed = new CompletableFuture<>();
        for (int i = 1; i <= count; i++) {
            acquire(room, 1);
            way.unary(
                    way.endpoints().get(0),
                    LeaseGrpc.getLeaseGrantMethod(),
                    new Metadata(),
                    LeaseGrantRequest.newBuilder().setID(i).setTTL(TTL_SECONDS).build(),
                    Eventually.PATIENCE.toNanos(),
                    new Transport.UnaryListener<>() {
                        @Override
                        public void onAnswer(LeaseGrantResponse message) {
                            room.release();
                        }

                        @Override
                        public void onFailure(Status status) {
                            failed.completeExceptionally(status.asRuntimeException());
                            room.release();
                        }
                    });
        }
        acquire(room, AT_ONCE);
        failed.complete(null);
        failed.join();
    }

    private static void acquire(Semaphore room, int permits) throws InterruptedException {
        if (!room.tryAcquire(permits, Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("etcd does not answer");
        }
    }
}
