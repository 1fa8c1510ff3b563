package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadingsTest {

    @Test
    void cpuTime_isReadPastAnyNameOfAProgram() {
        assertThat(CpuTime.ticks("42 (a) b) 7 S) S 1 42 42 0 -1 4194560 2000 0 0 0 150 25 0 0 20 0 12 0 100 0 0"))
                .isEqualTo(175);
    }

    @Test
    void whatTheHostTook_isAShareOfAllThatTheMachineHad() {
        CpuTime.OfMachine before = CpuTime.OfMachine.parse("cpu  100 0 50 800 10 0 5 35 7 0");
        CpuTime.OfMachine after = CpuTime.OfMachine.parse("cpu  150 0 70 900 10 0 5 65 9 0");
        assertThat(before).isEqualTo(new CpuTime.OfMachine(1_000, 35));
        assertThat(after.stolenPercentSince(before)).isEqualTo(15);
    }

    @Test
    void counters_areSummedByMethod() {
        Map<String, Double> counters = Counters.parse(
                """
                # TYPE grpc_server_started_total counter
                grpc_server_started_total{grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"} 7
                grpc_server_started_total{grpc_method="Txn",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1e+03
                grpc_server_msg_sent_total{grpc_method="Watch",grpc_service="a",grpc_type="bidi_stream"} 2
                grpc_server_msg_sent_total{grpc_method="Watch",grpc_service="b",grpc_type="bidi_stream"} 3
                """);
        assertThat(Counters.growth(Map.of(), counters, Counters.STARTED, "Txn")).isEqualTo(1_000);
        assertThat(Counters.growth(counters, counters, Counters.STARTED, "Range"))
                .isZero();
        assertThat(counters).contains(entry(Counters.SENT + " Watch", 5.0));
    }

    @Test
    void countersWithoutLabels_areReadToo_andNothingElse() {
        Map<String, Double> counters = Counters.parse(
                """
                # HELP etcd_server_proposals_committed_total The total number of consensus proposals committed.
                etcd_server_proposals_committed_total 1234
                etcd_server_proposals_failed_total 9
                process_resident_memory_bytes 5.0e+07
                """);
        assertThat(counters).containsOnly(entry(Counters.PROPOSALS, 1_234.0), entry(Counters.MEMORY, 50_000_000.0));
    }

    @Test
    void proposalsOfACluster_areCountedOnce_thoughEachMemberCountsThem() {
        Map<String, Double> metrics = new HashMap<>();
        Counters.putPerPair(metrics, Map.of(), Map.of(Counters.PROPOSALS, 600.0), 100, 3);
        assertThat(metrics).contains(entry("proposals_per_pair", 2.0), entry("ranges_per_pair", 0.0));
    }

    @Test
    void aServerThatCountsNothing_isSaidNothingOf() {
        Map<String, Double> metrics = new HashMap<>();
        Counters.putPerPair(metrics, Map.of(), Map.of(), 100, 1);
        assertThat(metrics).isEmpty();
    }

    @Test
    void zipf_drawsTheFirstTwiceAsOftenAsTheSecond() {
        Zipf zipf = new Zipf(1_000);
        SplittableRandom luck = new SplittableRandom(1);
        int[] drawn = new int[1_000];
        IntStream.range(0, 200_000).forEach(i -> drawn[zipf.draw(luck)]++);
        assertThat((double) drawn[0] / drawn[1]).isBetween(1.9, 2.1);
        assertThat((double) drawn[0] / drawn[9]).isBetween(9.0, 11.0);
        assertThat(drawn[999]).isPositive();
    }

    @Test
    void anAssignment_isUnderstoodAsItWasWritten() {
        Assignment assignment =
                new Assignment("", "prefix", 16, 1_000, Workload.Choice.ZIPF, 3, 30, Path.of("/tmp/records"));
        assertThat(Assignment.parse(assignment.words())).isEqualTo(assignment);
        assertThat(assignment.lockNames())
                .hasSize(1_000 + 4 * 16)
                .startsWith("prefix-0")
                .contains("prefix-999");
        assertThat(assignment.lockNames().get(assignment.ownName(15))).isEqualTo("prefix-own-63");
    }

    @Test
    void aContenderWhoseProgramIsMissing_saysWhy(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("redisson"), "a.jar:b.jar\n");
        Files.writeString(folder.resolve("redis-server.absent"), "no redis-server here\n");
        Files.writeString(folder.resolve("go"), "/bin/go\n");
        Programs programs = Programs.read(folder);
        assertThat(programs.whyNot(Kind.REDISSON)).contains("no redis-server here");
        assertThat(programs.whyNot(Kind.GO_MUTEX)).isEmpty();
        assertThat(programs.whyNot(Kind.HOLDFAST)).isEmpty();
        assertThat(programs.whyNot(Kind.CURATOR)).isPresent();
        assertThat(programs.ofWorker(Kind.REDISSON)).isEqualTo("a.jar:b.jar");
    }

    @Test
    void timeLeft_growsWithWhatTookLongerThanThought() {
        assertThat(Progress.secondsLeft(100, 0, 0)).isEqualTo(100);
        assertThat(Progress.secondsLeft(100, 20, 40)).isEqualTo(160);
        assertThat(Progress.minutes(59)).isEqualTo("59 s");
        assertThat(Progress.minutes(605)).isEqualTo("10:05 min");
    }

    @Test
    void numbers_areWrittenShort() {
        assertThat(Numbers.shorten(Double.NaN)).isEqualTo("–");
        assertThat(Numbers.shorten(12_345)).isEqualTo("12.3k");
        assertThat(Numbers.shorten(1_234)).isEqualTo("1234");
        assertThat(Numbers.shorten(1.05)).isEqualTo("1.05");
        assertThat(Numbers.shorten(0.0004)).isEqualTo("0.0004");
        assertThat(Numbers.millis(1_234)).isEqualTo("1.23");
    }
}
