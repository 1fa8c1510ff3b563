package dev.holdfast.testkit.simulation;

import java.util.EnumSet;
import java.util.Set;

/** Everything a run may draw or meet, counted: a kind that never comes up is not tested. */
public enum Drawn {
    // operations
    ENQUEUE,
    ENQUEUE_STRICT,
    ENQUEUE_THREAD,
    TRY,
    ACQUIRE_ASYNC,
    CANCEL_TICKET,
    CANCEL_FUTURE,
    CHECK_STATE,
    REENTER,
    COMMIT,
    RELEASE,
    CLOSE_CLIENT,
    // faults of the network
    DELAY,
    REQUEST_LOST,
    ANSWER_LOST,
    REQUEST_DUPLICATED,
    CALL_RESET,
    STREAM_RESET,
    STREAM_DEAF,
    PARTITION,
    ONE_WAY_PARTITION,
    // faults of processes
    PAUSE,
    PAUSE_OF_TTL,
    PAUSE_OF_LOOP,
    SLOW_CONSUMER,
    SUSPEND,
    CRASH,
    WALL_CLOCK_STEP,
    WALL_CLOCK_THERE_AND_BACK,
    CLOCK_RATE,
    CLOCK_RATE_BEYOND,
    // faults of the server
    LEADER_CHANGE,
    STALL,
    GHOST,
    REFUSED,
    TIMED_OUT,
    STALE_READ,
    LAGGING_MEMBER,
    STUCK_LEADER,
    LOST_PUT,
    LOST_DELETE,
    EVENTS_FRAGMENTED,
    EVENTS_REPLAYED,
    WATCH_CANCELLED,
    COMPACTION,
    NO_SPACE,
    LEASE_REVOKED,
    ENTRY_DELETED,
    ENTRY_FORCED,
    QUEUE_DELETED,
    RESTORE,
    // circumstances
    NESTED_KEYS,
    OTHER_LANGUAGE,
    LONG_QUEUE,
    LONG_WAIT,
    LEASE_BESIDE_ANOTHER,
    // outcomes
    GRANTED,
    GRANTED_BY_HAND_OVER,
    GRANTED_TOO_LATE,
    TAKEN_AT_ONCE,
    LOST,
    LOST_BY_FORCE,
    CLOSE_SAID_LOST,
    CANCELLED,
    TRY_TOOK,
    TRY_BUSY,
    TRY_INDETERMINATE,
    RELEASE_CONFIRMED,
    RELEASE_FOUND_LOST,
    FAILED,
    COMMITTED,
    COMMIT_SAID_LOST,
    COMMIT_REFUSED,
    COMMIT_INDETERMINATE,
    LEASE_EXPIRED,
    BUMP,
    YIELD,
    GHOST_APPLIED,
    STRAY,
    // verdicts on histories
    CHECKED_ORDER;

    /** What users begin. */
    static final Set<Drawn> OPERATIONS = EnumSet.range(ENQUEUE, CLOSE_CLIENT);
}
