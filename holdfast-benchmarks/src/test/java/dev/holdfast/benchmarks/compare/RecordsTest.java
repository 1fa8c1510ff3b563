package dev.holdfast.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordsTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void whatARecorderTakesDown_isRead() throws IOException {
        Recorder recorder = new Recorder(7);
        recorder.add(3, 10, 20, 30, 40);
        recorder.add(4, 50, 60, 70, 80);
        assertThat(Pair.read(written(recorder), 2))
                .containsExactly(new Pair(2, 7, 3, 10, 20, 30, 40), new Pair(2, 7, 4, 50, 60, 70, 80));
    }

    @Test
    void moreThanFitsIntoOneChunk_isKept() throws IOException {
        Recorder recorder = new Recorder(0);
        for (int i = 0; i < 10_000; i++) {
            recorder.add(i, 0, 0, 0, 0);
        }
        List<Pair> pairs = Pair.read(written(recorder), 0);
        assertThat(pairs).hasSize(10_000);
        assertThat(pairs.get(9_999).lock()).isEqualTo(9_999);
    }

    @Test
    void aFileThatEndsInsideARecord_isRefused() throws IOException {
        Path file = Files.write(folder.resolve("torn"), new byte[Pair.BYTES + 1]);
        assertThatThrownBy(() -> Pair.read(file, 0)).isInstanceOf(IOException.class);
    }

    private Path written(Recorder recorder) throws IOException {
        Path file = folder.resolve("records");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            recorder.writeTo(channel);
        }
        return file;
    }
}
