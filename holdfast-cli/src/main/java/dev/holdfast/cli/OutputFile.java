package dev.holdfast.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** A file that a command writes at its end. */
final class OutputFile {

    private OutputFile() {}

    /**
     * Looks at the beginning whether there could be such a file.
     *
     * @param file null if none was asked for
     * @throws ParameterException if it is a folder, or its folder is not there
     */
    static void requirePlace(CommandLine command, String option, @Nullable Path file) {
        if (file == null) {
            return;
        }
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file) || folder == null || !Files.isDirectory(folder)) {
            throw new ParameterException(command, option + ": " + file + " is no place for a file");
        }
    }
}
