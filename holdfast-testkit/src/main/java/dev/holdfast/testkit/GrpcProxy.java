package dev.holdfast.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** etcd's own {@code grpc-proxy} in front of a server, running as a process on a loopback port. Closing it stops it. */
public final class GrpcProxy implements AutoCloseable {

    private static final int ATTEMPTS = 3;
    private static final long START_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Process process;
    private final Path log;
    private final int port;
    private final Thread stopAtExit;

    private GrpcProxy(Process process, Path log, int port) {
        this.process = process;
        this.log = log;
        this.port = port;
        stopAtExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(stopAtExit);
    }

    /**
     * Starts a proxy and returns once it answers that what is behind it is healthy.
     *
     * @param endpoint of the server behind it, such as {@code http://127.0.0.1:2379}
     */
    public static GrpcProxy start(RealEtcd.Binary binary, String endpoint) throws IOException, InterruptedException {
        // Another process may take the port between our looking and the proxy's listening.
        for (int attempt = 1; ; attempt++) {
            GrpcProxy proxy = launch(binary, endpoint);
            if (proxy.awaitHealthy()) {
                return proxy;
            }
            String said = Files.readString(proxy.log);
            proxy.close();
            if (attempt == ATTEMPTS) {
                throw new IOException("the grpc-proxy of " + binary + " did not become healthy:\n" + said);
            }
        }
    }

    private static GrpcProxy launch(RealEtcd.Binary binary, String endpoint) throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        String address = "127.0.0.1:" + port;
        Path log = Files.createTempFile("holdfast-grpc-proxy-", ".log");
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        binary.etcd().toString(),
                        "grpc-proxy",
                        "start",
                        "--endpoints=" + endpoint,
                        "--listen-addr=" + address,
                        "--advertise-client-url=" + address))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("ETCD_"));
        return new GrpcProxy(builder.start(), log, port);
    }

    private boolean awaitHealthy() throws InterruptedException {
        long deadline = System.nanoTime() + START_TIMEOUT_NANOS;
        while (System.nanoTime() - deadline < 0) {
            if (process.waitFor(50, TimeUnit.MILLISECONDS)) {
                return false;
            }
            if (Health.isGood(endpoint())) {
                return true;
            }
        }
        return false;
    }

    /** Where clients reach it, for example {@code http://127.0.0.1:23790}. */
    public String endpoint() {
        return "http://127.0.0.1:" + port;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(2, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().removeShutdownHook(stopAtExit);
        log.toFile().delete();
    }
}
