package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerTest {

    private static final double PATIENCE_SECONDS = 120;

    @TempDir
    Path folder = Path.of("");

    @Test
    void aWorker_recordsPairsOfAllItsThreads_thatExcludeEachOther() throws Exception {
        List<Pair> pairs = recorded(Long.MIN_VALUE);
        assertThat(pairs).allSatisfy(pair -> {
            assertThat(pair.lock()).isZero();
            assertThat(pair.requestNanos()).isLessThanOrEqualTo(pair.acquiredNanos());
            assertThat(pair.releaseNanos()).isBetween(pair.acquiredNanos(), pair.returnedNanos());
        });
        assertThat(pairs).extracting(Pair::thread).contains(0, 1, 2, 3);
        assertThat(Judge.judge(pairs, 1, 4, 0, Long.MAX_VALUE).get("overlaps")).isZero();
    }

    @Test
    void untilItIsToContend_eachThreadHasALockOfItsOwn() throws Exception {
        assertThat(recorded(Long.MAX_VALUE)).isNotEmpty().allSatisfy(pair -> assertThat(pair.lock())
                .isEqualTo(1 + pair.thread()));
    }

    @Test
    void aWorkerThatHolds_saysWhen() throws Exception {
        try (WorkerProcess worker = start("hold", "FairLock", folder.resolve("none"))) {
            worker.await("ready", PATIENCE_SECONDS);
            long before = System.nanoTime();
            worker.tell("go");
            assertThat(Long.parseLong(worker.await("held", PATIENCE_SECONDS)[0]))
                    .isBetween(before, System.nanoTime());
        }
    }

    @Test
    void aWorkerThatFails_saysWhy() throws Exception {
        try (WorkerProcess worker = start("pairs", "NoSuchLock", folder.resolve("none"))) {
            assertThatThrownBy(() -> worker.await("ready", PATIENCE_SECONDS))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("NoSuchLock");
        }
    }

    @Test
    void aWorkerThatTakesItsLockAgainAndAgain_saysWhatAPairTook() throws Exception {
        Map<String, Double> results = again("FairLock", "");
        assertThat(results.get("pairs")).isPositive();
        assertThat(results.get("pair_p50_ns")).isPositive().isLessThanOrEqualTo(results.get("pair_p99_ns"));
    }

    @Test
    void aCachedLock_takenAgainAndAgain_asksTheServerNothing() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                Holdfast observer = etcd.connect()) {
            long before = revision(observer);
            Map<String, Double> results = again("HoldfastLock:named", server.endpoint());
            assertThat(results.get("pairs")).isPositive();
            assertThat((double) (revision(observer) - before))
                    .as("revisions")
                    .isLessThan(results.getOrDefault("pairs", 0.0) / 2);
        }
    }

    @Test
    void locksThatAreRecalled_areHeldByOneAtATime() throws Exception {
        Path owned = folder.resolve("own.records");
        Path taken = folder.resolve("take.records");
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                WorkerProcess owner =
                        startProgram(Recall.class, "own", server.endpoint(), "p", "30", owned.toString(), "0.2");
                WorkerProcess taker =
                        startProgram(Recall.class, "take", server.endpoint(), "p", "30", taken.toString(), "0.2")) {
            owner.await("ready", PATIENCE_SECONDS);
            taker.await("ready", PATIENCE_SECONDS);
            for (int i = 0; i < 3; i++) {
                owner.tell("next " + i);
                owner.await("cached", PATIENCE_SECONDS);
                taker.tell("next " + i);
                taker.await("took", PATIENCE_SECONDS);
            }
            for (WorkerProcess each : List.of(owner, taker)) {
                each.tell("next -1");
                each.await("done", PATIENCE_SECONDS);
            }
        }
        assertThat(Judge.judgeRecalls(Pair.read(owned, 0), Pair.read(taken, 1), Long.MIN_VALUE))
                .contains(entry("overlaps", 0.0), entry("recall_count", 3.0));
    }

    @Test
    void whoHoldsVeryMany_tellsWhatTheyCost_andNobodyElseCanHaveThem() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                WorkerProcess worker = startProgram(ManyHolds.class, server.endpoint(), "p", "50", "30")) {
            worker.await("ready", PATIENCE_SECONDS);
            worker.tell("go");
            worker.await("holding", PATIENCE_SECONDS);
            worker.tell("go");
            assertThat(worker.results(PATIENCE_SECONDS))
                    .contains(entry("overlaps", 0.0), entry("lost", 0.0))
                    .containsKeys("acquired_per_second", "one_more_before_p50_us", "one_more_p50_us");
        }
    }

    @Test
    void whoKeepsMany_tellsWhatTheyCost_andNobodyElseCanHaveThem() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                WorkerProcess worker = startProgram(ManyKept.class, server.endpoint(), "p", "20", "30")) {
            worker.await("ready", PATIENCE_SECONDS);
            worker.tell("go");
            worker.await("holding", PATIENCE_SECONDS);
            worker.tell("go");
            assertThat(worker.results(PATIENCE_SECONDS))
                    .contains(entry("overlaps", 0.0))
                    .containsKeys("kept_per_second", "still_kept");
        }
    }

    private Map<String, Double> again(String type, String endpoints) throws IOException, InterruptedException {
        Assignment assignment =
                new Assignment(endpoints, "p", 2, 2, Workload.Choice.OWN, 0, 30, folder.resolve("none"));
        List<String> arguments = new ArrayList<>(List.of("again", type));
        arguments.addAll(assignment.words());
        try (WorkerProcess worker = startProgram(Worker.class, arguments.toArray(String[]::new))) {
            worker.await("ready", PATIENCE_SECONDS);
            long begin = System.nanoTime();
            worker.tell("go " + begin + " " + begin + " " + begin + " " + (begin + 500_000_000));
            return worker.results(PATIENCE_SECONDS);
        }
    }

    /** The store's, as the grant of a lock that nobody else knows. */
    private static long revision(Holdfast holdfast) throws InterruptedException {
        try (Hold hold = holdfast.lock("revision").acquire()) {
            return hold.token().grantRevision();
        }
    }

    /** What four threads of a worker wrote, who contend from this moment. */
    private List<Pair> recorded(long contendNanos) throws IOException, InterruptedException {
        Path records = folder.resolve("records");
        try (WorkerProcess worker = start("pairs", "FairLock", records)) {
            worker.await("ready", PATIENCE_SECONDS);
            long begin = System.nanoTime();
            worker.tell("go " + begin + " " + contendNanos + " " + begin + " " + (begin + 200_000_000));
            String[] done = worker.await("done", PATIENCE_SECONDS);
            assertThat(done)
                    .allSatisfy(number -> assertThat(Long.parseLong(number)).isNotNegative());
            return Pair.read(records, 0);
        }
    }

    private WorkerProcess start(String mode, String type, Path records) throws IOException {
        Assignment assignment = new Assignment("", "p", 4, 1, Workload.Choice.ONE, 0, 30, records);
        List<String> arguments = new ArrayList<>(List.of(mode, type));
        arguments.addAll(assignment.words());
        return startProgram(Worker.class, arguments.toArray(String[]::new));
    }

    private WorkerProcess startProgram(Class<?> program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Servers.java(), "-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of(arguments));
        return WorkerProcess.start(command, folder.resolve("log"));
    }
}
