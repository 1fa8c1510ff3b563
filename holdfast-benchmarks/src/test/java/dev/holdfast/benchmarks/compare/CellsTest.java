package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CellsTest {

    private static final Cell FIRST = new Cell(Workload.W1, Kind.HOLDFAST, 0, 1);
    private static final Cell SECOND = new Cell(Workload.W1, Kind.HOLDFAST, 0, 2);
    private static final Map<String, String> RUN = Map.of("commit", "abc", "data", "disk");

    @TempDir
    Path folder = Path.of("");

    @Test
    void aRunThatIsGivenAgain_findsWhatIsDone() throws IOException {
        Cells.open(folder, RUN).put(FIRST, Map.of("pairs_per_second", 1234.5, "overlaps", 0.0));
        Cells again = Cells.open(folder, RUN);
        assertThat(again.get(FIRST)).contains(Map.of("pairs_per_second", 1234.5, "overlaps", 0.0));
        assertThat(again.has(FIRST)).isTrue();
        assertThat(again.has(SECOND)).isFalse();
        assertThat(again.get(SECOND)).isEmpty();
    }

    @Test
    void cellsOfAnotherRun_areRefused() throws IOException {
        Cells.open(folder, RUN).put(FIRST, Map.of("pairs", 1.0));
        assertThatThrownBy(() -> Cells.open(folder, Map.of("commit", "def", "data", "disk")))
                .isInstanceOf(Cells.DifferentRunException.class)
                .hasMessageContaining("abc")
                .hasMessageContaining("def");
    }

    @Test
    void valuesThatAreNoNumbers_areKept() throws IOException {
        Cells cells = Cells.open(folder, RUN);
        cells.put(FIRST, Map.of("jain_processes", Double.NaN));
        assertThat(cells.get(FIRST)).contains(Map.of("jain_processes", Double.NaN));
    }
}
