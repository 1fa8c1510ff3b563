package dev.holdfast.testkit.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A TCP line to a server on which, while it is told so, some of what the server says arrives as other bytes. Thread-safe. */
final class NoisyLine implements AutoCloseable {

    private static final int MOST_NOISE_BYTES = 40_000;

    private final ServerSocket here = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final URI good;
    private final SplittableRandom random;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger spoilt = new AtomicInteger();
    private volatile boolean isNoisy;

    NoisyLine(String goodEndpoint, long seed) throws IOException {
        good = URI.create(goodEndpoint);
        random = new SplittableRandom(seed);
        daemon(this::accept);
    }

    String endpoint() {
        return "http://127.0.0.1:" + here.getLocalPort();
    }

    void makeNoise(boolean on) {
        isNoisy = on;
    }

    /** How often something else arrived so far. */
    int spoilt() {
        return spoilt.get();
    }

    @Override
    public void close() throws IOException {
        here.close();
        for (Socket each : open) {
            each.close();
        }
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "noisy-line");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!here.isClosed()) {
            try {
                Socket client = here.accept();
                Socket served = new Socket(good.getHost(), good.getPort());
                open.add(client);
                open.add(served);
                daemon(() -> pass(client, served, false));
                daemon(() -> pass(served, client, true));
            } catch (IOException e) {
                // Closed, or the client was gone before it was accepted.
            }
        }
    }

    private void pass(Socket from, Socket to, boolean isOfAnswers) {
        byte[] buffer = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                boolean isSpoilt = isOfAnswers && isNoisy && luck(3) == 0;
                out.write(isSpoilt ? noise() : Arrays.copyOf(buffer, n));
            }
        } catch (IOException e) {
            // The connection is over.
        }
    }

    private byte[] noise() {
        spoilt.incrementAndGet();
        byte[] noise = new byte[luck(MOST_NOISE_BYTES)];
        synchronized (random) {
            random.nextBytes(noise);
        }
        return noise;
    }

    private int luck(int bound) {
        synchronized (random) {
            return random.nextInt(bound);
        }
    }
}
