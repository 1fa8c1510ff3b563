package dev.holdfast.cli;

import dev.holdfast.spi.Transport;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** One unary answer that a thread waits for. Thread-safe. */
public final class Answer<R> implements Transport.UnaryListener<R> {

    private final CompletableFuture<R> future = new CompletableFuture<>();

    @Override
    public void onAnswer(R answer) {
        future.complete(answer);
    }

    @Override
    public void onFailure(Status status) {
        future.completeExceptionally(status.asRuntimeException());
    }

    /**
     * Waits for it; the deadline is that of the request.
     *
     * @throws StatusRuntimeException if the request failed
     */
    public R await() throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw Status.fromThrowable(e).asRuntimeException();
        }
    }
}
