package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A store that runs, of one process or of the members of a cluster. Closing it ends them and deletes their data.
 *
 * @param endpoints as its contenders' workers are told, with commas between them
 * @param metrics where its own counters can be read, one URL a member; empty if it has none
 * @param folder of its data; null if there is none
 */
record Server(String endpoints, List<ServerProcess> processes, List<String> metrics, @Nullable Path folder)
        implements AutoCloseable {

    @Override
    public void close() {
        processes.forEach(ServerProcess::close);
        deleteData();
    }

    /** As {@link #close()}, while this JVM ends. */
    void stop() {
        processes.forEach(ServerProcess::stop);
        deleteData();
    }

    private void deleteData() {
        if (folder == null) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
