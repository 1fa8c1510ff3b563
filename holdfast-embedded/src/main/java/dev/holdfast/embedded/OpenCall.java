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
    private boolean told; // the client knows that it is over, or wants to hear nothing more

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
        Status refusal = etcd.refusal();
        if (refusal != null) {
            end(refusal);
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

    /** The client sends no more messages, and still wants answers. */
    final void onHalfClose() {
        if (!over && call != null) {
            call.onHalfClose();
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
            told = true;
            etcd.openCalls().remove(this);
            if (call != null) {
                call.onCancel();
            }
        }
    }

    /** Ends the call with this instead of what was held back: that cannot be kept. */
    final void breakOff(Status status) {
        if (!over) {
            end(status);
        } else {
            tell(() -> deliverEnd(status));
            told = true;
        }
    }

    @Override
    public final void send(R message) {
        if (!over) {
            etcd.deliver(this, () -> tell(() -> deliver(message)));
        }
    }

    @Override
    public final void close(Status status) {
        if (!over) {
            over = true;
            etcd.openCalls().remove(this);
            etcd.deliver(this, () -> tell(() -> deliverEnd(status)));
        }
    }

    private void tell(Runnable something) {
        if (!told) {
            something.run();
        }
    }
}
