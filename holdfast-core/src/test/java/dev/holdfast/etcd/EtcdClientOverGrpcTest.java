package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole client over a real connection, against servers that misbehave. Time is virtual above the transport. */
@Timeout(60)
class EtcdClientOverGrpcTest {

    private static final ByteString KEY = ByteString.copyFromUtf8("k");
    private static final TxnRequest WRITE = TxnRequest.newBuilder()
            .addSuccess(RequestOp.newBuilder().setRequestPut(PutRequest.getDefaultInstance()))
            .build();
    private static final long KEEP_ALIVE_NANOS = Duration.ofSeconds(1).toNanos();

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final ManualScheduler scheduler = new ManualScheduler();
    private FakeEtcd etcd;
    private EtcdClient client;

    @BeforeEach
    void start() {
        etcd = open(FakeEtcd.start());
        client = client(etcd.endpoint());
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
    }

    @Test
    void aWatchSeesWhatTheServerSends_farAheadAndInFragments() {
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        assertThat(stream.header("hasleader")).isEqualTo("true");
        assertThat(stream.request().getCreateRequest().getFragment()).isTrue();
        stream.send(Answers.created(3, 1_000_000_000_000L));
        stream.send(Answers.put(3, 5).toBuilder().setFragment(true).build());
        stream.send(Answers.put(3, 5));
        scheduler.runUntil(() -> watch.trace.size() == 3);
        assertThat(watch.trace).containsExactly("created 1000000000000", "fragment 5", "events 5");
    }

