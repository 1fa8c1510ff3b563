package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server that this run started. Closing it ends it; so does the end of this JVM. */
final class ServerProcess implements AutoCloseable {

    private static final int GRACE_SECONDS = 10;
    private static final long START_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int LOG_CHARACTERS = 2_000;

    private final Process process;
    private final Path log;
    private final Thread stopAtExit;

    private ServerProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        stopAtExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(stopAtExit);
    }

    /** Starts it; both outputs go to the log. */
    static ServerProcess start(List<String> command, Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(variable -> variable.startsWith("ETCD_") || variable.startsWith("PG"));
        return new ServerProcess(builder.start(), log);
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Whether somebody listens there on loopback. */
    static boolean listens(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Returns when it is ready; throws with the end of its log if it ends before that, or takes half a minute. */
    void await(Readiness readiness) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_NANOS;
        while (!readiness.isReady()) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS) || System.nanoTime() - deadline > 0) {
                throw new IOException("the server did not start: " + endOfLog());
            }
        }
    }

    private String endOfLog() throws IOException {
        String text = Files.readString(log);
        return text.substring(Math.max(0, text.length() - LOG_CHARACTERS));
    }

    long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        stop();
        Runtime.getRuntime().removeShutdownHook(stopAtExit);
    }

    /** Ends it and returns when it has ended; for what runs while this JVM ends. */
    void stop() {
        process.destroy();
        try {
            if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Asked again and again. */
    interface Readiness {
        boolean isReady() throws IOException;
    }
}
