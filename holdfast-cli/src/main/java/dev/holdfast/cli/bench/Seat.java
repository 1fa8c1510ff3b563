package dev.holdfast.cli.bench;

import dev.holdfast.DistributedLock;

/** Where one thread locks. Used by one thread. */
interface Seat {

    /** Returns when it holds the lock. */
    void lock() throws InterruptedException;

    void unlock() throws InterruptedException;

    /** One at a lock. */
    static Seat at(DistributedLock lock) {
        return new Seat() {
            @Override
            public void lock() {
                lock.lock();
            }

            @Override
            public void unlock() {
                lock.unlock();
            }
        };
    }

    /** One at no lock at all, to learn what the measuring costs. */
    static Seat atNothing() {
        return new Seat() {
            @Override
            public void lock() {}

            @Override
            public void unlock() {}
        };
    }
}