    @Test
    void aStreamEndedWithOk_endsItsWatches_andTheNextWatchGetsANewOne() {
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        stream.request();
        stream.send(Answers.created(0, 1));
        stream.end(Status.OK);
        scheduler.runUntil(() -> watch.trace.contains("ended"));
        assertThat(watch.trace).containsExactly("created 1", "ended");

        RecordedWatch next = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 0, next);
        scheduler.advance(Duration.ofMillis(50));
        var second = etcd.next(WatchGrpc.getWatchMethod());
        second.request();
        second.send(Answers.created(0, 2));
        scheduler.runUntil(() -> !next.trace.isEmpty());
        assertThat(next.trace).containsExactly("created 2");
    }

    @Test
    void aCreateThatIsNotAnswered_givesTheStreamBackToTheServer() {
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        stream.request();
        scheduler.advance(Duration.ofSeconds(5));
        assertThat(watch.trace).containsExactly("ended");
        stream.awaitCancelled();
    }

    @Test
    void cancellingAWatchReachesTheServer_andAnIdleStreamIsClosed() {
        RecordedWatch watch = new RecordedWatch();
        var handle = client.watch(KEY, ByteString.EMPTY, 0, watch);
        var stream = etcd.next(WatchGrpc.getWatchMethod());
        stream.request();
        stream.send(Answers.created(4, 1));
        scheduler.runUntil(() -> !watch.trace.isEmpty());
        handle.cancel();
        assertThat(stream.request().getCancelRequest().getWatchId()).isEqualTo(4);
        scheduler.advance(Duration.ofSeconds(10));
        stream.awaitCancelled();
    }

    @Test
    void aLateKeepAliveAnswerIsNotTakenForTheNextRequest() {
        Recorded<LeaseKeepAliveResponse> late = new Recorded<>();
        client.keepAlive(7, 0, KEEP_ALIVE_NANOS, late);
        var stream = etcd.next(LeaseGrpc.getLeaseKeepAliveMethod());
        assertThat(stream.header("hasleader")).isEqualTo("true");
        assertThat(stream.request().getID()).isEqualTo(7);
        scheduler.advance(Duration.ofSeconds(1));
        assertThat(late.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        stream.awaitCancelled();

        Recorded<LeaseKeepAliveResponse> next = new Recorded<>();
        client.keepAlive(7, 0, KEEP_ALIVE_NANOS, next);
        var second = etcd.next(LeaseGrpc.getLeaseKeepAliveMethod());
        second.request();
        second.send(Answers.keepAlive(7, 9));
        scheduler.runUntil(() -> !next.isEmpty());
        assertThat(next.answer().getTTL()).isEqualTo(9);
    }

    @Test
    void aKeepAliveAnswerForAnotherLease_endsTheStream() {
        Recorded<LeaseKeepAliveResponse> reply = new Recorded<>();
        client.keepAlive(7, 0, KEEP_ALIVE_NANOS, reply);
        var stream = etcd.next(LeaseGrpc.getLeaseKeepAliveMethod());
        stream.request();
        stream.send(Answers.keepAlive(8, 9));
        scheduler.runUntil(() -> !reply.isEmpty());
        assertThat(reply.error().isDefinite()).isFalse();
        stream.awaitCancelled();
    }

    @Test
    void anotherClusterAndAnOlderRevision_areNoticed() {
        int[] alarms = {0};
        client.onRegression(() -> alarms[0]++);
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(request, 10));
        assertThat(txn().answer()).isEqualTo(Answers.txn(WRITE, 10));
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(request, 9));
        assertThat(txn().error().isRegression()).isTrue();
        assertThat(alarms[0]).isEqualTo(1);

        client.forgetRevisions();
        assertThat(txn().answer()).isEqualTo(Answers.txn(WRITE, 9));
        etcd.always(KVGrpc.getTxnMethod(), request -> TxnResponse.newBuilder()
                .setHeader(Answers.header(0xBAD, 20))
                .build());
        assertThat(txn().error().isRegression()).isTrue();
        assertThat(alarms[0]).isEqualTo(2);
    }

    @Test
    void anErrorOfTheServerKeepsItsMeaning() {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(WRITE, reply);
        // the code under which real servers send this one
        etcd.next(KVGrpc.getTxnMethod()).end(Status.UNKNOWN.withDescription("etcdserver: too many requests"));
        scheduler.runUntil(() -> !reply.isEmpty());
        assertThat(reply.error().isDefinite()).isTrue();
        assertThat(reply.error().advice()).contains("overloaded");
    }

    @Test
    void aServerThatIsNotEtcd_isNamedAsSuch() {
        FakeEtcd other = open(FakeEtcd.startWithoutServices());
        client = client(other.endpoint());
        EtcdError error = txn().error();
        assertThat(error.isNotEtcd()).isTrue();
        assertThat(error.isDefinite()).isFalse();
        assertThat(error.advice()).contains("not an etcd server");
    }

    @Test
    void whenNobodyListensAtTheFirstEndpoint_theNextRequestGoesToTheSecond() throws IOException {
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(request, 10));
        client = client("127.0.0.1:" + freePort(), etcd.endpoint());
        EtcdError error = txn().error();
        assertThat(error.code()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(error.text()).contains("refused");
        assertThat(error.isDefinite()).isFalse();
        assertThat(txn().answer()).isEqualTo(Answers.txn(WRITE, 10));
    }

    @Test
    void aServerThatStops_isLeftForAnother() {
        FakeEtcd second = open(FakeEtcd.start());
        second.always(KVGrpc.getTxnMethod(), request -> Answers.txn(request, 10));
        client = client(etcd.endpoint(), second.endpoint());
        Recorded<TxnResponse> underWay = new Recorded<>();
        client.txn(WRITE, underWay);
        etcd.next(KVGrpc.getTxnMethod());
        etcd.close();
        scheduler.runUntil(() -> !underWay.isEmpty());
        assertThat(underWay.error().isDefinite()).isFalse();
        assertThat(txn().answer()).isEqualTo(Answers.txn(WRITE, 10));
    }

    @Test
    void aRequestTimesOutInRealTime() {
        EtcdClient hasty = new EtcdClient(
                open(new GrpcTransport(List.of(etcd.endpoint()))),
                scheduler,
                EtcdClient.Settings.defaults().withRequestTimeoutNanos(TimeUnit.MILLISECONDS.toNanos(200)));
        Recorded<TxnResponse> reply = new Recorded<>();
        hasty.txn(WRITE, reply);
        scheduler.runUntil(() -> !reply.isEmpty());
        assertThat(reply.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(reply.error().isDefinite()).isFalse();
    }

    @Test
    void close_cancelsEverythingAtTheServer() {
        Recorded<TxnResponse> reply = new Recorded<>();
        RecordedWatch watch = new RecordedWatch();
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        client.txn(WRITE, reply);
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        client.keepAlive(7, 0, KEEP_ALIVE_NANOS, keepAlive);
        var call = etcd.next(KVGrpc.getTxnMethod());
        var watches = etcd.next(WatchGrpc.getWatchMethod());
        var keepAlives = etcd.next(LeaseGrpc.getLeaseKeepAliveMethod());
        client.close();
        call.awaitCancelled();
        watches.awaitCancelled();
        keepAlives.awaitCancelled();
        scheduler.runUntil(() -> !reply.isEmpty());
        assertThat(reply.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(keepAlive.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(watch.trace).containsExactly("ended");
    }

    private Recorded<TxnResponse> txn() {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(WRITE, reply);
        scheduler.runUntil(() -> !reply.isEmpty());
        return reply;
    }

    private EtcdClient client(String... endpoints) {
        return new EtcdClient(open(new GrpcTransport(List.of(endpoints))), scheduler, EtcdClient.Settings.defaults());
    }

    private <T extends AutoCloseable> T open(T closeable) {
        opened.add(closeable);
        return closeable;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
