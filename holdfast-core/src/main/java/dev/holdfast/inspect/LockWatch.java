package dev.holdfast.inspect;

import java.util.concurrent.CompletableFuture;

/** A live view of locks, until it is closed. Thread-safe. */
public interface LockWatch extends AutoCloseable {

    /**
     * Completes when it is over: normally after {@link #close()} or when the client is closed, exceptionally with {@link
     * dev.holdfast.LockException.Refused} if etcd refuses it for good, for want of a permission for example.
     */
    CompletableFuture<Void> ended();

    /** Ends it; no event begins to be told after this. Closing again does nothing. */
    @Override
    void close();
}
