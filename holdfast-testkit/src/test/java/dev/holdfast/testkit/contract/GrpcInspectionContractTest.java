package dev.holdfast.testkit.contract;

import java.io.IOException;

/** Inspection over the engine behind a socket. */
class GrpcInspectionContractTest extends InspectionContract {
    @Override
    protected LockStore openStore() throws IOException {
        return Stores.engineOverGrpc();
    }
}
