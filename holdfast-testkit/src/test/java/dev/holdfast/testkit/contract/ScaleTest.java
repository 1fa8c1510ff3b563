package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.spi.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Very many locks, waiters and watches of one client, over sockets. What it costs is counted, never timed.
 *
 * <p>{@code -Dholdfast.scale.locks=100000} for more held locks.
 */
class ScaleTest extends StoreFixture {

    private static final int MAX_KEYS_OF_A_LEASE = 2_000;
    private static final int MAX_THREADS = 8;
    private static final long STRANGERS_LEASE = 0x5ca1e;

    /** As many keys as one transaction can put. */
    private static final int PUTS_AT_ONCE = 100;

    /** For what takes long on a busy machine because there is so much of it. */
    private static final Duration LONG_PATIENCE = Duration.ofSeconds(90);

    @Override
    protected LockStore openStore() throws IOException {
        return Stores.engineOverGrpc();
    }

    /** Nothing is in doubt, or lost, because the machine is busy. */
    private Holdfast patientClient(Transport transport) {
        return client(settings ->
                settings.transport(transport).sessionTtl(Duration.ofSeconds(60)).requestTimeout(Eventually.PATIENCE));
    }

    // ---------------------------------------------------------------------------------------------------- locks

    @Test
    void heldLocks_areSpreadOverLeases_ofTwoThousandKeysAtMost() throws Exception {
        int locks = Integer.getInteger("holdfast.scale.locks", 20_000);
        Tallied way = new Tallied(store().transport());
        Holdfast client = patientClient(way);
        List<CompletableFuture<Hold>> turns = new ArrayList<>(locks);
        for (int i = 0; i < locks; i++) {
            turns.add(client.lock("held-" + i % 10 + "-" + i).acquireAsync());
        }
        List<Hold> holds = all(turns);

        assertThat(holds).allMatch(hold -> hold.state() == Hold.State.HELD);
        Map<Long, Integer> keys = new HashMap<>();
        for (int i = 0; i < 10; i++) {
            for (KeyValue each : operator().keys("held-" + i + "-")) {
                keys.merge(each.getLease(), 1, Integer::sum);
            }
        }
        assertThat(keys.values().stream().mapToInt(count -> count).sum()).isEqualTo(locks);
        assertThat(keys.values()).allMatch(count -> count <= MAX_KEYS_OF_A_LEASE);
        assertThat(keys).as("no more leases than are needed").hasSizeLessThanOrEqualTo(locks / MAX_KEYS_OF_A_LEASE + 1);
        assertThat(way.tally().watches())
                .as("watches: of each session key, and of operators")
                .isLessThanOrEqualTo(keys.size() + 2L);

        holds.forEach(Hold::close);
        awaitCount("held-", 0);
        assertThat(way.tally().transactions())
                .as("transactions to take and to release %d locks", locks)
                .isLessThan(locks / 4);
    }

    @Test
    void moreLocksAtOnce_costFewerTransactionsEach() throws Exception {
        Tallied way = new Tallied(store().transport());
        Holdfast client = patientClient(way);
        double one = transactionsPerPair(client, way, 1, 100);
        double many = transactionsPerPair(client, way, 64, 20);
        double veryMany = transactionsPerPair(client, way, 256, 10);
        String line = String.format(
                Locale.ROOT,
                "ran: transactions for a lock and its release: 1 at once %.2f, 64 at once %.2f, 256 at once %.2f",
                one,
                many,
                veryMany);
        EtcdProgram.report(line);
        System.out.println(line);
        assertThat(one).as(line).isBetween(1.9, 2.1);
        assertThat(many).as(line).isLessThan(one / 4);
        assertThat(veryMany).as(line).isLessThan(one / 8);
    }

    /** So many times, takes that many locks that nobody has had before, and then releases them. */
    private double transactionsPerPair(Holdfast client, Tallied way, int locks, int times) throws Exception {
        String prefix = freshName() + "-";
        Tallied.Tally before = way.tally();
        for (int i = 0; i < times; i++) {
            List<CompletableFuture<Hold>> turns = new ArrayList<>();
            for (int j = 0; j < locks; j++) {
                turns.add(client.lock(prefix + i + "-" + j).acquireAsync());
            }
            all(turns).forEach(Hold::close);
        }
        awaitCount(prefix, 0);
        return (double) way.tally().since(before).transactions() / (locks * times);
    }

