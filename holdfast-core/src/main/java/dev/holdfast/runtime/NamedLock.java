package dev.holdfast.runtime;

import dev.holdfast.LockOptions;
import dev.holdfast.protocol.LockName;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * What all handles of one name in one client share: the queue of callers, and which threads hold the lock how often.
 * Lives as long as anybody refers to it. Thread-safe.
 */
final class NamedLock {

    /** A thread's hold and how often it has locked it. Confined to that thread, but for its making. */
    static final class ThreadHold {
        final LockHold hold;
        int count = 1;

        ThreadHold(LockHold hold) {
            this.hold = hold;
        }
    }

    private final LockName name;
    private final LockClient client;

    /** Made when the first thread holds it: most locks are held by no thread. */
    private volatile @Nullable ConcurrentMap<Thread, ThreadHold> threadHolds;

    private volatile @Nullable LocalQueue shared;

    NamedLock(LockName name, LockClient client) {
        this.name = name;
        this.client = client;
    }

    LockName name() {
        return name;
    }

    /** The queue for a caller with these options: the shared one, or one of its own for strict order. */
    LocalQueue queueFor(LockOptions options) {
        if (options.isStrictFifo()) {
            return new LocalQueue(this, client);
        }
        LocalQueue known = shared;
        return known != null ? known : makeShared();
    }

    private LocalQueue makeShared() {
        client.sharing().lock();
        try {
            LocalQueue known = shared;
            if (known == null) {
                known = new LocalQueue(this, client);
                shared = known;
            }
            return known;
        } finally {
            client.sharing().unlock();
        }
    }

    /** A thread has been granted the lock. */
    void entered(Thread thread, LockHold hold) {
        ConcurrentMap<Thread, ThreadHold> known = threadHolds;
        (known != null ? known : makeThreadHolds()).put(thread, new ThreadHold(hold));
    }

    private ConcurrentMap<Thread, ThreadHold> makeThreadHolds() {
        client.sharing().lock();
        try {
            ConcurrentMap<Thread, ThreadHold> known = threadHolds;
            if (known == null) {
                known = new ConcurrentHashMap<>(2);
                threadHolds = known;
            }
            return known;
        } finally {
            client.sharing().unlock();
        }
    }

    void left(Thread thread) {
        ConcurrentMap<Thread, ThreadHold> known = threadHolds;
        ThreadHold mine = known == null ? null : known.remove(thread);
        if (mine != null && mine.hold.isLost()) {
            client.release(this);
        }
    }

    /** A thread's hold was lost; the thread must find it here until it has unlocked, even if nobody refers to this. */
    void lostBy(@Nullable Thread thread) {
        if (thread != null) {
            client.retain(this);
        }
    }

    /** The calling thread's hold; none any more once somebody released it through its handle. */
    @Nullable
    ThreadHold holdOf(Thread thread) {
        ConcurrentMap<Thread, ThreadHold> known = threadHolds;
        ThreadHold mine = known == null ? null : known.get(thread);
        if (known != null && mine != null && mine.hold.isReleased()) {
            known.remove(thread, mine);
            return null;
        }
        return mine;
    }
}
