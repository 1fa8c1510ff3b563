package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
        List<String> command = new ArrayList<>(List.of(
                Servers.java(), "-cp", System.getProperty("java.class.path"), Worker.class.getName(), mode, type));
        command.addAll(assignment.words());
        return WorkerProcess.start(command, folder.resolve("log"));
    }
}
