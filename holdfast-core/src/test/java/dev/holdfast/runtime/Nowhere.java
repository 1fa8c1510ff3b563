package dev.holdfast.runtime;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.List;

/** A network in which nothing is sent and nobody answers. */
final class Nowhere implements Transport {

    @Override
    public List<String> endpoints() {
        return List.of("nowhere");
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        return () -> {};
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        return new Outbound<>() {
            @Override
            public void send(Q message) {}

            @Override
            public void cancel() {}
        };
    }

    @Override
    public void close() {}
}
