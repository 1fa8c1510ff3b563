package dev.holdfast.embedded;

import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/**
 * A client's call while it is under way, wherever it came from: knows when it is over, and is ended when the engine stops.
 * Confined to the engine's thread.
 */
abstract class OpenCall<Q, R> implements ServerCall.Answers<R> {
    private final EmbeddedEtcd etcd;
    private final Services.@Nullable Method<Q, R> method;
    private final String methodName;
    private @Nullable ServerCall<Q> call;
    private boolean over;

    OpenCall(EmbeddedEtcd etcd, Services.@Nullable Method<Q, R> method, String methodName) {
        this.etcd = etcd;
        this.method = method;
        this.methodName = methodName;
    }

    /** Passes an answer on to the client. */
    abstract void deliver(R message);

    /** Tells the client, once, that the call is over. */
    abstract void deliverEnd(Status status);

    final boolean isOver() {
        return over;
    }

    final void open() {
        if (over) {
            return;
        }
        if (etcd.isClosed()) {
            end(EtcdError.STOPPED.status());
        } else if (method == null) {
            end(Services.notOffered(methodName));
        } else {
            etcd.openCalls().add(this);
            call = method.open(this);
        }
    }

    final void onMessage(Q message) {
        if (!over && call != null) {
            call.onMessage(message);
        }
    }

    /** Ends the call from the client's side, or because something stops. */
    final void end(Status status) {
        if (!over) {
            cancel();
            deliverEnd(status);
        }
    }

    /** The client is gone and wants to hear nothing more. */
    final void cancel() {
        if (!over) {
            over = true;
            etcd.openCalls().remove(this);
            if (call != null) {
                call.onCancel();
            }
        }
    }

    @Override
    public final void send(R message) {
        if (!over) {
            deliver(message);
        }
    }

    @Override
    public final void close(Status status) {
        if (!over) {
            over = true;
            etcd.openCalls().remove(this);
            deliverEnd(status);
        }
    }
}
