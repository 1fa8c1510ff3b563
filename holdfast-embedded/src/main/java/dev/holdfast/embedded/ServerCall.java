package dev.holdfast.embedded;

import io.grpc.Status;

/** A call under way, as the engine's side answers it. All methods are called on the engine's thread. */
interface ServerCall<Q> {
    /** The client sent a message. */
    void onMessage(Q message);

    /** The client sends no more messages; what it has asked for goes on. */
    default void onHalfClose() {}

    /** The client is gone, or no longer interested: free everything, answer nothing. */
    default void onCancel() {}

    /** Where the answers go. Called on the engine's thread; after {@link #close} nothing more is sent. */
    interface Answers<R> {
        void send(R message);

        /** Ends the call; OK when all was said. */
        void close(Status status);

        /** The only message of the answer. */
        default void finish(R message) {
            send(message);
            close(Status.OK);
        }
    }
}
