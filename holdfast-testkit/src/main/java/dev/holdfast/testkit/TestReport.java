package dev.holdfast.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What tests add to the summary that {@code ./test} prints: what ran against what, and what was skipped and why. */
public final class TestReport {

    private TestReport() {}

    /**
     * Adds a line. Does nothing where no summary is asked for, which is where {@code HOLDFAST_TEST_REPORT} names no folder.
     *
     * @param author who writes: lines of one author and process are in one file
     * @param line such as {@code ran: contract etcd 3.6.16}, {@code skipped: why} or {@code missing: what}
     */
    public static void add(String author, String line) {
        String folder = System.getenv("HOLDFAST_TEST_REPORT");
        if (folder == null || folder.isEmpty()) {
            return;
        }
        try {
            Path directory = Files.createDirectories(Path.of(folder));
            Files.writeString(
                    directory.resolve(author + "-" + ProcessHandle.current().pid() + ".txt"),
                    line + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
