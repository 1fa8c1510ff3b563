package dev.holdfast.testkit.contract;

/** Tricks of networks, servers and strangers over the engine in this JVM. */
class InJvmMischiefContractTest extends MischiefContract {
    @Override
    protected LockStore openStore() {
        return Stores.engineInThisJvm();
    }
}
