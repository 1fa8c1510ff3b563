/** Measurements. */
module dev.holdfast.benchmarks {
    requires dev.holdfast;
    requires dev.holdfast.etcdapi;
    requires io.grpc.netty.shaded;
    requires static org.jspecify;
}
