package dev.holdfast.transport.grpc;

import dev.holdfast.spi.Transport.Outbound;
import dev.holdfast.spi.Transport.StreamListener;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A stream in both directions; the words of its end are put as {@code words} puts them. Thread-safe. */
final class StreamCall<Q, R> extends ClientCall.Listener<R> implements Outbound<Q> {
    private final StreamListener<R> listener;
    private final FailureWords words;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final ReentrantLock sending = new ReentrantLock();
    private @Nullable ClientCall<Q, R> call;
    private boolean isCancelled;

    StreamCall(StreamListener<R> listener, FailureWords words) {
        this.listener = listener;
        this.words = words;
    }

    void start(ClientCall<Q, R> fresh, Metadata headers) {
        call = fresh;
        try {
            fresh.start(this, headers);
            fresh.request(1);
        } catch (RuntimeException e) {
            fresh.cancel("could not be opened", e);
            end(Status.fromThrowable(e));
        }
    }

    @Override
    public void send(Q message) {
        sending.lock();
        try {
            if (call != null && !isCancelled && !isOver.get()) {
                call.sendMessage(message);
            }
        } finally {
            sending.unlock();
        }
    }

    @Override
    public void cancel() {
        sending.lock();
        try {
            if (call != null && !isCancelled) {
                isCancelled = true;
                call.cancel("cancelled by the caller", null);
            }
        } finally {
            sending.unlock();
        }
    }

    @Override
    public void onMessage(R message) {
        words.onAnswer();
        listener.onMessage(message);
        if (call != null) {
            call.request(1);
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        end(status);
    }

    void end(Status status) {
        if (isOver.compareAndSet(false, true)) {
            listener.onClosed(words.apply(status));
        }
    }
}
