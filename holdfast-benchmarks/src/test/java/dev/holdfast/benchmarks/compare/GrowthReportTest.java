package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class GrowthReportTest {

    private final Results results = new Results();

    @Test
    void whatWasNotMeasured_isSaidSo_andHasNoTable() {
        String text = report().text();
        assertThat(line(text, "| `C1` |")).contains("not yet measured");
        assertThat(line(text, "| pairs/s of one core of the server, one by one"))
                .contains("not yet measured");
        assertThat(text).doesNotContain("What grows:");
    }

    @Test
    void theModel_followsFromWhatWasMeasured() {
        put(
                Series.LOCKS,
                1,
                Kind.HOLDFAST_UNCACHED,
                Map.of("server_cpu_us_per_pair", 250.0, "database_bytes_per_pair", 1_024.0));
        String text = report().text();
        assertThat(line(text, "| `C1` |")).contains("| 250 |");
        assertThat(line(text, "| pairs/s of one core of the server, one by one"))
                .contains("| 4000 |");
        assertThat(line(text, "| pairs until a quota of 2 GiB is full")).contains("| 2.10M |");
        assertThat(line(text, "| `C64` |")).contains("not yet measured");
    }

    @Test
    void locksAndUnlocksInAProposal_areTwoOfEachPair() {
        put(Series.LOCKS, 64, Kind.HOLDFAST_UNCACHED, Map.of("pairs_per_second", 9_000.0, "proposals_per_pair", 0.1));
        String row = line(report().text(), "| 64 | Holdfast, caching off | 9000");
        assertThat(row).contains("| 0.10 | 20 |");
    }

    @Test
    void aVoidCell_isShownAsVoid_andIsInNoPlot() {
        put(Series.PROCESSES, 2, Kind.GO_MUTEX, Map.of("pairs_per_second", 55.0, "overlaps", 1.0));
        assertThat(line(report().text(), "| 2 | Go concurrency.Mutex |"))
                .contains("void: two held one lock")
                .doesNotContain("55");
        assertThat(report().plots()).isEmpty();
    }

    @Test
    void everyPlotThatIsShown_isWritten_andIsXml(@TempDir Path folder) throws Exception {
        put(Series.THREADS, 1, Kind.GO_MUTEX, Map.of("pairs_per_second", 1_000.0, "acquire_p50_us", 500.0));
        put(Series.THREADS, 64, Kind.GO_MUTEX, Map.of("pairs_per_second", 80.0, "acquire_p50_us", 800_000.0));
        put(Series.HELD, 100_000, Kind.HOLDFAST, Map.of("acquired_per_second", 20_000.0));
        String text = report().write(folder);
        for (String name : List.of("growth-threads-rate", "growth-threads-latency", "growth-held-rate")) {
            assertThat(text).contains("](benchmarks/" + name + ".svg)");
            String svg = Files.readString(folder.resolve("benchmarks/" + name + ".svg"));
            DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        }
        assertThat(text).doesNotContain("growth-locks");
    }

    @Test
    void moreIsFurtherRight_andHigher() {
        String svg = new Curves(
                        "a < b",
                        "x",
                        "y",
                        List.of(new Curves.Line("line", List.of(new Curves.Point(1, 10), new Curves.Point(64, 1_000)))))
                .svg();
        double[] points = Arrays.stream(svg.lines()
                        .filter(line -> line.startsWith("<polyline"))
                        .findFirst()
                        .orElseThrow()
                        .replaceFirst(".*points=\"", "")
                        .replaceFirst("\".*", "")
                        .split("[ ,]", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
        assertThat(points[2]).isGreaterThan(points[0]);
        assertThat(points[3]).as("downwards").isLessThan(points[1]);
        assertThat(svg).contains("a &lt; b");
    }

    @Test
    void eachSeries_beginsWithTheSmallest_andKnowsItsSizes() {
        for (Series series : Series.all()) {
            assertThat(series.workloads())
                    .extracting(series::size)
                    .as(series.id())
                    .isSorted()
                    .startsWith(1);
        }
    }

    private void put(Series series, int size, Kind kind, Map<String, Double> metrics) {
        results.add(new Cell(series.workload(size), kind, 0, 1), metrics);
    }

    private GrowthReport report() {
        return new GrowthReport(
                results, new Report.Conditions(List.of("a machine"), List.of("disk (ext4)"), List.of()));
    }

    private static String line(String text, String start) {
        return text.lines().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
    }
}
