package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.history.Entry;
import dev.holdfast.history.Operation;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EventFeedTest {

    private static final String LOCK = "/tmp/go/lock";
    private static final Owners OWNERS = new Owners("run");

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final Transport client = etcd.transport();
    private final BlockingQueue<Operation.InEtcd> seen = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        client.close();
        etcd.close();
    }

    @Test
    void tellsWhatIsThere_thenEveryChange_withKeyRevisionAndOwner() throws InterruptedException {
        long first = put(LOCK + "/a.1", "w1");
        try (EventFeed feed = new EventFeed(etcd.transport(), LOCK, OWNERS, seen::add)) {
            feed.start();
            long second = put(LOCK + "/b.1", "w2");
            long gone = delete(LOCK + "/a.1");

            assertThat(next()).isEqualTo(new Operation.Put(LOCK, new Entry(LOCK + "/a.1", first), first, "w1"));
            assertThat(next()).isEqualTo(new Operation.Put(LOCK, new Entry(LOCK + "/b.1", second), second, "w2"));
            assertThat(next()).isEqualTo(new Operation.Deleted(LOCK, new Entry(LOCK + "/a.1", first), gone));
        }
    }

    @Test
    void keysOfOtherLocks_areNotTold() throws InterruptedException {
        try (EventFeed feed = new EventFeed(etcd.transport(), LOCK, OWNERS, seen::add)) {
            feed.start();
            put(LOCK + "2/a.1", "w1");
            put(LOCK + "/nested/a.1", "w1");
            put(LOCK, "w1");
            long last = put(LOCK + "/a.1", "w1");

            assertThat(next().revision()).isEqualTo(last);
        }
    }

    @Test
    void anEntryWithoutAnOwner_andOneOfAnotherRun_areOfOthers() throws InterruptedException {
        try (EventFeed feed = new EventFeed(etcd.transport(), LOCK, OWNERS, seen::add)) {
            feed.start();
            putValue(LOCK + "/go", "");
            putValue(LOCK + "/other", "{\"pid\":7,\"instance\":\"otherrun/w1\"}");
            putValue(LOCK + "/odd", "[not json");

            assertThat(((Operation.Put) next()).owner()).isNull();
            assertThat(((Operation.Put) next()).owner()).isEqualTo("other client otherrun/w1");
            assertThat(((Operation.Put) next()).owner()).isNull();
            assertThat(feed.settle(Duration.ofSeconds(5), words -> {})).hasSize(3);
        }
    }

    @Test
    void settle_returnsWhenTheWorkersEntriesAreGone_andSaysWhatItWaitsFor() throws InterruptedException {
        put(LOCK + "/a.1", "w1");
        List<String> said = new ArrayList<>();
        try (EventFeed feed = new EventFeed(etcd.transport(), LOCK, OWNERS, seen::add)) {
            feed.start();

            List<Operation.Left> left = feed.settle(Duration.ofSeconds(20), words -> {
                said.add(words);
                delete(LOCK + "/a.1");
            });

            assertThat(left).isEmpty();
            assertThat(said).containsExactly("1 entry is left; waiting for the end of the lease");
            assertThat(seen).hasSize(2).last().isInstanceOf(Operation.Deleted.class);
        }
    }

    @Test
    void settle_givesUpInTheEnd_andReturnsWhatIsLeft() throws InterruptedException {
        long revision = put(LOCK + "/a.1", "w1");
        try (EventFeed feed = new EventFeed(etcd.transport(), LOCK, OWNERS, seen::add)) {
            feed.start();

            assertThat(feed.settle(Duration.ofMillis(1), words -> {}))
                    .containsExactly(new Operation.Left(LOCK, new Entry(LOCK + "/a.1", revision), revision, "w1"));
        }
    }

    @Test
    void aBrokenStream_isResumed_withoutAGapAndWithoutRepetition() throws InterruptedException {
        BreakingTransport transport = new BreakingTransport(etcd.transport());
        try (EventFeed feed = new EventFeed(transport, LOCK, OWNERS, seen::add)) {
            feed.start();
            long first = put(LOCK + "/a.1", "w1");
            assertThat(next().revision()).isEqualTo(first);

            transport.breakStreams();
            long second = delete(LOCK + "/a.1");
            long third = put(LOCK + "/a.2", "w1");

            assertThat(next().revision()).isEqualTo(second);
            assertThat(next().revision()).isEqualTo(third);
            assertThat(transport.streams).hasSizeGreaterThanOrEqualTo(2);
            assertThat(seen).isEmpty();
        }
    }

    @Test
    void nobodyThere_isSaid() throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        String endpoint;
        try (var server = etcd.serve(address)) {
            endpoint = server.endpoint();
        }
        try (EventFeed feed = new EventFeed(new GrpcTransport(List.of(endpoint)), LOCK, OWNERS, seen::add)) {
            assertThatThrownBy(feed::start)
                    .isInstanceOf(CommandFailure.class)
                    .hasMessageStartingWith("no etcd at 127.0.0.1:")
                    .hasMessageEndingWith(": start one with `holdfast serve` or pass --endpoints");
        }
    }

    private Operation.InEtcd next() throws InterruptedException {
        Operation.InEtcd operation = seen.poll(10, TimeUnit.SECONDS);
        assertThat(operation).as("the next thing seen").isNotNull();
        return Objects.requireNonNull(operation);
    }

    private long put(String key, String worker) {
        return putValue(key, "{\"pid\":7,\"instance\":\"run/" + worker + "\"}");
    }

    private long putValue(String key, String value) {
        PutRequest request = PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(ByteString.copyFromUtf8(value))
                .build();
        return call(KVGrpc.getPutMethod(), request).getHeader().getRevision();
    }

    private long delete(String key) {
        DeleteRangeRequest request = DeleteRangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .build();
        return call(KVGrpc.getDeleteRangeMethod(), request).getHeader().getRevision();
    }

    private <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
        CompletableFuture<R> answered = new CompletableFuture<>();
        client.unary(
                client.endpoints().get(0),
                method,
                new Metadata(),
                request,
                TimeUnit.SECONDS.toNanos(5),
                new Transport.UnaryListener<R>() {
                    @Override
                    public void onAnswer(R answer) {
                        answered.complete(answer);
                    }

                    @Override
                    public void onFailure(Status status) {
                        answered.completeExceptionally(status.asRuntimeException());
                    }
                });
        return answered.join();
    }

    /** Passes everything on, and can end every stream as a broken connection does. */
    private static final class BreakingTransport implements Transport {
        private final Transport real;
        private final BlockingQueue<Breakable<?, ?>> streams = new LinkedBlockingQueue<>();

        BreakingTransport(Transport real) {
            this.real = real;
        }

        void breakStreams() {
            streams.forEach(Breakable::breakNow);
        }

        @Override
        public List<String> endpoints() {
            return real.endpoints();
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            return real.unary(endpoint, method, headers, request, timeoutNanos, listener);
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            Breakable<Q, R> stream = new Breakable<>(listener);
            stream.outbound = real.stream(endpoint, method, headers, stream);
            streams.add(stream);
            return stream.outbound;
        }

        @Override
        public void close() {
            real.close();
        }
    }

    private static final class Breakable<Q, R> implements Transport.StreamListener<R> {
        private final Transport.StreamListener<R> listener;
        private volatile Transport.@Nullable Outbound<Q> outbound;

        Breakable(Transport.StreamListener<R> listener) {
            this.listener = listener;
        }

        void breakNow() {
            Transport.Outbound<Q> open = outbound;
            if (open != null) {
                open.cancel();
            }
        }

        @Override
        public void onMessage(R message) {
            listener.onMessage(message);
        }

        @Override
        public void onClosed(Status status) {
            listener.onClosed(status);
        }
    }
}
