package dev.holdfast.testkit.contract;

import dev.holdfast.spi.Transport;

/** Something that answers as etcd does, empty when it is handed over. */
public interface LockStore extends AutoCloseable {

    /** A new way to it, for one client, which closes it. */
    Transport transport();

    /** Ends it, if it was started for the tests. */
    @Override
    void close();
}
