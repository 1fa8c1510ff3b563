package dev.holdfast.cli;

import dev.holdfast.LockException;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockWatch;
import java.io.PrintWriter;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Follows a watch on the thread of a command until it is interrupted, or nobody reads any more. */
final class Following {

    private static final long LOOK_AGAIN_MILLIS = 1_000;

    /** So many events wait; the thread that brings them waits with them then, and the client says what was dropped. */
    private static final int MOST_WAITING = 1_000;

    private final LinkedBlockingQueue<LockEvent> events = new LinkedBlockingQueue<>(MOST_WAITING);
    private final PrintWriter out;
    private volatile boolean isOver;

    Following(PrintWriter out) {
        this.out = out;
    }

    /**
     * Returns when interrupted, or when the output is closed.
     *
     * @param open starts the watch
     * @param show shows an event; null when a while has passed without one
     */
    void until(Function<Consumer<LockEvent>, LockWatch> open, Consumer<@Nullable LockEvent> show) {
        try (LockWatch watch = open.apply(this::put)) {
            while (!out.checkError()) {
                LockEvent next = events.poll(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
                if (next == null && watch.ended().isDone()) {
                    watch.ended().join();
                    return;
                }
                show.accept(next);
            }
        } catch (InterruptedException e) {
            // Ctrl-C is how it ends.
        } catch (CompletionException e) {
            throw e.getCause() instanceof LockException refused ? refused : e;
        } finally {
            isOver = true;
        }
    }

    private void put(LockEvent event) {
        try {
            boolean isTaken = false;
            while (!isOver && !isTaken) {
                isTaken = events.offer(event, LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether more events wait to be shown. */
    boolean hasMore() {
        return !events.isEmpty();
    }
}
