package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * A store, the clients and callers that a test makes, and what must be true after every test: everybody can leave, and
 * then the store is as empty as it was before, and no thread is left.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
abstract class StoreFixture {

    private @Nullable LockStore store;
    private @Nullable Operator operator;
    private final List<Holdfast> clients = new ArrayList<>();
    private final List<Caller> callers = new ArrayList<>();
    private int named;

    /** Opens the store that all tests of this class use; it is closed after the last of them. */
    protected abstract LockStore openStore() throws Exception;

    @BeforeEach
    void openTheStore() throws Exception {
        if (store != null) {
            return;
        }
        LockStore opened = openStore();
        store = opened;
        operator = new Operator(opened.transport());
        assertThat(operator.keys("")).as("the store is empty to begin with").isEmpty();
    }

    /** Closes the store; the next test opens another. */
    @AfterAll
    protected final void closeTheStore() {
        if (operator != null) {
            operator.close();
            operator = null;
        }
        if (store != null) {
            store.close();
            store = null;
        }
    }

    @AfterEach
    void everybodyLeaves_andNothingIsLeftBehind() {
        clients.forEach(Holdfast::close);
        clients.clear();
        callers.forEach(Caller::close);
        callers.clear();
        Eventually.that(
                () -> "the store is empty, but has " + operator().keys(""),
                () -> operator().keys("").isEmpty());
        Eventually.that(() -> "no thread is left, but there are " + threadsOfClients(), () -> threadsOfClients()
                .isEmpty());
    }

    private static List<String> threadsOfClients() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.matches("holdfast-(loop|listener|callback)-.*"))
                .toList();
    }

    // ---------------------------------------------------------------------------------------------------- actors

    LockStore store() {
        if (store == null) {
            throw new IllegalStateException("the store was not opened");
        }
        return store;
    }

    Operator operator() {
        if (operator == null) {
            throw new IllegalStateException("the store was not opened");
        }
        return operator;
    }

    /** A client with default settings. */
    Holdfast client() {
        return client(builder -> builder);
    }

    Holdfast client(UnaryOperator<HoldfastBuilder> settings) {
        Holdfast client = settings.apply(
                        Holdfast.builder().transport(store().transport()).connectTimeout(Eventually.PATIENCE))
                .build();
        clients.add(client);
        return client;
    }

    /** A client whose way to the store can be blocked; its session lives 2 s, and a request waits 300 ms. */
    Holdfast client(Gate gate) {
        return client(builder ->
                builder.transport(gate).sessionTtl(Duration.ofSeconds(2)).requestTimeout(Duration.ofMillis(300)));
    }

    Gate gate() {
        return new Gate(store().transport());
    }

    Caller caller(String name) {
        Caller caller = new Caller(name);
        callers.add(caller);
        return caller;
    }

    /** Takes and releases the lock until it stays with that client when nobody there wants it. */
    void becomeKept(Holdfast client, String name) throws Exception {
        DistributedLock lock = client.lock(name);
        long end = System.nanoTime() + Eventually.PATIENCE.toNanos();
        long before;
        long grant = 0;
        do {
            assertThat(System.nanoTime())
                    .as("lock '%s' is not kept until", name)
                    .isLessThan(end);
            before = grant;
            try (Hold hold = lock.acquire()) {
                // Not its key, whose name may be used again.
                grant = hold.token().grantRevision();
            }
            // The client has surely dealt with the release when it has dealt with something that came later.
            client.lock(freshName()).acquire().close();
        } while (grant != before);
    }

    /** A name that no other test uses. */
    String freshName() {
        return "contract-" + ++named;
    }

    // ---------------------------------------------------------------------------------------------------- looks

    int queueLength(String lockName) {
        return operator().queue(lockName).size();
    }

    void awaitQueueLength(String lockName, int length) {
        Eventually.that(
                () -> length + " entries in the queue of " + lockName + ", but there are "
                        + operator().queue(lockName),
                () -> queueLength(lockName) == length);
    }

    /** Whether the lock can be had by a client that has nothing to do with the others. */
    void assertFree(String lockName) throws Exception {
        try (Holdfast other = client()) {
            DistributedLock lock = other.lock(lockName, LockOptions.defaults().withSynchronousRelease());
            lock.acquire().close();
        }
    }
}
