package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.spi.Cancellable;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Single requests: one outcome each, never repeated, fail-over of those that follow. */
class CallsTest {

    private static final TxnRequest TXN = TxnRequest.getDefaultInstance();

    private final ManualScheduler scheduler = new ManualScheduler();
    private final ScriptedTransport transport = new ScriptedTransport("a", "b", "c");
    private final EtcdClient client = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());

    @Test
    void anAnswerIsDelivered_butNotInsideTheCallThatGaveIt() {
        Recorded<TxnResponse> txn = new Recorded<>();
        client.txn(TXN, txn);
        var call = transport.nextCall(KVGrpc.getTxnMethod());
        call.answer(Answers.txn(7));
        assertThat(txn.isEmpty()).isTrue();
        scheduler.run();
        assertThat(txn.answer()).isEqualTo(Answers.txn(7));
        assertThat(call.request).isEqualTo(TXN);
        assertThat(call.timeoutNanos).isEqualTo(Duration.ofSeconds(5).toNanos());
    }

    @Test
    void singleRequestsDoNotAskForALeader() {
        client.txn(TXN, new Recorded<>());
        assertThat(transport.nextCall(KVGrpc.getTxnMethod()).headers.keys()).isEmpty();
    }

    @Test
    void leaseRequestsAndStatusReachTheirMethods() {
        Recorded<LeaseGrantResponse> grant = new Recorded<>();
        client.leaseGrant(0x77, 10, grant);
        var grantCall = transport.nextCall(LeaseGrpc.getLeaseGrantMethod());
        assertThat(grantCall.request.getID()).isEqualTo(0x77);
        assertThat(grantCall.request.getTTL()).isEqualTo(10);
        grantCall.answer(LeaseGrantResponse.newBuilder().setTTL(12).build());

        Recorded<LeaseTimeToLiveResponse> ttl = new Recorded<>();
        client.leaseTimeToLive(0x77, ttl);
        var ttlCall = transport.nextCall(LeaseGrpc.getLeaseTimeToLiveMethod());
        assertThat(ttlCall.request.getID()).isEqualTo(0x77);
        ttlCall.answer(LeaseTimeToLiveResponse.newBuilder().setTTL(-1).build());

        Recorded<LeaseRevokeResponse> revoke = new Recorded<>();
        client.leaseRevoke(0x77, revoke);
        var revokeCall = transport.nextCall(LeaseGrpc.getLeaseRevokeMethod());
        assertThat(revokeCall.request.getID()).isEqualTo(0x77);
        revokeCall.fail(Status.Code.NOT_FOUND, "etcdserver: requested lease not found");

        Recorded<StatusResponse> status = new Recorded<>();
        client.status("c", status);
        transport
                .nextCall(MaintenanceGrpc.getStatusMethod())
                .answer(StatusResponse.newBuilder().setVersion("3.6.9").build());

        scheduler.run();
        assertThat(grant.answer().getTTL()).isEqualTo(12);
        assertThat(ttl.answer().getTTL()).isEqualTo(-1);
        assertThat(revoke.error().isLeaseNotFound()).isTrue();
        assertThat(revoke.error().isDefinite()).isTrue();
        assertThat(status.answer().getVersion()).isEqualTo("3.6.9");
    }

    @Test
    void status_asksTheEndpointItself_andItsFailureMovesNothing() {
        for (String endpoint : List.of("b", "a")) {
            Recorded<StatusResponse> status = new Recorded<>();
            client.status(endpoint, status);
            var call = transport.nextCall(MaintenanceGrpc.getStatusMethod());
            assertThat(call.endpoint).isEqualTo(endpoint);
            call.fail(Status.Code.UNAVAILABLE, "connection refused");
            scheduler.run();
            assertThat(status.error().code()).isEqualTo(Status.Code.UNAVAILABLE);
        }
        assertThat(client.preferredEndpoint()).isEqualTo("a");
    }

    /** As a message that was cut off is, or one that was meant for another request. */
    @Test
    void answerThatDoesNotFitItsRequest_isNoAnswer_andNothingIsKnownThen() {
        List<String> alarms = new ArrayList<>();
        client.onRegression(() -> alarms.add("restored"));
        RequestOp put = RequestOp.newBuilder()
                .setRequestPut(PutRequest.getDefaultInstance())
                .build();
        RequestOp range = RequestOp.newBuilder()
                .setRequestRange(RangeRequest.getDefaultInstance())
                .build();
        TxnRequest request = TxnRequest.newBuilder()
                .addSuccess(put)
                .addSuccess(range)
                .addFailure(range)
                .build();
        ResponseOp written = ResponseOp.newBuilder()
                .setResponsePut(PutResponse.getDefaultInstance())
                .build();
        ResponseOp read = ResponseOp.newBuilder()
                .setResponseRange(RangeResponse.getDefaultInstance())
                .build();
        TxnResponse good = Answers.txn(7).toBuilder()
                .addResponses(written)
                .addResponses(read)
                .build();
        assertThat(answerTo(request, good).answer()).isEqualTo(good);

        List<TxnResponse> bad = List.of(
                Answers.txn(8),
                Answers.txn(8).toBuilder().addResponses(written).build(),
                Answers.txn(8).toBuilder()
                        .addResponses(written)
                        .addResponses(written)
                        .build(),
                Answers.txn(8).toBuilder()
                        .addResponses(written)
                        .addResponses(ResponseOp.getDefaultInstance())
                        .build(),
                good.toBuilder().setSucceeded(false).build(),
                good.toBuilder().clearHeader().build());
        for (TxnResponse each : bad) {
            EtcdError error = answerTo(request, each).error();
            assertThat(error.isDefinite()).as("%s", each).isFalse();
            assertThat(error.text()).contains("does not fit");
        }
        assertThat(alarms).as("nothing is said of a restore").isEmpty();
    }

    private Recorded<TxnResponse> answerTo(TxnRequest request, TxnResponse answer) {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(request, reply);
        transport.nextCall(KVGrpc.getTxnMethod()).answer(answer);
        scheduler.run();
        return reply;
    }

    @Test
    void cancel_failsTheRequestOnceAsAmbiguous() {
        Recorded<TxnResponse> txn = new Recorded<>();
        Cancellable handle = client.txn(TXN, txn);
        handle.cancel();
        handle.cancel();
        assertThat(txn.isEmpty()).isTrue();
        scheduler.run();
        assertThat(txn.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(txn.error().isDefinite()).isFalse();
    }

    @Test
    void cancelAfterTheAnswer_changesNothing() {
        Recorded<TxnResponse> txn = new Recorded<>();
        Cancellable handle = client.txn(TXN, txn);
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
        handle.cancel();
        scheduler.run();
        assertThat(txn.answer()).isNotNull();
    }

    @Test
    void aTransportThatAnswersTwice_isBelievedOnce() {
        Recorded<TxnResponse> txn = new Recorded<>();
        client.txn(TXN, txn);
        var call = transport.nextCall(KVGrpc.getTxnMethod());
        call.answer(Answers.txn(1));
        call.fail(Status.Code.UNAVAILABLE, "late");
        scheduler.run();
        assertThat(txn.answer()).isNotNull();
    }

    @Test
    void close_endsEveryRequestOnce_andRefusesNewOnes() {
        Recorded<TxnResponse> txn = new Recorded<>();
        Recorded<RangeResponse> range = new Recorded<>();
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        RecordedWatch watch = new RecordedWatch();
        client.txn(TXN, txn);
        client.range(RangeRequest.getDefaultInstance(), range);
        client.keepAlive(1, 0, 1_000_000, keepAlive);
        client.watch(ByteString.copyFromUtf8("k"), ByteString.EMPTY, 0, watch);
        scheduler.run();
        client.close();
        client.close();
        assertThat(txn.isEmpty()).isTrue();
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(txn.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(txn.error().isDefinite()).isFalse();
        assertThat(range.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(keepAlive.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(keepAlive.error().isDefinite()).isFalse();
        assertThat(watch.trace).containsExactly("ended");
        assertThat(transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod()).isCancelled())
                .isTrue();
        assertThat(transport.hasNewStream()).isTrue();
        assertThat(scheduler.timers()).isZero();

        Recorded<TxnResponse> late = new Recorded<>();
        Recorded<LeaseKeepAliveResponse> lateKeepAlive = new Recorded<>();
        RecordedWatch lateWatch = new RecordedWatch();
        client.txn(TXN, late).cancel();
        client.keepAlive(1, 0, 1_000_000, lateKeepAlive).cancel();
        client.watch(ByteString.copyFromUtf8("k"), ByteString.EMPTY, 0, lateWatch);
        assertThat(late.isEmpty()).isTrue();
        scheduler.run();
        assertThat(late.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(lateKeepAlive.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(lateWatch.trace).containsExactly("ended");
    }

    @Test
    void watchCancelledAfterClose_hearsNothing() {
        client.close();
        RecordedWatch watch = new RecordedWatch();
        client.watch(ByteString.copyFromUtf8("k"), ByteString.EMPTY, 0, watch).cancel();
        scheduler.run();
        assertThat(watch.trace).isEmpty();
    }

    @Test
    void troubleMovesOnce_howeverManyRequestsFail() {
        List<ScriptedTransport.Call<TxnRequest, TxnResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            client.txn(TXN, new Recorded<>());
            calls.add(transport.nextCall(KVGrpc.getTxnMethod()));
        }
        assertThat(calls).allMatch(call -> call.endpoint.equals("a"));
        calls.forEach(call -> call.fail(Status.Code.UNAVAILABLE, "connection refused"));
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("b");
    }

    @Test
    void troubleOfOneThatLeftBeforeTheMove_movesNothing() {
        client.txn(TXN, new Recorded<>());
        client.txn(TXN, new Recorded<>());
        var first = transport.nextCall(KVGrpc.getTxnMethod());
        var slow = transport.nextCall(KVGrpc.getTxnMethod());
        first.fail(Status.Code.DEADLINE_EXCEEDED, "late");
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("b");
        slow.fail(Status.Code.DEADLINE_EXCEEDED, "late");
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("b");
    }

    @Test
    void endpointsAreUsedInTurn_andTheFirstComesAgain() {
        List<String> used = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            client.txn(TXN, new Recorded<>());
            var call = transport.nextCall(KVGrpc.getTxnMethod());
            used.add(call.endpoint);
            call.fail(Status.Code.UNAVAILABLE, "etcdserver: no leader");
            scheduler.run();
        }
        assertThat(used).containsExactly("a", "b", "c", "a");
    }

    @Test
    void aLearnerIsLeftThoughItsCodeIsNotUnavailable() {
        client.txn(TXN, new Recorded<>());
        transport
                .nextCall(KVGrpc.getTxnMethod())
                .fail(Status.Code.FAILED_PRECONDITION, "etcdserver: rpc not supported for learner");
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("b");
    }

    @Test
    void aRefusalIsNoTroubleWithTheEndpoint() {
        for (Status.Code code :
                List.of(Status.Code.NOT_FOUND, Status.Code.INVALID_ARGUMENT, Status.Code.RESOURCE_EXHAUSTED)) {
            client.txn(TXN, new Recorded<>());
            transport.nextCall(KVGrpc.getTxnMethod()).fail(code, "no");
            scheduler.run();
        }
        assertThat(nextEndpoint()).isEqualTo("a");
    }

    @Test
    void aCancelIsTroubleOnlyIfItWasNotOurs() {
        client.txn(TXN, new Recorded<>()).cancel();
        transport.nextCall(KVGrpc.getTxnMethod());
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("a");
        client.txn(TXN, new Recorded<>());
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.CANCELLED, "RST_STREAM closed stream");
        scheduler.run();
        assertThat(nextEndpoint()).isEqualTo("b");
    }

    @Test
    void anErrorNamesItsEndpoint_butEtcdsOwnTextsStayAsTheyAre() {
        Recorded<TxnResponse> broken = new Recorded<>();
        Recorded<TxnResponse> refused = new Recorded<>();
        client.txn(TXN, broken);
        client.txn(TXN, refused);
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAVAILABLE, "connection refused");
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.NOT_FOUND, "etcdserver: requested lease not found");
        scheduler.run();
        assertThat(broken.error().text()).isEqualTo("connection refused (endpoint a)");
        assertThat(refused.error().isLeaseNotFound()).isTrue();
    }

    @Test
    void noRequestIsEverSentTwice() {
        Recorded<TxnResponse> txn = new Recorded<>();
        client.txn(TXN, txn);
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAVAILABLE, "gone");
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(txn.error().isDefinite()).isFalse();
        assertThatThrownBy(() -> transport.nextCall(KVGrpc.getTxnMethod())).isInstanceOf(AssertionError.class);
    }

    @Test
    void settingsAreChecked() {
        assertThatThrownBy(() -> new EtcdClient.Settings(0, 1, 1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new EtcdClient.Settings(1, 1, 2, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(EtcdClient.Settings.defaults().withRequestTimeoutNanos(9).requestTimeoutNanos())
                .isEqualTo(9);
    }

    private String nextEndpoint() {
        client.txn(TXN, new Recorded<>());
        return transport.nextCall(KVGrpc.getTxnMethod()).endpoint;
    }
}
