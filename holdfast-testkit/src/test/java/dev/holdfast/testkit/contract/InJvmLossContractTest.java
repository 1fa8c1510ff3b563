package dev.holdfast.testkit.contract;

/** Losses and closing over the engine in this JVM. */
class InJvmLossContractTest extends LossContract {
    @Override
    protected LockStore openStore() {
        return Stores.engineInThisJvm();
    }
}
