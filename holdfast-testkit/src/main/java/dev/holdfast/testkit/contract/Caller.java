package dev.holdfast.testkit.contract;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;

/** A thread of its own that does what it is told, one thing after another. */
final class Caller {

    /** Something to do that has no result. */
    interface Action {
        void run() throws Exception;
    }

    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile boolean isBusy;
    private volatile boolean isOver;

    Caller(String name) {
        thread = new Thread(this::work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void work() {
        while (!isOver) {
            try {
                tasks.take().run();
            } catch (InterruptedException e) {
                // Only told to look whether it is over.
            }
        }
    }

    /** Starts it and returns at once. */
    <T> CompletableFuture<T> start(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        tasks.add(() -> {
            isBusy = true;
            try {
                result.complete(task.call());
            } catch (Throwable e) { // whatever it is, it belongs to whoever waits for the result
                result.completeExceptionally(e);
            } finally {
                isBusy = false;
            }
        });
        return result;
    }

    CompletableFuture<Void> starts(Action action) {
        return start(() -> {
            action.run();
            return null;
        });
    }

    /** Does it and returns its result. */
    <T> T get(Callable<T> task) throws Exception {
        return Eventually.get(start(task));
    }

    /** Whether tryLock succeeds on this thread. */
    boolean tries(Lock lock) throws Exception {
        return get(() -> lock.tryLock());
    }

    /** Does it. */
    void run(Action action) throws Exception {
        Eventually.get(starts(action));
    }

    /** Starts it and returns once the thread waits in the midst of it. */
    <T> CompletableFuture<T> startsToWait(Callable<T> task) {
        CompletableFuture<T> result = start(task);
        Eventually.that(
                () -> thread.getName() + " waits, but it is " + thread.getState() + ", result " + result,
                this::isWaiting);
        return result;
    }

    boolean isWaiting() {
        return isBusy && LockSupport.getBlocker(thread) != null;
    }

    String name() {
        return thread.getName();
    }

    void interrupt() {
        thread.interrupt();
    }

    /** Ends it, once what it does now is done. */
    void close() {
        isOver = true;
        thread.interrupt();
        Eventually.that(() -> thread.getName() + " ends, but it is " + thread.getState(), () -> {
            if (thread.isAlive()) {
                thread.interrupt();
            }
            return !thread.isAlive();
        });
    }
}
