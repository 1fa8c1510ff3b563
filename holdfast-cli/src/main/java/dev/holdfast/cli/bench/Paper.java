package dev.holdfast.cli.bench;

import dev.holdfast.cli.demo.Screen;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a run is shown. Immutable.
 *
 * @param out gets the report, or one JSON document and nothing else
 * @param err gets what else there is to say
 * @param screen the terminal behind {@code out}, if it is one
 * @param isUnicode whether plots may be more than ASCII
 * @param svg the file for the picture, or null
 */
public record Paper(
        PrintWriter out,
        PrintWriter err,
        Optional<Screen> screen,
        boolean isUnicode,
        boolean isJson,
        @Nullable Path svg) {

    /** Where there is no terminal, lines are no longer than this. */
    private static final int USUAL_COLUMNS = 100;

    Progress progress() {
        if (isJson) {
            return new PlainProgress(err, System.nanoTime());
        }
        return screen.<Progress>map(size -> new LiveProgress(out, size))
                .orElseGet(() -> new PlainProgress(out, System.nanoTime()));
    }

    Report report() {
        return new Report(
                isUnicode ? Strip.UNICODE : Strip.ASCII,
                screen.map(Screen::columns).orElse(USUAL_COLUMNS));
    }
}
