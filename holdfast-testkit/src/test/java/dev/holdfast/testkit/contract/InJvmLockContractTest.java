package dev.holdfast.testkit.contract;

/** The lock API over the engine in this JVM. */
class InJvmLockContractTest extends LockContract {
    @Override
    protected LockStore openStore() {
        return Stores.engineInThisJvm();
    }
}
