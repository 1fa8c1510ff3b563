package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Executors and listeners that fail in every way: that is not the lock's trouble, nor that of other callers. */
@Tag("F45")
final class FailingCallbacksTest {

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();

    @AfterEach
    void theLoopNeverHeardOfIt() {
        assertThat(bugs).isEmpty();
    }

    private LockClient client(Executor completions, Executor listeners) {
        LockClient client = new LockClient(
                ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, completions, listeners, () -> {}, bugs::add);
        client.start();
        loop.run();
        return client;
    }

    private Ticket enqueue(LockClient client) {
        Ticket ticket = client.lock("orders", LockOptions.defaults()).enqueue();
        loop.run();
        return ticket;
    }

    private void loseEverything() {
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
    }

    private static void fail(String how) {
        switch (how) {
            case "rejected" -> throw new RejectedExecutionException("full");
            case "broken" -> throw new IllegalStateException("an executor with a bug");
            default -> throw new OutOfMemoryError("unable to create native thread");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void callbackExecutorThatFails_stillCompletesTheFuture(String how) {
        LockClient client = client(task -> fail(how), Runnable::run);
        Ticket first = enqueue(client);
        Ticket second = enqueue(client);
        assertThat(first.grant()).isCompleted();
        first.grant().join().close();
        assertThat(second.grant()).isCompleted();
        assertThat(second.grant().join().state()).isEqualTo(Hold.State.HELD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void everyExecutorFails_andTheFutureIsStillCompleted(String how) {
        LockClient client = client(task -> fail(how), task -> fail(how));
        assertThat(enqueue(client).grant()).isCompleted();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void listenerThatCannotBeCalled_keepsTheNewsFromNobodyElse(String how) {
        List<Runnable> asked = new ArrayList<>();
        LockClient client = client(Runnable::run, task -> {
            asked.add(task);
            if (asked.size() == 1) {
                fail(how);
            }
            task.run();
        });
        Hold hold = enqueue(client).grant().join();
        List<Loss> told = new ArrayList<>();
        hold.onLost(told::add);
        hold.onLost(told::add);
        loseEverything();
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(asked).hasSize(2);
        assertThat(told).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void listenerThatThrows_keepsTheNewsFromNobodyElse(String how) {
        LockClient client = client(Runnable::run, Runnable::run);
        Hold hold = enqueue(client).grant().join();
        List<Loss> told = new ArrayList<>();
        hold.onLost(loss -> fail(how));
        hold.onLost(told::add);
        loseEverything();
        assertThat(told).hasSize(1);
        assertThat(told.get(0).token()).isEqualTo(hold.token());
    }

    /** As a pool does that has queued the task when it finds that it can start no thread for it. */
    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void callbackExecutorThatTakesTheTaskAndThenFails_takesNoHoldAway(String how) {
        Deque<Runnable> taken = new ArrayDeque<>();
        LockClient client = client(
                task -> {
                    taken.add(task);
                    fail(how);
                },
                Runnable::run);
        Ticket ticket = enqueue(client);
        runAll(taken);
        loop.run();
        assertThat(ticket.grant()).isCompleted();
        assertThat(ticket.grant().join().state()).isEqualTo(Hold.State.HELD);
        assertThat(etcd.keys("orders/")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rejected", "broken", "out of memory"})
    void callbackExecutorThatRunsTheTaskAndThenFails_takesNoHoldAway(String how) {
        LockClient client = client(
                task -> {
                    task.run();
                    fail(how);
                },
                Runnable::run);
        Ticket ticket = enqueue(client);
        assertThat(ticket.grant()).isCompleted();
        assertThat(ticket.grant().join().state()).isEqualTo(Hold.State.HELD);
        assertThat(etcd.keys("orders/")).hasSize(1);
    }

    private static void runAll(Deque<Runnable> completions) {
        while (!completions.isEmpty()) {
            completions.remove().run();
        }
    }

    /** The user has ended the future himself, so that the turn is nobody's; it is lost before it can be given back. */
    @Test
    void turnThatNobodyTook_lostBeforeItIsGivenBack_disturbsNobody() {
        Deque<Runnable> completions = new ArrayDeque<>();
        LockClient client = client(completions::add, Runnable::run);
        Ticket ticket = client.lock("orders", LockOptions.defaults()).enqueue();
        ticket.grant().complete(null);
        loop.run();
        assertThat(etcd.keys("orders/")).as("its turn has come").hasSize(1);
        loseEverything();
        runAll(completions);
        etcd.renewsLeases = true;
        loop.run();
        Ticket next = enqueue(client);
        runAll(completions);
        assertThat(next.grant()).isCompleted();
    }
}
