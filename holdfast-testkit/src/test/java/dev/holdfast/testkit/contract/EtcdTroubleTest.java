package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.spi.Transport;
import dev.holdfast.testkit.RealCluster;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.TcpProxy;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of locks when a real etcd is in trouble: restored, full, crowded, far away, or with another leader or
 * another member. The tags name the modes of docs/failure-modes.md.
 */
@Timeout(180)
class EtcdTroubleTest {

    /** For sessions that must not be lost because the machine is busy; renewed every third of it. */
    private static final Duration ROOMY = Duration.ofSeconds(30);

    private static final LockOptions SYNCHRONOUS = LockOptions.defaults().withSynchronousRelease();

    private static RealEtcd.Binary newest() {
        return EtcdProgram.newest().orSkip("trouble");
    }

    private static HoldfastBuilder client(Duration ttl, String... endpoints) {
        return Holdfast.builder().endpoints(endpoints).sessionTtl(ttl).connectTimeout(Eventually.PATIENCE);
    }

    private static Operator operator(String endpoint) {
        return new Operator(new GrpcTransport(List.of(endpoint)));
    }

    private static CompletableFuture<Loss> lossOf(Hold hold) {
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        return told;
    }

    /** Returns when it is more than it was at an earlier look. What only falls by itself was renewed then. */
    private static void awaitRise(String claim, LongSupplier what) {
        long[] least = {Long.MAX_VALUE};
        Eventually.that(claim, () -> {
            long now = what.getAsLong();
            boolean hasRisen = now > least[0];
            least[0] = Math.min(least[0], now);
            return hasRisen;
        });
    }

    // ---------------------------------------------------------------------------------------------------- restore

