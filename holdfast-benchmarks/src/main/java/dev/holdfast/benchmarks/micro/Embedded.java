package dev.holdfast.benchmarks.micro;

import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import java.util.concurrent.locks.Lock;

/** A client, and the etcd in this JVM that it speaks to. */
final class Embedded implements AutoCloseable {

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final Holdfast holdfast = etcd.connect();

    /** Takes a lock and gives it back. */
    static void pair(Lock lock) {
        lock.lock();
        try {
            // The section is empty: what is measured is the lock.
        } finally {
            lock.unlock();
        }
    }

    Holdfast holdfast() {
        return holdfast;
    }

    @Override
    public void close() {
        holdfast.close();
        etcd.close();
    }
}
