package dev.holdfast.etcd;

import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.WatchGrpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An etcd server that says what a test tells it to say: a real gRPC server on a loopback port without any behaviour of its
 * own. Thread-safe.
 *
 * <p>A test takes calls and streams in the order of their arrival with {@link #next}, reads what the client sent and plays
 * the server - late, wrongly, or not at all. Unary methods that only need to work get an {@link #always} answer instead.
 *
 * <pre>{@code
 * try (FakeEtcd etcd = FakeEtcd.start()) {
 *     etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(7));
 *     ... the client opens a watch ...
 *     var stream = etcd.next(WatchGrpc.getWatchMethod());
 *     stream.request();                             // its create request
 *     stream.send(Answers.created(0, 1_000_000));   // a header far ahead
 *     stream.end(Status.OK);
 * }
 * }</pre>
 */
public final class FakeEtcd implements AutoCloseable {

    private static final long PATIENCE_SECONDS = 10;

    private final Map<String, BlockingQueue<Exchange<?, ?>>> arrived = new ConcurrentHashMap<>();
    private final Map<String, Function<Object, Object>> always = new ConcurrentHashMap<>();
    private final Server server;

    private FakeEtcd(int port, List<ServiceDescriptor> services) {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .directExecutor()
                .permitKeepAliveTime(1, TimeUnit.SECONDS);
        for (ServiceDescriptor service : services) {
            ServerServiceDefinition.Builder definition = ServerServiceDefinition.builder(service);
            service.getMethods().forEach(method -> add(definition, method));
            builder.addService(definition.build());
        }
        try {
            server = builder.build().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A server with etcd's services on a free port. */
    public static FakeEtcd start() {
        return start(0);
    }

    /** A server with etcd's services on this port. */
    public static FakeEtcd start(int port) {
        return new FakeEtcd(
                port,
                List.of(
                        KVGrpc.getServiceDescriptor(),
                        LeaseGrpc.getServiceDescriptor(),
                        WatchGrpc.getServiceDescriptor(),
                        MaintenanceGrpc.getServiceDescriptor(),
                        ClusterGrpc.getServiceDescriptor()));
    }

    /** A gRPC server that is not etcd: it answers UNIMPLEMENTED to everything. */
    public static FakeEtcd startWithoutServices() {
        return new FakeEtcd(0, List.of());
    }

    /** As a client is configured with: {@code 127.0.0.1:port}. */
    public String endpoint() {
        return "127.0.0.1:" + port();
    }

    public int port() {
        return server.getPort();
    }

    /** Answers every call of a unary method from now on by the function; it runs on the server's thread. */
    public <Q, R> void always(MethodDescriptor<Q, R> method, Function<Q, R> answer) {
        @SuppressWarnings("unchecked")
        Function<Object, Object> untyped = (Function<Object, Object>) (Function<?, ?>) answer;
        always.put(method.getFullMethodName(), untyped);
    }

    /**
     * The oldest call or stream of the method that was not taken yet.
     *
     * @throws AssertionError if none arrives within ten seconds
     */
    public <Q, R> Exchange<Q, R> next(MethodDescriptor<Q, R> method) {
        @SuppressWarnings("unchecked")
        Exchange<Q, R> exchange = (Exchange<Q, R>) take(queue(method), "no " + method.getFullMethodName() + " came");
        return exchange;
    }

    /** How many calls and streams of the method arrived and were not taken yet. */
    public int waiting(MethodDescriptor<?, ?> method) {
        return queue(method).size();
    }

    /** Stops at once; connections break. */
    @Override
    public void close() {
        server.shutdownNow();
        try {
            server.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private BlockingQueue<Exchange<?, ?>> queue(MethodDescriptor<?, ?> method) {
        return arrived.computeIfAbsent(method.getFullMethodName(), name -> new LinkedBlockingQueue<>());
    }

    private <Q, R> void add(ServerServiceDefinition.Builder definition, MethodDescriptor<Q, R> method) {
        definition.addMethod(method, (call, headers) -> accept(method, call, headers));
    }

    private <Q, R> ServerCall.Listener<Q> accept(
            MethodDescriptor<Q, R> method, ServerCall<Q, R> call, Metadata headers) {
        Exchange<Q, R> exchange = new Exchange<>(call, headers);
        call.request(1);
        Function<Object, Object> answer = always.get(method.getFullMethodName());
        if (answer == null) {
            queue(method).add(exchange);
            return exchange;
        }
        return new ServerCall.Listener<Q>() {
            @Override
            public void onMessage(Q message) {
                @SuppressWarnings("unchecked")
                R result = (R) answer.apply(message);
                exchange.answer(result);
            }
        };
    }

    private static <T> T take(BlockingQueue<T> queue, String complaint) {
        try {
            T taken = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (taken == null) {
                throw new AssertionError(complaint + " within " + PATIENCE_SECONDS + " s");
            }
            return taken;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting", e);
        }
    }

    /** One call or stream, from the server's side. */
    public static final class Exchange<Q, R> extends ServerCall.Listener<Q> {
        private final ServerCall<Q, R> call;
        private final Metadata headers;
        private final BlockingQueue<Q> requests = new LinkedBlockingQueue<>();
        private final CountDownLatch cancelled = new CountDownLatch(1);
        private final ReentrantLock sending = new ReentrantLock();
        private boolean hasSent;

        private Exchange(ServerCall<Q, R> call, Metadata headers) {
            this.call = call;
            this.headers = headers;
        }

        /** The value of a header of the call; null if it is absent. */
        public @Nullable String header(String name) {
            return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        }

        /**
         * The oldest message that was not taken yet.
         *
         * @throws AssertionError if none arrives within ten seconds
         */
        public Q request() {
            return take(requests, "no request came");
        }

        /** How many messages arrived and were not taken yet. */
        public int waiting() {
            return requests.size();
        }

        /** Sends one message and keeps the stream open. */
        public void send(R message) {
            sending.lock();
            try {
                if (!hasSent) {
                    hasSent = true;
                    call.sendHeaders(new Metadata());
                }
                call.sendMessage(message);
            } finally {
                sending.unlock();
            }
        }

        /** Sends one message and ends the call well. */
        public void answer(R message) {
            send(message);
            end(Status.OK);
        }

        /** Ends the call or stream. */
        public void end(Status status) {
            sending.lock();
            try {
                call.close(status, new Metadata());
            } finally {
                sending.unlock();
            }
        }

        /**
         * Waits until the client called it off.
         *
         * @throws AssertionError if it does not within ten seconds
         */
        public void awaitCancelled() {
            try {
                if (!cancelled.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    throw new AssertionError("not cancelled within " + PATIENCE_SECONDS + " s");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting", e);
            }
        }

        @Override
        public void onMessage(Q message) {
            requests.add(message);
            call.request(1);
        }

        @Override
        public void onCancel() {
            cancelled.countDown();
        }
    }
}
