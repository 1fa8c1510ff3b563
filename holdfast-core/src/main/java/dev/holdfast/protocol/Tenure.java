package dev.holdfast.protocol;

/**
 * The right to grant one owned entry to callers of this process, lent by the event loop to {@link Callers} and handed
 * back by them. The loop writes {@link #isAlone} and {@link #isKept}, the borrower the rest; both sides may read.
 */
public final class Tenure {

    private final Entry entry;
    private final long grantRevision;
    private final Deadline deadline;
    private final Chronicle chronicle;
    private final int ttlSeconds;
    private volatile boolean isAlone;
    private volatile boolean isKept;

    Tenure(Entry entry, long grantRevision, SessionMachine session) {
        this.entry = entry;
        this.grantRevision = grantRevision;
        this.deadline = session.deadline();
        this.chronicle = session.chronicle();
        this.ttlSeconds = session.ttlSeconds();
    }

    /** The owned entry. */
    public Entry entry() {
        return entry;
    }

    /** A revision at which the entry was seen admitted: the token's. */
    public long grantRevision() {
        return grantRevision;
    }

    /** Until when the entry may be believed in. */
    public Deadline deadline() {
        return deadline;
    }

    /** What befell the session lately. */
    public Chronicle chronicle() {
        return chronicle;
    }

    /** The session's TTL. */
    public int ttlSeconds() {
        return ttlSeconds;
    }

    /** Whether a view shows that nobody but this entry is in the queue: then hand-overs need no budget. */
    public boolean isAlone() {
        return isAlone;
    }

    void setAlone(boolean alone) {
        isAlone = alone;
    }

    /**
     * Whether the borrower keeps it when nobody there wants it: the next caller is granted at once. False again as soon as
     * somebody else is known to wait, or nothing is known of others.
     */
    public boolean isKept() {
        return isKept;
    }

    void setKept(boolean kept) {
        isKept = kept;
    }

    /** Why a borrower hands it back. */
    public enum Return {
        /** Nobody waits here just now. */
        IDLE,
        /** Nobody waits here, and its end is waited for: by others, or by whoever released it synchronously. */
        AT_ONCE,
        /** Somebody waits here, but the budget of hand-overs is used up. */
        BUDGET_OVER,
        /** Somebody waits here, but this entry must not be handed over again: the next hold needs a new one. */
        MUST_LEAVE
    }
}
