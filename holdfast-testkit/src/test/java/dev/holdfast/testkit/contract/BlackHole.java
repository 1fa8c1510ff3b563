package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.Loss;
import dev.holdfast.LossEvent;
import dev.holdfast.LossReason;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.history.History;
import dev.holdfast.history.HonestDeadline;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import dev.holdfast.history.Verdict;
import dev.holdfast.spi.Transport;
import dev.holdfast.testkit.TcpProxy;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/**
 * Many clients in one JVM, each behind a proxy of its own that is cut again and again, and a judge of what their holds say
 * meanwhile. Each client holds a lock of its own, is cut off, hears of its loss, is let through again, and takes its lock
 * anew.
 *
 * <p>What is judged, by {@link HonestDeadline}: the last moment at which a hold still said that it is held, taken
 * <em>before</em> it was asked, against its deadline, the word of its loss, and the end of its lease. There are two
 * deadlines. By the wall clock it is the one that the loss tells. By the monotonic clock it follows from the cut: of what
 * was sent after the cut nothing got through and back, so no renewal sent later can count. Each clock is judged alone: a
 * time of one cannot be told in the other, because the wall clock may be set between the two readings. The end of a lease is
 * that of its session key, as a watch saw it that goes past the proxies; it may be seen late, never early.
 */
final class BlackHole {

    /** What happens to the bytes of a client. */
    enum Cut {
        /** Nothing passes either way, and no connection ends. */
        NOTHING_PASSES(true, true, false),
        /** etcd hears everything, the client nothing. */
        ANSWERS_LOST(false, true, false),
        /** etcd hears nothing; what it says by itself arrives. */
        REQUESTS_LOST(true, false, false),
        /** Connections are reset, and new ones, too. */
        REFUSED(false, false, true);

        private final boolean stallsRequests;
        private final boolean stallsAnswers;
        private final boolean refuses;

        Cut(boolean stallsRequests, boolean stallsAnswers, boolean refuses) {
            this.stallsRequests = stallsRequests;
            this.stallsAnswers = stallsAnswers;
            this.refuses = refuses;
        }

        void begin(TcpProxy proxy) {
            proxy.stallRequests(stallsRequests);
            proxy.stallAnswers(stallsAnswers);
            proxy.refuse(refuses);
        }
    }

    private static final Duration TTL = Duration.ofSeconds(3);

    /* What a client believes in of a lease: its TTL less the margin. */
    private static final long BELIEF_NANOS = TTL.minusMillis(500).toNanos();
    private static final long LONGEST_QUIET_NANOS = TTL.dividedBy(2).toNanos();
    private static final long ASK_PAUSE_NANOS = 200_000;
    private static final int ASKERS = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final String endpoint;
    private final int clients;
    private final int rounds;
    private final long seed;
    private final UnaryOperator<Hold> tampering;

    private final List<List<Watched>> asked = new ArrayList<>();
    private final Map<String, Long> leaseEnds = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Operation> monotonic = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Operation> wall = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Long> latenesses = new ConcurrentLinkedQueue<>();
    private final Map<Cut, Integer> cuts = new ConcurrentHashMap<>();
    private final AtomicInteger lostUncut = new AtomicInteger();
    private volatile boolean isOver;

    /**
     * @param seed of the kinds and moments of the cuts
     * @param tampering what is asked instead of each hold; the hold itself, unless the judge is judged
     */
    BlackHole(String endpoint, int clients, int rounds, long seed, UnaryOperator<Hold> tampering) {
        this.endpoint = endpoint;
        this.clients = clients;
        this.rounds = rounds;
        this.seed = seed;
        this.tampering = tampering;
        for (int i = 0; i < ASKERS; i++) {
            asked.add(new CopyOnWriteArrayList<>());
        }
    }

    /**
     * What came out.
     *
     * @param byMonotonicClock the verdict on what was claimed after a cut
     * @param byWallClock the verdict on all that was claimed
     * @param asked how often holds were asked
     * @param lostUncut how many holds were lost without a cut, because this machine was too busy to renew them
     * @param latenesses how long after its deadline each loss was told, in nanoseconds, ascending
     */
    record Result(
            Verdict byMonotonicClock,
            Verdict byWallClock,
            Map<Cut, Integer> cuts,
            long asked,
            int lostUncut,
            List<Long> latenesses) {
        int totalCuts() {
            return cuts.values().stream().mapToInt(Integer::intValue).sum();
        }

        String latenessMillis(double quantile) {
            long nanos =
                    latenesses.get((int) Math.min(latenesses.size() - 1L, Math.round(quantile * latenesses.size())));
            return String.format("%.1f", nanos / 1e6);
        }

        @Override
        public String toString() {
            return totalCuts() + " cuts " + cuts + ", asked " + asked + " times, " + lostUncut
                    + " lost without a cut; onLost after the deadline, in ms: p50 " + latenessMillis(0.5) + ", p99 "
                    + latenessMillis(0.99) + ", max " + latenessMillis(1);
        }
    }

