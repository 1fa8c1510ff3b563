/** The part of etcd's v3 API that Holdfast speaks: messages and gRPC stubs generated from the .proto files here. */
module dev.holdfast.etcdapi {
    requires transitive com.google.common;
    requires transitive com.google.protobuf;
    requires transitive io.grpc;
    requires transitive io.grpc.protobuf;
    requires transitive io.grpc.stub;

    exports dev.holdfast.etcdapi;
}
