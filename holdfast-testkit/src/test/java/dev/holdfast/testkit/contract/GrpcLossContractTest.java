package dev.holdfast.testkit.contract;

import java.io.IOException;

/** Losses and closing over the engine behind a socket. */
class GrpcLossContractTest extends LossContract {
    @Override
    protected LockStore openStore() throws IOException {
        return Stores.engineOverGrpc();
    }
}