    /** Cuts every client as often as was said, and returns when all have their lock again and have left. */
    Result run() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        Transport past = new GrpcTransport(List.of(endpoint));
        try {
            Transport.Outbound<WatchRequest> watch = watchSessions(past);
            List<Future<Long>> askers = new ArrayList<>();
            for (List<Watched> share : asked) {
                askers.add(threads.submit(() -> ask(share)));
            }
            List<Future<?>> lives = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int number = i;
                lives.add(threads.submit(() -> {
                    live(number);
                    return null;
                }));
            }
            for (Future<?> life : lives) {
                // Bounded by the test's own time-out: each wait within it has a limit.
                life.get();
            }
            isOver = true;
            long count = 0;
            for (Future<Long> asker : askers) {
                count += Eventually.get(asker);
            }
            watch.cancel();
            leaseEnds.forEach((lease, at) -> monotonic.add(new Operation.LeaseEnded(at, lease)));
            return new Result(
                    new HonestDeadline().check(new History(List.copyOf(monotonic))),
                    new HonestDeadline().check(new History(List.copyOf(wall))),
                    new EnumMap<>(cuts),
                    count,
                    lostUncut.get(),
                    latenesses.stream().sorted().toList());
        } finally {
            isOver = true;
            threads.shutdownNow();
            past.close();
        }
    }

    /** One client, from its connection to its end. */
    private void live(int number) throws Exception {
        Random luck = new Random(seed * 1_000_003 + number);
        try (TcpProxy proxy = TcpProxy.before(List.of(endpoint));
                Holdfast client = Holdfast.builder()
                        .endpoints(proxy.endpoint("http"))
                        .sessionTtl(TTL)
                        .requestTimeout(Duration.ofSeconds(1))
                        .connectTimeout(PATIENCE)
                        .build()) {
            DistributedLock lock = client.lock("cut-" + number);
            int done = 0;
            while (done < rounds) {
                Hold hold = acquire(lock);
                Watched watched = new Watched("client-" + number, hold, tampering.apply(hold));
                List<Watched> share = asked.get(number % ASKERS);
                share.add(watched);
                LockSupport.parkNanos((long) (luck.nextDouble() * LONGEST_QUIET_NANOS));
                if (watched.told.isDone()) {
                    assertThat(lostUncut.incrementAndGet())
                            .as("holds lost without a cut, on a machine too busy to renew them")
                            .isLessThanOrEqualTo(clients * rounds);
                } else {
                    cut(proxy, watched, luck);
                    done++;
                }
                closeLost(hold);
                // Asked once more while the next one is held: who was told "lost" must never be told "held".
                assertThat(acquireAndRelease(lock)).isGreaterThan(hold.token());
                share.remove(watched);
                judge(watched);
            }
        }
    }

    private void cut(TcpProxy proxy, Watched watched, Random luck) throws Exception {
        Cut kind = Cut.values()[luck.nextInt(Cut.values().length)];
        kind.begin(proxy);
        watched.cutNanos = System.nanoTime();
        cuts.merge(kind, 1, Integer::sum);
        Told told = watched.told.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        if (luck.nextBoolean()) {
            Eventually.that("the end of lease " + watched.lease, () -> leaseEnds.containsKey(watched.lease));
        }
        // What was stalled arrives late, or never.
        if (luck.nextBoolean()) {
            proxy.cut();
        }
        proxy.refuse(false);
        proxy.stall(false);
        // What etcd says by itself may be heard first, if this machine was too busy to look at its clock.
        assertThat(told.loss().reason())
                .isIn(
                        kind == Cut.REQUESTS_LOST
                                ? List.of(LossReason.DEADLINE_PASSED, LossReason.LEASE_GONE)
                                : List.of(LossReason.DEADLINE_PASSED));
    }

    /** A session that could not be kept, on a machine as busy as this, is followed by another one. */
    private static Hold acquire(DistributedLock lock) throws InterruptedException {
        return lock.tryAcquire(PATIENCE).orElseThrow(() -> new AssertionError(lock.name() + " cannot be had again"));
    }

    private static FencingToken acquireAndRelease(DistributedLock lock) throws InterruptedException {
        Hold hold = acquire(lock);
        try {
            hold.close();
        } catch (LockException.Lost busy) {
            // Without a cut: see lostUncut.
        }
        return hold.token();
    }

    private static void closeLost(Hold hold) {
        try {
            hold.close();
            throw new AssertionError(hold + " was closed as if it had not been lost");
        } catch (LockException.Lost expected) {
            // As it should.
        }
    }

    private void judge(Watched watched) {
        Told told = watched.told.join();
        LossEvent.RenewalConfirmed confirmed =
                told.loss().event(LossEvent.RenewalConfirmed.class).orElseThrow();
        long deadline = wallNanos(confirmed.deadline());
        long cut = watched.cutNanos;
        if (cut != 0) {
            latenesses.add(told.wallNanos() - deadline);
        }
        Claim last = watched.lastClaim;
        Token token = new Token(0, watched.hold.token().grantRevision(), 0);
        String lock = watched.hold.lockName();
        wall.add(new Operation.Claimed(last.wallNanos(), watched.who, lock, token, deadline, watched.lease));
        monotonic.add(new Operation.Claimed(
                last.nanos(), watched.who, lock, token, cut == 0 ? Long.MAX_VALUE : cut + BELIEF_NANOS, watched.lease));
        monotonic.add(new Operation.Lost(told.nanos(), watched.who, lock, token));
    }

    private static long wallNanos(Instant wall) {
        return wall.getEpochSecond() * 1_000_000_000L + wall.getNano();
    }

    // ---------------------------------------------------------------------------------------------------- asking

    /** What was heard of a loss, and when, by either clock. */
    private record Told(Loss loss, long nanos, long wallNanos) {}

    /** When a hold was asked that said that it is held, by either clock. */
    private record Claim(long nanos, long wallNanos) {
        static Claim now() {
            return new Claim(System.nanoTime(), BlackHole.wallNanos(Instant.now()));
        }
    }

    /** A hold that is asked all the time. */
    private static final class Watched {
        private final String who;
        private final Hold hold;
        private final Hold asked;
        private final String lease;
        private final CompletableFuture<Told> told = new CompletableFuture<>();
        private volatile Claim lastClaim = Claim.now();
        private volatile long cutNanos;

        Watched(String who, Hold hold, Hold asked) {
            this.who = who;
            this.hold = hold;
            this.asked = asked;
            String key = hold.key();
            this.lease = key.substring(key.lastIndexOf('/') + 1, key.lastIndexOf('.'));
            hold.onLost(loss -> told.complete(new Told(loss, System.nanoTime(), wallNanos(Instant.now()))));
        }

        /** Asks it in one of the three ways; whatever says "held" is a claim of the moment before it was asked. */
        void ask(long turn) {
            Claim before = Claim.now();
            if (claims(turn)) {
                lastClaim = before;
            }
        }

        private boolean claims(long turn) {
            if (turn % 2 == 0) {
                Hold.State state = asked.state();
                return state == Hold.State.HELD || state == Hold.State.AT_RISK;
            }
            if (turn % 16 != 15) {
                return !asked.remaining().isZero();
            }
            try {
                asked.ensure(Duration.ZERO);
                return true;
            } catch (LockException.Lost | IllegalMonitorStateException no) {
                return false;
            }
        }
    }

    private long ask(List<Watched> share) {
        long count = 0;
        for (long turn = 0; !isOver; turn++) {
            for (Watched watched : share) {
                watched.ask(turn);
                count++;
            }
            LockSupport.parkNanos(ASK_PAUSE_NANOS);
        }
        return count;
    }

    // ---------------------------------------------------------------------------------------------------- the server

    /** Notes when the session key of each lease goes; returns when the watch is there. */
    private Transport.Outbound<WatchRequest> watchSessions(Transport past) {
        CompletableFuture<Void> created = new CompletableFuture<>();
        Transport.Outbound<WatchRequest> watch = past.stream(
                past.endpoints().get(0), WatchGrpc.getWatchMethod(), new Metadata(), new Transport.StreamListener<>() {
                    @Override
                    public void onMessage(WatchResponse message) {
                        long now = System.nanoTime();
                        for (Event event : message.getEventsList()) {
                            String key = event.getKv().getKey().toStringUtf8();
                            if (event.getType() == Event.EventType.DELETE) {
                                leaseEnds.putIfAbsent(key.substring(key.lastIndexOf('/') + 1), now);
                            }
                        }
                        created.complete(null);
                    }

                    @Override
                    public void onClosed(Status status) {
                        created.completeExceptionally(status.asException());
                    }
                });
        watch.send(WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("_holdfast/sess/"))
                        .setRangeEnd(ByteString.copyFromUtf8("_holdfast/sess0")))
                .build());
        created.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        return watch;
    }
}
