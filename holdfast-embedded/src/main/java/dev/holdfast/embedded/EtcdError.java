package dev.holdfast.embedded;

import io.grpc.Status;

/** The refusals of etcd, with its own gRPC codes and texts: clients match on the text. */
public enum EtcdError {
    EMPTY_KEY(Status.Code.INVALID_ARGUMENT, "etcdserver: key is not provided"),
    KEY_NOT_FOUND(Status.Code.INVALID_ARGUMENT, "etcdserver: key not found"),
    VALUE_PROVIDED(Status.Code.INVALID_ARGUMENT, "etcdserver: value is provided"),
    LEASE_PROVIDED(Status.Code.INVALID_ARGUMENT, "etcdserver: lease is provided"),
    TOO_MANY_OPS(Status.Code.INVALID_ARGUMENT, "etcdserver: too many operations in txn request"),
    DUPLICATE_KEY(Status.Code.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request"),
    INVALID_SORT_OPTION(Status.Code.INVALID_ARGUMENT, "etcdserver: invalid sort option"),
    REQUEST_TOO_LARGE(Status.Code.INVALID_ARGUMENT, "etcdserver: request is too large"),
    COMPACTED(Status.Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"),
    FUTURE_REVISION(Status.Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"),
    NO_SPACE(Status.Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"),
    LEASE_NOT_FOUND(Status.Code.NOT_FOUND, "etcdserver: requested lease not found"),
    LEASE_EXISTS(Status.Code.FAILED_PRECONDITION, "etcdserver: lease already exists"),
    LEASE_TTL_TOO_LARGE(Status.Code.OUT_OF_RANGE, "etcdserver: too large lease TTL"),
    CORRUPT(Status.Code.DATA_LOSS, "etcdserver: corrupt cluster"),
    AUTH_NOT_ENABLED(Status.Code.FAILED_PRECONDITION, "etcdserver: authentication is not enabled"),
    ROOT_USER_NOT_EXIST(Status.Code.FAILED_PRECONDITION, "etcdserver: root user does not exist"),
    STOPPED(Status.Code.UNAVAILABLE, "etcdserver: server stopped"),

    // The services v3lock and v3election pass their client's errors on without a code.
    SESSION_EXPIRED(Status.Code.UNKNOWN, "mutex: session is expired"),
    NOT_LEADER(Status.Code.UNKNOWN, "election: not leader"),
    NO_LEADER(Status.Code.UNKNOWN, "election: no leader"),
    MISSING_LEADER_KEY(Status.Code.UNKNOWN, "\"leader\" field must be provided");

    private final Status.Code code;
    private final String text;

    EtcdError(Status.Code code, String text) {
        this.code = code;
        this.text = text;
    }

    /** The text a client matches on. */
    public String text() {
        return text;
    }

    /** The status a client gets. */
    public Status status() {
        return Status.fromCode(code).withDescription(text);
    }

    /** What the engine throws. */
    EtcdException exception() {
        return new EtcdException(status());
    }
}
