package dev.holdfast.runtime;

import dev.holdfast.LockOptions;
import dev.holdfast.protocol.LockName;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * What all handles of one name in one client share: the queue of callers, and which threads hold the lock how often.
 * Lives as long as anybody refers to it. Thread-safe.
 */
final class NamedLock {

    /** A thread's hold and how often it has locked it. Confined to that thread, but for its making. */
    static final class ThreadHold {
        final Thread thread;
        final LockHold hold;
        int count = 1;

        ThreadHold(Thread thread, LockHold hold) {
            this.thread = thread;
            this.hold = hold;
        }
    }

    private static final AtomicReferenceFieldUpdater<NamedLock, @Nullable ThreadHold> HOLDER =
            AtomicReferenceFieldUpdater.newUpdater(NamedLock.class, ThreadHold.class, "holder");

    private final LockName name;
    private final LockClient client;

    /** The hold of a thread: of the only one, nearly always. No thread is here and among the others. */
    private volatile @Nullable ThreadHold holder;

    /** Holds of more threads: there are some while threads have not unlocked yet what they have lost. */
    private volatile @Nullable ConcurrentMap<Thread, ThreadHold> others;

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

    /** A thread, which had no hold, has been granted the lock. */
    void entered(Thread thread, LockHold hold) {
        ThreadHold entered = new ThreadHold(thread, hold);
        ThreadHold known = holder;
        boolean isFree = known == null || known.hold.isReleased();
        if (!isFree || !HOLDER.compareAndSet(this, known, entered)) {
            others().put(thread, entered);
        }
    }

    private ConcurrentMap<Thread, ThreadHold> others() {
        ConcurrentMap<Thread, ThreadHold> known = others;
        if (known != null) {
            return known;
        }
        client.sharing().lock();
        try {
            known = others;
            if (known == null) {
                known = new ConcurrentHashMap<>(2);
                others = known;
            }
            return known;
        } finally {
            client.sharing().unlock();
        }
    }

    void left(Thread thread) {
        ThreadHold left = remove(thread);
        if (left != null && left.hold.isLost()) {
            client.release(this);
        }
    }

    private @Nullable ThreadHold remove(Thread thread) {
        ThreadHold known = holder;
        if (known != null && known.thread == thread) {
            HOLDER.compareAndSet(this, known, null);
            return known;
        }
        ConcurrentMap<Thread, ThreadHold> more = others;
        return more == null ? null : more.remove(thread);
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
        ThreadHold mine = holder;
        if (mine == null || mine.thread != thread) {
            ConcurrentMap<Thread, ThreadHold> more = others;
            mine = more == null ? null : more.get(thread);
        }
        if (mine != null && mine.hold.isReleased()) {
            remove(thread);
            return null;
        }
        return mine;
    }
}
