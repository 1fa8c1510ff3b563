package dev.holdfast.testkit.contract;

import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** A way to a store that counts what passes. Thread-safe. */
final class Tallied implements Transport {

    /** How much of what has passed. */
    record Tally(long transactions, long ranges, long watchStreams, long watches, long eventMessages) {
        Tally since(Tally before) {
            return new Tally(
                    transactions - before.transactions,
                    ranges - before.ranges,
                    watchStreams - before.watchStreams,
                    watches - before.watches,
                    eventMessages - before.eventMessages);
        }
    }

    private final Transport transport;
    private final AtomicLong transactions = new AtomicLong();
    private final AtomicLong ranges = new AtomicLong();
    private final AtomicLong watchStreams = new AtomicLong();
    private final AtomicLong watches = new AtomicLong();
    private final AtomicLong eventMessages = new AtomicLong();

    Tallied(Transport transport) {
        this.transport = transport;
    }

    Tally tally() {
        return new Tally(transactions.get(), ranges.get(), watchStreams.get(), watches.get(), eventMessages.get());
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
        switch (method.getFullMethodName()) {
            case "etcdserverpb.KV/Txn" -> transactions.incrementAndGet();
            case "etcdserverpb.KV/Range" -> ranges.incrementAndGet();
            default -> {
                // Leases, and what a client asks when it starts.
            }
        }
        return transport.unary(endpoint, method, headers, request, timeoutNanos, listener);
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        if (method.getFullMethodName().equals("etcdserverpb.Watch/Watch")) {
            watchStreams.incrementAndGet();
        }
        Outbound<Q> out = transport.stream(endpoint, method, headers, new StreamListener<>() {
            @Override
            public void onMessage(R message) {
                if (message instanceof WatchResponse response && response.getEventsCount() > 0) {
                    eventMessages.incrementAndGet();
                }
                listener.onMessage(message);
            }

            @Override
            public void onClosed(io.grpc.Status status) {
                listener.onClosed(status);
            }
        });
        return new Outbound<>() {
            @Override
            public void send(Q message) {
                if (message instanceof WatchRequest request && request.hasCreateRequest()) {
                    watches.incrementAndGet();
                }
                out.send(message);
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
}
