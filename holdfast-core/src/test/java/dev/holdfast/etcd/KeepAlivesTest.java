package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.TxnRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class KeepAlivesTest {

    private static final long TIMEOUT_NANOS = Duration.ofSeconds(1).toNanos();

    private final ManualScheduler scheduler = new ManualScheduler();
    private ScriptedTransport transport = new ScriptedTransport("a", "b", "c");
    private EtcdClient client = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());

    @Test
    void theStreamAsksForALeader_andIsSharedByLeases() {
        send(1, 0);
        var stream = nextStream();
        send(2, 0);
        assertThat(stream.headers.get(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER)))
                .isEqualTo("true");
        assertThat(stream.rest()).extracting(LeaseKeepAliveRequest::getID).containsExactly(1L, 2L);
        assertThat(transport.hasNewStream()).isFalse();
    }

    @Test
    void answersAreMatchedInOrder_leaseByLease() {
        Recorded<LeaseKeepAliveResponse> first = send(1, 0);
        Recorded<LeaseKeepAliveResponse> other = send(2, 0);
        Recorded<LeaseKeepAliveResponse> second = send(1, 0);
        var stream = nextStream();
        stream.answer(Answers.keepAlive(1, 11));
        stream.answer(Answers.keepAlive(1, 12));
        assertThat(first.isEmpty()).isTrue();
        scheduler.run();
        assertThat(first.answer().getTTL()).isEqualTo(11);
        assertThat(second.answer().getTTL()).isEqualTo(12);
        assertThat(other.isEmpty()).isTrue();
        stream.answer(Answers.keepAlive(2, 0));
        scheduler.run();
        assertThat(other.answer().getTTL()).isZero();
        assertThat(scheduler.timers()).isZero();
    }

    @Test
    void aCancelledRequestKeepsItsPlaceInTheOrder() {
        Recorded<LeaseKeepAliveResponse> first = new Recorded<>();
        var handle = client.keepAlive(1, 0, TIMEOUT_NANOS, first);
        Recorded<LeaseKeepAliveResponse> second = send(1, 0);
        handle.cancel();
        handle.cancel();
        assertThat(first.isEmpty()).isTrue();
        scheduler.run();
        assertThat(first.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(first.error().isDefinite()).isFalse();

        var stream = nextStream();
        stream.answer(Answers.keepAlive(1, 11));
        scheduler.run();
        assertThat(second.isEmpty()).isTrue();
        stream.answer(Answers.keepAlive(1, 12));
        scheduler.run();
        assertThat(second.answer().getTTL()).isEqualTo(12);
        assertThat(first.error().code()).isEqualTo(Status.Code.CANCELLED);
    }

    @Test
    void cancelAfterTheAnswer_changesNothing() {
        Recorded<LeaseKeepAliveResponse> reply = new Recorded<>();
        var handle = client.keepAlive(1, 0, TIMEOUT_NANOS, reply);
        nextStream().answer(Answers.keepAlive(1, 10));
        scheduler.run();
        handle.cancel();
        scheduler.run();
        assertThat(reply.answer()).isNotNull();
    }

    @Test
    void anAnswerThatDoesNotCome_dropsTheWholeStream() {
        Recorded<LeaseKeepAliveResponse> late = send(1, 0);
        scheduler.advance(Duration.ofMillis(500));
        Recorded<LeaseKeepAliveResponse> innocent = send(2, 0);
        var stream = nextStream();
        scheduler.advance(Duration.ofMillis(499));
        assertThat(late.isEmpty()).isTrue();
        scheduler.advance(Duration.ofMillis(1));
        assertThat(late.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(late.error().isDefinite()).isFalse();
        assertThat(innocent.error().code()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(innocent.error().isDefinite()).isFalse();
        assertThat(stream.isCancelled()).isTrue();

        // the late answer arrives, and a new request is under way: they must not meet
        Recorded<LeaseKeepAliveResponse> next = send(1, 0);
        stream.answer(Answers.keepAlive(1, 10));
        scheduler.run();
        assertThat(next.isEmpty()).isTrue();
        var reopened = nextStream();
        assertThat(reopened.endpoint).isEqualTo("b");
        reopened.answer(Answers.keepAlive(1, 9));
        scheduler.run();
        assertThat(next.answer().getTTL()).isEqualTo(9);
    }

    @Test
    void anAnswerNobodyAskedFor_dropsTheWholeStream() {
        Recorded<LeaseKeepAliveResponse> reply = send(1, 0);
        var stream = nextStream();
        stream.answer(Answers.keepAlive(99, 10));
        scheduler.run();
        assertThat(stream.isCancelled()).isTrue();
        assertThat(reply.error().text()).contains("unasked").contains("63");
        assertThat(reply.error().isDefinite()).isFalse();
    }

    @Test
    void anEndedStreamFailsItsRequestsAsAmbiguous_evenWithADefiniteError() {
        Recorded<LeaseKeepAliveResponse> reply = send(1, 0);
        nextStream().end(Status.UNAVAILABLE.withDescription("etcdserver: no leader"));
        scheduler.run();
        assertThat(reply.error().isNoLeader()).isTrue();
        assertThat(reply.error().isDefinite()).isFalse();
        send(1, 0);
        assertThat(nextStream().endpoint).isEqualTo("b");
    }

    @Test
    void aStreamEndedWithOk_failsItsRequestsToo() {
        Recorded<LeaseKeepAliveResponse> reply = send(1, 0);
        nextStream().end(Status.OK);
        scheduler.run();
        assertThat(reply.error().code()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(reply.error().isDefinite()).isFalse();
    }

    @Test
    void aStreamIsReopenedOnlyWhenUsed() {
        send(1, 0);
        var stream = nextStream();
        stream.answer(Answers.keepAlive(1, 10));
        stream.end(Status.OK);
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(transport.hasNewStream()).isFalse();
        send(1, 0);
        assertThat(transport.hasNewStream()).isTrue();
    }

    @Test
    void hedgesGoToOtherEndpoints() {
        send(1, 0);
        send(1, 1);
        send(1, 2);
        assertThat(nextStream().endpoint).isEqualTo("a");
        assertThat(nextStream().endpoint).isEqualTo("b");
        assertThat(nextStream().endpoint).isEqualTo("c");
    }

    @Test
    void aHedgeAvoidsTheEndpointOfTheMainStream_thoughAnotherIsPreferredByNow() {
        send(1, 0);
        nextStream().answer(Answers.keepAlive(1, 10));
        client.txn(TxnRequest.getDefaultInstance(), new Recorded<>());
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAVAILABLE, "gone");
        scheduler.run();
        send(1, 1);
        assertThat(nextStream().endpoint).isEqualTo("c");
    }

    @Test
    void aHedgeMovesAwayWhenTheMainStreamCameToItsEndpoint() {
        send(1, 0);
        send(1, 1);
        var main = nextStream();
        var hedge = nextStream();
        assertThat(hedge.endpoint).isEqualTo("b");
        hedge.answer(Answers.keepAlive(1, 10));
        main.end(Status.UNAVAILABLE);
        scheduler.run();
        send(1, 0);
        assertThat(nextStream().endpoint).isEqualTo("b");
        send(1, 1);
        assertThat(nextStream().endpoint).isEqualTo("c");
        assertThat(hedge.isCancelled()).isTrue();
    }

    @Test
    void aFailedHedgeDoesNotMoveThePreference() {
        send(1, 0);
        send(1, 1);
        nextStream();
        nextStream().end(Status.UNAVAILABLE);
        scheduler.run();
        client.txn(TxnRequest.getDefaultInstance(), new Recorded<>());
        assertThat(transport.nextCall(KVGrpc.getTxnMethod()).endpoint).isEqualTo("a");
    }

    @Test
    void withOneEndpointAHedgeHasAStreamOfItsOwn() {
        transport = new ScriptedTransport("only");
        client = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());
        Recorded<LeaseKeepAliveResponse> main = send(1, 0);
        Recorded<LeaseKeepAliveResponse> hedge = send(1, 1);
        nextStream();
        nextStream().answer(Answers.keepAlive(1, 10));
        scheduler.run();
        assertThat(hedge.answer()).isNotNull();
        assertThat(main.isEmpty()).isTrue();
        send(1, 1);
        assertThat(transport.hasNewStream()).isFalse();
    }

    @Test
    void senselessArgumentsAreRefused() {
        assertThatThrownBy(() -> client.keepAlive(1, -1, 1, new Recorded<>()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.keepAlive(1, 0, 0, new Recorded<>()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private Recorded<LeaseKeepAliveResponse> send(long leaseId, int lane) {
        Recorded<LeaseKeepAliveResponse> reply = new Recorded<>();
        client.keepAlive(leaseId, lane, TIMEOUT_NANOS, reply);
        return reply;
    }

    private ScriptedTransport.Stream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> nextStream() {
        return transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod());
    }
}
