/** Measurements. */
module dev.holdfast.benchmarks {
    requires dev.holdfast;
    requires dev.holdfast.embedded;
    requires dev.holdfast.etcdapi;
    requires info.picocli;
    requires io.grpc.netty.shaded;
    requires java.management;
    requires jdk.management;
    requires jmh.core;
    requires static org.jspecify;

    opens dev.holdfast.benchmarks.compare to
            info.picocli;
    opens dev.holdfast.benchmarks.micro to
            info.picocli;
}
