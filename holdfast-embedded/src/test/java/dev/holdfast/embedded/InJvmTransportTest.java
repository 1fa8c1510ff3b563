package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.createWatch;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.keepAlive;
import static dev.holdfast.embedded.Messages.prefix;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.watch;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class InJvmTransportTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final Transport transport = etcd.transport();

    @AfterEach
    void close() {
        transport.close();
        etcd.close();
    }

    @Test
    void unary_isAnswered() throws Exception {
        PutResponse put = call(KVGrpc.getPutMethod(), put("a", "1")).answer();
        assertThat(put.getHeader().getRevision()).isEqualTo(2);

        RangeResponse range = call(KVGrpc.getRangeMethod(), get("a")).answer();
        assertThat(range.getKvs(0).getValue()).isEqualTo(bytes("1"));
        assertThat(range.getHeader().getClusterId()).isNotZero();
    }

    @Test
    void unary_refused_hasEtcdsStatus() throws Exception {
        Status status = call(KVGrpc.getPutMethod(), put("a", "1", 77)).failure();
        assertThat(status.getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(status.getDescription()).isEqualTo("etcdserver: requested lease not found");
    }

    @Test
    void unary_listenerMayCallAgain() throws Exception {
        BlockingQueue<RangeResponse> found = new LinkedBlockingQueue<>();
        Transport.UnaryListener<RangeResponse> second = listener(found);
        transport.unary(
                "embedded",
                KVGrpc.getPutMethod(),
                new Metadata(),
                put("a", "1"),
                SECOND,
                new Transport.UnaryListener<>() {
                    @Override
                    public void onAnswer(PutResponse answer) {
                        transport.unary("embedded", KVGrpc.getRangeMethod(), new Metadata(), get("a"), SECOND, second);
                    }

                    @Override
                    public void onFailure(Status status) {
                        throw new AssertionError(status);
                    }
                });
        assertThat(found.take().getCount()).isEqualTo(1);
    }

    @Test
    void unary_thatWaits_failsAtItsDeadlineAndLeavesTheQueue() throws Exception {
        lock(11, 10 * SECOND).answer();
        Call<?> second = lock(22, SECOND / 20);
        assertThat(second.failure().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(entries("l/")).isEqualTo(1);
    }

    @Test
    void unary_cancelled_failsOnceAndLeavesTheQueue() throws Exception {
        lock(11, 10 * SECOND).answer();
        Call<?> second = lock(22, 10 * SECOND);
        awaitEntries("l/", 2);
        second.handle.cancel();
        assertThat(second.failure().getCode()).isEqualTo(Status.Code.CANCELLED);
        awaitEntries("l/", 1);
        second.handle.cancel();
        assertThat(second.outcomes.poll(50, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void unary_unknownEndpoint_isRejected() {
        assertThat(transport.endpoints()).containsExactly("embedded");
        assertThatThrownBy(() -> transport.unary(
                        "elsewhere",
                        KVGrpc.getRangeMethod(),
                        new Metadata(),
                        get("a"),
                        SECOND,
                        listener(new LinkedBlockingQueue<>())))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void unary_unknownMethod_isUnimplemented() throws Exception {
        MethodDescriptor<dev.holdfast.etcdapi.RangeRequest, RangeResponse> unknown = KVGrpc.getRangeMethod().toBuilder()
                .setFullMethodName("etcdserverpb.Maintenance/Snapshot")
                .build();
        Status status = call(unknown, get("a")).failure();
        assertThat(status.getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(status.getDescription()).contains("etcdserverpb.Maintenance/Snapshot");
    }

    @Test
    void watch_getsCreatedThenEvents() throws Exception {
        Stream<WatchRequest, WatchResponse> stream = new Stream<>(WatchGrpc.getWatchMethod());
        stream.out.send(createWatch(watch("a")));
        WatchResponse created = stream.messages.take();
        assertThat(created.getCreated()).isTrue();
        assertThat(created.getHeader().getRevision()).isEqualTo(1);

        call(KVGrpc.getPutMethod(), put("a", "1")).answer();
        WatchResponse event = stream.messages.take();
        assertThat(event.getEvents(0).getType()).isEqualTo(Event.EventType.PUT);
        assertThat(event.getHeader().getRevision()).isEqualTo(2);

        stream.out.cancel();
        assertThat(stream.ends.take().getCode()).isEqualTo(Status.Code.CANCELLED);
        call(KVGrpc.getPutMethod(), put("a", "2")).answer();
        assertThat(stream.messages).isEmpty();
        stream.out.send(createWatch(watch("a")));
        assertThat(stream.messages.poll(50, TimeUnit.MILLISECONDS)).isNull();
        assertThat(stream.ends).isEmpty();
    }

    @Test
    void keepAlive_staysOpenForUnknownLeases() throws Exception {
        call(LeaseGrpc.getLeaseGrantMethod(), grant(5, 60)).answer();
        Stream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
                new Stream<>(LeaseGrpc.getLeaseKeepAliveMethod());
        stream.out.send(keepAlive(4));
        stream.out.send(keepAlive(5));
        assertThat(stream.messages.take().getTTL()).isZero();
        assertThat(stream.messages.take().getTTL()).isEqualTo(60);
    }

    @Test
    void lease_expiresByItself_notBeforeItsTtl() throws Exception {
        long before = System.nanoTime();
        call(LeaseGrpc.getLeaseGrantMethod(), grant(5, 2)).answer();
        call(KVGrpc.getPutMethod(), put("a", "1", 5)).answer();
        Stream<WatchRequest, WatchResponse> stream = new Stream<>(WatchGrpc.getWatchMethod());
        stream.out.send(createWatch(watch("a")));
        assertThat(stream.messages.take().getCreated()).isTrue();
        assertThat(stream.messages.take().getEvents(0).getType()).isEqualTo(Event.EventType.DELETE);
        assertThat(Duration.ofNanos(System.nanoTime() - before))
                .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(4));
    }

    @Test
    void close_endsWhatIsUnderWay() throws Exception {
        Stream<WatchRequest, WatchResponse> stream = new Stream<>(WatchGrpc.getWatchMethod());
        lock(11, 10 * SECOND).answer();
        Call<?> waiting = lock(22, 10 * SECOND);
        transport.close();
        assertThat(stream.ends.take().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(waiting.failure().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(call(KVGrpc.getRangeMethod(), get("a")).failure().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }

    @Test
    void closedEtcd_failsCallsAndStreams() throws Exception {
        Stream<WatchRequest, WatchResponse> before = new Stream<>(WatchGrpc.getWatchMethod());
        etcd.close();
        assertThat(before.ends.take().getDescription()).isEqualTo("etcdserver: server stopped");
        assertThat(call(KVGrpc.getRangeMethod(), get("a")).failure().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(new Stream<>(WatchGrpc.getWatchMethod()).ends.take().getCode())
                .isEqualTo(Status.Code.UNAVAILABLE);
    }

    private Call<?> lock(long lease, long timeoutNanos) throws Exception {
        call(LeaseGrpc.getLeaseGrantMethod(), grant(lease, 60)).answer();
        LockRequest request =
                LockRequest.newBuilder().setName(bytes("l")).setLease(lease).build();
        return call(LockGrpc.getLockMethod(), request, timeoutNanos);
    }

    private long entries(String prefix) throws Exception {
        return call(KVGrpc.getRangeMethod(), prefix(prefix).build()).answer().getCount();
    }

    private void awaitEntries(String prefix, long count) throws Exception {
        long deadline = System.nanoTime() + 10 * SECOND;
        while (entries(prefix) != count) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
    }

    private <Q, R> Call<R> call(MethodDescriptor<Q, R> method, Q request) {
        return call(method, request, 10 * SECOND);
    }

    private <Q, R> Call<R> call(MethodDescriptor<Q, R> method, Q request, long timeoutNanos) {
        BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
        return new Call<>(
                outcomes,
                transport.unary(
                        "embedded", method, new Metadata(), request, timeoutNanos, new Transport.UnaryListener<>() {
                            @Override
                            public void onAnswer(R answer) {
                                outcomes.add(new Answer<>(answer));
                            }

                            @Override
                            public void onFailure(Status status) {
                                outcomes.add(status);
                            }
                        }));
    }

    private static <R> Transport.UnaryListener<R> listener(BlockingQueue<R> answers) {
        return new Transport.UnaryListener<>() {
            @Override
            public void onAnswer(R answer) {
                answers.add(answer);
            }

            @Override
            public void onFailure(Status status) {}
        };
    }

    private record Answer<R>(R message) {}

    private record Call<R>(BlockingQueue<Object> outcomes, Cancellable handle) {
        @SuppressWarnings("unchecked")
        R answer() throws InterruptedException {
            Object outcome = outcomes.take();
            assertThat(outcome).isInstanceOf(Answer.class);
            return ((Answer<R>) outcome).message();
        }

        Status failure() throws InterruptedException {
            Object outcome = outcomes.take();
            assertThat(outcome).isInstanceOf(Status.class);
            return (Status) outcome;
        }
    }

    private final class Stream<Q, R> implements Transport.StreamListener<R> {
        private final BlockingQueue<R> messages = new LinkedBlockingQueue<>();
        private final BlockingQueue<Status> ends = new LinkedBlockingQueue<>();
        private final Transport.Outbound<Q> out;

        Stream(MethodDescriptor<Q, R> method) {
            out = transport.stream("embedded", method, new Metadata(), this);
        }

        @Override
        public void onMessage(R message) {
            messages.add(message);
        }

        @Override
        public void onClosed(Status status) {
            ends.add(status);
        }
    }
}