    @Test
    @Tag("F24")
    void anEtcdThatIsRestored_costsEveryHold_andAHigherClusterEpochKeepsTokensGrowing(@TempDir Path backups)
            throws Exception {
        try (RealEtcd etcd = RealEtcd.start(newest());
                Holdfast here = client(Duration.ofSeconds(60), etcd.endpoint()).build()) {
            Hold early = here.lock("early").acquire();
            etcd.kill();
            Path backup = backups.resolve("data");
            copy(etcd.dataDirectory(), backup);
            etcd.startAgain();
            Hold late = here.lock("late").acquire();
            long newest = 0;
            for (int i = 0; i < 20; i++) {
                Hold written = here.lock("written-" + i, SYNCHRONOUS).acquire();
                newest = written.token().grantRevision();
                written.close();
            }
            assertThat(early.state()).as("after a crash of etcd").isEqualTo(Hold.State.HELD);
            CompletableFuture<Loss> earlyLost = lossOf(early);
            CompletableFuture<Loss> lateLost = lossOf(late);

            etcd.kill();
            delete(etcd.dataDirectory());
            copy(backup, etcd.dataDirectory());
            etcd.startAgain();
            // Whatever is asked next shows it; a renewal would, too.
            here.lock("asking").tryAcquire(Eventually.PATIENCE).orElseThrow().close();
            assertThat(Eventually.get(earlyLost).reason()).isEqualTo(LossReason.CLUSTER_REGRESSED);
            assertThat(Eventually.get(lateLost).reason()).isEqualTo(LossReason.CLUSTER_REGRESSED);
            LossContract.assertLost(LossReason.CLUSTER_REGRESSED, early::close);
            LossContract.assertLost(LossReason.CLUSTER_REGRESSED, late::close);

            try (Holdfast raised = client(Duration.ofSeconds(60), etcd.endpoint())
                    .clusterEpoch(1)
                    .build()) {
                Hold again = raised.lock("late").acquire();
                assertThat(again.token().grantRevision()).isLessThan(newest);
                assertThat(again.token()).isGreaterThan(late.token());
                again.close();
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            files.forEach(file -> {
                try {
                    Files.copy(file, to.resolve(from.relativize(file).toString()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }

    // ---------------------------------------------------------------------------------------------------- too much

    @Test
    @Tag("F38")
    void anEtcdOutOfSpace_keepsHolds_letsThemGo_andGrantsAgainWhenThereIsSpace() throws Exception {
        RealEtcd.Binary binary = newest();
        try (RealEtcd etcd = RealEtcd.start(binary, "http", "--quota-backend-bytes=16777216");
                Operator operator = operator(etcd.endpoint());
                Holdfast here = client(ROOMY, etcd.endpoint()).build();
                Holdfast there = client(Duration.ofSeconds(60), etcd.endpoint())
                        .requestTimeout(Duration.ofSeconds(1))
                        .build()) {
            Hold kept = here.lock("kept").acquire();
            Hold passedOn = here.lock("passed-on").acquire();
            Ticket waiting = there.lock("passed-on").enqueue();
            Eventually.that("it waits", () -> operator.queue("passed-on").size() == 2);
            fill(operator);

            DistributedLock wanted = there.lock("wanted");
            assertThat(wanted.tryAcquire(Duration.ofSeconds(1))).isEmpty();
            long session = operator.queue("kept").get(0).getLease();
            passedOn.close();
            waiting.await(Eventually.PATIENCE).orElseThrow().close();
            Eventually.that(
                    "the entry is gone", () -> operator.queue("passed-on").isEmpty());
            awaitRise("its lease is renewed", () -> operator.remainingTtl(session));
            awaitRise("and that is confirmed", () -> kept.remaining().toNanos());
            assertThat(operator.queue("kept")).singleElement().satisfies(entry -> assertThat(entry.getLease())
                    .isEqualTo(session));
            assertThat(kept.state()).isIn(Hold.State.HELD, Hold.State.AT_RISK);
            kept.close();
            Eventually.that("released", () -> operator.queue("kept").isEmpty());

            EtcdAdmin admin = new EtcdAdmin(binary, etcd.endpoint());
            admin.run("del", "--prefix", "fill-");
            operator.compact();
            admin.run("defrag");
            admin.run("alarm", "disarm");
            wanted.tryAcquire(Eventually.PATIENCE).orElseThrow().close();
        }
    }

    private static void fill(Operator operator) {
        String large = "x".repeat(1_000_000);
        for (int i = 0; ; i++) {
            try {
                operator.put("fill-" + i, large);
            } catch (CompletionException e) {
                assertThat(e).hasMessageContaining("database space exceeded");
                return;
            }
            assertThat(i).as("puts into 16 MiB").isLessThan(100);
        }
    }

    @Test
    @Tag("F37")
    void fiftyThousandLeasesOfOthers_disturbNobody() throws Exception {
        int leases = 50_000;
        try (RealEtcd etcd = RealEtcd.start(newest());
                Transport way = new GrpcTransport(List.of(etcd.endpoint()));
                Operator operator = operator(etcd.endpoint());
                Holdfast here = client(ROOMY, etcd.endpoint()).build()) {
            Hold kept = here.lock("kept").acquire();
            CompletableFuture<Loss> lost = lossOf(kept);
            new Leases(way).grant(leases);
            assertThat(operator.leases()).hasSizeGreaterThan(leases);
            FencingToken before = kept.token();
            for (int i = 0; i < 50; i++) {
                Hold hold = here.lock("busy", SYNCHRONOUS).acquire();
                assertThat(hold.token()).isGreaterThan(before);
                before = hold.token();
                hold.close();
            }
            awaitRise("it is renewed among all those", () -> kept.remaining().toNanos());
            assertThat(lost).isNotDone();
            kept.close();
        }
    }

    // ---------------------------------------------------------------------------------------------------- the way

    @Test
    @Tag("F22")
    void whileEveryConnectionIsReset_aClientTriesAgainInMeasure_andGoesOnAfterwards() throws Exception {
        try (RealEtcd etcd = RealEtcd.start(newest());
                TcpProxy proxy = TcpProxy.before(List.of(etcd.endpoint()));
                Holdfast other = client(Duration.ofSeconds(60), etcd.endpoint()).build();
                Holdfast here = client(Duration.ofSeconds(60), proxy.endpoint("http"))
                        .requestTimeout(Duration.ofSeconds(1))
                        .build()) {
            Hold hold = here.lock("kept").acquire();
            Hold first = other.lock("wanted").acquire();
            Ticket waiting = here.lock("wanted").enqueue();
            assertThat(waiting.await(Duration.ofMillis(200))).isEmpty();
            int before = proxy.accepted();
            long start = System.nanoTime();
            proxy.refuse(true);
            Eventually.that(
                    "some time",
                    () -> System.nanoTime() - start > Duration.ofSeconds(6).toNanos());
            double seconds = (System.nanoTime() - start) / 1e9;
            int tried = proxy.accepted() - before;
            proxy.refuse(false);
            first.close();
            waiting.await(Eventually.PATIENCE).orElseThrow().close();
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            hold.close();
            // At most twice a second, and the first ones.
            assertThat(tried).as("connections in %s s", seconds).isBetween(2, (int) (2 * seconds) + 4);
        }
    }

    @Test
    @Tag("F43")
    void answersThatTakeLongerThanAThirdOfTheTtl_costTheHoldAtWorst_andNeverMakeTwo() throws Exception {
        Duration ttl = Duration.ofSeconds(3);
        try (RealEtcd etcd = RealEtcd.start(newest());
                TcpProxy proxy = TcpProxy.before(List.of(etcd.endpoint()));
                Holdfast near = client(Duration.ofSeconds(60), etcd.endpoint()).build();
                Holdfast far = client(ttl, proxy.endpoint("http")).build()) {
            Hold hold = far.lock("far").acquire();
            CompletableFuture<Loss> lost = lossOf(hold);
            Ticket rival = near.lock("far").enqueue();
            // A renewal and its confirmation take two round trips: longer than the lease.
            proxy.delay(Duration.ofSeconds(1));
            // Asked as soon as anybody can know that the other has it.
            CompletableFuture<Hold.State> saidThen = rival.grant().thenApply(granted -> hold.state());
            assertThat(Eventually.get(saidThen)).isEqualTo(Hold.State.LOST);
            assertThat(Eventually.get(lost).reason()).isIn(LossReason.DEADLINE_PASSED, LossReason.LEASE_GONE);
            LossContract.assertLost(lost.join().reason(), hold::close);
            rival.grant().join().close();

            proxy.delay(Duration.ZERO);
            far.lock("far").tryAcquire(Eventually.PATIENCE).orElseThrow().close();
        }
    }

    @Test
    @Tag("F30")
    void aChildProcessOfAKilledHolder_keepsNothingAlive() throws Exception {
        try (RealEtcd etcd = RealEtcd.start(newest());
                Holdfast here = client(Duration.ofSeconds(60), etcd.endpoint()).build();
                Program holder = Program.java(HolderProcess.class, etcd.endpoint(), "inherited", "60")) {
            long child = Long.parseLong(holder.line().substring("child ".length()));
            try {
                assertThat(holder.line()).startsWith("holds ");
                Ticket waiting = here.lock("inherited").enqueue();
                holder.kill();
                waiting.await(Eventually.PATIENCE).orElseThrow().close();
                assertThat(ProcessHandle.of(child).map(ProcessHandle::isAlive))
                        .as("the child lives")
                        .contains(true);
            } finally {
                ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    @Test
    @Tag("F44")
    void aStarvedEventLoop_costsTheHold_andWhoeverAsksHearsItInTime() throws Exception {
        CountDownLatch unblock = new CountDownLatch(1);
        CompletableFuture<Void> isBlocked = new CompletableFuture<>();
        // Completions run on the spot: what they do keeps the client's own threads from renewing.
        try (RealEtcd etcd = RealEtcd.start(newest());
                Holdfast near = client(Duration.ofSeconds(60), etcd.endpoint()).build();
                Holdfast here = client(Duration.ofSeconds(10), etcd.endpoint())
                        .callbackExecutor(Runnable::run)
                        .build()) {
            Hold hold = here.lock("starved").acquire();
            CompletableFuture<Loss> told = lossOf(hold);
            Hold before = near.lock("blocking").acquire();
            CompletableFuture<Void> blocking = here.lock("blocking")
                    .acquireAsync()
                    .thenAccept(other -> {
                        isBlocked.complete(null);
                        try {
                            unblock.await(60, TimeUnit.SECONDS);
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    });
            before.close();
            try {
                Eventually.get(isBlocked);
                Eventually.that("LOST by asking", () -> hold.state() == Hold.State.LOST);
                assertThat(hold.remaining()).isZero();
                LossContract.assertLost(LossReason.DEADLINE_PASSED, () -> hold.ensure(Duration.ZERO));
                assertThat(told).isNotDone();
                near.lock("starved")
                        .tryAcquire(Eventually.PATIENCE)
                        .orElseThrow()
                        .close();
            } finally {
                unblock.countDown();
            }
            Eventually.get(blocking);
            assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.DEADLINE_PASSED);
            LossContract.assertLost(LossReason.DEADLINE_PASSED, hold::close);
        }
    }

    // ---------------------------------------------------------------------------------------------------- members

    @Test
    @Tag("F07")
    void aChangeOfLeader_givesADeadHoldersLeaseItsTimeAgain_andCostsALivingOneNothing() throws Exception {
        RealEtcd.Binary binary = newest();
        long dead = 0x1234_5678_9abc_def0L;
        try (RealCluster cluster = RealCluster.start(binary, 3);
                Operator operator = operator(cluster.endpoints().get(0));
                Holdfast here = client(ROOMY, cluster.endpoints().toArray(String[]::new))
                        .build()) {
            Hold living = here.lock("living").acquire();
            CompletableFuture<Loss> lost = lossOf(living);
            operator.grant(dead, (int) ROOMY.toSeconds());
            operator.put("orphaned/123456789abcdef0", "its client died", dead);
            Ticket waiting = here.lock("orphaned").enqueue();
            long half = ROOMY.toSeconds() / 2;
            Eventually.that("half of its time is over", () -> operator.remainingTtl(dead) <= half);
            changeLeader(binary, cluster);
            Eventually.that("its time begins anew", () -> {
                boolean isGranted = waiting.grant().isDone();
                boolean hasTime = remainingTtl(operator, dead) > half;
                assertThat(isGranted && hasTime)
                        .as("granted before that lease was over")
                        .isFalse();
                return hasTime;
            });
            waiting.await(ROOMY.multipliedBy(3)).orElseThrow().close();
            assertThat(lost).isNotDone();
            living.close();
        }
    }

    @Test
    @Tag("F41")
    void aMemberThatIsRemovedFromTheCluster_isLeftForAnother_andTheHoldSurvives() throws Exception {
        RealEtcd.Binary binary = newest();
        try (RealCluster cluster = RealCluster.start(binary, 3);
                Operator operator = operator(cluster.endpoints().get(2));
                Holdfast here = client(ROOMY, cluster.endpoints().toArray(String[]::new))
                        .requestTimeout(Duration.ofSeconds(1))
                        .build()) {
            Hold hold = here.lock("kept").acquire();
            CompletableFuture<Loss> lost = lossOf(hold);
            long lease = operator.queue("kept").get(0).getLease();
            StatusResponse preferred = status(cluster.endpoints().get(0));
            removeMember(
                    new EtcdAdmin(binary, cluster.endpoints().get(2)),
                    preferred.getHeader().getMemberId());
            FencingToken before = hold.token();
            for (int i = 0; i < 5; i++) {
                Hold next = here.lock("others").tryAcquire(Eventually.PATIENCE).orElseThrow();
                assertThat(next.token()).isGreaterThan(before);
                before = next.token();
                next.close();
            }
            awaitRise(
                    "it is renewed without that member", () -> hold.remaining().toNanos());
            awaitRise("and once more", () -> hold.remaining().toNanos());
            assertThat(lost).isNotDone();
            assertThat(operator.queue("kept")).singleElement().satisfies(entry -> assertThat(entry.getLease())
                    .isEqualTo(lease));
            hold.close();
        }
    }

    /** etcd refuses for as long as it has not been well for a few seconds. */
    private static void removeMember(EtcdAdmin admin, long memberId) {
        Eventually.that("the member is removed", () -> {
            try {
                admin.run("member", "remove", Long.toHexString(memberId));
                return true;
            } catch (AssertionError refused) {
                assertThat(refused).hasMessageContaining("unhealthy cluster");
                return false;
            }
        });
    }

    /** As {@link Operator#remainingTtl}; 0 while there is no leader that could tell. */
    private static long remainingTtl(Operator operator, long lease) {
        try {
            return operator.remainingTtl(lease);
        } catch (CompletionException noLeader) {
            return 0;
        }
    }

    /** On a busy machine the leader may change by itself meanwhile: that is as good. */
    private static void changeLeader(RealEtcd.Binary binary, RealCluster cluster) {
        long before = status(cluster.endpoints().get(0)).getLeader();
        Eventually.that("there is another leader", () -> {
            for (String endpoint : cluster.endpoints()) {
                StatusResponse one = status(endpoint);
                long id = one.getHeader().getMemberId();
                if (one.getLeader() != 0 && one.getLeader() != before) {
                    return true;
                }
                if (one.getLeader() == id) {
                    moveLeader(new EtcdAdmin(binary, endpoint), follower(cluster, id));
                }
            }
            return false;
        });
    }

    private static long follower(RealCluster cluster, long leader) {
        return cluster.endpoints().stream()
                .map(each -> status(each).getHeader().getMemberId())
                .filter(id -> id != leader)
                .findFirst()
                .orElseThrow();
    }

    private static void moveLeader(EtcdAdmin leader, long follower) {
        try {
            leader.run("move-leader", Long.toHexString(follower));
        } catch (AssertionError refused) {
            // It leads no more, or the other is not ready to: whoever asked looks again.
        }
    }

    private static StatusResponse status(String endpoint) {
        CompletableFuture<StatusResponse> answer = new CompletableFuture<>();
        try (Transport way = new GrpcTransport(List.of(endpoint))) {
            way.unary(
                    way.endpoints().get(0),
                    MaintenanceGrpc.getStatusMethod(),
                    new Metadata(),
                    StatusRequest.getDefaultInstance(),
                    Eventually.PATIENCE.toNanos(),
                    new Transport.UnaryListener<>() {
                        @Override
                        public void onAnswer(StatusResponse message) {
                            answer.complete(message);
                        }

                        @Override
                        public void onFailure(Status status) {
                            answer.completeExceptionally(new StatusRuntimeException(status));
                        }
                    });
            return answer.join();
        }
    }
}
