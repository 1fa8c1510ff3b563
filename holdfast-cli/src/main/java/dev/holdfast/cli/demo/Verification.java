package dev.holdfast.cli.demo;

import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.ExitCode;
import dev.holdfast.history.History;
import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.HistoryFormatException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The verdict on a history in a file. */
public final class Verification {

    private Verification() {}

    /**
     * Prints the verdict.
     *
     * @return {@link ExitCode#OK}, {@link ExitCode#VIOLATED}, or {@link ExitCode#FAILED} if it cannot be told
     * @throws CommandFailure if the file holds no history
     */
    public static int of(Path file, PrintWriter out) {
        History history = read(file);
        if (history.operations().isEmpty()) {
            throw CommandFailure.badInput(file + " holds no operation, so there is nothing to judge");
        }
        Summary summary = Summary.of(history);
        summary.printVerdict(out);
        return summary.exitCode();
    }

    private static History read(Path file) {
        try {
            return HistoryCodec.decode(Files.readString(file));
        } catch (NoSuchFileException e) {
            throw CommandFailure.badInput("there is no file " + file);
        } catch (IOException e) {
            throw CommandFailure.badInput("cannot read " + file + ": " + e);
        } catch (HistoryFormatException e) {
            throw CommandFailure.badInput(file + ", " + e.getMessage());
        }
    }
}
