package dev.holdfast.testkit.contract;

import java.io.IOException;

/** The lock API over the engine behind a socket. */
class GrpcLockContractTest extends LockContract {
    @Override
    protected LockStore openStore() throws IOException {
        return Stores.engineOverGrpc();
    }
}
