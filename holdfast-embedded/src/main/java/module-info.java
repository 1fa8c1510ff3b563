/** An etcd v3 API in one JVM: for development, tests and a single machine. */
module dev.holdfast.embedded {
    requires transitive dev.holdfast;
    requires transitive dev.holdfast.etcdapi;
    requires io.grpc.netty.shaded;
    requires static transitive org.jspecify;

    exports dev.holdfast.embedded;
}
