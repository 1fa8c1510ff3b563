package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class ReportTest {

    private static final List<Kind> KINDS =
            List.of(Kind.HOLDFAST, Kind.GO_MUTEX, Kind.POSTGRES_ADVISORY, Kind.REDISSON);

    private final Results results = new Results();

    @Test
    void aFasterPeer_isSaidToBeFaster_withWhatItDoesNotPromise() {
        put(Kind.HOLDFAST, 1_000, 0);
        put(Kind.GO_MUTEX, 100, 0);
        put(Kind.POSTGRES_ADVISORY, 2_000, 0);
        String text = report().text();
        assertThat(line(text, "| PostgreSQL advisory lock |")).contains("| 2000 (2000 to 2000) | 2 |", "| faster |");
        assertThat(line(text, "| Go concurrency.Mutex |")).contains("| 0.10 |").doesNotContain("faster");
        assertThat(text)
                .contains("Faster than Holdfast here:", "* PostgreSQL advisory lock: nothing is on disk")
                .doesNotContain("* Go concurrency.Mutex:");
    }

    @Test
    void howQuietTheMachineWas_isSaid() {
        assertThat(report().text()).doesNotContain("How quiet");
        for (int round = 1; round <= 3; round++) {
            results.add(
                    new Cell(Workload.W4, Kind.HOLDFAST, 0, round),
                    Map.of("pairs_per_second", 1.0, Results.STOLEN, 2.0 * round));
        }
        assertThat(report().text())
                .contains("the host gave 4 % of the machine's CPU time to others in the median cell, 6 % in the worst");
    }

    @Test
    void aVoidCell_isShownAsVoid_andHasNoNumber() {
        put(Kind.HOLDFAST, 1_000, 0);
        put(Kind.REDISSON, 5_000, 1);
        String row = line(report().text(), "| Redisson RLock, not durable |");
        assertThat(row).contains("void: two held one lock", "(1 of 1 rounds)").doesNotContain("5000", "faster");
    }

    @Test
    void whatDidNotTakePart_isNamedWithItsReason() {
        assertThat(report().text()).contains("### What is not here", "* Curator: no class path");
    }

    @Test
    void whereCachingIsOff_othersAreComparedWithThat_andTheRowSaysSo() {
        results.add(new Cell(Workload.W1, Kind.HOLDFAST_UNCACHED, 0, 1), Map.of("pairs_per_second", 1_000.0));
        results.add(new Cell(Workload.W1, Kind.GO_MUTEX, 0, 1), Map.of("pairs_per_second", 500.0));
        Plan plan =
                Plan.of(List.of(Workload.W1), List.of(Kind.HOLDFAST_UNCACHED, Kind.GO_MUTEX), 1, new Pace(1, 1, 1, 5));
        String text =
                new Report(plan, results, new Report.Conditions(List.of(), List.of("disk (ext4)"), List.of())).text();
        assertThat(line(text, "| Holdfast, caching off |")).contains("| 1000 (1000 to 1000) | 1 |");
        assertThat(line(text, "| Go concurrency.Mutex |")).contains("| 500 (500 to 500) | 0.50 |");
    }

    @Test
    void everyPlotThatIsShown_isWritten_andIsXml(@TempDir Path folder) throws Exception {
        put(Kind.HOLDFAST, 1_000, 0);
        put(Kind.GO_MUTEX, 55, 0);
        String text = report().write(folder);
        assertThat(text).contains("](benchmarks/W4.svg)");
        String svg = Files.readString(folder.resolve("benchmarks/W4.svg"));
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        assertThat(svg).contains("Holdfast", "Go concurrency.Mutex", ">55</text>");
    }

    @Test
    void aGreaterValue_hasALongerBar() {
        String svg = new Chart(
                        "a < b", "x", List.of(new Chart.Row("small", 10, false), new Chart.Row("great", 1_000, true)))
                .svg();
        assertThat(width(svg, 1)).isGreaterThan(width(svg, 0));
        assertThat(svg).contains("a &lt; b");
    }

    @Test
    void whatIsWrittenByHandAroundTheMarks_stays(@TempDir Path folder) throws IOException {
        Path page = folder.resolve("page.md");
        Files.writeString(page, "before\n" + Page.COMPARE.begin() + "\nold\n" + Page.COMPARE.end() + "\nafter\n");
        Page.COMPARE.write(page, "new");
        assertThat(page)
                .hasContent("before\n" + Page.COMPARE.begin() + "\n\nnew\n\n" + Page.COMPARE.end() + "\nafter\n");
        Page.COMPARE.write(page, "newer");
        assertThat(page)
                .hasContent("before\n" + Page.COMPARE.begin() + "\n\nnewer\n\n" + Page.COMPARE.end() + "\nafter\n");
    }

    @Test
    void partsOfAPage_thatDifferentCommandsWrite_leaveEachOtherAlone(@TempDir Path folder) throws IOException {
        Path page = folder.resolve("page.md");
        Files.writeString(
                page,
                String.join(
                        "\n",
                        Page.JMH.begin(),
                        Page.JMH.end(),
                        "between",
                        Page.COMPARE.begin(),
                        Page.COMPARE.end(),
                        ""));
        Page.COMPARE.write(page, "beside others");
        Page.JMH.write(page, "inside");
        assertThat(page)
                .hasContent(String.join(
                        "\n",
                        Page.JMH.begin(),
                        "",
                        "inside",
                        "",
                        Page.JMH.end(),
                        "between",
                        Page.COMPARE.begin(),
                        "",
                        "beside others",
                        "",
                        Page.COMPARE.end(),
                        ""));
    }

    @Test
    void aPageWithoutItsMarks_isRefused() {
        assertThatThrownBy(() -> Page.COMPARE.put("no marks", "new")).isInstanceOf(IllegalArgumentException.class);
    }

    private static double width(String svg, int row) {
        String bar = svg.lines()
                .filter(line -> line.contains("height=\"16\""))
                .skip(row)
                .findFirst()
                .orElseThrow();
        return Double.parseDouble(bar.replaceFirst(".* width=\"", "").replaceFirst("\".*", ""));
    }

    private void put(Kind kind, double rate, double overlaps) {
        results.add(new Cell(Workload.W4, kind, 0, 1), Map.of("pairs_per_second", rate, "overlaps", overlaps));
    }

    private Report report() {
        Plan plan = Plan.of(List.of(Workload.W4), KINDS, 1, new Pace(1, 1, 1, 5));
        return new Report(
                plan,
                results,
                new Report.Conditions(List.of("a machine"), List.of("disk (ext4)"), List.of("Curator: no class path")));
    }

    private static String line(String text, String start) {
        return text.lines().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
    }
}
