package dev.holdfast.benchmarks.micro;

import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;

/** A client, and the etcd in this JVM that it speaks to. */
final class Embedded implements AutoCloseable {

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final Holdfast holdfast = etcd.connect();

    Holdfast holdfast() {
        return holdfast;
    }

    @Override
    public void close() {
        holdfast.close();
        etcd.close();
    }
}
