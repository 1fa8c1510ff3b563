package dev.holdfast.transport.grpc;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.Endpoint;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The transport that speaks gRPC over sockets, one connection to each endpoint, made when first used. Thread-safe.
 *
 * <p>It has one thread for all connections, and one that looks up host names and sleeps otherwise; both are daemons.
 * Nothing is retried. A call to an endpoint that refuses the connection fails at once; while an endpoint is down, it is
 * tried again at most twice a second, and only when it is asked for.
 */
public final class GrpcTransport implements Transport {

    private static final int MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
    private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
    private static final long RECONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final List<String> endpoints;
    private final Map<String, Connection> connections = new LinkedHashMap<>();
    private final EventLoopGroup io =
            new MultiThreadIoEventLoopGroup(1, daemon("holdfast-io"), NioIoHandler.newFactory());
    private final ThreadPoolExecutor names =
            new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemon("holdfast-names"));
    private final AtomicBoolean isClosed = new AtomicBoolean();

    /**
     * Connects to nothing yet.
     *
     * @param endpoints as {@link Endpoint#parse} reads them, in order of preference; at least one, none twice
     * @throws IllegalArgumentException if one of them cannot be read, or the list is empty or names one twice
     */
    public GrpcTransport(List<String> endpoints) {
        this.endpoints = parse(endpoints);
        names.allowCoreThreadTimeOut(true);
        for (String endpoint : this.endpoints) {
            connections.put(endpoint, new Connection(channel(Endpoint.parse(endpoint))));
        }
    }

    private static List<String> parse(List<String> texts) {
        List<String> endpoints =
                texts.stream().map(text -> Endpoint.parse(text).toString()).toList();
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no endpoint given; write at least one, such as 127.0.0.1:2379");
        }
        if (endpoints.stream().distinct().count() < endpoints.size()) {
            throw new IllegalArgumentException("an endpoint is given twice in " + texts + "; name each server once");
        }
        return endpoints;
    }

    private ManagedChannel channel(Endpoint endpoint) {
        return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
                .usePlaintext()
                .eventLoopGroup(io)
                .channelType(NioSocketChannel.class)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .offloadExecutor(names)
                .directExecutor()
                .disableRetry()
                .disableServiceConfigLookUp()
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .keepAliveTime(10, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(false)
                .build();
    }

    private static ThreadFactory daemon(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    @Override
    public List<String> endpoints() {
        return endpoints;
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        if (timeoutNanos <= 0) {
            throw new IllegalArgumentException("timeoutNanos " + timeoutNanos);
        }
        Connection connection = connection(endpoint);
        UnaryCall<Q, R> call = new UnaryCall<>(listener);
        if (isClosed.get()) {
            call.end(closed());
            return () -> {};
        }
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeoutNanos, TimeUnit.NANOSECONDS);
        return call.start(connection.use().newCall(method, options), headers, request);
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        Connection connection = connection(endpoint);
        StreamCall<Q, R> call = new StreamCall<>(listener);
        if (isClosed.get()) {
            call.end(closed());
            return call;
        }
        call.start(connection.use().newCall(method, CallOptions.DEFAULT), headers);
        return call;
    }

    /** Ends everything within about two seconds; at once when called from one of its own callbacks. */
    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        connections.values().forEach(connection -> connection.channel.shutdownNow());
        boolean mayWait = !io.iterator().next().inEventLoop();
        long start = System.nanoTime();
        boolean isInterrupted = false;
        for (Connection connection : connections.values()) {
            long leftNanos = CLOSE_NANOS - (System.nanoTime() - start);
            try {
                if (mayWait && !isInterrupted && leftNanos > 0) {
                    connection.channel.awaitTermination(leftNanos, TimeUnit.NANOSECONDS);
                }
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        var ended = io.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        names.shutdownNow();
        try {
            if (mayWait && !isInterrupted) {
                ended.await(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Connection connection(String endpoint) {
        Connection connection = connections.get(endpoint);
        if (connection == null) {
            throw new IllegalArgumentException("endpoint \"" + endpoint + "\" is not one of " + endpoints);
        }
        return connection;
    }

    private static Status closed() {
        return Status.UNAVAILABLE.withDescription("the transport was closed");
    }

    /* A call that meets its connection in the moment of breaking is UNKNOWN for gRPC, though what happened is well known. */
    static Status named(Status status) {
        return status.getCode() == Status.Code.UNKNOWN && status.getCause() instanceof IOException
                ? Status.UNAVAILABLE.withDescription(status.getDescription()).withCause(status.getCause())
                : status;
    }

    /** The channel to one endpoint. */
    private static final class Connection {
        private final ManagedChannel channel;
        private final AtomicLong lastResetNanos = new AtomicLong(System.nanoTime() - RECONNECT_NANOS);

        private Connection(ManagedChannel channel) {
            this.channel = channel;
        }

        /* gRPC waits up to two minutes between attempts, which is an age after a short outage: cut the wait short. */
        private ManagedChannel use() {
            if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
                long now = System.nanoTime();
                long last = lastResetNanos.get();
                if (now - last >= RECONNECT_NANOS && lastResetNanos.compareAndSet(last, now)) {
                    channel.resetConnectBackoff();
                }
            }
            return channel;
        }
    }

    /** A single request; whatever happens first is its outcome. */
    private static final class UnaryCall<Q, R> extends ClientCall.Listener<R> {
        private final UnaryListener<R> listener;
        private final AtomicBoolean isOver = new AtomicBoolean();
        private @Nullable R answer;

        private UnaryCall(UnaryListener<R> listener) {
            this.listener = listener;
        }

        private Cancellable start(ClientCall<Q, R> call, Metadata headers, Q request) {
            try {
                call.start(this, headers);
                call.request(2);
                call.sendMessage(request);
                call.halfClose();
            } catch (RuntimeException e) { // such as a thread pool that was shut down a moment ago
                call.cancel("could not be sent", e);
                end(Status.fromThrowable(e));
            }
            return () -> call.cancel("cancelled by the caller", null);
        }

        @Override
        public void onMessage(R message) {
            answer = message;
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            R message = answer;
            if (!status.isOk()) {
                end(status);
            } else if (message == null) {
                end(Status.INTERNAL.withDescription("the server ended the call without an answer"));
            } else if (isOver.compareAndSet(false, true)) {
                listener.onAnswer(message);
            }
        }

        private void end(Status status) {
            if (isOver.compareAndSet(false, true)) {
                listener.onFailure(status.isOk() ? Status.UNKNOWN : named(status));
            }
        }
    }

    /** A stream in both directions. */
    private static final class StreamCall<Q, R> extends ClientCall.Listener<R> implements Outbound<Q> {
        private final StreamListener<R> listener;
        private final AtomicBoolean isOver = new AtomicBoolean();
        private final ReentrantLock sending = new ReentrantLock();
        private @Nullable ClientCall<Q, R> call;
        private boolean isCancelled;

        private StreamCall(StreamListener<R> listener) {
            this.listener = listener;
        }

        private void start(ClientCall<Q, R> fresh, Metadata headers) {
            call = fresh;
            try {
                fresh.start(this, headers);
                fresh.request(1);
            } catch (RuntimeException e) {
                fresh.cancel("could not be opened", e);
                end(Status.fromThrowable(e));
            }
        }

        @Override
        public void send(Q message) {
            sending.lock();
            try {
                if (call != null && !isCancelled && !isOver.get()) {
                    call.sendMessage(message);
                }
            } finally {
                sending.unlock();
            }
        }

        @Override
        public void cancel() {
            sending.lock();
            try {
                if (call != null && !isCancelled) {
                    isCancelled = true;
                    call.cancel("cancelled by the caller", null);
                }
            } finally {
                sending.unlock();
            }
        }

        @Override
        public void onMessage(R message) {
            listener.onMessage(message);
            if (call != null) {
                call.request(1);
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            end(status);
        }

        private void end(Status status) {
            if (isOver.compareAndSet(false, true)) {
                listener.onClosed(named(status));
            }
        }
    }
}