    // ---------------------------------------------------------------------------------------------------- waiters

    @Test
    @Tag("F36")
    void tenThousandCallersOfOneClient_areServedInOrder_withoutEtcd() throws Exception {
        int callers = 10_000;
        Tallied way = new Tallied(store().transport());
        DistributedLock lock = patientClient(way).lock(freshName());
        Hold first = lock.acquire();
        List<FencingToken> served = Collections.synchronizedList(new ArrayList<>());
        List<CompletableFuture<Void>> turns = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            turns.add(lock.acquireAsync().thenAccept(hold -> {
                served.add(hold.token());
                hold.close();
            }));
        }
        Tallied.Tally before = way.tally();
        first.close();
        all(turns);
        Tallied.Tally spent = way.tally().since(before);

        assertThat(served).hasSize(callers).isSorted().doesNotHaveDuplicates();
        // The view is opened once, to learn that nobody else waits, and compares itself with a list every 5 s.
        assertThat(spent.transactions()).as("%s", spent).isLessThanOrEqualTo(10);
        assertThat(spent.ranges()).as("%s", spent).isLessThanOrEqualTo(50);
    }

    @Test
    @Tag("F36")
    void inAQueueOfTenThousand_aReleaseCostsOneEvent_andOneListAtMost() throws Exception {
        String name = freshName();
        int waiters = 200;
        int behind = 9_800;
        int turns = 100;
        String holder = name + "/7fff000000000001.0";
        operator().put(holder, "a stranger");
        Tallied way = new Tallied(store().transport());
        DistributedLock lock =
                patientClient(way).lock(name, LockOptions.defaults().strictFifo());
        AtomicInteger served = new AtomicInteger();
        List<FencingToken> tokens = Collections.synchronizedList(new ArrayList<>());
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        for (int i = 0; i < waiters; i++) {
            waiting.add(lock.acquireAsync().thenAccept(hold -> {
                tokens.add(hold.token());
                // The rest of them keep the lock, one by one, until the client is closed.
                if (served.incrementAndGet() <= turns) {
                    hold.close();
                }
            }));
        }
        awaitCount(name + "/", 1 + waiters);
        strangers(name, behind);
        Eventually.that(
                LONG_PATIENCE,
                () -> "each waits in its way: " + way.tally(),
                () -> way.tally().watches() >= waiters - 17);

        Tallied.Tally before = way.tally();
        operator().delete(ByteString.copyFromUtf8(holder));
        Eventually.that(LONG_PATIENCE, () -> turns + " turns, but there were " + served, () -> served.get() > turns);
        Tallied.Tally spent = way.tally().since(before);

        assertThat(waiting.stream().filter(CompletableFuture::isDone).count()).isGreaterThanOrEqualTo(turns);
        assertThat(List.copyOf(tokens)).isSorted().doesNotHaveDuplicates();
        // Some of the first ones watch the whole queue, and then there are looks at it every 5 s.
        assertThat(spent.eventMessages())
                .as("events for %d releases: %s", turns, spent)
                .isBetween(turns / 2L, turns * 3L / 2);
        assertThat(spent.ranges()).as("lists for %d releases: %s", turns, spent).isLessThanOrEqualTo(turns + 10L);
        assertThat(spent.transactions())
                .as("transactions for %d releases: %s", turns, spent)
                .isBetween((long) turns, turns * 3L / 2);
        operator().revoke(STRANGERS_LEASE);
    }

    // ---------------------------------------------------------------------------------------------------- watches

    @Test
    void tenThousandWatches_shareAStream_andAllAreTold() throws Exception {
        int locks = 10_000;
        Tallied way = new Tallied(store().transport());
        Holdfast client = patientClient(way);
        List<CompletableFuture<Hold>> turns = waitBehindStrangers(client, "watched-", locks);
        Eventually.that(
                LONG_PATIENCE,
                () -> "as many watches as locks, but " + way.tally(),
                () -> way.tally().watches() >= locks);

        assertThat(way.tally().watchStreams()).isEqualTo(1);
        assertThat(turns).noneMatch(CompletableFuture::isDone);
        // All of the strangers go in one revision.
        operator().revoke(STRANGERS_LEASE);
        all(turns).forEach(Hold::close);
        awaitCount("watched-", 0);
        assertThat(way.tally().watchStreams()).isEqualTo(1);
    }

    // ---------------------------------------------------------------------------------------------------- threads

    @Test
    void aClientHasEightThreadsAtMost_howeverManyLocksAreContended_andNoneWhenItIsClosed() throws Exception {
        Set<Thread> others = threads();
        try (Holdfast client = patientClient(store().transport())) {
            List<CompletableFuture<Hold>> turns = waitBehindStrangers(client, "contended-", 1_000);
            AtomicInteger told = new AtomicInteger();
            assertThat(threadsBut(others)).isNotEmpty().hasSizeLessThanOrEqualTo(MAX_THREADS);
            operator().revoke(STRANGERS_LEASE);
            all(turns).forEach(hold -> hold.onLost(loss -> told.incrementAndGet()));
            assertThat(threadsBut(others)).isNotEmpty().hasSizeLessThanOrEqualTo(MAX_THREADS);
            // Listeners have threads, too.
            List<KeyValue> lost = operator().keys("contended-99");
            lost.forEach(each -> operator().delete(each.getKey()));
            Eventually.that(
                    LONG_PATIENCE, () -> lost.size() + " are told, but " + told, () -> told.get() == lost.size());
            assertThat(threadsBut(others)).isNotEmpty().hasSizeLessThanOrEqualTo(MAX_THREADS);
        }
        Eventually.that(LONG_PATIENCE, () -> "no thread is left, but " + threadsBut(others), () -> threadsBut(others)
                .isEmpty());
    }

    private static Set<Thread> threads() {
        return new HashSet<>(Thread.getAllStackTraces().keySet());
    }

    /** Those of the library and of gRPC, but for those. */
    private static List<String> threadsBut(Set<Thread> others) {
        Set<Thread> all = threads();
        all.removeAll(others);
        return all.stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("holdfast") || name.startsWith("grpc"))
                .sorted()
                .toList();
    }

    // ---------------------------------------------------------------------------------------------------- actors

    /** One caller of each of that many locks, which are all held by others. */
    private List<CompletableFuture<Hold>> waitBehindStrangers(Holdfast client, String prefix, int locks) {
        operator().grant(STRANGERS_LEASE, 600);
        put(locks, i -> prefix + i + "/" + Long.toHexString(STRANGERS_LEASE) + ".0");
        List<CompletableFuture<Hold>> turns = new ArrayList<>(locks);
        for (int i = 0; i < locks; i++) {
            turns.add(client.lock(prefix + i).acquireAsync());
        }
        awaitCount(prefix, 2L * locks);
        return turns;
    }

    /** That many entries of others at the end of a queue. */
    private void strangers(String name, int count) {
        operator().grant(STRANGERS_LEASE, 600);
        put(count, i -> name + "/" + Long.toHexString(STRANGERS_LEASE) + "." + Integer.toString(i, 36));
    }

    private void put(int count, IntFunction<String> key) {
        for (int i = 0; i < count; i += PUTS_AT_ONCE) {
            TxnRequest.Builder puts = TxnRequest.newBuilder();
            for (int j = i; j < Math.min(count, i + PUTS_AT_ONCE); j++) {
                puts.addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8(key.apply(j)))
                                .setLease(STRANGERS_LEASE)));
            }
            operator().txn(puts.build());
        }
    }

    private void awaitCount(String prefix, long count) {
        Eventually.that(
                LONG_PATIENCE,
                () -> count + " keys of " + prefix + ", but there are "
                        + operator().count(prefix),
                () -> operator().count(prefix) == count);
    }

    private static <T> List<T> all(List<CompletableFuture<T>> futures) throws Exception {
        CompletableFuture<Void> whole = CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new));
        whole.get(LONG_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        return futures.stream().map(CompletableFuture::join).toList();
    }
}
