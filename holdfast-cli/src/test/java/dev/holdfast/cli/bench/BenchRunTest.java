package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.Credentials;
import dev.holdfast.cli.ExitCode;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.spi.Transport;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A run on locks that are none. */
@Timeout(60)
class BenchRunTest {

    private static final double SHORT = 0.2;

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @AfterEach
    void close() {
        etcd.close();
    }

    /** Eight threads that are never kept waiting are in at the same time within microseconds. */
    @Test
    void locksThatExcludeNobody_makeTheRunVoid_andEndIt() throws Exception {
        int exitCode =
                bench(locks(() -> {}), Workload.CLIENTS_8, Workload.DISTINCT).run();

        assertThat(exitCode).isEqualTo(ExitCode.VIOLATED);
    }

    @Test
    void aVoidRun_isLoud() throws Exception {
        int unused = bench(locks(() -> {}), Workload.CLIENTS_8).run();

        assertThat(err.toString())
                .contains("holdfast bench: VOID: two held holdfast-bench-", "at the same time: threads ");
        assertThat(out.toString()).contains("clients-8    VOID", "VOID: two held one lock at the same time");
    }

    @Test
    void aLockThatIsRefused_isAFailure_thatNamesTheWorkload() {
        Bench bench = bench(
                locks(() -> {
                    throw new LockException.Refused("etcd says no");
                }),
                Workload.UNCONTENDED);

        assertThatThrownBy(bench::run)
                .isInstanceOfSatisfying(CommandFailure.class, failure -> assertThat(failure.exitCode())
                        .isEqualTo(ExitCode.FAILED))
                .hasMessageContaining("uncontended: etcd says no");
    }

    @Test
    void anOverlapThatIsOnRecord_isFoundByTheNextHolder() throws Exception {
        Setting.Place place = new Setting.Place(Seat.atNothing(), "a lock", heldByAnother());

        try (Contest contest = new Contest(Workload.UNCONTENDED, List.of(place))) {
            Result result = contest.run(plan(Workload.UNCONTENDED), paper().progress());

            assertThat(result.isVoid()).isTrue();
            assertThat(result.violations())
                    .singleElement()
                    .asString()
                    .startsWith("two held a lock at the same time: threads 9 and 1, for 3");
        }
    }

    /** Whoever is told of it only when he gives the lock back may have shared it before, and rightly so. */
    @Test
    void aLockThatIsLost_isAFailure_andNoOverlap() {
        DistributedLock lost = lock("unlock", () -> {
            throw new LockException.Lost(new Loss(
                    "a lock", new FencingToken(0, 7, 0, false), LossReason.FORCED, "by ann", Instant.EPOCH, List.of()));
        });
        Setting.Place place = new Setting.Place(Seat.at(lost), "a lock", heldByAnother());

        try (Contest contest = new Contest(Workload.UNCONTENDED, List.of(place))) {
            assertThatThrownBy(() -> contest.run(plan(Workload.UNCONTENDED), paper().progress()))
                    .isInstanceOf(CommandFailure.class)
                    .hasMessageContaining("by ann");
        }
    }

    /** From now on for an hour. */
    private static Ledger heldByAnother() {
        Ledger ledger = new Ledger();
        long now = System.nanoTime();
        long unused = ledger.note(8, now, now, now + 3_600_000_000_000L);
        return ledger;
    }

    private Bench bench(DistributedLock lock, Workload... workloads) {
        Holdfast client = (Holdfast) Proxy.newProxyInstance(
                Holdfast.class.getClassLoader(),
                new Class<?>[] {Holdfast.class},
                (self, method, arguments) -> method.getName().equals("lock") ? lock : null);
        return new Bench(plan(workloads), new On(etcd, client), "holdfast", paper());
    }

    private static DistributedLock locks(Runnable lock) {
        return lock("lock", lock);
    }

    private static DistributedLock lock(String method, Runnable what) {
        return (DistributedLock) Proxy.newProxyInstance(
                DistributedLock.class.getClassLoader(),
                new Class<?>[] {DistributedLock.class},
                (self, called, arguments) -> {
                    if (called.getName().equals(method)) {
                        what.run();
                    }
                    return null;
                });
    }

    private static Plan plan(Workload... workloads) {
        return new Plan(List.of(workloads), 2, SHORT, SHORT, 10);
    }

    private Paper paper() {
        return new Paper(new PrintWriter(out, true), new PrintWriter(err, true), Optional.empty(), false, false, null);
    }

    /** Real for bare requests only. */
    private record On(EmbeddedEtcd etcd, Holdfast client) implements Target {
        @Override
        public Holdfast connect(Consumer<HoldfastBuilder> more) {
            return client;
        }

        @Override
        public Transport transport() {
            return etcd.transport();
        }

        @Override
        public Optional<Credentials> credentials() {
            return Optional.empty();
        }

        @Override
        public String namespace() {
            return "";
        }

        @Override
        public String inWords() {
            return "locks that are none";
        }
    }
}
