package dev.holdfast.transport.grpc;

import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport.UnaryListener;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A single request; whatever happens first is its outcome. The words of a failure are put as {@code words} puts them.
 * Thread-safe.
 */
final class UnaryCall<Q, R> extends ClientCall.Listener<R> {
    private final UnaryListener<R> listener;
    private final FailureWords words;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private @Nullable R answer;

    UnaryCall(UnaryListener<R> listener, FailureWords words) {
        this.listener = listener;
        this.words = words;
    }

    Cancellable start(ClientCall<Q, R> call, Metadata headers, Q request) {
        try {
            call.start(this, headers);
            call.request(2);
            call.sendMessage(request);
            call.halfClose();
        } catch (RuntimeException e) { // such as a thread pool that was shut down a moment ago
            call.cancel("could not be sent", e);
            end(Status.fromThrowable(e));
        }
        return () -> call.cancel("cancelled by the caller", null);
    }

    @Override
    public void onMessage(R message) {
        words.onAnswer();
        answer = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        R message = answer;
        if (!status.isOk()) {
            end(status);
        } else if (message == null) {
            end(Status.INTERNAL.withDescription("the server ended the call without an answer"));
        } else if (isOver.compareAndSet(false, true)) {
            listener.onAnswer(message);
        }
    }

    void end(Status status) {
        if (isOver.compareAndSet(false, true)) {
            listener.onFailure(status.isOk() ? Status.UNKNOWN : words.apply(status));
        }
    }
}
