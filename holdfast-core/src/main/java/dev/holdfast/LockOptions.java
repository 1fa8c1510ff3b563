package dev.holdfast;

import java.time.Duration;
import java.util.Optional;

/**
 * How a lock handle behaves. Immutable; each {@code with} method returns a changed copy.
 */
public final class LockOptions {

    /** Longest duration of any kind: more than anybody waits for. */
    private static final Duration LONGEST = Duration.ofDays(3_650);

    /** Longest purpose, in characters. */
    private static final int MAX_PURPOSE = 256;

    private static final LockOptions DEFAULTS =
            new LockOptions(Duration.ZERO, Optional.empty(), 32, false, false, true, "");

    private final Duration minHold;
    private final Optional<Duration> maxHold;
    private final int handOverBudget;
    private final boolean synchronousRelease;
    private final boolean interruptOnLoss;
    private final boolean caching;
    private final String purpose;

    private LockOptions(
            Duration minHold,
            Optional<Duration> maxHold,
            int handOverBudget,
            boolean synchronousRelease,
            boolean interruptOnLoss,
            boolean caching,
            String purpose) {
        this.minHold = minHold;
        this.maxHold = maxHold;
        this.handOverBudget = handOverBudget;
        this.synchronousRelease = synchronousRelease;
        this.interruptOnLoss = interruptOnLoss;
        this.caching = caching;
        this.purpose = purpose;
    }

    /**
     * No minimum and no maximum hold, a hand-over budget of 32, asynchronous release, no interruption on loss, caching, no
     * purpose.
     */
    public static LockOptions defaults() {
        return DEFAULTS;
    }

    /**
     * The lock is granted only while at least this much of the session is left; default zero, at most half of the
     * session's TTL.
     */
    public Duration minHold() {
        return minHold;
    }

    /** A hold ends as {@link LossReason#MAX_HOLD_REACHED} after this time from its grant; default: never. */
    public Optional<Duration> maxHold() {
        return maxHold;
    }

    /**
     * How many times in a row the lock passes from caller to caller inside this process while callers of other processes
     * wait; default 32. It does so for no longer than 5 ms in a row, either, whatever the budget; while nobody else waits
     * there is no limit. With 0 every caller has an entry of its own in etcd's queue: strict first come, first served over
     * all threads of all processes.
     */
    public int handOverBudget() {
        return handOverBudget;
    }

    /** Whether {@code unlock} and {@code close} wait for etcd's answer; default no. */
    public boolean synchronousRelease() {
        return synchronousRelease;
    }

    /** Whether the thread that called {@link DistributedLock#lock()} is interrupted when its hold is lost; default no. */
    public boolean interruptOnLoss() {
        return interruptOnLoss;
    }

    /**
     * Whether the lock may stay with this process when nobody here wants it; default yes, though never with
     * {@linkplain #synchronousRelease() synchronous release} or {@linkplain #isStrictFifo() strict order}. A lock that is
     * waited for again within a second after its release, not one that is only tried, is kept from then on, and taken and
     * released without a round trip.
     * It is given back when somebody else comes into its queue, 30 s after it was granted, and after 1 s while it cannot be
     * seen whether others come; after somebody else came, it is not kept again for a second at first, up to a minute.
     *
     * <p>The price: while it is kept, other processes find it taken. Whoever waits for it gets it after one more round
     * trip, but a {@code tryLock} elsewhere returns false.
     */
    public boolean caching() {
        return caching;
    }

    /** What the lock is taken for, shown to operators; default empty. */
    public String purpose() {
        return purpose;
    }

    /**
     * Changes {@link #minHold()}.
     *
     * @throws IllegalArgumentException if negative or longer than ten years
     */
    public LockOptions withMinHold(Duration least) {
        if (least.isNegative() || least.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("minHold must be 0 to " + LONGEST + ", but is " + least);
        }
        return new LockOptions(least, maxHold, handOverBudget, synchronousRelease, interruptOnLoss, caching, purpose);
    }

    /**
     * Changes {@link #maxHold()}.
     *
     * @throws IllegalArgumentException if zero, negative or longer than ten years
     */
    public LockOptions withMaxHold(Duration most) {
        if (most.isNegative() || most.isZero() || most.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("maxHold must be above 0 and at most " + LONGEST + ", but is " + most);
        }
        return new LockOptions(
                minHold, Optional.of(most), handOverBudget, synchronousRelease, interruptOnLoss, caching, purpose);
    }

    /**
     * Changes {@link #handOverBudget()}.
     *
     * @throws IllegalArgumentException if negative or above 1,000,000
     */
    public LockOptions withHandOverBudget(int handOvers) {
        if (handOvers < 0 || handOvers > 1_000_000) {
            throw new IllegalArgumentException("handOverBudget must be 0 to 1000000, but is " + handOvers);
        }
        return new LockOptions(minHold, maxHold, handOvers, synchronousRelease, interruptOnLoss, caching, purpose);
    }

    /** A hand-over budget of 0: first come, first served over all callers of all processes. */
    public LockOptions strictFifo() {
        return withHandOverBudget(0);
    }

    /** Makes {@code unlock} and {@code close} wait for etcd's answer, and throw if the entry was gone. */
    public LockOptions withSynchronousRelease() {
        return new LockOptions(minHold, maxHold, handOverBudget, true, interruptOnLoss, caching, purpose);
    }

    /** Interrupts the thread that called {@link DistributedLock#lock()} when its hold is lost. */
    public LockOptions withInterruptOnLoss() {
        return new LockOptions(minHold, maxHold, handOverBudget, synchronousRelease, true, caching, purpose);
    }

    /**
     * Gives the lock back at once when nobody here wants it; see {@link #caching()}. Where this client has just wanted it
     * again before etcd had answered, the same request enters the queue anew, at its end, for whoever comes by the answer:
     * one transaction for a release and an acquire. Not with {@linkplain #withSynchronousRelease() synchronous release}.
     */
    public LockOptions withoutCaching() {
        return new LockOptions(minHold, maxHold, handOverBudget, synchronousRelease, interruptOnLoss, false, purpose);
    }

    /**
     * Changes {@link #purpose()}.
     *
     * @throws IllegalArgumentException if longer than 256 characters
     */
    public LockOptions withPurpose(String text) {
        if (text.length() > MAX_PURPOSE) {
            throw new IllegalArgumentException(
                    "purpose must have at most " + MAX_PURPOSE + " characters, but has " + text.length());
        }
        return new LockOptions(minHold, maxHold, handOverBudget, synchronousRelease, interruptOnLoss, caching, text);
    }

    /** Whether the lock may be kept with these options. */
    public boolean isCached() {
        return caching && !synchronousRelease && handOverBudget != 0;
    }

    /** Whether every caller has an entry of its own. */
    public boolean isStrictFifo() {
        return handOverBudget == 0;
    }
}
