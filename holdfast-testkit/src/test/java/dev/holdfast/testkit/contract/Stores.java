package dev.holdfast.testkit.contract;

import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.spi.Transport;
import dev.holdfast.testkit.GrpcProxy;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** The stores of this project's own tests. */
final class Stores {

    private Stores() {}

    static LockStore engineInThisJvm() {
        EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
        return new LockStore() {
            @Override
            public Transport transport() {
                return etcd.transport();
            }

            @Override
            public void close() {
                etcd.close();
            }
        };
    }

    static ServedStore engineOverGrpc() throws IOException {
        EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
        EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        return new ServedStore(server.endpoint(), etcd::close);
    }

    static ServedStore real(RealEtcd.Binary binary) throws IOException, InterruptedException {
        RealEtcd etcd = RealEtcd.start(binary);
        return new ServedStore(etcd.endpoint(), etcd::close);
    }

    static ServedStore behindProxy(RealEtcd.Binary binary) throws IOException, InterruptedException {
        RealEtcd etcd = RealEtcd.start(binary);
        try {
            GrpcProxy proxy = GrpcProxy.start(binary, etcd.endpoint());
            return new ServedStore(proxy.endpoint(), () -> {
                proxy.close();
                etcd.close();
            });
        } catch (IOException | InterruptedException | RuntimeException e) {
            etcd.close();
            throw e;
        }
    }
}
