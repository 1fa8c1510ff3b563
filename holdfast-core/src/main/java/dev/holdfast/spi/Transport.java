package dev.holdfast.spi;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.List;

/**
 * How requests reach an etcd server and answers come back: gRPC on a socket, a call inside this JVM, or a simulated
 * network. It sends one unary call to one endpoint with a deadline, and opens a stream to one endpoint. Nothing else:
 * fail-over, retries, watch multiplexing and error mapping live above it.
 *
 * <p>Thread-safe. Listeners are called on any thread, never concurrently for one call, possibly before the method that
 * started the call returns. They must not block.
 */
public interface Transport extends AutoCloseable {

    /** The endpoints this transport can reach, in order of preference; at least one, never changing. */
    List<String> endpoints();

    /**
     * Sends one request. Exactly one method of {@code listener} is called, once.
     *
     * @param endpoint one of {@link #endpoints()}
     * @param timeoutNanos measured from this call, &gt; 0; when it ends the listener gets {@code DEADLINE_EXCEEDED} (the
     *     server may carry out the request all the same, then or later)
     * @return a handle; cancelling it makes the listener get {@code CANCELLED} unless an answer came first, and the
     *     request may still be carried out
     */
    <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener);

    /** Opens a bidirectional stream. It lives until either side ends it; {@code onClosed} is called exactly once. */
    <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener);

    /** Ends every call and stream (their listeners get {@code CANCELLED} or {@code UNAVAILABLE}) and frees resources. */
    @Override
    void close();

    /** The answer to a unary call. */
    interface UnaryListener<R> {
        void onAnswer(R answer);

        /** Called with a status that is not OK. */
        void onFailure(Status status);
    }

    /** What a stream delivers. */
    interface StreamListener<R> {
        void onMessage(R message);

        /** The stream is over; the status may be OK when the server ended it without an error. */
        void onClosed(Status status);
    }

    /** The sending side of a stream. */
    interface Outbound<Q> {
        /** Queues a message; does nothing once the stream is over. Messages arrive in the order they were sent. */
        void send(Q message);

        /** Ends the stream now. */
        void cancel();
    }
}
