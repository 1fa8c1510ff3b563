package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Threads that lock and unlock; the test's own thread is the event loop. */
final class LockHandleTest {

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 10_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bug -> {});
    private final DistributedLock lock = client.lock("orders", LockOptions.defaults());
    private final ExecutorService one = Executors.newSingleThreadExecutor();
    private final ExecutorService two = Executors.newSingleThreadExecutor();

    LockHandleTest() {
        client.start();
        loop.run();
    }

    @AfterEach
    void stop() throws InterruptedException {
        one.shutdownNow();
        two.shutdownNow();
        assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(two.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    /** Runs it on that thread, and the loop on this one. */
    private <T> T on(ExecutorService thread, Callable<T> what) throws Exception {
        Future<T> done = thread.submit(what);
        loop.runUntil(done::isDone);
        try {
            return done.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private void on(ExecutorService thread, Runnable what) throws Exception {
        on(thread, Executors.callable(what));
        loop.run();
    }

    @Test
    void lockedTwice_isUnlockedTwice() throws Exception {
        on(one, lock::lock);
        on(one, lock::lock);
        assertThat(on(one, lock::holdCount)).isEqualTo(2);
        assertThat(etcd.keys("orders/")).hasSize(1);
        on(one, lock::unlock);
        assertThat(on(one, lock::isHeldByCurrentThread)).isTrue();
        assertThat(etcd.keys("orders/")).hasSize(1);
        on(one, lock::unlock);
        assertThat(on(one, lock::isHeldByCurrentThread)).isFalse();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    @Tag("F28")
    void twoHandlesOfOneName_areOneLock() throws Exception {
        DistributedLock again = client.lock("orders", LockOptions.defaults().withPurpose("other"));
        on(one, lock::lock);
        assertThat((boolean) on(one, (Callable<Boolean>) again::tryLock)).isTrue();
        assertThat(on(one, lock::holdCount)).isEqualTo(2);
        assertThat((boolean) on(two, (Callable<Boolean>) again::tryLock)).isFalse();
    }

    @Test
    @Tag("F16")
    void unlockByAnotherThread_isRefused() throws Exception {
        on(one, lock::lock);
        assertThatExceptionOfType(IllegalMonitorStateException.class).isThrownBy(() -> on(two, lock::unlock));
        assertThat(on(one, lock::isHeldByCurrentThread)).isTrue();
    }

    @Test
    void unlockWithoutLock_isRefused() {
        assertThatExceptionOfType(IllegalMonitorStateException.class).isThrownBy(() -> on(one, lock::unlock));
    }

    @Test
    void tryLock_ofAFreeLock_takesIt() throws Exception {
        assertThat((boolean) on(one, (Callable<Boolean>) lock::tryLock)).isTrue();
        assertThat(etcd.keys("orders/")).hasSize(1);
    }

    @Test
    void tryLock_heldByAnotherClient_isFalse_andLeavesNothing() throws Exception {
        etcd.put("orders/7fff000000000001.0");
        assertThat((boolean) on(one, (Callable<Boolean>) lock::tryLock)).isFalse();
        assertThat(etcd.keys("orders/")).containsExactly("orders/7fff000000000001.0");
    }

    @Test
    void waitingThread_getsTheLock_whenItIsUnlocked() throws Exception {
        on(one, lock::lock);
        Future<?> waiting = two.submit(lock::lock);
        on(one, lock::unlock);
        loop.runUntil(waiting::isDone);
        assertThat(on(two, lock::isHeldByCurrentThread)).isTrue();
    }

    @Test
    @Tag("F17")
    void interruptedWaiter_leavesTheQueue() throws Exception {
        on(one, lock::lock);
        CompletableFuture<Thread> waiter = new CompletableFuture<>();
        Future<Object> waiting = two.submit(() -> {
            waiter.complete(Thread.currentThread());
            lock.lockInterruptibly();
            return true;
        });
        waiter.get(10, TimeUnit.SECONDS).interrupt();
        loop.runUntil(waiting::isDone);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(waiting::get)
                .withCauseInstanceOf(InterruptedException.class);
        on(one, lock::unlock);
        assertThat(etcd.keys("orders/")).as("nobody waits any more").isEmpty();
    }

    @Test
    @Tag("F31")
    void lostHold_isNotEnteredAgain_butCanBeUnlocked() throws Exception {
        on(one, lock::lock);
        on(one, lock::lock);
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        assertThat(on(one, lock::isHeldByCurrentThread)).isFalse();
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(() -> on(one, lock::lock));
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(() -> on(one, lock::unlock));
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(() -> on(one, lock::unlock));
        assertThat(on(one, lock::holdCount)).isZero();
        etcd.renewsLeases = true;
        on(one, lock::lock);
        assertThat(on(one, lock::isHeldByCurrentThread)).isTrue();
    }

    @Test
    @Tag("F31")
    void lostHold_staysItsThreads_whileAnotherHolds() throws Exception {
        on(one, lock::lock);
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        etcd.renewsLeases = true;
        on(two, lock::lock);
        on(two, lock::lock);
        assertThat(on(two, lock::isHeldByCurrentThread)).isTrue();
        assertThat(on(one, lock::isHeldByCurrentThread)).isFalse();
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(() -> on(one, lock::unlock));
        assertThat(on(two, lock::holdCount)).isEqualTo(2);
        on(two, lock::unlock);
        on(two, lock::unlock);
        assertThat(on(two, lock::holdCount)).isZero();
        assertThat(etcd.keys("orders/")).isEmpty();
        on(one, lock::lock);
        assertThat(on(one, lock::holdCount)).isEqualTo(1);
        assertThat(on(two, lock::isHeldByCurrentThread)).isFalse();
    }

    /** Its thread has done nothing since, and is not looked at first any more. */
    @Test
    void holdReleasedThroughItsHandle_isNoHoldOfItsThread_whoeverHoldsNow() throws Exception {
        on(one, lock::lock);
        Hold first = on(one, lock::hold);
        on(two, first::close);
        on(two, lock::lock);
        assertThat(on(one, lock::holdCount)).isZero();
        assertThat(on(two, lock::holdCount)).isEqualTo(1);
        assertThatExceptionOfType(IllegalMonitorStateException.class).isThrownBy(() -> on(one, lock::unlock));
        assertThat(on(two, lock::isHeldByCurrentThread)).isTrue();
    }

    @Test
    void synchronousRelease_waitsForTheAnswer() throws Exception {
        Hold hold = on(one, client.lock("orders", LockOptions.defaults().withSynchronousRelease())::acquire);
        on(one, hold::close);
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void synchronousRelease_ofAnEntryThatWasDeleted_throwsLost() throws Exception {
        Hold hold = on(one, client.lock("orders", LockOptions.defaults().withSynchronousRelease())::acquire);
        etcd.delete(hold.key());
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(() -> on(one, hold::close));
    }

    @Test
    void synchronousRelease_onItsWayWhenTheLockIsReleasedByForce_throwsLost() throws Exception {
        Hold hold = on(one, client.lock("orders", LockOptions.defaults().withSynchronousRelease())::acquire);
        etcd.force(hold.key(), "eve", "stuck");
        // The loop hears of it before it hears of the close.
        Future<?> closed = one.submit(hold::close);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (hold.state() != Hold.State.RELEASED && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait();
        }
        loop.runUntil(closed::isDone);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(closed::get)
                .withCauseInstanceOf(LockException.Lost.class)
                .withMessageContaining("FORCED");
    }

    @Test
    @Tag("F17")
    void timedWait_endsInTime_andLeavesTheQueue() throws Exception {
        on(one, lock::lock);
        assertThat(on(two, () -> lock.tryLock(10, TimeUnit.MILLISECONDS))).isFalse();
        on(one, lock::unlock);
        assertThat(etcd.keys("orders/")).isEmpty();
    }
}
