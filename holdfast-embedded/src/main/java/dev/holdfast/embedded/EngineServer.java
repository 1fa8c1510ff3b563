package dev.holdfast.embedded;

import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The gRPC services of an {@link EmbeddedEtcd} on a socket, so that etcdctl, Go's clientv3, jetcd and others work against it
 * unmodified. Without TLS on a loopback address only. There are no users: whoever gets a connection may do everything.
 * Thread-safe.
 */
public final class EngineServer implements AutoCloseable {
    private static final int MAX_INBOUND_BYTES = 32 * 1024 * 1024;

    /** Answers that wait for a client that reads too slowly; a stream with more is ended. */
    private static final int MAX_QUEUED_ANSWERS = 65_536;

    /** Go's client pings every 10 s when told to; etcd's own limit is 5 s. */
    private static final long PERMITTED_PING_SECONDS = 1;

    private static final long CLOSE_TIMEOUT_SECONDS = 5;

    private final EmbeddedEtcd etcd;
    private final Server server;
    private final String endpoint;
    private final Set<GrpcCall<?, ?>> calls = new LinkedHashSet<>(); // confined to the engine's thread

    EngineServer(EmbeddedEtcd etcd, InetSocketAddress address, @Nullable ServerTls tls) throws IOException {
        if (address.getAddress() == null) {
            throw new IllegalArgumentException("there is no host named " + address.getHostString());
        }
        if (tls == null && !address.getAddress().isLoopbackAddress()) {
            throw new IllegalArgumentException(
                    "only a loopback address is served without TLS and authentication, not " + address);
        }
        this.etcd = etcd;
        String hostAddress = address.getAddress().getHostAddress();
        String host = hostAddress.contains(":") ? "[" + hostAddress + "]" : hostAddress;
        // Handlers only add a task for the engine's thread, so they may run on the thread of the socket.
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address);
        if (tls != null) {
            builder.sslContext(tls.context());
        }
        server = builder.directExecutor()
                .fallbackHandlerRegistry(new Methods())
                .maxInboundMessageSize(MAX_INBOUND_BYTES)
                .permitKeepAliveTime(PERMITTED_PING_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .build()
                .start();
        endpoint = (tls == null ? "http://" : "https://") + host + ":" + server.getPort();
    }

    /** Where it listens, for example {@code http://127.0.0.1:2379}; with TLS it begins with {@code https}. */
    public String endpoint() {
        return endpoint;
    }

    /** Ends its calls with {@code UNAVAILABLE} and stops listening; what is stored stays. */
    @Override
    public void close() {
        etcd.forget(this);
        CountDownLatch ended = new CountDownLatch(1);
        boolean runs = etcd.tryExecute(() -> {
            for (GrpcCall<?, ?> call : new ArrayList<>(calls)) {
                call.end(EtcdError.STOPPED.status());
            }
            ended.countDown();
        });
        try {
            if (runs) {
                ended.await(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
            }
            server.shutdown();
            server.awaitTermination(100, TimeUnit.MILLISECONDS); // what was just said should still go out
            server.shutdownNow();
            server.awaitTermination(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** Finds what is offered, and for everything else an answer that says so. */
    private final class Methods extends HandlerRegistry {
        @Override
        public ServerMethodDefinition<?, ?> lookupMethod(String methodName, @Nullable String authority) {
            Services.Method<?, ?> method = etcd.services().method(methodName);
            return method == null ? notOffered(methodName) : offered(method);
        }

        private <Q, R> ServerMethodDefinition<Q, R> offered(Services.Method<Q, R> method) {
            ServerCallHandler<Q, R> handler = (grpc, headers) -> {
                GrpcCall<Q, R> call = new GrpcCall<>(method, grpc);
                etcd.tryExecute(call::start);
                grpc.request(1);
                return call.listener();
            };
            return ServerMethodDefinition.create(method.descriptor(), handler);
        }

        private ServerMethodDefinition<byte[], byte[]> notOffered(String methodName) {
            MethodDescriptor<byte[], byte[]> descriptor = MethodDescriptor.<byte[], byte[]>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNKNOWN)
                    .setFullMethodName(methodName)
                    .setRequestMarshaller(Bytes.INSTANCE)
                    .setResponseMarshaller(Bytes.INSTANCE)
                    .build();
            return ServerMethodDefinition.create(descriptor, (grpc, headers) -> {
                grpc.close(Services.notOffered(methodName), new Metadata());
                return new io.grpc.ServerCall.Listener<>() {};
            });
        }
    }

    /** A call that came in over gRPC; the engine's thread is the only one that answers it. */
    private final class GrpcCall<Q, R> extends OpenCall<Q, R> {
        private final io.grpc.ServerCall<Q, R> grpc;
        private final Queue<R> waiting = new ArrayDeque<>();
        private boolean headersSent;
        private @Nullable Status end;

        GrpcCall(Services.Method<Q, R> method, io.grpc.ServerCall<Q, R> grpc) {
            super(etcd, method, method.descriptor().getFullMethodName());
            this.grpc = grpc;
        }

        void start() {
            calls.add(this);
            open();
        }

        io.grpc.ServerCall.Listener<Q> listener() {
            return new io.grpc.ServerCall.Listener<>() {
                @Override
                public void onMessage(Q message) {
                    etcd.tryExecute(() -> {
                        GrpcCall.this.onMessage(message);
                        if (!isOver()) {
                            grpc.request(1);
                        }
                    });
                }

                @Override
                public void onReady() {
                    etcd.tryExecute(GrpcCall.this::drain);
                }

                @Override
                public void onCancel() {
                    etcd.tryExecute(() -> {
                        calls.remove(GrpcCall.this);
                        waiting.clear();
                        cancel();
                    });
                }
            };
        }

        @Override
        void deliver(R message) {
            if (waiting.size() >= MAX_QUEUED_ANSWERS) {
                waiting.clear();
                end(Status.RESOURCE_EXHAUSTED.withDescription("holdfast: the client reads its stream too slowly"));
                return;
            }
            waiting.add(message);
            drain();
        }

        @Override
        void deliverEnd(Status status) {
            end = status;
            drain();
        }

        /** Writes what the connection takes now; it calls back when it takes more. */
        private void drain() {
            while (!waiting.isEmpty() && !grpc.isCancelled() && (end != null || grpc.isReady())) {
                if (!headersSent) {
                    headersSent = true;
                    grpc.sendHeaders(new Metadata());
                }
                grpc.sendMessage(waiting.remove());
            }
            if (end != null) {
                calls.remove(this);
                if (!grpc.isCancelled()) {
                    grpc.close(end, new Metadata());
                }
                end = null;
            }
        }
    }

    /** Messages of methods that are not offered are never looked at. */
    private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
        INSTANCE;

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
