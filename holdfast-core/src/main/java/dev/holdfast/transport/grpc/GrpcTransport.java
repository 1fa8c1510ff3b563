package dev.holdfast.transport.grpc;

import dev.holdfast.TlsSettings;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.Endpoint;
import io.grpc.CallOptions;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The transport that speaks gRPC over sockets, one connection to each endpoint, made when first used. Thread-safe.
 *
 * <p>It has one thread for all connections, and one that looks up host names and sleeps otherwise; both are daemons.
 * Nothing is retried. A call to an endpoint that refuses the connection fails at once; while an endpoint is down, it is
 * tried again at most twice a second, and only when it is asked for.
 */
public final class GrpcTransport implements Transport {

    static final int MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
    private static final int CONNECT_TIMEOUT_MILLIS = 5_000;
    private static final long RECONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final List<String> endpoints;
    private final Map<String, Connection> connections = new LinkedHashMap<>();
    private final EventLoopGroup io;
    private final ThreadPoolExecutor names =
            new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemon("holdfast-names"));
    private final AtomicBoolean isClosed = new AtomicBoolean();

    /** Without TLS settings: an {@code https://} server is vouched for by the authorities that this JVM trusts. */
    public GrpcTransport(List<String> endpoints) {
        this(endpoints, null);
    }

    /**
     * Connects to nothing yet, but reads the files of the settings once, so that what is wrong with them is said now.
     *
     * @param endpoints as {@link Endpoint#parse} reads them, in order of preference; at least one, none twice, all with
     *     TLS or all without
     * @param settings null for {@link TlsSettings#ofSystem()} with endpoints that say {@code https://}, and plain text with
     *     the others; never null if the user has given any
     * @throws IllegalArgumentException if an endpoint cannot be read, the list is empty or names one twice, schemes and
     *     settings do not agree, or a file is missing or is not what it should be
     */
    public GrpcTransport(List<String> endpoints, @Nullable TlsSettings settings) {
        List<Endpoint> parsed = parse(endpoints);
        boolean isSecure = Endpoint.wantTls(parsed, settings != null);
        ReloadingSslContext tls =
                isSecure ? new ReloadingSslContext(settings == null ? TlsSettings.ofSystem() : settings) : null;
        this.endpoints = parsed.stream().map(Endpoint::address).toList();
        // After everything that may be refused, since it holds an open selector.
        this.io = new MultiThreadIoEventLoopGroup(1, daemon("holdfast-io"), NioIoHandler.newFactory());
        names.allowCoreThreadTimeOut(true);
        for (Endpoint endpoint : parsed) {
            connections.put(
                    endpoint.address(),
                    new Connection(channel(endpoint, tls), FailureWords.of(endpoint.address(), tls)));
        }
    }

    private static List<Endpoint> parse(List<String> texts) {
        List<Endpoint> endpoints = texts.stream().map(Endpoint::parse).toList();
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no endpoint given; write at least one, such as 127.0.0.1:2379");
        }
        if (endpoints.stream().map(Endpoint::address).distinct().count() < endpoints.size()) {
            throw new IllegalArgumentException("an endpoint is given twice in " + texts + "; name each server once");
        }
        return endpoints;
    }

    private ManagedChannel channel(Endpoint endpoint, @Nullable ReloadingSslContext tls) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port());
        if (tls == null) {
            builder.usePlaintext();
        } else {
            builder.sslContext(tls);
        }
        return builder.eventLoopGroup(io)
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
        UnaryCall<Q, R> call = new UnaryCall<>(listener, connection.words);
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
        StreamCall<Q, R> call = new StreamCall<>(listener, connection.words);
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

    static Status closed() {
        return Status.UNAVAILABLE.withDescription("the transport was closed");
    }

    /** The channel to one endpoint. */
    private static final class Connection {
        private final ManagedChannel channel;
        private final FailureWords words;
        private final AtomicLong lastResetNanos = new AtomicLong(System.nanoTime() - RECONNECT_NANOS);

        private Connection(ManagedChannel channel, FailureWords words) {
            this.channel = channel;
            this.words = words;
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
}
