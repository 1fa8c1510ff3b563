package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A transport without a network: a test takes each call and stream in the order in which they were started and plays the
 * server. Listeners are called on the test's thread, inside the test's call.
 */
final class ScriptedTransport implements Transport {

    private final List<String> endpoints;
    private final ArrayDeque<Call<?, ?>> calls = new ArrayDeque<>();
    private final ArrayDeque<Stream<?, ?>> streams = new ArrayDeque<>();

    ScriptedTransport(String... endpoints) {
        this.endpoints = List.of(endpoints);
    }

    /** The oldest call not taken yet; it must be one of this method. */
    <Q, R> Call<Q, R> nextCall(MethodDescriptor<Q, R> method) {
        assertThat(calls).as("calls started").isNotEmpty();
        Call<?, ?> call = calls.remove();
        assertThat(call.method).isSameAs(method);
        @SuppressWarnings("unchecked")
        Call<Q, R> typed = (Call<Q, R>) call;
        return typed;
    }

    /** The oldest stream not taken yet; it must be one of this method. */
    <Q, R> Stream<Q, R> nextStream(MethodDescriptor<Q, R> method) {
        assertThat(streams).as("streams opened").isNotEmpty();
        Stream<?, ?> stream = streams.remove();
        assertThat(stream.method).isSameAs(method);
        @SuppressWarnings("unchecked")
        Stream<Q, R> typed = (Stream<Q, R>) stream;
        return typed;
    }

    boolean hasNewCall() {
        return !calls.isEmpty();
    }

    boolean hasNewStream() {
        return !streams.isEmpty();
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
        Call<Q, R> call = new Call<>(endpoint, method, headers, request, timeoutNanos, listener);
        calls.add(call);
        return call;
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        Stream<Q, R> stream = new Stream<>(endpoint, method, headers, listener);
        streams.add(stream);
        return stream;
    }

    @Override
    public void close() {}

    /** A unary call seen from the server. */
    static final class Call<Q, R> implements Cancellable {
        final String endpoint;
        final MethodDescriptor<Q, R> method;
        final Metadata headers;
        final Q request;
        final long timeoutNanos;
        private final UnaryListener<R> listener;
        private boolean isOver;

        private Call(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            this.endpoint = endpoint;
            this.method = method;
            this.headers = headers;
            this.request = request;
            this.timeoutNanos = timeoutNanos;
            this.listener = listener;
        }

        void answer(R answer) {
            isOver = true;
            listener.onAnswer(answer);
        }

        void fail(Status.Code code, String text) {
            isOver = true;
            listener.onFailure(code.toStatus().withDescription(text));
        }

        @Override
        public void cancel() {
            if (!isOver) {
                fail(Status.Code.CANCELLED, "cancelled by the caller");
            }
        }
    }

    /** A stream seen from the server. */
    static final class Stream<Q, R> implements Outbound<Q> {
        final String endpoint;
        final MethodDescriptor<Q, R> method;
        final Metadata headers;
        private final StreamListener<R> listener;
        private final ArrayDeque<Q> received = new ArrayDeque<>();
        private boolean isCancelled;
        private boolean isOver;

        private Stream(String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            this.endpoint = endpoint;
            this.method = method;
            this.headers = headers;
            this.listener = listener;
        }

        /** The oldest message not taken yet. */
        Q next() {
            assertThat(received).as("messages on the stream").isNotEmpty();
            return received.remove();
        }

        /** All messages not taken yet. */
        List<Q> rest() {
            List<Q> rest = new ArrayList<>(received);
            received.clear();
            return rest;
        }

        boolean isCancelled() {
            return isCancelled;
        }

        void answer(R message) {
            listener.onMessage(message);
        }

        void end(Status status) {
            if (!isOver) {
                isOver = true;
                listener.onClosed(status);
            }
        }

        @Override
        public void send(Q message) {
            if (!isOver) {
                received.add(message);
            }
        }

        @Override
        public void cancel() {
            isCancelled = true;
            end(Status.CANCELLED);
        }
    }
}
