package dev.holdfast.testkit.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Passes bytes on between a port of its own and a server, until a test cuts the connections. Thread-safe. */
final class TcpProxy implements AutoCloseable {

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final URI target;

    /** Listens at once. */
    TcpProxy(String target) throws IOException {
        this.target = URI.create(target);
        daemon("proxy-accept", this::accept);
    }

    /** As a client is configured with, with the scheme of the target. */
    String endpoint() {
        return target.getScheme() + "://127.0.0.1:" + listening.getLocalPort();
    }

    /** Ends every connection there is; new ones are welcome. */
    void cut() {
        sockets.forEach(TcpProxy::close);
    }

    @Override
    public void close() throws IOException {
        listening.close();
        cut();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket client = listening.accept();
                Socket server = new Socket();
                sockets.add(client);
                sockets.add(server);
                daemon("proxy-there", () -> {
                    try {
                        server.connect(new InetSocketAddress(target.getHost(), target.getPort()), 5_000);
                    } catch (IOException e) {
                        close(client);
                        return;
                    }
                    daemon("proxy-back", () -> pump(server, client));
                    pump(client, server);
                });
            } catch (IOException e) {
                // The listening socket is closed, or a client has gone already.
            }
        }
    }

    private void pump(Socket from, Socket to) {
        try (from;
                to;
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            // Either side is gone; both are closed.
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is gone either way.
        }
    }

    private static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }
}
