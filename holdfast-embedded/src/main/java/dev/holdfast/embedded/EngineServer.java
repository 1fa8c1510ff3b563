package dev.holdfast.embedded;

import com.google.protobuf.MessageLite;
import dev.holdfast.etcdapi.DeleteRangeResponse;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnResponse;
import io.grpc.Grpc;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

    /** What waits for the client of one connection, all its calls together; a call that would make it more is ended. */
    static final long MAX_UNREAD_BYTES = Engine.MAX_ANSWER_BYTES;

    /** Go's client pings every 10 s when told to; etcd's own limit is 5 s. */
    private static final long PERMITTED_PING_SECONDS = 1;

    private static final long CLOSE_TIMEOUT_SECONDS = 5;

    private final EmbeddedEtcd etcd;
    private final Server server;
    private final String endpoint;

    // Confined to the engine's thread.
    private final Set<GrpcCall<?, ?>> calls = new LinkedHashSet<>();
    private final Map<Object, Long> unreadBytes = new HashMap<>(); // by connection

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

        private <Q, R> ServerMethodDefinition<Received<Q>, R> offered(Services.Method<Q, R> method) {
            ServerCallHandler<Received<Q>, R> handler = (grpc, headers) -> {
                GrpcCall<Q, R> call = new GrpcCall<>(method, grpc);
                etcd.tryExecute(call::start);
                grpc.request(1);
                return call.listener();
            };
            MethodDescriptor<Q, R> descriptor = method.descriptor();
            Receiving<Q> receiving = new Receiving<>(descriptor.getRequestMarshaller());
            return ServerMethodDefinition.create(
                    descriptor.toBuilder(receiving, descriptor.getResponseMarshaller())
                            .build(),
                    handler);
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
        private final io.grpc.ServerCall<Received<Q>, R> grpc;
        private final Object connection;
        private final Queue<R> waiting = new ArrayDeque<>();
        private long waitingBytes;
        private long passedOnBytes; // since the connection last took all there was
        private final boolean takesOneMessage;
        private boolean hasMessage;
        private boolean headersSent;
        private boolean gone;
        private @Nullable Status end;

        GrpcCall(Services.Method<Q, R> method, io.grpc.ServerCall<Received<Q>, R> grpc) {
            super(etcd, method, method.descriptor().getFullMethodName());
            this.grpc = grpc;
            takesOneMessage = method.descriptor().getType().clientSendsOneMessage();
            Object address = grpc.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
            connection = address == null ? grpc : address;
        }

        void start() {
            if (!gone) {
                calls.add(this);
                open();
            }
        }

        io.grpc.ServerCall.Listener<Received<Q>> listener() {
            return new io.grpc.ServerCall.Listener<>() {
                @Override
                public void onMessage(Received<Q> received) {
                    etcd.tryExecute(() -> {
                        if (received.message == null) {
                            breakOff(Status.INTERNAL.withDescription(
                                    "grpc: error unmarshalling request: " + received.wrong));
                            return;
                        }
                        if (hasMessage && takesOneMessage) {
                            breakOff(Status.INTERNAL.withDescription("holdfast: more than one request in a call"));
                            return;
                        }
                        hasMessage = true;
                        GrpcCall.this.onMessage(received.message);
                        if (!isOver()) {
                            grpc.request(1);
                        }
                    });
                }

                @Override
                public void onHalfClose() {
                    etcd.tryExecute(() -> {
                        if (takesOneMessage && !hasMessage) {
                            end(Status.INTERNAL.withDescription("holdfast: a call without a request"));
                        } else {
                            GrpcCall.this.onHalfClose();
                        }
                    });
                }

                @Override
                public void onReady() {
                    etcd.tryExecute(GrpcCall.this::drain);
                }

                @Override
                public void onCancel() {
                    etcd.tryExecute(GrpcCall.this::leave);
                }

                /** Also when gRPC has ended the call by itself. */
                @Override
                public void onComplete() {
                    etcd.tryExecute(GrpcCall.this::leave);
                }
            };
        }

        private void leave() {
            gone = true;
            calls.remove(this);
            cancel();
            forgetWaiting();
            count(-passedOnBytes);
            passedOnBytes = 0;
        }

        private void forgetWaiting() {
            waiting.clear();
            count(-waitingBytes);
            waitingBytes = 0;
        }

        private void count(long bytes) {
            unreadBytes.merge(connection, bytes, (a, b) -> a + b == 0 ? null : a + b);
            unreadBytes.remove(connection, 0L);
        }

        @Override
        void deliver(R message) {
            if (gone) {
                return;
            }
            long bytes = bytesOf((MessageLite) message);
            if (waiting.size() >= MAX_QUEUED_ANSWERS
                    || bytes > MAX_UNREAD_BYTES - unreadBytes.getOrDefault(connection, 0L)) {
                forgetWaiting();
                breakOff(Status.RESOURCE_EXHAUSTED.withDescription(
                        "holdfast: the answer is too large, or the client reads its stream too slowly"));
                return;
            }
            waiting.add(message);
            waitingBytes += bytes;
            count(bytes);
            drain();
        }

        @Override
        void deliverEnd(Status status) {
            if (!gone) {
                end = status;
                drain();
            }
        }

        /** Writes what the connection takes now; it calls back when it takes more. */
        private void drain() {
            if (gone) {
                return;
            }
            if (grpc.isReady()) {
                count(-passedOnBytes);
                passedOnBytes = 0;
            }
            while (!waiting.isEmpty() && !grpc.isCancelled() && (end != null || grpc.isReady())) {
                if (!headersSent) {
                    headersSent = true;
                    grpc.sendHeaders(new Metadata());
                }
                R message = waiting.remove();
                long bytes = bytesOf((MessageLite) message);
                waitingBytes -= bytes;
                passedOnBytes += bytes;
                grpc.sendMessage(message);
            }
            if (end != null) {
                Status status = end;
                end = null;
                calls.remove(this);
                if (!grpc.isCancelled()) {
                    grpc.close(status, new Metadata());
                }
            }
        }
    }

    /** The size of an answer. That of one with many pairs may not fit into an int, which is what messages count in. */
    private static long bytesOf(MessageLite answer) {
        if (answer instanceof TxnResponse txn) {
            long sum = txn.getHeader().getSerializedSize();
            for (ResponseOp op : txn.getResponsesList()) {
                sum += switch (op.getResponseCase()) {
                    case RESPONSE_RANGE -> bytesOf(op.getResponseRange());
                    case RESPONSE_DELETE_RANGE -> bytesOf(op.getResponseDeleteRange());
                    case RESPONSE_TXN -> bytesOf(op.getResponseTxn());
                    case RESPONSE_PUT, RESPONSE_NOT_SET -> op.getSerializedSize();
                };
            }
            return sum;
        } else if (answer instanceof RangeResponse range) {
            return bytesOf(range.getKvsList());
        } else if (answer instanceof DeleteRangeResponse delete) {
            return bytesOf(delete.getPrevKvsList());
        }
        return answer.getSerializedSize();
    }

    private static long bytesOf(List<KeyValue> pairs) {
        long sum = 0;
        for (KeyValue pair : pairs) {
            sum += pair.getSerializedSize();
        }
        return sum;
    }

    /** A message as it came in, or what is wrong with its bytes. */
    private record Received<Q>(@Nullable Q message, String wrong) {}

    /**
     * Reads messages. To gRPC, bytes that are no message would be a failure of this server: one that it logs, and tells the
     * client without saying why.
     */
    private record Receiving<Q>(MethodDescriptor.Marshaller<Q> marshaller)
            implements MethodDescriptor.Marshaller<Received<Q>> {
        @Override
        public InputStream stream(Received<Q> value) {
            throw new UnsupportedOperationException("requests are not sent from here");
        }

        @Override
        public Received<Q> parse(InputStream stream) {
            try {
                return new Received<>(marshaller.parse(stream), "");
            } catch (StatusRuntimeException e) {
                Throwable cause = e.getCause();
                return new Received<>(null, String.valueOf(cause == null ? e.getMessage() : cause.getMessage()));
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
