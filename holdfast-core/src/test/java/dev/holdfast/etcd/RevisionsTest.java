package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A cluster whose revision goes back, or that is another one, is noticed, and only then. */
class RevisionsTest {

    private static final TxnRequest WRITE = TxnRequest.newBuilder()
            .addSuccess(RequestOp.newBuilder().setRequestPut(PutRequest.getDefaultInstance()))
            .build();
    private static final RangeRequest LINEARIZABLE = RangeRequest.getDefaultInstance();
    private static final RangeRequest SERIALIZABLE =
            RangeRequest.newBuilder().setSerializable(true).build();

    private final ManualScheduler scheduler = new ManualScheduler();
    private final ScriptedTransport transport = new ScriptedTransport("a", "b");
    private final EtcdClient client = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());
    private int alarms;

    {
        client.onRegression(() -> alarms++);
    }

    @Test
    @Tag("F24")
    void aSmallerRevisionAskedForLater_isARegression() {
        txn(WRITE, 10).answer();
        EtcdError error = txn(WRITE, 9).error();
        assertThat(error.isRegression()).isTrue();
        assertThat(error.isDefinite()).isFalse();
        assertThat(error.text()).contains("revision 9 after revision 10, from a");
        assertThat(alarms).isEqualTo(1);
    }

    @Test
    void theSameRevisionIsNone() {
        txn(WRITE, 10).answer();
        range(LINEARIZABLE, 10).answer();
        txn(WRITE, 10).answer();
        assertThat(alarms).isZero();
    }

    @Test
    void rangesAndTransactionsShareTheFloor() {
        range(LINEARIZABLE, 10).answer();
        assertThat(txn(WRITE, 9).error().isRegression()).isTrue();
    }

    @Test
    void requestsThatOvertakeEachOtherAreNone() {
        Recorded<TxnResponse> early = new Recorded<>();
        client.txn(WRITE, early);
        var onWire = transport.nextCall(KVGrpc.getTxnMethod());
        txn(WRITE, 10).answer();
        onWire.answer(Answers.txn(WRITE, 5));
        scheduler.run();
        assertThat(early.answer()).isNotNull();
        assertThat(alarms).isZero();
        assertThat(txn(WRITE, 9).error().isRegression()).isTrue();
    }

    @Test
    void serializableAnswersAreNoEvidence_andTeachNothing() {
        txn(WRITE, 10).answer();
        range(SERIALIZABLE, 3).answer();
        txn(readOnly(SERIALIZABLE), 3).answer();
        range(SERIALIZABLE, 100).answer();
        txn(WRITE, 11).answer();
        assertThat(alarms).isZero();
    }

    @Test
    void aReadOnlyTransactionWithOneLinearizableRange_isEvidence() {
        txn(WRITE, 10).answer();
        TxnRequest mixed = readOnly(SERIALIZABLE).toBuilder()
                .addFailure(RequestOp.newBuilder().setRequestRange(LINEARIZABLE))
                .build();
        assertThat(txn(mixed, 9).error().isRegression()).isTrue();
    }

    @Test
    void aNestedTransactionGoesThroughTheLog_soItIsEvidence() {
        txn(WRITE, 10).answer();
        TxnRequest nested = TxnRequest.newBuilder()
                .addSuccess(RequestOp.newBuilder().setRequestTxn(readOnly(SERIALIZABLE)))
                .build();
        assertThat(txn(nested, 9).error().isRegression()).isTrue();
    }

    @Test
    @Tag("F24")
    void anotherClusterIsARegression_inAnyAnswer() {
        txn(WRITE, 10).answer();
        Recorded<LeaseRevokeResponse> revoke = new Recorded<>();
        client.leaseRevoke(1, revoke);
        transport
                .nextCall(LeaseGrpc.getLeaseRevokeMethod())
                .answer(LeaseRevokeResponse.newBuilder()
                        .setHeader(Answers.header(0xC2, 11))
                        .build());
        scheduler.run();
        assertThat(revoke.error().isRegression()).isTrue();
        assertThat(revoke.error().text()).contains("cluster c2 after cluster c1, from a");
        assertThat(alarms).isEqualTo(1);
    }

    @Test
    void anotherClusterIsARegression_inAKeepAlive() {
        txn(WRITE, 10).answer();
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        client.keepAlive(1, 0, 1_000_000, keepAlive);
        transport
                .nextStream(LeaseGrpc.getLeaseKeepAliveMethod())
                .answer(Answers.keepAlive(1, 10).toBuilder()
                        .setHeader(Answers.header(0xC2, 11))
                        .build());
        scheduler.run();
        assertThat(keepAlive.error().isRegression()).isTrue();
        assertThat(alarms).isEqualTo(1);
    }

    @Test
    void anotherClusterIsARegression_inAWatch_whichEndsWithItsStream() {
        txn(WRITE, 10).answer();
        RecordedWatch watch = new RecordedWatch();
        client.watch(ByteString.copyFromUtf8("k"), ByteString.EMPTY, 0, watch);
        var stream = transport.nextStream(WatchGrpc.getWatchMethod());
        stream.answer(Answers.created(0, 10).toBuilder()
                .setHeader(Answers.header(0xC2, 11))
                .build());
        scheduler.run();
        assertThat(watch.trace).containsExactly("ended");
        assertThat(watch.error).isNotNull().matches(EtcdError::isRegression);
        assertThat(stream.isCancelled()).isTrue();
        assertThat(alarms).isEqualTo(1);
    }

    @Test
    void headersWithoutAClusterAreNone() {
        txn(WRITE, 10).answer();
        Recorded<LeaseRevokeResponse> revoke = new Recorded<>();
        client.leaseRevoke(1, revoke);
        transport.nextCall(LeaseGrpc.getLeaseRevokeMethod()).answer(LeaseRevokeResponse.getDefaultInstance());
        scheduler.run();
        assertThat(revoke.answer()).isNotNull();
    }

    @Test
    void watchAndKeepAliveHeadersMayBeOld() {
        txn(WRITE, 10).answer();
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        client.keepAlive(1, 0, 1_000_000, keepAlive);
        transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod()).answer(Answers.keepAlive(1, 10));
        RecordedWatch watch = new RecordedWatch();
        client.watch(ByteString.copyFromUtf8("k"), ByteString.EMPTY, 0, watch);
        transport.nextStream(WatchGrpc.getWatchMethod()).answer(Answers.created(0, 3));
        scheduler.run();
        assertThat(keepAlive.answer()).isNotNull();
        assertThat(watch.trace).containsExactly("created 3");
        assertThat(alarms).isZero();
    }

    @Test
    void theAlarmSoundsOnce_untilAllIsForgotten() {
        txn(WRITE, 10).answer();
        txn(WRITE, 5).error();
        txn(WRITE, 5).error();
        assertThat(alarms).isEqualTo(1);
        client.forgetRevisions();
        txn(WRITE, 5).answer();
        txn(WRITE, 4).error();
        assertThat(alarms).isEqualTo(2);
    }

    @Test
    void whatLeftBeforeForgetting_neitherTeachesNorAlarms() {
        txn(WRITE, 10).answer();
        Recorded<TxnResponse> high = new Recorded<>();
        Recorded<TxnResponse> low = new Recorded<>();
        client.txn(WRITE, high);
        client.txn(WRITE, low);
        client.forgetRevisions();
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(WRITE, 20));
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(WRITE, 2));
        scheduler.run();
        assertThat(high.answer()).isNotNull();
        assertThat(low.error().isRegression()).isTrue();
        assertThat(alarms).isZero();
        txn(WRITE, 2).answer();
        assertThat(alarms).isZero();
    }

    @Test
    void theAlarmMayCloseTheClient() {
        client.onRegression(client::close);
        txn(WRITE, 10).answer();
        assertThat(txn(WRITE, 5).error().isRegression()).isTrue();
    }

    private Recorded<TxnResponse> txn(TxnRequest request, long revision) {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(request, reply);
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(request, revision));
        scheduler.run();
        return reply;
    }

    private Recorded<RangeResponse> range(RangeRequest request, long revision) {
        Recorded<RangeResponse> reply = new Recorded<>();
        client.range(request, reply);
        transport.nextCall(KVGrpc.getRangeMethod()).answer(Answers.range(revision));
        scheduler.run();
        return reply;
    }

    private static TxnRequest readOnly(RangeRequest range) {
        return TxnRequest.newBuilder()
                .addSuccess(RequestOp.newBuilder().setRequestRange(range))
                .build();
    }
}
