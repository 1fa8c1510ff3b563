package dev.holdfast.transport.grpc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.etcd.Answers;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.FakeEtcd;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GrpcTransportTest {

    private static final long PLENTY_NANOS = Duration.ofSeconds(20).toNanos();
    private static final TxnRequest TXN = TxnRequest.getDefaultInstance();

    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
    }

    @Test
    void anAnswerArrives_withTheHeadersThatWereGiven() {
        FakeEtcd etcd = open(FakeEtcd.start());
        GrpcTransport transport = transport("http://" + etcd.endpoint());
        assertThat(transport.endpoints()).containsExactly(etcd.endpoint());
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER), "true");
        Answer<TxnResponse> answer = new Answer<>();
        transport.unary(etcd.endpoint(), KVGrpc.getTxnMethod(), headers, TXN, PLENTY_NANOS, answer);
        var call = etcd.next(KVGrpc.getTxnMethod());
        assertThat(call.header("hasleader")).isEqualTo("true");
        assertThat(call.request()).isEqualTo(TXN);
        call.answer(Answers.txn(7));
        assertThat(answer.get()).isEqualTo(Answers.txn(7));
    }

    @Test
    void anErrorArrivesAsTheServerSaidIt() {
        FakeEtcd etcd = open(FakeEtcd.start());
        Answer<TxnResponse> answer = txn(transport(etcd.endpoint()), etcd.endpoint(), PLENTY_NANOS);
        etcd.next(KVGrpc.getTxnMethod()).end(Status.NOT_FOUND.withDescription("etcdserver: requested lease not found"));
        Status status = answer.status();
        assertThat(status.getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(status.getDescription()).isEqualTo("etcdserver: requested lease not found");
    }

    @Test
    void aCallEndedWithoutAnAnswer_isAFailure() {
        FakeEtcd etcd = open(FakeEtcd.start());
        Answer<TxnResponse> answer = txn(transport(etcd.endpoint()), etcd.endpoint(), PLENTY_NANOS);
        etcd.next(KVGrpc.getTxnMethod()).end(Status.OK);
        assertThat(answer.status().isOk()).isFalse();
    }

    @Test
    void timeOut_isReportedOnTime_andTheLateAnswerIsNotSeen() {
        FakeEtcd etcd = open(FakeEtcd.start());
        GrpcTransport transport = transport(etcd.endpoint());
        txn(transport, etcd.endpoint(), PLENTY_NANOS); // connected
        etcd.next(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
        long start = System.nanoTime();
        Answer<TxnResponse> answer =
                txn(transport, etcd.endpoint(), Duration.ofMillis(200).toNanos());
        var call = etcd.next(KVGrpc.getTxnMethod());
        assertThat(answer.status().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(System.nanoTime() - start)
                .isBetween(
                        Duration.ofMillis(190).toNanos(), Duration.ofSeconds(5).toNanos());
        call.awaitCancelled();
        assertThat(answer.hasMore()).isFalse();
    }

    @Test
    void cancel_reachesTheServer_andTheCaller() {
        FakeEtcd etcd = open(FakeEtcd.start());
        Answer<TxnResponse> answer = new Answer<>();
        var handle = transport(etcd.endpoint())
                .unary(etcd.endpoint(), KVGrpc.getTxnMethod(), new Metadata(), TXN, PLENTY_NANOS, answer);
        var call = etcd.next(KVGrpc.getTxnMethod());
        handle.cancel();
        handle.cancel();
        assertThat(answer.status().getCode()).isEqualTo(Status.Code.CANCELLED);
        call.awaitCancelled();
    }

    @Test
    void aRefusedConnectionIsReportedAtOnce_againAndAgain() throws IOException {
        String nobody = "127.0.0.1:" + freePort();
        GrpcTransport transport = transport(nobody);
        long start = System.nanoTime();
        for (int i = 0; i < 20; i++) {
            Status status = txn(transport, nobody, PLENTY_NANOS).status();
            assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(status.getCause()).hasMessageContaining("refused");
        }
        StreamEnd stream = new StreamEnd();
        transport.stream(nobody, WatchGrpc.getWatchMethod(), new Metadata(), stream);
        assertThat(stream.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(System.nanoTime() - start).isLessThan(Duration.ofSeconds(5).toNanos());
    }

    @Test
    void aServerThatComesBack_isReachedSoonAfterwards_howeverLongItWasAway() throws IOException {
        int port = freePort();
        String endpoint = "127.0.0.1:" + port;
        GrpcTransport transport = transport(endpoint);
        // enough failures for gRPC's own wait between attempts to grow well beyond what is allowed here
        long start = System.nanoTime();
        while (System.nanoTime() - start < Duration.ofSeconds(6).toNanos()) {
            assertThat(txn(transport, endpoint, PLENTY_NANOS).status().getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
        FakeEtcd etcd = open(FakeEtcd.start(port));
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(1));
        long back = System.nanoTime();
        Status last = Status.UNKNOWN;
        while (!last.isOk() && System.nanoTime() - back < Duration.ofSeconds(2).toNanos()) {
            last = txn(transport, endpoint, PLENTY_NANOS).status();
        }
        assertThat(last.isOk()).as("reached within 2 s: %s", last).isTrue();
    }

    @Test
    void aStreamCarriesMessagesBothWaysInOrder_untilTheServerEndsIt() {
        FakeEtcd etcd = open(FakeEtcd.start());
        StreamEnd end = new StreamEnd();
        Transport.Outbound<WatchRequest> outbound =
                transport(etcd.endpoint()).stream(etcd.endpoint(), WatchGrpc.getWatchMethod(), new Metadata(), end);
        for (int i = 0; i < 100; i++) {
            outbound.send(cancelRequest(i));
        }
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        for (int i = 0; i < 100; i++) {
            assertThat(stream.request()).isEqualTo(cancelRequest(i));
            stream.send(Answers.put(i, i));
        }
        for (int i = 0; i < 100; i++) {
            assertThat(end.message().getWatchId()).isEqualTo(i);
        }
        stream.end(Status.OK);
        assertThat(end.status().isOk()).isTrue();
        outbound.send(cancelRequest(1));
        outbound.cancel();
        assertThat(end.statuses).isEmpty();
    }

    @Test
    void aCancelledStreamEndsOnBothSides_andSendsNothingMore() {
        FakeEtcd etcd = open(FakeEtcd.start());
        StreamEnd end = new StreamEnd();
        Transport.Outbound<WatchRequest> outbound =
                transport(etcd.endpoint()).stream(etcd.endpoint(), WatchGrpc.getWatchMethod(), new Metadata(), end);
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        outbound.cancel();
        outbound.cancel();
        outbound.send(cancelRequest(1));
        assertThat(end.status().getCode()).isEqualTo(Status.Code.CANCELLED);
        stream.awaitCancelled();
        assertThat(stream.waiting()).isZero();
    }

    @Test
    void aMessageOfThirtyMebibytesArrives() {
        FakeEtcd etcd = open(FakeEtcd.start());
        RangeResponse large = RangeResponse.newBuilder()
                .addKvs(KeyValue.newBuilder().setValue(ByteString.copyFrom(new byte[30 * 1024 * 1024])))
                .build();
        etcd.always(KVGrpc.getRangeMethod(), request -> large);
        Answer<RangeResponse> answer = new Answer<>();
        transport(etcd.endpoint())
                .unary(
                        etcd.endpoint(),
                        KVGrpc.getRangeMethod(),
                        new Metadata(),
                        RangeRequest.getDefaultInstance(),
                        PLENTY_NANOS,
                        answer);
        assertThat(answer.get().getSerializedSize()).isEqualTo(large.getSerializedSize());
    }

    @Test
    void aGrpcServerThatIsNotEtcd_isUnimplemented() {
        FakeEtcd other = open(FakeEtcd.startWithoutServices());
        assertThat(txn(transport(other.endpoint()), other.endpoint(), PLENTY_NANOS)
                        .status()
                        .getCode())
                .isEqualTo(Status.Code.UNIMPLEMENTED);
    }

    @Test
    void anHttp1Server_isAFailureThatComesSoon() throws IOException {
        ServerSocket web = open(new ServerSocket(0, 5, InetAddress.getLoopbackAddress()));
        Thread server = new Thread(() -> answerWithHttp1(web), "http1");
        server.setDaemon(true);
        server.start();
        String endpoint = "127.0.0.1:" + web.getLocalPort();
        long start = System.nanoTime();
        Status status = txn(transport(endpoint), endpoint, PLENTY_NANOS).status();
        assertThat(EtcdError.of(status)).matches(EtcdError::isNotEtcd).matches(error -> !error.isDefinite());
        assertThat(System.nanoTime() - start).isLessThan(Duration.ofSeconds(10).toNanos());
    }

    @Test
    void aServerThatAcceptsAndSaysNothing_isLeftAtTheTimeLimit() throws IOException {
        ServerSocket silent = open(new ServerSocket(0, 5, InetAddress.getLoopbackAddress()));
        String endpoint = "127.0.0.1:" + silent.getLocalPort();
        Status status = txn(
                        transport(endpoint), endpoint, Duration.ofMillis(300).toNanos())
                .status();
        assertThat(status.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    }

    @Test
    void aBrokenConnectionEndsWhatIsUnderWay() {
        FakeEtcd etcd = open(FakeEtcd.start());
        GrpcTransport transport = transport(etcd.endpoint());
        Answer<TxnResponse> answer = txn(transport, etcd.endpoint(), PLENTY_NANOS);
        StreamEnd end = new StreamEnd();
        transport.stream(etcd.endpoint(), WatchGrpc.getWatchMethod(), new Metadata(), end);
        etcd.next(KVGrpc.getTxnMethod());
        etcd.next(WatchGrpc.getWatchMethod());
        etcd.close();
        assertThat(answer.status().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
        assertThat(end.status().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
    }

    @Test
    void aConnectionThatBreaksUnderACall_isUnavailable_andNotUnknown() {
        // what gRPC reports for a call that was about to be written when the server was killed; seen with a real etcd
        Status seen = Status.UNKNOWN.withDescription("channel closed").withCause(new ClosedChannelException());
        FailureWords words = FailureWords.of("here:1", null);
        assertThat(words.apply(seen).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(words.apply(seen).getDescription()).isEqualTo("channel closed");
        Status said = Status.UNKNOWN.withDescription("said by the server");
        assertThat(words.apply(said)).isSameAs(said);
    }

    @Test
    void close_endsEverythingSoon_andStopsItsThread() throws IOException, InterruptedException {
        FakeEtcd etcd = open(FakeEtcd.start());
        ServerSocket silent = open(new ServerSocket(0, 5, InetAddress.getLoopbackAddress()));
        String mute = "127.0.0.1:" + silent.getLocalPort();
        GrpcTransport transport = transport(etcd.endpoint(), mute);
        Answer<TxnResponse> answer = txn(transport, etcd.endpoint(), PLENTY_NANOS);
        Answer<TxnResponse> connecting = txn(transport, mute, PLENTY_NANOS);
        StreamEnd end = new StreamEnd();
        transport.stream(etcd.endpoint(), WatchGrpc.getWatchMethod(), new Metadata(), end);
        etcd.next(WatchGrpc.getWatchMethod());
        Thread io = answer.thread(etcd);

        long start = System.nanoTime();
        transport.close();
        transport.close();
        assertThat(System.nanoTime() - start).isLessThan(Duration.ofSeconds(5).toNanos());
        assertThat(connecting.status().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
        assertThat(end.status().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
        assertThat(io.getName()).isEqualTo("holdfast-io");
        assertThat(io.isDaemon()).isTrue();
        io.join(5_000);
        assertThat(io.isAlive()).isFalse();
    }

    @Test
    void afterClose_callsAndStreamsFailAtOnce() {
        FakeEtcd etcd = open(FakeEtcd.start());
        GrpcTransport transport = transport(etcd.endpoint());
        transport.close();
        Answer<TxnResponse> answer = txn(transport, etcd.endpoint(), PLENTY_NANOS);
        StreamEnd end = new StreamEnd();
        Transport.Outbound<WatchRequest> outbound =
                transport.stream(etcd.endpoint(), WatchGrpc.getWatchMethod(), new Metadata(), end);
        outbound.send(cancelRequest(1));
        outbound.cancel();
        assertThat(answer.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(end.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }

    @Test
    void closeFromACallback_doesNotWaitForItself() throws InterruptedException {
        FakeEtcd etcd = open(FakeEtcd.start());
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(1));
        GrpcTransport transport = transport(etcd.endpoint());
        CountDownLatch done = new CountDownLatch(1);
        transport.unary(
                etcd.endpoint(),
                KVGrpc.getTxnMethod(),
                new Metadata(),
                TXN,
                PLENTY_NANOS,
                new Transport.UnaryListener<TxnResponse>() {
                    @Override
                    public void onAnswer(TxnResponse answer) {
                        transport.close();
                        done.countDown();
                    }

                    @Override
                    public void onFailure(Status status) {}
                });
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void oneThreadServesAllEndpoints() {
        FakeEtcd first = open(FakeEtcd.start());
        FakeEtcd second = open(FakeEtcd.start());
        GrpcTransport transport = transport(first.endpoint(), second.endpoint());
        Thread one = txn(transport, first.endpoint(), PLENTY_NANOS).thread(first);
        Thread two = txn(transport, second.endpoint(), PLENTY_NANOS).thread(second);
        assertThat(one).isSameAs(two);
        assertThat(one.getName()).isEqualTo("holdfast-io");
    }

    @Test
    void senselessArgumentsAreRefused() {
        assertThatThrownBy(() -> new GrpcTransport(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no endpoint");
        assertThatThrownBy(() -> new GrpcTransport(List.of("http://h:1", "h:1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("twice");
        assertThatThrownBy(() -> new GrpcTransport(List.of("https://h:1", "http://h:2")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("some are https:// and some are plain text");
        GrpcTransport transport = transport("127.0.0.1:1");
        assertThatThrownBy(() -> txn(transport, "127.0.0.1:2", PLENTY_NANOS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("127.0.0.1:2");
        assertThatThrownBy(() -> txn(transport, "127.0.0.1:1", 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static Answer<TxnResponse> txn(Transport transport, String endpoint, long timeoutNanos) {
        Answer<TxnResponse> answer = new Answer<>();
        MethodDescriptor<TxnRequest, TxnResponse> method = KVGrpc.getTxnMethod();
        transport.unary(endpoint, method, new Metadata(), TXN, timeoutNanos, answer);
        return answer;
    }

    private GrpcTransport transport(String... endpoints) {
        return open(new GrpcTransport(List.of(endpoints)));
    }

    private <T extends AutoCloseable> T open(T closeable) {
        opened.add(closeable);
        return closeable;
    }

    private static WatchRequest cancelRequest(long id) {
        WatchRequest.Builder request = WatchRequest.newBuilder();
        request.getCancelRequestBuilder().setWatchId(id);
        return request.build();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /* Until the socket is closed. */
    private static void answerWithHttp1(ServerSocket web) {
        try {
            while (true) {
                try (Socket socket = web.accept()) {
                    assertThat(socket.getInputStream().read()).isEqualTo('P'); // of HTTP/2's preface
                    socket.getOutputStream()
                            .write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".getBytes(US_ASCII));
                    socket.setSoTimeout(5_000);
                    socket.shutdownOutput();
                    // what is unread at the close makes the kernel reset the connection, and the answer may be lost
                    assertThat(socket.getInputStream().readAllBytes()).isNotEmpty();
                }
            }
        } catch (IOException e) {
            assertThat(web.isClosed()).isTrue();
        }
    }

    private static <T> T take(BlockingQueue<T> queue) {
        try {
            T taken = queue.poll(30, TimeUnit.SECONDS);
            if (taken == null) {
                throw new AssertionError("nothing came within 30 s");
            }
            return taken;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting", e);
        }
    }

    /** The outcome of a unary call. */
    private static final class Answer<R> implements Transport.UnaryListener<R> {
        private record Outcome<R>(Status status, List<R> answer, Thread thread) {}

        private final BlockingQueue<Outcome<R>> outcomes = new LinkedBlockingQueue<>();

        @Override
        public void onAnswer(R answer) {
            outcomes.add(new Outcome<>(Status.OK, List.of(answer), Thread.currentThread()));
        }

        @Override
        public void onFailure(Status status) {
            outcomes.add(new Outcome<>(status, List.of(), Thread.currentThread()));
        }

        private R get() {
            return take(outcomes).answer.get(0);
        }

        /* Each outcome can be taken once; there should be one. */
        private Status status() {
            return take(outcomes).status;
        }

        private boolean hasMore() {
            return !outcomes.isEmpty();
        }

        /* The thread on which the answer to a transaction arrives. */
        private Thread thread(FakeEtcd etcd) {
            etcd.next(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
            return take(outcomes).thread;
        }
    }

    /** What a stream delivered. */
    private static final class StreamEnd implements Transport.StreamListener<WatchResponse> {
        private final BlockingQueue<WatchResponse> messages = new LinkedBlockingQueue<>();
        private final BlockingQueue<Status> statuses = new LinkedBlockingQueue<>();

        @Override
        public void onMessage(WatchResponse message) {
            messages.add(message);
        }

        @Override
        public void onClosed(Status status) {
            statuses.add(status);
        }

        private WatchResponse message() {
            return take(messages);
        }

        private Status status() {
            return take(statuses);
        }
    }
}
