package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A part of a page that a command writes, between two marks; the rest is written by hand. */
public enum Page {
    /** What is measured beside other locks. */
    COMPARE("measured", "compare"),
    /** How cost grows. */
    GROWTH("growth", "growth"),
    /** What is measured inside a process. */
    JMH("jmh", "jmh");

    private final String begin;
    private final String end;

    Page(String part, String command) {
        begin = "<!-- " + part + ": begin; what is between here and the end is written by " + command + " -->";
        end = "<!-- " + part + ": end -->";
    }

    String begin() {
        return begin;
    }

    String end() {
        return end;
    }

    /**
     * Puts a text between the marks of a page and leaves all else as it is.
     *
     * @throws IllegalArgumentException if the marks are not both there, once and in order
     */
    String put(String page, String text) {
        int from = page.indexOf(begin);
        int to = page.indexOf(end);
        if (from < 0 || to < from || page.indexOf(begin, from + 1) >= 0 || page.indexOf(end, to + 1) >= 0) {
            throw new IllegalArgumentException(
                    "the page lacks the marks of " + this + ", or has them twice or in the wrong order");
        }
        return page.substring(0, from + begin.length()) + "\n\n" + text.strip() + "\n\n" + page.substring(to);
    }

    /** Does so in a file. */
    public void write(Path file, String text) throws IOException {
        Files.writeString(file, put(Files.readString(file), text));
    }
}
