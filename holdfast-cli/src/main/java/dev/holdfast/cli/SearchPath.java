package dev.holdfast.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where programs are found: the variable {@code PATH}.
 *
 * @param text folders separated by colons
 */
record SearchPath(String text) {

    /** What a search comes to. */
    enum Finding {
        EXECUTABLE,
        NOT_EXECUTABLE,
        NOT_FOUND
    }

    /** Looks for a program as a shell does: a name with a '/' in it is a path, and not searched for. */
    Finding find(String program) {
        if (program.indexOf('/') >= 0) {
            return judge(Path.of(program));
        }
        Finding best = Finding.NOT_FOUND;
        for (String folder : text.split(":", -1)) {
            Finding here = program.isEmpty()
                    ? Finding.NOT_FOUND
                    : judge(Path.of(folder).resolve(program));
            if (here == Finding.EXECUTABLE) {
                return here;
            }
            if (here == Finding.NOT_EXECUTABLE) {
                best = here;
            }
        }
        return best;
    }

    private static Finding judge(Path file) {
        if (!Files.exists(file)) {
            return Finding.NOT_FOUND;
        }
        return Files.isRegularFile(file) && Files.isExecutable(file) ? Finding.EXECUTABLE : Finding.NOT_EXECUTABLE;
    }
}
