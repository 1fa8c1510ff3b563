package dev.holdfast.embedded;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reaches the engine by tasks on its thread: messages are passed as they are, nothing is serialised. Listeners are called
 * on the engine's thread.
 */
final class InJvmTransport implements Transport {
    private static final String ENDPOINT = "embedded";

    private final EmbeddedEtcd etcd;
    private final Set<OpenCall<?, ?>> calls = new LinkedHashSet<>(); // confined to the engine's thread
    private volatile boolean closed;

    InJvmTransport(EmbeddedEtcd etcd) {
        this.etcd = etcd;
    }

    @Override
    public List<String> endpoints() {
        return List.of(ENDPOINT);
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        requireEndpoint(endpoint);
        Unary<Q, R> call = new Unary<>(method, timeoutNanos, listener);
        if (!etcd.tryExecute(() -> call.start(request))) {
            listener.onFailure(EtcdError.STOPPED.status());
        }
        return () -> etcd.tryExecute(() -> call.end(Status.CANCELLED.withDescription("cancelled by the caller")));
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        requireEndpoint(endpoint);
        Streaming<Q, R> call = new Streaming<>(method, listener);
        if (!etcd.tryExecute(() -> begin(call))) {
            listener.onClosed(EtcdError.STOPPED.status());
        }
        return new Outbound<>() {
            @Override
            public void send(Q message) {
                etcd.tryExecute(() -> call.onMessage(message));
            }

            @Override
            public void cancel() {
                etcd.tryExecute(() -> call.end(Status.CANCELLED.withDescription("cancelled by the caller")));
            }
        };
    }

    @Override
    public void close() {
        closed = true;
        etcd.tryExecute(() -> {
            for (OpenCall<?, ?> call : new ArrayList<>(calls)) {
                call.end(transportClosed());
            }
        });
    }

    private static Status transportClosed() {
        return Status.UNAVAILABLE.withDescription("holdfast: transport closed");
    }

    private static void requireEndpoint(String endpoint) {
        if (!endpoint.equals(ENDPOINT)) {
            throw new IllegalArgumentException("not an endpoint of this transport: " + endpoint);
        }
    }

    private void begin(OpenCall<?, ?> call) {
        if (closed) {
            call.end(transportClosed());
        } else {
            calls.add(call);
            call.open();
            if (call.isOver()) {
                calls.remove(call);
            }
        }
    }

    private final class Unary<Q, R> extends OpenCall<Q, R> {
        private final UnaryListener<R> listener;
        private final long deadlineNanos;
        private @Nullable R answer;
        private @Nullable Cancellable deadline;

        Unary(MethodDescriptor<Q, R> method, long timeoutNanos, UnaryListener<R> listener) {
            super(etcd, etcd.services().method(method), method.getFullMethodName());
            this.listener = listener;
            long now = etcd.nowNanos();
            deadlineNanos = timeoutNanos > Long.MAX_VALUE - now ? Long.MAX_VALUE : now + timeoutNanos;
        }

        void start(Q request) {
            long leftNanos = deadlineNanos - etcd.nowNanos();
            if (leftNanos <= 0) {
                expire();
                return;
            }
            begin(this);
            onMessage(request);
            // Most calls are answered by now; only one that waits for its turn needs a timer.
            if (!isOver()) {
                deadline = etcd.schedule(leftNanos, this::expire);
            }
        }

        private void expire() {
            end(Status.DEADLINE_EXCEEDED.withDescription("etcdserver: context deadline exceeded"));
        }

        @Override
        void deliver(R message) {
            answer = message;
        }

        @Override
        void deliverEnd(Status status) {
            calls.remove(this);
            if (deadline != null) {
                deadline.cancel();
            }
            if (answer != null) {
                listener.onAnswer(answer);
            } else if (status.isOk()) {
                listener.onFailure(Status.INTERNAL.withDescription("holdfast: a call ended without an answer"));
            } else {
                listener.onFailure(status);
            }
        }
    }

    private final class Streaming<Q, R> extends OpenCall<Q, R> {
        private final StreamListener<R> listener;

        Streaming(MethodDescriptor<Q, R> method, StreamListener<R> listener) {
            super(etcd, etcd.services().method(method), method.getFullMethodName());
            this.listener = listener;
        }

        @Override
        void deliver(R message) {
            listener.onMessage(message);
        }

        @Override
        void deliverEnd(Status status) {
            calls.remove(this);
            listener.onClosed(status);
        }
    }
}
