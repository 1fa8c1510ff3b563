package dev.holdfast.embedded;

import io.grpc.Status;

/** A request was refused, and nothing of it was carried out. Carries no stack trace: a refusal is an answer. */
public final class EtcdException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Status status;

    EtcdException(Status status) {
        super(status.getDescription(), null, false, false);
        this.status = status;
    }

    /** The gRPC status with etcd's code and text. */
    public Status status() {
        return status;
    }
}
