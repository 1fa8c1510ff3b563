package dev.holdfast.testkit.contract;

import java.io.IOException;

/** Tricks of networks, servers and strangers over the engine behind a socket. */
class GrpcMischiefContractTest extends MischiefContract {
    @Override
    protected LockStore openStore() throws IOException {
        return Stores.engineOverGrpc();
    }
}
