package dev.holdfast;

import java.util.Objects;

/**
 * The number that tells a hold from every earlier hold of the same lock: tokens of one lock strictly increase from hold
 * to hold, over all processes. Send it along with every write to the protected resource and let the resource refuse a
 * token smaller than the greatest it has seen: then a holder that was paused past the end of its hold harms nobody.
 *
 * <p>Compared by {@code clusterEpoch}, then {@code grantRevision}, then {@code sequence}. Immutable.
 */
public final class FencingToken implements Comparable<FencingToken> {

    /** How many bits of {@link #asLong()} hold the sequence. */
    private static final int SEQUENCE_BITS = 20;

    /** The greatest sequence; the next hold after it gets a new grant revision. */
    public static final int MAX_SEQUENCE = (1 << SEQUENCE_BITS) - 1;

    private static final long MAX_GRANT_REVISION = (1L << (63 - SEQUENCE_BITS)) - 1;

    private final long clusterEpoch;
    private final long grantRevision;
    private final int sequence;
    private final boolean sharedWithGo;

    /**
     * @param clusterEpoch what the operator configured, raised after a restore from a snapshot; &gt;= 0
     * @param grantRevision an etcd revision at which the hold was admitted; 1 to 2^43 - 1
     * @param sequence how many times the entry was handed over inside one process; 0 to {@link #MAX_SEQUENCE}
     * @param sharedWithGo whether {@link #revision()} alone orders the holds of this lock
     */
    public FencingToken(long clusterEpoch, long grantRevision, int sequence, boolean sharedWithGo) {
        if (clusterEpoch < 0) {
            throw new IllegalArgumentException("clusterEpoch must not be negative, but is " + clusterEpoch);
        }
        if (grantRevision < 1 || grantRevision > MAX_GRANT_REVISION) {
            throw new IllegalArgumentException("grantRevision must be 1 to 2^43 - 1, but is " + grantRevision);
        }
        if (sequence < 0 || sequence > MAX_SEQUENCE) {
            throw new IllegalArgumentException("sequence must be 0 to " + MAX_SEQUENCE + ", but is " + sequence);
        }
        this.clusterEpoch = clusterEpoch;
        this.grantRevision = grantRevision;
        this.sequence = sequence;
        this.sharedWithGo = sharedWithGo;
    }

    /** What the operator configured as the cluster's epoch; a resource that must survive a restore stores it too. */
    public long clusterEpoch() {
        return clusterEpoch;
    }

    /** The etcd revision at which the hold was admitted. Not enough by itself: see {@link #revision()}. */
    public long grantRevision() {
        return grantRevision;
    }

    /** Counts the hand-overs inside one process since {@link #grantRevision()}; 0 for the first hold. */
    public int sequence() {
        return sequence;
    }

    /**
     * The token as one number, {@code grantRevision * 2^20 + sequence}. The cluster epoch is not in it.
     */
    public long asLong() {
        return grantRevision << SEQUENCE_BITS | sequence;
    }

    /**
     * The token as Go's {@code concurrency.Mutex} has it (the header revision of the grant), for locks shared with Go.
     *
     * @throws IllegalStateException unless the lock's hand-over budget is 0: with local hand-overs several holds share
     *     one revision and it would not tell them apart
     */
    public long revision() {
        if (!sharedWithGo) {
            throw new IllegalStateException("token " + this + ": several holds may share a revision; to compare tokens"
                    + " by revision alone, as Go clients do, use a lock with LockOptions.strictFifo()");
        }
        return grantRevision;
    }

    @Override
    public int compareTo(FencingToken other) {
        int byEpoch = Long.compare(clusterEpoch, other.clusterEpoch);
        return byEpoch != 0 ? byEpoch : Long.compare(asLong(), other.asLong());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FencingToken token
                && clusterEpoch == token.clusterEpoch
                && grantRevision == token.grantRevision
                && sequence == token.sequence;
    }

    @Override
    public int hashCode() {
        return Objects.hash(clusterEpoch, grantRevision, sequence);
    }

    /** {@code epoch.revision.sequence}, for example {@code 0.1042.3}. */
    @Override
    public String toString() {
        return clusterEpoch + "." + grantRevision + "." + sequence;
    }
}
