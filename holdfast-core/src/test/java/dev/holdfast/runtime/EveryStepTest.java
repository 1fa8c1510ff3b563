package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Somebody leaves after the loop's first step, after its second, and so on: whatever had begun is taken back. */
final class EveryStepTest {

    private static final String OTHER_CLIENT = "orders/7fff000000000001.0";

    /** More than any of these takes. */
    private static final int MOST_STEPS = 200;

    /** A client in the middle of something. */
    private static final class Scene {
        final ManualScheduler loop = new ManualScheduler();
        final ToyEtcd etcd = new ToyEtcd(loop);
        final List<Throwable> bugs = new ArrayList<>();
        final LockClient client = new LockClient(
                ClientSettings.of(10, 2_000_000_000L, ""),
                loop,
                etcd,
                Runnable::run,
                Runnable::run,
                () -> {},
                bugs::add);
        final DistributedLock lock = client.lock("orders", LockOptions.defaults());

        /** The other client leaves when there is nothing else to do. @return whether there were as many steps */
        boolean make(int steps) {
            for (int i = 0; i < steps; i++) {
                if (!loop.step() && !otherLeaves()) {
                    return false;
                }
            }
            return true;
        }

        private boolean otherLeaves() {
            boolean isThere = etcd.keys("orders/").contains(OTHER_CLIENT);
            if (isThere) {
                etcd.delete(OTHER_CLIENT);
            }
            return isThere;
        }
    }

    /** In the order of steps: a session is opened, an entry made, and granted when the other client's is gone. */
    @Test
    @Tag("F17")
    void cancel_afterAnyNumberOfSteps_leavesNothingBehind() {
        int steps = 0;
        boolean isBefore = true;
        while (isBefore) {
            Scene scene = new Scene();
            scene.etcd.put(OTHER_CLIENT);
            scene.client.start();
            Ticket ticket = scene.lock.enqueue();
            isBefore = scene.make(steps);
            ticket.close();
            scene.loop.run();
            scene.otherLeaves();
            scene.loop.run();
            assertThat(scene.etcd.keys("orders/"))
                    .as("after " + steps + " steps")
                    .isEmpty();
            assertThat(ticket.grant()).as("after " + steps + " steps").isDone();
            assertThat(scene.bugs).isEmpty();
            assertThat(++steps).isLessThan(MOST_STEPS);
        }
    }

    @Test
    @Tag("F18")
    void closeOfTheClient_afterAnyNumberOfSteps_settlesEverybodyAndLeavesNoKey() {
        int steps = 0;
        boolean isBefore = true;
        while (isBefore) {
            Scene scene = new Scene();
            scene.client.start();
            Ticket first = scene.lock.enqueue();
            Ticket second = scene.lock.enqueue();
            isBefore = scene.make(steps);
            scene.client.beginClose();
            scene.loop.run();
            assertThat(scene.client.revoked()).as("after " + steps + " steps").isCompleted();
            assertThat(scene.etcd.keys("")).as("after " + steps + " steps").isEmpty();
            assertThat(first.grant()).isDone();
            assertThat(second.grant()).isCompletedExceptionally();
            if (!first.grant().isCompletedExceptionally()) {
                assertThat(first.grant().join().state()).isEqualTo(Hold.State.LOST);
            }
            assertThat(scene.bugs).isEmpty();
            assertThat(++steps).isLessThan(MOST_STEPS);
        }
    }

    @Test
    @Tag("F17")
    void interrupt_afterAnyNumberOfSteps_endsTheWait_orComesTooLate_andLeavesNothingBehind() throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            int steps = 0;
            boolean isBefore = true;
            while (isBefore) {
                Scene scene = new Scene();
                scene.client.start();
                scene.loop.run();
                CompletableFuture<Thread> caller = new CompletableFuture<>();
                Future<Boolean> locked = thread.submit(() -> {
                    caller.complete(Thread.currentThread());
                    try {
                        scene.lock.lockInterruptibly();
                    } catch (InterruptedException e) {
                        return false;
                    }
                    scene.lock.unlock();
                    return true;
                });
                int left = steps;
                scene.loop.runUntil(caller::isDone);
                while (left > 0 && !locked.isDone()) {
                    left -= scene.loop.step() ? 1 : 0;
                }
                isBefore = !locked.isDone();
                caller.join().interrupt();
                scene.loop.runUntil(locked::isDone);
                if (locked.get(10, TimeUnit.SECONDS)) {
                    // It came too late; the thread keeps it for whoever asks next, which is this test.
                    thread.submit(Thread::interrupted).get(10, TimeUnit.SECONDS);
                }
                scene.loop.run();
                assertThat(scene.etcd.keys("orders/"))
                        .as("after " + steps + " steps")
                        .isEmpty();
                assertThat(scene.bugs).isEmpty();
                assertThat(++steps).isLessThan(MOST_STEPS);
            }
        } finally {
            thread.shutdownNow();
            assertThat(thread.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
    }
}
