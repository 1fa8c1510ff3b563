package dev.holdfast.testkit.contract;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A way to a store that can be blocked: nothing is answered then, and nobody is told so. When it is opened again, the
 * streams that were cut break. Thread-safe.
 */
final class Gate implements Transport {

    /** What passes. */
    enum Passage {
        /** Everything. */
        OPEN,
        /** Requests, but no answers. */
        NO_ANSWERS,
        /** Nothing. */
        SHUT
    }

    private final Transport transport;
    private final Set<CutStream<?>> streams = ConcurrentHashMap.newKeySet();
    private volatile Passage passage = Passage.OPEN;

    Gate(Transport transport) {
        this.transport = transport;
    }

    void set(Passage wanted) {
        passage = wanted;
        if (wanted == Passage.OPEN) {
            new ArrayList<>(streams).forEach(CutStream::breakOff);
        }
    }

    @Override
    public List<String> endpoints() {
        return transport.endpoints();
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        AtomicBoolean isTold = new AtomicBoolean();
        if (passage == Passage.SHUT) {
            // The client's own patience is all there is; a cancelled call is told so, as the port wants it.
            Thread timer = new Thread(() -> {
                java.util.concurrent.locks.LockSupport.parkNanos(timeoutNanos);
                if (isTold.compareAndSet(false, true)) {
                    listener.onFailure(Status.DEADLINE_EXCEEDED.withDescription("the gate is shut"));
                }
            });
            timer.setDaemon(true);
            timer.start();
            return () -> {
                if (isTold.compareAndSet(false, true)) {
                    listener.onFailure(Status.CANCELLED);
                }
            };
        }
        return transport.unary(endpoint, method, headers, request, timeoutNanos, new UnaryListener<>() {
            @Override
            public void onAnswer(R answer) {
                if (passage == Passage.OPEN) {
                    listener.onAnswer(answer);
                } else {
                    listener.onFailure(Status.UNAVAILABLE.withDescription("the answer was lost at the gate"));
                }
            }

            @Override
            public void onFailure(Status status) {
                listener.onFailure(status);
            }
        });
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        CutStream<R> cut = new CutStream<>(listener);
        streams.add(cut);
        Outbound<Q> out = transport.stream(endpoint, method, headers, cut);
        return new Outbound<>() {
            @Override
            public void send(Q message) {
                if (passage != Passage.SHUT) {
                    out.send(message);
                } else {
                    cut.isCut = true;
                }
            }

            @Override
            public void cancel() {
                out.cancel();
            }
        };
    }

    @Override
    public void close() {
        transport.close();
    }

    /** A stream that lost messages must not go on as if it had not. */
    private final class CutStream<R> implements StreamListener<R> {
        private final StreamListener<R> listener;
        private final AtomicBoolean isClosed = new AtomicBoolean();
        private volatile boolean isCut;

        CutStream(StreamListener<R> listener) {
            this.listener = listener;
        }

        @Override
        public void onMessage(R message) {
            if (passage == Passage.OPEN && !isClosed.get() && !isCut) {
                listener.onMessage(message);
            } else {
                isCut = true;
            }
        }

        @Override
        public void onClosed(Status status) {
            streams.remove(this);
            if (isClosed.compareAndSet(false, true)) {
                listener.onClosed(status);
            }
        }

        void breakOff() {
            if (isCut) {
                onClosed(Status.UNAVAILABLE.withDescription("the stream was cut at the gate"));
            }
        }
    }
}
