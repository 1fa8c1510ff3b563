package dev.holdfast.embedded;

import com.google.protobuf.Message;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AuthEnableRequest;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthStatusRequest;
import dev.holdfast.etcdapi.AuthenticateRequest;
import dev.holdfast.etcdapi.CampaignRequest;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.DefragmentRequest;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.ElectionGrpc;
import dev.holdfast.etcdapi.HashRequest;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaderRequest;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.ProclaimRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.ResignRequest;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.UnlockRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A gRPC connection to one etcd, real or not, for tests: the kind of the request names the method. */
final class EtcdConnection implements AutoCloseable {
    private static final long TIMEOUT_SECONDS = 20;

    private static final Map<Class<?>, MethodDescriptor<?, ?>> METHODS = Map.ofEntries(
            Map.entry(RangeRequest.class, KVGrpc.getRangeMethod()),
            Map.entry(PutRequest.class, KVGrpc.getPutMethod()),
            Map.entry(DeleteRangeRequest.class, KVGrpc.getDeleteRangeMethod()),
            Map.entry(TxnRequest.class, KVGrpc.getTxnMethod()),
            Map.entry(CompactionRequest.class, KVGrpc.getCompactMethod()),
            Map.entry(LeaseGrantRequest.class, LeaseGrpc.getLeaseGrantMethod()),
            Map.entry(LeaseRevokeRequest.class, LeaseGrpc.getLeaseRevokeMethod()),
            Map.entry(LeaseTimeToLiveRequest.class, LeaseGrpc.getLeaseTimeToLiveMethod()),
            Map.entry(LeaseLeasesRequest.class, LeaseGrpc.getLeaseLeasesMethod()),
            Map.entry(MemberListRequest.class, ClusterGrpc.getMemberListMethod()),
            Map.entry(StatusRequest.class, MaintenanceGrpc.getStatusMethod()),
            Map.entry(AlarmRequest.class, MaintenanceGrpc.getAlarmMethod()),
            Map.entry(HashRequest.class, MaintenanceGrpc.getHashMethod()),
            Map.entry(DefragmentRequest.class, MaintenanceGrpc.getDefragmentMethod()),
            Map.entry(AuthStatusRequest.class, AuthGrpc.getAuthStatusMethod()),
            Map.entry(AuthEnableRequest.class, AuthGrpc.getAuthEnableMethod()),
            Map.entry(AuthenticateRequest.class, AuthGrpc.getAuthenticateMethod()),
            Map.entry(LockRequest.class, LockGrpc.getLockMethod()),
            Map.entry(UnlockRequest.class, LockGrpc.getUnlockMethod()),
            Map.entry(CampaignRequest.class, ElectionGrpc.getCampaignMethod()),
            Map.entry(ProclaimRequest.class, ElectionGrpc.getProclaimMethod()),
            Map.entry(LeaderRequest.class, ElectionGrpc.getLeaderMethod()),
            Map.entry(ResignRequest.class, ElectionGrpc.getResignMethod()));

    /** What came back: a message, or a status that is not OK. */
    record Outcome(@Nullable Message answer, Status status) {
        Message message() {
            if (answer == null) {
                throw status.asRuntimeException();
            }
            return answer;
        }
    }

    private final ManagedChannel channel;

    EtcdConnection(String endpoint) {
        URI uri = URI.create(endpoint);
        channel = NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
                .usePlaintext()
                .directExecutor() // all that is done with an answer is to put it in a queue
                .maxInboundMessageSize(64 * 1024 * 1024)
                .build();
    }

    ManagedChannel channel() {
        return channel;
    }

    /** Sends a unary request and waits for its outcome. */
    Outcome call(Message request) {
        try {
            return start(request).take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Sends a unary request; its outcome arrives in the queue. */
    @SuppressWarnings("unchecked") // the map pairs each request with the method that takes it
    BlockingQueue<Outcome> start(Message request) {
        MethodDescriptor<Message, Message> method =
                (MethodDescriptor<Message, Message>) METHODS.get(request.getClass());
        if (method == null) {
            throw new IllegalArgumentException("no unary method takes a " + request.getClass());
        }
        BlockingQueue<Outcome> outcome = new LinkedBlockingQueue<>();
        io.grpc.ClientCall<Message, Message> call =
                channel.newCall(method, CallOptions.DEFAULT.withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS));
        call.start(
                new io.grpc.ClientCall.Listener<>() {
                    private @Nullable Message answer;

                    @Override
                    public void onMessage(Message message) {
                        answer = message;
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        outcome.add(new Outcome(status.isOk() ? answer : null, status));
                    }
                },
                new Metadata());
        call.sendMessage(request);
        call.halfClose();
        call.request(2);
        return outcome;
    }

    /** Renews a lease once. */
    Outcome keepAlive(LeaseKeepAliveRequest request) {
        Streaming<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
                new Streaming<>(LeaseGrpc.getLeaseKeepAliveMethod());
        stream.send(request);
        LeaseKeepAliveResponse answer = stream.next();
        stream.cancel();
        return new Outcome(answer, Status.OK);
    }

    Streaming<WatchRequest, WatchResponse> watchStream() {
        return new Streaming<>(WatchGrpc.getWatchMethod());
    }

    @Override
    public void close() {
        channel.shutdownNow();
        try {
            channel.awaitTermination(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A bidirectional stream. */
    final class Streaming<Q, R> implements StreamObserver<R> {
        private final BlockingQueue<Optional<R>> messages = new LinkedBlockingQueue<>(); // empty: the stream is over
        private volatile Status end = Status.OK;
        private final io.grpc.ClientCall<Q, R> call;
        private final StreamObserver<Q> out;

        Streaming(MethodDescriptor<Q, R> method) {
            call = channel.newCall(method, CallOptions.DEFAULT);
            out = ClientCalls.asyncBidiStreamingCall(call, this);
        }

        void send(Q message) {
            out.onNext(message);
        }

        /** The next message; fails when none comes in time. */
        R next() {
            R message = poll(TimeUnit.SECONDS.toMillis(TIMEOUT_SECONDS));
            if (message == null) {
                throw new AssertionError("nothing came on the stream within " + TIMEOUT_SECONDS + " s: " + end);
            }
            return message;
        }

        /** The next message, or null when none comes within the time given, or any more. */
        @Nullable
        R poll(long millis) {
            try {
                Optional<R> message = messages.poll(millis, TimeUnit.MILLISECONDS);
                return message == null ? null : message.orElse(null);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        /** How the stream has ended; OK while it has not, or if there was nothing wrong. */
        Status end() {
            return end;
        }

        void cancel() {
            call.cancel("no longer wanted", null);
        }

        @Override
        public void onNext(R message) {
            messages.add(Optional.of(message));
        }

        @Override
        public void onError(Throwable error) {
            end = Status.fromThrowable(error);
            messages.add(Optional.empty());
        }

        @Override
        public void onCompleted() {
            messages.add(Optional.empty());
        }
    }
}
