package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.createWatch;
import static dev.holdfast.embedded.Messages.delete;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.prefix;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.revoke;
import static dev.holdfast.embedded.Messages.watch;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthenticateRequest;
import dev.holdfast.etcdapi.CampaignRequest;
import dev.holdfast.etcdapi.CampaignResponse;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.ElectionGrpc;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaderRequest;
import dev.holdfast.etcdapi.LeaderResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.LockResponse;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.ProclaimRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.ResignRequest;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.UnlockRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Transport;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EngineServerTest {
    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private EngineServer server;
    private ManagedChannel channel;
    private KVGrpc.KVBlockingStub kv;
    private LeaseGrpc.LeaseBlockingStub leases;

    @BeforeEach
    void serve() throws IOException {
        server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        URI uri = URI.create(server.endpoint());
        channel = NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
                .usePlaintext()
                .maxInboundMessageSize(64 * 1024 * 1024)
                .build();
        kv = KVGrpc.newBlockingStub(channel).withDeadlineAfter(50, TimeUnit.SECONDS);
        leases = LeaseGrpc.newBlockingStub(channel).withDeadlineAfter(50, TimeUnit.SECONDS);
    }

    @AfterEach
    void close() throws InterruptedException {
        channel.shutdownNow();
        channel.awaitTermination(10, TimeUnit.SECONDS);
        server.close();
        etcd.close();
    }

    @Test
    void kv_isServed() {
        assertThat(kv.put(put("a", "1")).getHeader().getRevision()).isEqualTo(2);
        assertThat(kv.range(get("a")).getKvs(0).getValue()).isEqualTo(bytes("1"));
        assertThat(kv.deleteRange(delete("a")).getDeleted()).isEqualTo(1);
    }

    @Test
    void refusals_carryEtcdsCodeAndText() {
        refused(() -> kv.put(put("a", "1", 5)), Status.Code.NOT_FOUND, "etcdserver: requested lease not found");
        refused(
                () -> kv.range(get("a").toBuilder().setRevision(9).build()),
                Status.Code.OUT_OF_RANGE,
                "etcdserver: mvcc: required revision is a future revision");
        refused(
                () -> kv.put(put("a", "x".repeat(1_600_000))),
                Status.Code.INVALID_ARGUMENT,
                "etcdserver: request is too large");
        refused(
                () -> kv.put(put("a", "x".repeat(3_000_000))),
                Status.Code.RESOURCE_EXHAUSTED,
                "grpc: received message larger than max (3000008 vs. 2097152)");
        refused(
                () -> AuthGrpc.newBlockingStub(channel)
                        .authenticate(
                                AuthenticateRequest.newBuilder().setName("root").build()),
                Status.Code.FAILED_PRECONDITION,
                "etcdserver: authentication is not enabled");
    }

    @Test
    void unknownMethods_areUnimplemented() {
        MethodDescriptor<RangeRequest, RangeResponse> snapshot = KVGrpc.getRangeMethod().toBuilder()
                .setFullMethodName("etcdserverpb.Maintenance/Snapshot")
                .build();
        refused(
                () -> ClientCalls.blockingUnaryCall(channel, snapshot, CallOptions.DEFAULT, get("a")),
                Status.Code.UNIMPLEMENTED,
                "holdfast: the embedded engine does not offer etcdserverpb.Maintenance/Snapshot");
    }

    @Test
    void status_namesARealVersionAndItselfAsLeader() {
        StatusResponse status = MaintenanceGrpc.newBlockingStub(channel).status(StatusRequest.getDefaultInstance());
        assertThat(status.getVersion()).matches("\\d+\\.\\d+\\.\\d+");
        assertThat(status.getLeader()).isEqualTo(status.getHeader().getMemberId());
    }

    @Test
    void members_haveTheServersEndpoint() {
        assertThat(ClusterGrpc.newBlockingStub(channel)
                        .memberList(MemberListRequest.getDefaultInstance())
                        .getMembers(0)
                        .getClientURLsList())
                .containsExactly(server.endpoint());
    }

    @Test
    void bothWaysIn_reachTheSameStore() throws Exception {
        kv.put(put("a", "1"));
        BlockingQueue<RangeResponse> answers = new LinkedBlockingQueue<>();
        etcd.transport()
                .unary(
                        "embedded",
                        KVGrpc.getRangeMethod(),
                        new Metadata(),
                        get("a"),
                        TimeUnit.SECONDS.toNanos(10),
                        new Answers<>(answers, new LinkedBlockingQueue<>()));
        assertThat(answers.take()).isEqualTo(kv.range(get("a")));
    }

    @Test
    void nonLoopbackAddress_isRefused() {
        assertThatThrownBy(() -> etcd.serve(new InetSocketAddress(0))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> etcd.serve(InetSocketAddress.createUnresolved("etcd.invalid", 0)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void takenPort_isAnIoException() {
        int port = URI.create(server.endpoint()).getPort();
        assertThatThrownBy(() -> etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void close_endsCallsUnderWay_andKeepsWhatIsStored() throws Exception {
        kv.put(put("a", "1"));
        WatchCall watch = new WatchCall();
        watch.call.sendMessage(createWatch(watch("a")));
        watch.call.request(1);
        assertThat(watch.messages.take().getCreated()).isTrue();
        server.close();
        Status end = watch.ends.take();
        assertThat(end.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(end.getDescription()).isEqualTo("etcdserver: server stopped");
        try (EngineServer second = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                EtcdConnection connection = new EtcdConnection(second.endpoint())) {
            assertThat(((RangeResponse) connection.call(get("a")).message()).getCount())
                    .isEqualTo(1);
        }
    }

    @Test
    void slowReader_isEndedBeforeItFillsTheMemory() throws Exception {
        WatchCall watch = new WatchCall();
        watch.call.sendMessage(createWatch(watch("a")));
        watch.call.request(1);
        assertThat(watch.messages.take().getCreated()).isTrue();
        // It asks for no more messages, while far more happens than its connection takes.
        Transport transport = etcd.transport();
        BlockingQueue<PutResponse> answers = new LinkedBlockingQueue<>();
        for (int i = 0; i < 80_000; i++) {
            transport.unary(
                    "embedded",
                    KVGrpc.getPutMethod(),
                    new Metadata(),
                    put("a", "x".repeat(100)),
                    TimeUnit.SECONDS.toNanos(50),
                    new Answers<>(answers, new LinkedBlockingQueue<>()));
        }
        for (int i = 0; i < 80_000; i++) {
            answers.take();
        }
        watch.call.request(Integer.MAX_VALUE);
        assertThat(watch.ends.take().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    // -------------------------------------------------------------------------------------- locks and elections

    @Test
    void lock_isGrantedInOrder_andACancelledWaiterLeaves() throws Exception {
        Future<LockResponse> first = lock(1);
        assertThat(first.get().getKey()).isEqualTo(bytes("l/1"));
        Future<LockResponse> second = lock(2);
        awaitCount("l/", 2);
        Future<LockResponse> third = lock(3);
        awaitCount("l/", 3);
        assertThat(second.isDone()).isFalse();
        assertThat(second.cancel(true)).isTrue();
        awaitCount("l/", 2);
        assertThat(third.isDone()).isFalse();
        LockGrpc.newBlockingStub(channel)
                .unlock(UnlockRequest.newBuilder().setKey(bytes("l/1")).build());
        assertThat(third.get().getKey()).isEqualTo(bytes("l/3"));
    }

    @Test
    void lock_whoseOwnEntryVanished_isNotGranted() throws Exception {
        lock(1).get();
        Future<LockResponse> second = lock(2);
        awaitCount("l/", 2);
        leases.leaseRevoke(revoke(2));
        leases.leaseRevoke(revoke(1));
        assertThatThrownBy(second::get).hasMessageContaining("mutex: session is expired");
    }

    @Test
    void lock_withoutALease_getsOne() throws Exception {
        LockResponse held = LockGrpc.newBlockingStub(channel)
                .lock(LockRequest.newBuilder().setName(bytes("l")).build());
        long lease = kv.range(get(held.getKey().toStringUtf8())).getKvs(0).getLease();
        assertThat(held.getKey()).isEqualTo(bytes("l/" + Long.toHexString(lease)));
    }

    @Test
    void election_isObserved() throws Exception {
        ElectionGrpc.ElectionBlockingStub elections =
                ElectionGrpc.newBlockingStub(channel).withDeadlineAfter(50, TimeUnit.SECONDS);
        LeaderRequest who = LeaderRequest.newBuilder().setName(bytes("e")).build();
        refused(() -> elections.leader(who), Status.Code.UNKNOWN, "election: no leader");
        Iterator<LeaderResponse> observed = elections.observe(who);

        leases.leaseGrant(grant(1, 60));
        leases.leaseGrant(grant(2, 60));
        CampaignResponse first = elections.campaign(campaign(1, "one"));
        assertThat(observed.next().getKv().getValue()).isEqualTo(bytes("one"));
        elections.proclaim(ProclaimRequest.newBuilder()
                .setLeader(first.getLeader())
                .setValue(bytes("one more"))
                .build());
        assertThat(observed.next().getKv().getValue()).isEqualTo(bytes("one more"));
        assertThat(elections.leader(who).getKv().getLease()).isEqualTo(1);

        Future<CampaignResponse> second = ElectionGrpc.newFutureStub(channel).campaign(campaign(2, "two"));
        awaitCount("e/", 2);
        elections.resign(ResignRequest.newBuilder().setLeader(first.getLeader()).build());
        assertThat(second.get().getLeader().getKey()).isEqualTo(bytes("e/2"));
        assertThat(observed.next().getKv().getValue()).isEqualTo(bytes("two"));
        refused(
                () -> elections.proclaim(ProclaimRequest.newBuilder()
                        .setLeader(first.getLeader())
                        .build()),
                Status.Code.UNKNOWN,
                "election: not leader");
    }

    private static CampaignRequest campaign(long lease, String value) {
        return CampaignRequest.newBuilder()
                .setName(bytes("e"))
                .setLease(lease)
                .setValue(bytes(value))
                .build();
    }

    private Future<LockResponse> lock(long lease) {
        leases.leaseGrant(grant(lease, 60));
        return LockGrpc.newFutureStub(channel)
                .lock(LockRequest.newBuilder()
                        .setName(bytes("l"))
                        .setLease(lease)
                        .build());
    }

    private void awaitCount(String prefix, long count) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (kv.range(prefix(prefix).setCountOnly(true).build()).getCount() != count) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
    }

    private static void refused(Runnable call, Status.Code code, String text) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).isEqualTo(code);
            assertThat(e.getStatus().getDescription()).isEqualTo(text);
        });
    }

    private record Answers<R>(BlockingQueue<R> answers, BlockingQueue<Status> failures)
            implements Transport.UnaryListener<R> {
        @Override
        public void onAnswer(R answer) {
            answers.add(answer);
        }

        @Override
        public void onFailure(Status status) {
            failures.add(status);
        }
    }

    /** A watch stream whose reader says when it wants more. */
    private final class WatchCall extends ClientCall.Listener<WatchResponse> {
        private final ClientCall<WatchRequest, WatchResponse> call =
                channel.newCall(WatchGrpc.getWatchMethod(), CallOptions.DEFAULT);
        private final BlockingQueue<WatchResponse> messages = new LinkedBlockingQueue<>();
        private final BlockingQueue<Status> ends = new LinkedBlockingQueue<>();

        WatchCall() {
            call.start(this, new Metadata());
        }

        @Override
        public void onMessage(WatchResponse message) {
            messages.add(message);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            ends.add(status);
        }
    }
}
