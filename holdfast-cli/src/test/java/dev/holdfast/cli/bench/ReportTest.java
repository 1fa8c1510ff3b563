package dev.holdfast.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.holdfast.cli.demo.Screen;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

/** The same results as text, as a picture and as JSON. */
class ReportTest {

    private static final Outcome GOOD =
            Samples.outcome(Samples.good(Workload.DISTINCT), Samples.good(Workload.CLIENTS_2));

    @Test
    void theHeading_saysWhatIsMeasured_andHow() {
        assertThat(String.join("\n", Report.heading(GOOD)))
                .contains("holdfast 1.2.3 on Java 17", "JIT compilers: as usual")
                .contains("2 members: one, two", "h1:2379: 3.6.16, leader, database 20 kB", "h2:2379: did not answer")
                .contains("1 s of warm-up, not counted, then 2 s", "TTL of 10 s")
                .contains("about 150 ns are the measuring itself");
    }

    @Test
    void theTable_hasTheNumbersAndAPlotForEach() {
        List<String> lines = new Report(Strip.ASCII, 80).lines(GOOD);

        assertThat(lines)
                .contains("distinct: 5 threads of one client, each with a lock of its own, caching off")
                .contains("                  p50       p99       max   2.0 pairs/s  @-")
                .contains("                  p50       p99       max   2.0 pairs/s, 1.0 hand-overs/s  @-")
                .anyMatch(line -> line.matches("  lock +200 us +40\\.\\d ms +40\\.\\d ms .*@.*"))
                .anyMatch(line -> line.matches("  hand-over +500 us +60\\d us +60\\d us .*@.*"))
                .anyMatch(line -> line.strip().startsWith("1us"))
                .allMatch(line -> line.length() <= 80 || line.startsWith("never did"));
        assertThat(lines.get(lines.size() - 1))
                .startsWith("never did two hold one lock")
                .contains("in 8 pairs");
    }

    @Test
    void aVoidRun_hasNoNumbers_andSaysSo() {
        Outcome outcome = Samples.outcome(Samples.good(Workload.DISTINCT), Samples.bad(Workload.CLIENTS_2));

        assertThat(outcome.isVoid()).isTrue();
        assertThat(String.join("\n", new Report(Strip.ASCII, 80).lines(outcome)))
                .contains(
                        "  VOID: two held it\n", "VOID: two held one lock at the same time, so no number above counts")
                .doesNotContain("hand-over", "never did two");
        assertThat(Report.line(Samples.bad(Workload.CLIENTS_2))).isEqualTo("clients-2    VOID");
        assertThat(Plot.of(outcome)).contains("VOID: two held one lock", ">VOID<");
        assertThat(JsonParser.parseString(BenchJson.of(outcome))
                        .getAsJsonObject()
                        .get("isVoid")
                        .getAsBoolean())
                .isTrue();
    }

    @Test
    void aRunThatEndedEarly_saysSo() {
        Outcome outcome = Samples.outcome(Samples.good(Workload.DISTINCT));

        assertThat(new Report(Strip.ASCII, 80).lines(outcome)).contains("ended early: 1 of 2 workloads were measured");
        assertThat(BenchJson.of(outcome)).contains("\"isComplete\":false");
    }

    @Test
    void muchCompiling_isRemarked() {
        Result good = Samples.good(Workload.DISTINCT);
        Result cold = new Result(
                good.workload(),
                good.seconds(),
                good.lock(),
                good.unlock(),
                good.handOver(),
                good.rates(),
                List.of(),
                1);

        assertThat(new Report(Strip.ASCII, 80).lines(Samples.outcome(cold)))
                .contains(
                        "the JIT compilers were still at work in: distinct; a longer --warm-up gives steadier numbers");
        assertThat(Jvm.compilers(List.of("-Xmx1g"))).isEqualTo("as usual");
        assertThat(Jvm.compilers(List.of("-XX:TieredStopAtLevel=1"))).contains("quick compiler only");
        assertThat(Jvm.compilers(List.of("-Xint"))).contains("none");
    }

