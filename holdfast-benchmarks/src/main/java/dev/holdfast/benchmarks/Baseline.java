package dev.holdfast.benchmarks;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The first numbers: what a lock costs next to the two requests it is made of, how fast it changes hands, and how much
 * memory a held lock takes. What is compared runs in turns within one run; a run in which two held one lock is void.
 *
 * <pre>
 * java ... dev.holdfast.benchmarks.Baseline http://127.0.0.1:2379 [path of the Go program of interop/go]
 * </pre>
 */
public final class Baseline {

    private static final int ROUNDS = 7;
    private static final int PAIRS = 1_000;
    private static final int HAND_OVER_SECONDS = 4;
    private static final int HELD_LOCKS = 10_000;

    private final String endpoint;

    private Baseline(String endpoint) {
        this.endpoint = endpoint;
    }

    /** Runs all of it. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println("usage: Baseline ENDPOINT [GO_PROGRAM]   for example: Baseline http://127.0.0.1:2379");
            System.exit(2);
        }
        Baseline baseline = new Baseline(arguments[0]);
        baseline.uncontended();
        baseline.contended(arguments.length > 1 ? arguments[1] : null);
        baseline.local();
        baseline.memory();
    }

    /** One client, one lock: a pair of lock and unlock against a put-if-absent transaction and a delete. */
    private void uncontended() {
        ManagedChannel channel = NettyChannelBuilder.forTarget(endpoint.substring(endpoint.indexOf("//") + 2))
                .usePlaintext()
                .directExecutor()
                .build();
        try (Holdfast holdfast = Holdfast.connect(endpoint)) {
            KVGrpc.KVBlockingStub etcd = KVGrpc.newBlockingStub(channel);
            DistributedLock waiting =
                    holdfast.lock("baseline/sync", LockOptions.defaults().withSynchronousRelease());
            DistributedLock lazy = holdfast.lock("baseline/async");
            List<Double> synchronous = new ArrayList<>();
            List<Double> asynchronous = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                double floor = microsPerPair(() -> putAndDelete(etcd));
                double sync = microsPerPair(() -> lockAndUnlock(waiting));
                double async = microsPerPair(() -> lockAndUnlock(lazy));
                if (round > 1) {
                    // The first two warm up.
                    synchronous.add(sync / floor);
                    asynchronous.add(async / floor);
                }
                System.out.printf(
                        "  round %d: floor %.0f us/pair, synchronous release %.0f, asynchronous %.0f%n",
                        round, floor, sync, async);
            }
            System.out.printf(
                    "uncontended pair / (put-if-absent + delete): synchronous release %.2f, asynchronous %.2f"
                            + " (medians of %d)%n",
                    median(synchronous), median(asynchronous), synchronous.size());
        } finally {
            channel.shutdownNow();
        }
    }

    private static double microsPerPair(Runnable pair) {
        long start = System.nanoTime();
        for (int i = 0; i < PAIRS; i++) {
            pair.run();
        }
        return (System.nanoTime() - start) / 1e3 / PAIRS;
    }

    private static void lockAndUnlock(DistributedLock lock) {
        lock.lock();
        try {
            // The section is empty: what is measured is the lock.
        } finally {
            lock.unlock();
        }
    }

    private static void putAndDelete(KVGrpc.KVBlockingStub etcd) {
        ByteString key = ByteString.copyFromUtf8("baseline/floor");
        if (!etcd.txn(TxnRequest.newBuilder()
                        .addCompare(Compare.newBuilder()
                                .setKey(key)
                                .setTarget(Compare.CompareTarget.CREATE)
                                .setCreateRevision(0))
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestPut(PutRequest.newBuilder().setKey(key)))
                        .build())
                .getSucceeded()) {
            throw new IllegalStateException("baseline/floor exists: use an etcd that nobody else uses");
        }
        etcd.deleteRange(DeleteRangeRequest.newBuilder().setKey(key).build());
    }

    /** Two clients contend for one lock; side by side, if its program is given, two of Go's, of which every hold counts. */
    private void contended(@org.jspecify.annotations.Nullable String goProgram)
            throws IOException, InterruptedException {
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            double ours;
            try (Holdfast one = Holdfast.connect(endpoint);
                    Holdfast two = Holdfast.connect(endpoint)) {
                ours = handOversPerSecond(List.of(one.lock("baseline/two"), two.lock("baseline/two")));
            }
            System.out.printf("  round %d: two clients of Holdfast %.0f hand-overs/s%n", round, ours);
            if (goProgram != null) {
                double theirs = goHandOversPerSecond(goProgram);
                System.out.printf("  round %d: two clients of Go %.0f hand-overs/s%n", round, theirs);
                ratios.add(ours / theirs);
            }
        }
        if (!ratios.isEmpty()) {
            System.out.printf(
                    "two clients, hand-overs against Go's Mutex: %.1f times (median of %d)%n",
                    median(ratios), ratios.size());
        }
    }

    private double goHandOversPerSecond(String program) throws IOException, InterruptedException {
        Process go = new ProcessBuilder(
                        program,
                        "bench-mutex",
                        endpoint.substring(endpoint.indexOf("//") + 2),
                        "baseline/go",
                        "2",
                        String.valueOf(HAND_OVER_SECONDS))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(go.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                String[] words = line.split(" ", -1);
                if (words.length == 4 && words[0].equals("handovers")) {
                    return Double.parseDouble(words[1]) / Double.parseDouble(words[3]);
                }
            }
            throw new IllegalStateException(program + " said nothing; exit code " + go.waitFor());
        } finally {
            go.destroy();
        }
    }

    /** 64 threads of one process, one lock. */
    private void local() throws InterruptedException {
        try (Holdfast holdfast = Holdfast.connect(endpoint)) {
            List<DistributedLock> handles = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                handles.add(holdfast.lock("baseline/local"));
            }
            System.out.printf("64 threads, one lock, one process: %.0f hand-overs/s%n", handOversPerSecond(handles));
        }
    }

    /** One thread a handle; counts changes of the owner, and checks that only one is in and that tokens grow. */
    private static double handOversPerSecond(List<DistributedLock> handles) throws InterruptedException {
        AtomicInteger inside = new AtomicInteger();
        AtomicLong lastToken = new AtomicLong();
        AtomicLong handOvers = new AtomicLong();
        AtomicInteger lastOwner = new AtomicInteger(-1);
        AtomicInteger wrong = new AtomicInteger();
        long end = System.nanoTime() + Duration.ofSeconds(HAND_OVER_SECONDS).toNanos();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < handles.size(); i++) {
            DistributedLock lock = handles.get(i);
            int owner = i;
            Thread thread = new Thread(() -> {
                while (System.nanoTime() < end) {
                    lock.lock();
                    try {
                        long token = lock.hold().token().asLong();
                        if (inside.incrementAndGet() != 1 || lastToken.getAndSet(token) >= token) {
                            wrong.incrementAndGet();
                        }
                        if (lastOwner.getAndSet(owner) != owner) {
                            // Who releases and comes again before anybody else was in the queue hands nothing over.
                            handOvers.incrementAndGet();
                        }
                        inside.decrementAndGet();
                    } finally {
                        lock.unlock();
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (wrong.get() != 0) {
            throw new IllegalStateException("void: " + wrong.get() + " times two were in, or a token did not grow");
        }
        return handOvers.get() / (double) HAND_OVER_SECONDS;
    }

    /** The heap that held locks take. */
    private void memory() throws InterruptedException {
        try (Holdfast holdfast = Holdfast.connect(endpoint)) {
            try (Hold first = holdfast.lock("baseline/held/first").acquire()) {
                first.ensure(Duration.ZERO);
            }
            long before = usedHeap();
            List<Hold> holds = new ArrayList<>(HELD_LOCKS);
            for (int i = 0; i < HELD_LOCKS; i++) {
                holds.add(holdfast.lock("baseline/held/" + i).acquire());
            }
            long after = usedHeap();
            System.out.printf("%d held locks: %d bytes of heap each%n", HELD_LOCKS, (after - before) / HELD_LOCKS);
            holds.forEach(Hold::close);
        }
    }

    private static long usedHeap() {
        Runtime runtime = Runtime.getRuntime();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            runtime.gc();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted.length == 0
                ? Double.NaN
                : Arrays.stream(sorted).skip(sorted.length / 2).findFirst().orElseThrow();
    }
}
