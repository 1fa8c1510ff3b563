/** Distributed locks on etcd. */
module dev.holdfast {
    requires com.google.gson;
    requires io.grpc.netty.shaded;
    requires transitive dev.holdfast.etcdapi;
    requires static transitive org.jspecify;
    requires static jdk.jfr;

    exports dev.holdfast;
    exports dev.holdfast.spi;
    exports dev.holdfast.inspect;
    exports dev.holdfast.etcd to
            dev.holdfast.testkit;
    exports dev.holdfast.protocol to
            dev.holdfast.testkit;
    exports dev.holdfast.runtime to
            dev.holdfast.testkit;
    exports dev.holdfast.transport;
    exports dev.holdfast.transport.grpc;
}