    @Test
    void thePicture_isXml_withADistributionForEachRow_andTheRates() throws Exception {
        Document picture = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(Plot.of(GOOD).getBytes(StandardCharsets.UTF_8)));

        assertThat(picture.getDocumentElement().getTagName()).isEqualTo("svg");
        assertThat(picture.getElementsByTagName("path").getLength()).isEqualTo(5);
        assertThat(picture.getElementsByTagName("polyline").getLength()).isEqualTo(2);
        assertThat(picture.getDocumentElement().getTextContent())
                .contains("etcd at <here> & there", "etcd 3.6.16", "hand-over 500 us", "2.0 pairs/s");
    }

    @Test
    void theJson_hasEveryNumber() {
        JsonObject json = JsonParser.parseString(BenchJson.of(GOOD)).getAsJsonObject();

        assertThat(json.get("isComplete").getAsBoolean()).isTrue();
        assertThat(json.getAsJsonArray("servers")).hasSize(2);
        JsonObject distinct = json.getAsJsonArray("workloads").get(0).getAsJsonObject();
        assertThat(distinct.get("name").getAsString()).isEqualTo("distinct");
        assertThat(distinct.get("threadsOfEach").getAsInt()).isEqualTo(5);
        assertThat(distinct.get("pairs").getAsLong()).isEqualTo(4);
        assertThat(distinct.get("pairsPerSecond").getAsDouble()).isEqualTo(2);
        assertThat(distinct.getAsJsonObject("unlock").get("maxNanos").getAsLong())
                .isEqualTo(2_000);
        assertThat(distinct.has("hand-over")).isFalse();
        assertThat(distinct.getAsJsonArray("rates")).hasSize(2);
    }

    @Test
    void whatAServerSays_cannotPlayWithTheTerminal() {
        ServerInfo nasty =
                new ServerInfo(List.of("\u001b[2J"), List.of(new ServerInfo.Server("h:1", "3.6\u001b[31m", false, 0)));

        assertThat(String.join("", nasty.lines())).doesNotContain("\u001b");
        assertThat(new ServerInfo(List.of(), List.of()).lines()).containsExactly("members: not told");
    }

    @Test
    void withoutATerminal_aLineIsPrintedEveryFewSeconds() {
        StringWriter text = new StringWriter();
        PlainProgress progress = new PlainProgress(new PrintWriter(text), 0);
        Moment moment = moment(false);

        progress.show(moment, TimeUnit.SECONDS.toNanos(1));
        assertThat(text.toString()).isEmpty();
        progress.show(moment, TimeUnit.SECONDS.toNanos(4));
        progress.show(moment, TimeUnit.SECONDS.toNanos(5));
        assertThat(text.toString().lines())
                .containsExactly(
                        "distinct     measured  3.5 of 10 s       20.0 pairs/s  lock p50  200 us  p99  900 us");
        progress.ended(Samples.good(Workload.DISTINCT));
        assertThat(text.toString().lines()).hasSize(2);
    }

    @Test
    void inATerminal_oneLineMoves_andTheLastOneStays() {
        StringWriter text = new StringWriter();
        LiveProgress progress = new LiveProgress(new PrintWriter(text), new Screen(90, 24, false));

        progress.show(moment(true));
        progress.show(moment(false));
        assertThat(text.toString())
                .contains("warm-up", "measured")
                .doesNotContain("\n")
                .endsWith("=@\u001b[?7h");
        progress.ended(Samples.good(Workload.DISTINCT));
        assertThat(text.toString().replace(System.lineSeparator(), "\n"))
                .containsOnlyOnce("\n")
                .endsWith("distinct           2.0 pairs/s  lock p50  200 us  p99 40.0 ms\n");
    }

    private static Moment moment(boolean isWarmUp) {
        return new Moment(
                Workload.DISTINCT,
                isWarmUp,
                3.5,
                10,
                List.of(new Rate(1, 10), new Rate(2, 20)),
                new Latency(30, 200_000, 900_000, 1_000_000));
    }
}
