package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class WatchesTest {

    private static final ByteString KEY = ByteString.copyFromUtf8("k");
    private static final ByteString END = ByteString.copyFromUtf8("l");

    private final ManualScheduler scheduler = new ManualScheduler();
    private final ScriptedTransport transport = new ScriptedTransport("a", "b");
    private final EtcdClient client = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());

    private final RecordedWatch one = new RecordedWatch();
    private final RecordedWatch two = new RecordedWatch();

    @Test
    void allWatchesShareOneStream_thatAsksForALeader() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, ByteString.EMPTY, 17, two);
        var stream = nextStream();
        assertThat(transport.hasNewStream()).isFalse();
        assertThat(stream.headers.get(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER)))
                .isEqualTo("true");
        assertThat(stream.next().getCreateRequest())
                .isEqualTo(WatchCreateRequest.newBuilder()
                        .setKey(KEY)
                        .setRangeEnd(END)
                        .setFragment(true)
                        .build());
        assertThat(stream.next().getCreateRequest())
                .isEqualTo(WatchCreateRequest.newBuilder()
                        .setKey(KEY)
                        .setStartRevision(17)
                        .setFragment(true)
                        .build());
    }

    @Test
    void idsAreTiedToWatchesByTheOrderOfCreated() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.created(5, 1_000_000)); // a header far ahead is passed on as it is
        stream.answer(Answers.put(5, 1_000_001));
        stream.answer(Answers.created(3, 10));
        stream.answer(Answers.put(3, 12));
        assertThat(one.trace).isEmpty();
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1000000", "events 1000001");
        assertThat(two.trace).containsExactly("created 10", "events 12");
    }

    @Test
    void fragmentsArePassedOnAsTheyCome() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.put(0, 2).toBuilder().setFragment(true).build());
        stream.answer(Answers.put(0, 2));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1", "fragment 2", "events 2");
    }

    @Test
    void eventsInTheCreatedAnswerFollowIt() {
        client.watch(KEY, END, 0, one);
        nextStream().answer(Answers.put(0, 2).toBuilder().setCreated(true).build());
        scheduler.run();
        assertThat(one.trace).containsExactly("created 2", "events 2");
    }

    @Test
    void aRefusedCreateEndsThatWatchOnly() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.refused("rpc error: code = PermissionDenied desc = etcdserver: permission denied"));
        stream.answer(Answers.created(0, 1));
        scheduler.run();
        assertThat(one.trace).containsExactly("ended");
        assertThat(one.error).isNotNull().matches(EtcdError::isPermissionDenied);
        assertThat(two.trace).containsExactly("created 1");
        assertThat(stream.isCancelled()).isFalse();
    }

    @Test
    void aRefusedCreateThatNamesAnotherWatch_isTheEndOfItsStream() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        RecordedWatch denied = new RecordedWatch();
        client.watch(KEY, END, 0, denied);
        client.watch(KEY, END, 0, two);
        stream.answer(
                Answers.refused("rpc error: code = PermissionDenied desc = etcdserver: permission denied").toBuilder()
                        .setWatchId(0)
                        .build());
        scheduler.advance(Duration.ofMillis(50));
        assertThat(denied.trace).containsExactly("ended");
        assertThat(denied.error).isNotNull().matches(EtcdError::isPermissionDenied);
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(stream.isCancelled()).isTrue();
        nextStream().answer(Answers.created(0, 2));
        scheduler.run();
        assertThat(two.trace).containsExactly("created 2");
    }

    @Test
    void aWatchCancelledByTheServerEnds_andItsIdIsUnknownAfterwards() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.created(1, 1));
        stream.answer(Answers.canceled(0).toBuilder().setCompactRevision(42).build());
        stream.answer(Answers.put(0, 43));
        stream.answer(Answers.put(1, 43));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1", "ended compacted 42");
        assertThat(one.error).isNotNull().matches(EtcdError::isCompacted);
        assertThat(two.trace).containsExactly("created 1", "events 43");
        assertThat(client.droppedWatchResponses()).isEqualTo(1);
    }

    @Test
    void aCancelWithoutAReasonHasNoError() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.canceled(0));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(one.error).isNull();
    }

    @Test
    void cancel_tellsTheServer_andNothingIsDeliveredAnyMore() {
        Cancellable handle = client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.created(1, 1));
        stream.answer(Answers.put(0, 2));
        scheduler.run();
        stream.rest();
        stream.answer(Answers.put(0, 3)); // on its way when the owner cancels
        handle.cancel();
        handle.cancel();
        stream.answer(Answers.put(0, 4));
        stream.answer(Answers.canceled(0));
        stream.answer(Answers.put(1, 4));
        scheduler.run();
        assertThat(stream.rest()).containsExactly(cancelRequest(0));
        assertThat(one.trace).containsExactly("created 1", "events 2");
        assertThat(two.trace).containsExactly("created 1", "events 4");
        assertThat(client.droppedWatchResponses()).isEqualTo(2);
        stream.end(Status.UNAVAILABLE);
        scheduler.run();
        assertThat(one.trace).doesNotContain("ended");
        assertThat(two.trace).endsWith("ended");
    }

    @Test
    void cancelBeforeCreated_isSentWhenTheIdIsKnown() {
        Cancellable handle = client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.rest();
        handle.cancel();
        assertThat(stream.rest()).isEmpty();
        stream.answer(Answers.created(7, 1));
        stream.answer(Answers.put(7, 2));
        stream.answer(Answers.created(8, 1));
        scheduler.run();
        assertThat(stream.rest()).containsExactly(cancelRequest(7));
        assertThat(one.trace).isEmpty();
        assertThat(two.trace).containsExactly("created 1");
        assertThat(client.droppedWatchResponses()).isEqualTo(1);
    }

    @Test
    void cancelInsideACallback_stopsWhatFollows() {
        Cancellable[] handle = new Cancellable[1];
        handle[0] = client.watch(KEY, END, 0, new WatchListener() {
            @Override
            public void onCreated(long revision) {
                handle[0].cancel();
            }

            @Override
            public void onEvents(WatchResponse response) {
                one.onEvents(response);
            }

            @Override
            public void onEnded(String reason, long compactRevision, @Nullable EtcdError error) {
                one.onEnded(reason, compactRevision, error);
            }
        });
        var stream = nextStream();
        stream.rest();
        stream.answer(Answers.put(0, 2).toBuilder().setCreated(true).build());
        stream.answer(Answers.put(0, 3));
        scheduler.run();
        assertThat(one.trace).isEmpty();
        assertThat(stream.rest()).containsExactly(cancelRequest(0));
    }

    @Test
    void theEndOfTheStreamEndsEveryWatchOnce_evenWithOk() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.end(Status.OK);
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(one.error).isNull();
        assertThat(two.trace).containsExactly("ended");
        assertThat(transport.hasNewStream()).isFalse();
        assertThat(scheduler.timers()).isZero();
    }

    @Test
    void aBrokenStreamIsReplaced_elsewhere_afterABackoff() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        assertThat(stream.endpoint).isEqualTo("a");
        stream.end(Status.UNAVAILABLE.withDescription("etcdserver: no leader"));
        scheduler.run();
        assertThat(one.error).isNotNull().matches(EtcdError::isNoLeader).matches(error -> !error.isDefinite());

        client.watch(KEY, END, 0, two);
        scheduler.advance(Duration.ofMillis(24));
        assertThat(transport.hasNewStream()).isFalse();
        scheduler.advance(Duration.ofMillis(26));
        var second = nextStream();
        assertThat(second.endpoint).isEqualTo("b");
        assertThat(second.rest()).hasSize(1);
    }

    @Test
    @Tag("F22")
    void theBackoffDoubles_isJittered_isBounded_andEndsWithACreated() {
        client.watch(KEY, END, 0, new RecordedWatch());
        Set<Double> shares = new HashSet<>();
        for (long longestMillis : List.of(50L, 100L, 200L, 400L, 800L, 1600L, 2000L, 2000L)) {
            nextStream().end(Status.UNAVAILABLE);
            scheduler.run();
            client.watch(KEY, END, 0, new RecordedWatch());
            long waitedMillis = 0;
            while (!transport.hasNewStream()) {
                scheduler.advance(Duration.ofMillis(1));
                waitedMillis++;
            }
            assertThat(waitedMillis).isBetween(longestMillis / 2, longestMillis);
            shares.add((double) waitedMillis / longestMillis);
        }
        assertThat(shares).hasSizeGreaterThan(3);

        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        scheduler.run();
        stream.end(Status.UNAVAILABLE);
        scheduler.run();
        client.watch(KEY, END, 0, two);
        scheduler.advance(Duration.ofMillis(50));
        assertThat(transport.hasNewStream()).isTrue();
    }

    @Test
    void aCreateThatIsNotAnswered_endsTheStream() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        scheduler.advance(Duration.ofSeconds(60));
        client.watch(KEY, END, 0, two);
        scheduler.advance(Duration.ofMillis(4_999));
        assertThat(two.trace).isEmpty();
        scheduler.advance(Duration.ofMillis(1));
        assertThat(two.trace).containsExactly("ended");
        assertThat(two.error).isNotNull().matches(error -> error.code() == Status.Code.DEADLINE_EXCEEDED);
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(stream.isCancelled()).isTrue();
        stream.answer(Answers.created(1, 1)); // too late
        scheduler.run();
        assertThat(two.trace).containsExactly("ended");
    }

    @Test
    void aCreatedNobodyAskedFor_endsTheStream() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.created(1, 1));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(stream.isCancelled()).isTrue();
    }

    @Test
    void anIdThatIsInUse_endsTheStream() {
        client.watch(KEY, END, 0, one);
        client.watch(KEY, END, 0, two);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.created(0, 1));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1", "ended");
        assertThat(two.trace).containsExactly("ended");
    }

    @Test
    void responsesForUnknownIdsAreDropped() {
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        stream.answer(Answers.put(9, 2));
        stream.answer(Answers.put(-1, 2));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 1");
        assertThat(client.droppedWatchResponses()).isEqualTo(2);
        assertThat(stream.isCancelled()).isFalse();
    }

    @Test
    void anIdleStreamIsKeptAWhile_thenClosed() {
        client.watch(KEY, END, 0, one).cancel();
        var stream = nextStream();
        stream.answer(Answers.created(0, 1));
        scheduler.advance(Duration.ofMillis(9_999));
        assertThat(stream.isCancelled()).isFalse();
        client.watch(KEY, END, 0, two);
        assertThat(transport.hasNewStream()).isFalse();
        stream.answer(Answers.created(1, 1));
        scheduler.advance(Duration.ofSeconds(60));
        assertThat(stream.isCancelled()).isFalse();

        stream.answer(Answers.canceled(1));
        scheduler.advance(Duration.ofSeconds(11));
        assertThat(stream.isCancelled()).isTrue();
        RecordedWatch third = new RecordedWatch();
        client.watch(KEY, END, 0, third);
        var next = nextStream(); // at once: a stream we closed ourselves is no failure
        assertThat(next.endpoint).isEqualTo("a");
        next.answer(Answers.created(0, 2));
        scheduler.run();
        assertThat(third.trace).containsExactly("created 2");
    }

    @Test
    void aWatchCancelledWhileWaitingForAStream_isNeverSent() {
        client.watch(KEY, END, 0, one);
        nextStream().end(Status.UNAVAILABLE);
        scheduler.run();
        client.watch(KEY, END, 0, two).cancel();
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(two.trace).isEmpty();
        assertThat(transport.hasNewStream()).isFalse();
        assertThat(scheduler.timers()).isZero();
    }

    @Test
    void aWatchStartedFromOnEnded_getsANewStream() {
        client.watch(KEY, END, 0, new WatchListener() {
            @Override
            public void onCreated(long revision) {}

            @Override
            public void onEvents(WatchResponse response) {}

            @Override
            public void onEnded(String reason, long compactRevision, @Nullable EtcdError error) {
                client.watch(KEY, END, 0, one);
            }
        });
        nextStream().end(Status.UNAVAILABLE);
        scheduler.advance(Duration.ofMillis(50));
        nextStream().answer(Answers.created(0, 5));
        scheduler.run();
        assertThat(one.trace).containsExactly("created 5");
    }

    @Test
    void theStreamFollowsThePreference() {
        client.txn(TxnRequest.getDefaultInstance(), new Recorded<>());
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAVAILABLE, "gone");
        scheduler.run();
        client.watch(KEY, END, 0, one);
        var stream = nextStream();
        assertThat(stream.endpoint).isEqualTo("b");
        stream.end(Status.UNAVAILABLE);
        scheduler.run();
        client.txn(TxnRequest.getDefaultInstance(), new Recorded<>());
        assertThat(transport.nextCall(KVGrpc.getTxnMethod()).endpoint).isEqualTo("a");
    }

    private ScriptedTransport.Stream<WatchRequest, WatchResponse> nextStream() {
        return transport.nextStream(WatchGrpc.getWatchMethod());
    }

    private static WatchRequest cancelRequest(long id) {
        WatchRequest.Builder request = WatchRequest.newBuilder();
        request.getCancelRequestBuilder().setWatchId(id);
        return request.build();
    }
}
