package dev.holdfast;

/** Why a hold was lost. */
public enum LossReason {
    /** The deadline passed without a confirmed renewal of the lease: a partition, a dead server, a pause. */
    DEADLINE_PASSED,
    /** The server said that the lease is gone: it expired there, or somebody revoked it. */
    LEASE_GONE,
    /**
     * The lock entry was deleted while it was held, and nobody said why: by a person with a hand on etcd, or by a client that
     * does not play by the rules.
     */
    ENTRY_DELETED,
    /** An operator released the lock by force; {@link Loss#forced()} says who and why. */
    FORCED,
    /** The server's revision went back, or another cluster answers: it was restored or replaced. */
    CLUSTER_REGRESSED,
    /** {@link LockOptions#maxHold()} was reached. */
    MAX_HOLD_REACHED,
    /** The client found itself in a state that must not be, and gave up what it held rather than go on. */
    INTERNAL_ERROR,
    /** {@link Holdfast#close()} was called while the lock was held. */
    CLIENT_CLOSED
}
