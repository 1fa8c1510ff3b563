package dev.holdfast.benchmarks.compare;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * How long after a delete was sent another client hears of it: what handing over a lock costs at least. Both clients are in
 * this process. Says its result and ends.
 */
final class EventFloor {

    private static final int MOST = 1_000_000;
    private static final long PATIENCE_SECONDS = 10;

    private EventFloor() {}

    /** Takes endpoints, key, seconds of warm-up, seconds that count. */
    public static void main(String[] arguments) throws InterruptedException {
        ByteString key = ByteString.copyFromUtf8(arguments[1]);
        ManagedChannel deleting = Requests.channel(arguments[0]);
        ManagedChannel watching = Requests.channel(arguments[0]);
        KVGrpc.KVBlockingStub etcd = KVGrpc.newBlockingStub(deleting);
        Heard heard = new Heard();
        StreamObserver<WatchRequest> watch = WatchGrpc.newStub(watching).watch(heard);
        watch.onNext(WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder().setKey(key))
                .build());
        heard.next();
        long from = System.nanoTime() + (long) (Double.parseDouble(arguments[2]) * 1e9);
        long until = from + (long) (Double.parseDouble(arguments[3]) * 1e9);
        long[] delays = new long[MOST];
        int count = 0;
        while (System.nanoTime() < until && count < MOST) {
            etcd.txn(Requests.putIfAbsent(key));
            heard.next();
            long asked = System.nanoTime();
            etcd.deleteRange(Requests.delete(key));
            long delay = heard.next() - asked;
            if (asked >= from) {
                delays[count++] = delay;
            }
        }
        Latency latency = Latency.of(Arrays.copyOf(delays, count));
        Orders.say("result hand_over_count " + count);
        Orders.say("result hand_over_p50_us " + latency.p50Micros());
        Orders.say("result hand_over_p99_us " + latency.p99Micros());
        Orders.say("result hand_over_max_us " + latency.maxMicros());
        System.exit(0);
    }

    /** The times at which answers of the watch came: that it was created, then an event each. */
    private static final class Heard implements StreamObserver<WatchResponse> {

        private final BlockingQueue<Long> times = new LinkedBlockingQueue<>();

        @Override
        public void onNext(WatchResponse response) {
            long now = System.nanoTime();
            if (response.getCreated()) {
                times.add(now);
            }
            for (Event event : response.getEventsList()) {
                if (event.hasKv()) {
                    times.add(now);
                }
            }
        }

        long next() throws InterruptedException {
            Long time = times.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (time == null) {
                throw new IllegalStateException("the watch said nothing for " + PATIENCE_SECONDS + " s");
            }
            return time;
        }

        @Override
        public void onError(Throwable error) {
            System.err.println("the watch ended: " + error);
        }

        @Override
        public void onCompleted() {}
    }
}
