/** Measurements. */
module dev.holdfast.benchmarks {
    requires dev.holdfast;
    requires dev.holdfast.etcdapi;
    requires info.picocli;
    requires io.grpc.netty.shaded;
    requires java.management;
    requires jdk.management;
    requires static org.jspecify;

    opens dev.holdfast.benchmarks.compare to
            info.picocli;
}
