/** For testing: the contract of the lock API to run against any store, etcd as a process, and a deterministic simulator. */
module dev.holdfast.testkit {
    requires transitive dev.holdfast;
    requires transitive dev.holdfast.embedded;
    requires dev.holdfast.history;
    requires transitive org.junit.jupiter.api;
    requires org.assertj.core;
    requires java.logging;
    requires static transitive org.jspecify;

    exports dev.holdfast.testkit;
    exports dev.holdfast.testkit.contract;
    exports dev.holdfast.testkit.simulation;
}
