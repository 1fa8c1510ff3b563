/** The command line of Holdfast. */
module dev.holdfast.cli {
    requires HdrHistogram;
    requires com.google.gson;
    requires com.google.protobuf;
    requires dev.holdfast;
    requires dev.holdfast.embedded;
    requires dev.holdfast.etcdapi;
    requires dev.holdfast.history;
    requires info.picocli;
    requires io.grpc;
    requires java.logging;
    requires java.management;
    requires jdk.unsupported; // Signals
    requires static org.jspecify;

    opens dev.holdfast.cli to
            info.picocli;
}
