package dev.holdfast.runtime;

import dev.holdfast.CommitResult;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Transaction;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.protocol.Deadline;
import dev.holdfast.protocol.LockName;
import dev.holdfast.protocol.Moment;
import dev.holdfast.protocol.Tenure;
import dev.holdfast.spi.Cancellable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One grant of a tenure to one caller. Its queue guards the changes of state; anybody may read it. */
final class LockHold implements Hold {

    private final LocalQueue queue;
    private final Tenure tenure;
    private final FencingToken token;
    private final LockOptions options;
    private final Moment grantedAt;
    private final @Nullable Thread owner;

    /* Written under the queue's mutex. */
    private volatile boolean isReleased;
    private volatile @Nullable Loss loss;
    private boolean isUnexplained;
    private List<Consumer<Loss>> listeners = List.of();
    private int commitsUnderWay;
    private boolean isCommitUndecided;
    private boolean isClosed;
    private @Nullable Cancellable end;

    /** Completes with the loss, if its entry was gone when it was released; null unless somebody waits for it. */
    private final @Nullable CompletableFuture<Optional<Loss>> releaseDone;

    /** For the Flight Recorder; null if nobody records. */
    private final @Nullable Object flight = Flight.holding();

    LockHold(
            LocalQueue queue,
            Tenure tenure,
            FencingToken token,
            LockOptions options,
            Moment grantedAt,
            @Nullable Thread owner) {
        this.queue = queue;
        this.tenure = tenure;
        this.token = token;
        this.options = options;
        this.grantedAt = grantedAt;
        this.owner = owner;
        this.releaseDone = options.synchronousRelease() ? new CompletableFuture<>() : null;
    }

    // ---------------------------------------------------------------------------------------------------- Hold

    @Override
    public String lockName() {
        return queue.name().name();
    }

    @Override
    public String key() {
        return tenure.entry().key().toString();
    }

    @Override
    public FencingToken token() {
        return token;
    }

    @Override
    public State state() {
        if (isReleased) {
            return State.RELEASED;
        }
        long left = remainingNanos(queue.now());
        if (loss != null || left <= 0) {
            return State.LOST;
        }
        return left < tenure.ttlSeconds() * 1_000_000_000L / 3 ? State.AT_RISK : State.HELD;
    }

    @Override
    public Duration remaining() {
        if (isReleased || loss != null) {
            return Duration.ZERO;
        }
        return Duration.ofNanos(remainingNanos(queue.now()));
    }

    private long remainingNanos(Moment now) {
        long left = tenure.deadline().remainingNanos(now.nanos(), now.wallMillis());
        Duration most = options.maxHold().orElse(null);
        if (most == null) {
            return left;
        }
        return Math.max(0, Math.min(left, most.toNanos() - (now.nanos() - grantedAt.nanos())));
    }

    @Override
    public void ensure(Duration atLeast) {
        if (isReleased) {
            throw new IllegalMonitorStateException("hold " + token + " of lock '" + lockName() + "' was released");
        }
        Duration left = remaining();
        if (left.isZero() || left.compareTo(atLeast) < 0) {
            Loss known = currentLoss(queue.now());
            if (known == null) {
                known = lossOf(
                        LossReason.DEADLINE_PASSED,
                        "only " + left.toMillis() + " ms are surely left, " + atLeast.toMillis() + " ms were wanted");
            }
            throw new LockException.Lost(known);
        }
    }

    @Override
    public void onLost(Consumer<Loss> listener) {
        queue.listen(this, listener);
    }

    @Override
    public CompletableFuture<CommitResult> commit(Transaction transaction) {
        return queue.commit(this, transaction);
    }

    @Override
    public void close() {
        queue.close(this);
    }

    // ---------------------------------------------------------------------------------------------------- for the
    // queue

    /** What is known of its loss; a deadline that has passed counts, whether or not the loop has noticed. */
    @Nullable
    Loss currentLoss(Moment now) {
        Loss known = loss;
        if (known != null || isReleased || remainingNanos(now) > 0) {
            return known;
        }
        Deadline.Ending ending = tenure.deadline().ending();
        if (ending != null) {
            return lossOf(ending.reason(), ending.detail());
        }
        Duration most = options.maxHold().orElse(null);
        if (most != null && now.nanos() - grantedAt.nanos() >= most.toNanos()) {
            return lossOf(LossReason.MAX_HOLD_REACHED, "it was held for " + most);
        }
        return lossOf(LossReason.DEADLINE_PASSED, "its deadline has passed without a confirmed renewal");
    }

    Loss lossOf(LossReason reason, String detail) {
        return lossOf(reason, detail, null);
    }

    /** The loss of a hold whose entry an operator deleted. */
    Loss lossOf(ForcedRelease how) {
        return lossOf(LossReason.FORCED, detailOf(how), how);
    }

    static String detailOf(ForcedRelease how) {
        return "somebody with authority over it released the lock by force";
    }

    private Loss lossOf(LossReason reason, String detail, @Nullable ForcedRelease how) {
        return new Loss(
                lockName(), token, reason, detail, Timeline.instant(queue.now()), Timeline.of(tenure.chronicle(), how));
    }

    LockName name() {
        return queue.name();
    }

    Tenure tenure() {
        return tenure;
    }

    LockOptions options() {
        return options;
    }

    @Nullable
    Thread owner() {
        return owner;
    }

    @Nullable
    CompletableFuture<Optional<Loss>> releaseDone() {
        return releaseDone;
    }

    boolean isReleased() {
        return isReleased;
    }

    void markReleased() {
        isReleased = true;
        Flight.held(flight, lockName(), token, token.sequence() > 0, "released");
    }

    boolean isLost() {
        return loss != null;
    }

    void markLost(Loss known) {
        loss = known;
        Flight.held(
                flight, lockName(), token, token.sequence() > 0, known.reason().name());
    }

    /** It is lost, but the reason may turn out to be another one: listeners are told when that is known. */
    void markUnexplained() {
        isUnexplained = true;
    }

    boolean isUnexplained() {
        return isUnexplained;
    }

    /** The reason is as sure as it will ever be. */
    void explain(Loss known) {
        isUnexplained = false;
        loss = known;
    }

    /** The timer of its longest hold. */
    void endsBy(Cancellable timer) {
        end = timer;
    }

    void cancelEnd() {
        if (end != null) {
            end.cancel();
            end = null;
        }
    }

    List<Consumer<Loss>> listeners() {
        return listeners;
    }

    void addListener(Consumer<Loss> listener) {
        if (listeners.isEmpty()) {
            // Not before: most holds have none.
            listeners = new ArrayList<>(1);
        }
        listeners.add(listener);
    }

    /** Whether this is the first close. */
    boolean markClosed() {
        boolean isFirst = !isClosed;
        isClosed = true;
        return isFirst;
    }

    void commitStarted() {
        commitsUnderWay++;
    }

    void commitEnded(boolean isDefinite) {
        commitsUnderWay--;
        isCommitUndecided |= !isDefinite;
    }

    /**
     * Whether a guarded write of this hold may still be applied: two local holds share one entry, so the entry must not
     * be handed over then.
     */
    boolean hasUndecidedCommits() {
        return commitsUnderWay > 0 || isCommitUndecided;
    }

    @Override
    public String toString() {
        return "Hold[" + lockName() + " " + token + " " + state() + "]";
    }
}
