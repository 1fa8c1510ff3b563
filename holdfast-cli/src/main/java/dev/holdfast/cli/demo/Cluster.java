package dev.holdfast.cli.demo;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The etcd that a demo runs against. Thread-safe. */
public sealed interface Cluster extends AutoCloseable {

    /** A way to it of its own, for one who watches. */
    Transport transport();

    /** Settings for a client of it. */
    HoldfastBuilder client();

    /** Where other processes of this host reach it. */
    List<String> endpoints();

    /** A few words for people. */
    String inWords();

    @Override
    void close();

    /** One that somebody else runs. */
    record Remote(List<String> endpoints) implements Cluster {

        @Override
        public Transport transport() {
            return new GrpcTransport(endpoints);
        }

        @Override
        public HoldfastBuilder client() {
            return Holdfast.builder().endpoints(endpoints.toArray(String[]::new));
        }

        @Override
        public String inWords() {
            return "etcd at " + String.join(",", endpoints);
        }

        @Override
        public void close() {}
    }

    /** The embedded engine in this JVM; it serves on a loopback port once other processes ask for it. */
    final class Embedded implements Cluster {
        private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
        private final ReentrantLock lock = new ReentrantLock();
        private @Nullable EngineServer server;

        @Override
        public Transport transport() {
            return etcd.transport();
        }

        @Override
        public HoldfastBuilder client() {
            return Holdfast.builder().transport(etcd.transport());
        }

        @Override
        public List<String> endpoints() {
            lock.lock();
            try {
                if (server == null) {
                    server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                }
                return List.of(server.endpoint());
            } catch (IOException e) {
                throw CommandFailure.failed("cannot listen on a loopback port: " + e.getMessage());
            } finally {
                lock.unlock();
            }
        }

        @Override
        public String inWords() {
            return "the embedded engine in this JVM";
        }

        @Override
        public void close() {
            lock.lock();
            try {
                if (server != null) {
                    server.close();
                }
            } finally {
                lock.unlock();
            }
            etcd.close();
        }
    }
}
