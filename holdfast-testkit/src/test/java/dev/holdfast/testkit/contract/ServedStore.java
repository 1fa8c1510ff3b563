package dev.holdfast.testkit.contract;

import dev.holdfast.spi.Transport;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.util.List;

/**
 * A store that other processes can reach, too.
 *
 * @param endpoint where, for example {@code http://127.0.0.1:2379}
 * @param server what to close in the end
 */
record ServedStore(String endpoint, Runnable server) implements LockStore {

    @Override
    public Transport transport() {
        return new GrpcTransport(List.of(endpoint));
    }

    @Override
    public void close() {
        server.run();
    }
}
