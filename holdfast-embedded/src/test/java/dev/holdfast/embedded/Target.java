package dev.holdfast.embedded;

import com.google.protobuf.Message;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A server that histories are played on, in its own coordinates. Confined to one thread at a time. */
interface Target extends AutoCloseable {

    /** The watch stream of a history. */
    interface Watches {
        void send(WatchRequest request);

        /** The next answer, or null when none comes within the time given. */
        @Nullable
        WatchResponse poll(long millis);

        void cancel();
    }

    /** Carries out one request that has one answer. */
    EtcdConnection.Outcome call(Message request);

    Watches openWatches();

    /** Closes it and opens it again, if it keeps its data on a disk. */
    void restart() throws IOException;

    @Override
    void close();

    /** An engine in memory behind its gRPC server. */
    static Target inMemory() throws IOException {
        return new Engines(EmbeddedEtcd::inMemory);
    }

    /** An engine in a directory behind its gRPC server, with segments so small that restarts meet snapshots. */
    static Target inDirectory(Path directory) throws IOException {
        CommandLog.Limits small = new CommandLog.Limits(1 << 16, 1 << 16, 1 << 18);
        return new Engines(() -> EmbeddedEtcd.on(DataDirectory.enter(directory), small));
    }

    static Target real(RealEtcd etcd) {
        return new Remote(new EtcdConnection(etcd.endpoint()));
    }

    /** What is behind a gRPC connection. */
    final class Remote implements Target {
        private final EtcdConnection connection;
        private EtcdConnection.Streaming<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keepAlives;

        Remote(EtcdConnection connection) {
            this.connection = connection;
            keepAlives = connection.new Streaming<>(LeaseGrpc.getLeaseKeepAliveMethod());
        }

        @Override
        public EtcdConnection.Outcome call(Message request) {
            if (request instanceof LeaseKeepAliveRequest keepAlive) {
                keepAlives.send(keepAlive);
                LeaseKeepAliveResponse answer = keepAlives.poll(Playback.PATIENT_MILLIS);
                if (answer == null) {
                    Status end = keepAlives.end();
                    keepAlives.cancel();
                    keepAlives = connection.new Streaming<>(LeaseGrpc.getLeaseKeepAliveMethod());
                    return new EtcdConnection.Outcome(null, end.isOk() ? Status.DEADLINE_EXCEEDED : end);
                }
                return new EtcdConnection.Outcome(answer, Status.OK);
            }
            if (request instanceof CompactionRequest compact) {
                // Otherwise etcd throws away some time later what watches from that very revision may still see.
                return connection.call(compact.toBuilder().setPhysical(true).build());
            }
            return connection.call(request);
        }

        @Override
        public Watches openWatches() {
            EtcdConnection.Streaming<WatchRequest, WatchResponse> stream = connection.watchStream();
            return new Watches() {
                @Override
                public void send(WatchRequest request) {
                    stream.send(request);
                }

                @Override
                public @Nullable WatchResponse poll(long millis) {
                    return stream.poll(millis);
                }

                @Override
                public void cancel() {
                    stream.cancel();
                }
            };
        }

        @Override
        public void restart() {}

        @Override
        public void close() {
            keepAlives.cancel();
            connection.close();
        }
    }

    /** One engine after the other, each over what the one before has left on its disk. */
    final class Engines implements Target {
        private final Callable<EmbeddedEtcd> opening;
        private EmbeddedEtcd etcd;
        private Remote remote;

        private Engines(Callable<EmbeddedEtcd> opening) throws IOException {
            this.opening = opening;
            etcd = open();
            remote = serve();
        }

        private EmbeddedEtcd open() throws IOException {
            try {
                return opening.call();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        private Remote serve() throws IOException {
            EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            return new Remote(new EtcdConnection(server.endpoint()));
        }

        @Override
        public EtcdConnection.Outcome call(Message request) {
            return remote.call(request);
        }

        @Override
        public Watches openWatches() {
            return remote.openWatches();
        }

        @Override
        public void restart() throws IOException {
            close();
            etcd = open();
            remote = serve();
        }

        @Override
        public void close() {
            remote.close();
            etcd.close();
        }
    }
}
