package dev.holdfast.benchmarks.compare;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * The worker's end of the talk with the run: orders come in lines, words are given back in lines. When the orders end, the
 * process ends at once, so that no worker outlives its run.
 */
final class Orders {

    private static final int ORPHANED = 3;

    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

    Orders() {
        Thread reader = new Thread(this::read, "orders");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            System.err.println("orders cannot be read: " + e);
        }
        Runtime.getRuntime().halt(ORPHANED);
    }

    /** Waits for an order that begins with this word, and returns its numbers. */
    long[] await(String word) throws InterruptedException {
        String[] words = lines.take().split(" ", -1);
        if (!words[0].equals(word)) {
            throw new IllegalArgumentException("expected " + word + ", but was told " + String.join(" ", words));
        }
        long[] numbers = new long[words.length - 1];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Long.parseLong(words[i + 1]);
        }
        return numbers;
    }

    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** Returns when the monotonic clock has reached this. */
    static void sleepUntil(long nanos) {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
