package dev.holdfast.transport.grpc;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The transport over a channel that belongs to somebody else: one endpoint, named by the channel's authority, with whatever
 * security, interceptors and name resolution its owner gave it. Thread-safe.
 *
 * <p>Callbacks come on the channel's network threads, not on its executor, so that a busy pool of the application's does not
 * delay renewals; they do not block. Closing the transport ends its own calls and streams and leaves the channel open.
 */
public final class ChannelTransport implements Transport {

    private static final CallOptions OPTIONS =
            CallOptions.DEFAULT.withExecutor(Runnable::run).withMaxInboundMessageSize(GrpcTransport.MAX_MESSAGE_BYTES);

    private final Channel channel;
    private final String endpoint;
    private final FailureWords words;
    private final Set<Ongoing> ongoing = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosed;

    /** What must be ended on closing. */
    private record Ongoing(ClientCall<?, ?> call) {
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** The channel must neither retry nor hedge by a service config: a lock is no request to repeat. */
    public ChannelTransport(Channel channel) {
        this.channel = channel;
        String authority = channel.authority();
        this.endpoint = authority == null || authority.isEmpty() ? "the given channel" : authority;
        this.words = FailureWords.ofForeign(endpoint);
    }

    @Override
    public List<String> endpoints() {
        return List.of(endpoint);
    }

    @Override
    public <Q, R> Cancellable unary(
            String at,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        if (timeoutNanos <= 0) {
            throw new IllegalArgumentException("timeoutNanos " + timeoutNanos);
        }
        require(at);
        ClientCall<Q, R> call = channel.newCall(method, OPTIONS.withDeadlineAfter(timeoutNanos, TimeUnit.NANOSECONDS));
        Ongoing entry = new Ongoing(call);
        UnaryCall<Q, R> unary = new UnaryCall<>(
                new UnaryListener<>() {
                    @Override
                    public void onAnswer(R answer) {
                        ongoing.remove(entry);
                        listener.onAnswer(answer);
                    }

                    @Override
                    public void onFailure(Status status) {
                        ongoing.remove(entry);
                        listener.onFailure(status);
                    }
                },
                words);
        ongoing.add(entry);
        if (isClosed) {
            unary.end(GrpcTransport.closed());
            return () -> {};
        }
        return unary.start(call, headers, request);
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String at, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        require(at);
        ClientCall<Q, R> call = channel.newCall(method, OPTIONS);
        Ongoing entry = new Ongoing(call);
        StreamCall<Q, R> stream = new StreamCall<>(
                new StreamListener<>() {
                    @Override
                    public void onMessage(R message) {
                        listener.onMessage(message);
                    }

                    @Override
                    public void onClosed(Status status) {
                        ongoing.remove(entry);
                        listener.onClosed(status);
                    }
                },
                words);
        ongoing.add(entry);
        if (isClosed) {
            stream.end(GrpcTransport.closed());
        } else {
            stream.start(call, headers);
        }
        return stream;
    }

    @Override
    public void close() {
        isClosed = true;
        ongoing.forEach(each -> each.call.cancel("the transport was closed", null));
    }

    private void require(String at) {
        if (!at.equals(endpoint)) {
            throw new IllegalArgumentException("endpoint \"" + at + "\" is not " + endpoint);
        }
    }
}
