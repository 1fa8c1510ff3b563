package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A page of which one part is written by the comparison, and the rest by hand. */
final class Page {

    static final String BEGIN = "<!-- measured: begin; what is between here and the end is written by compare -->";
    static final String END = "<!-- measured: end -->";

    private Page() {}

    /**
     * Puts a text between the marks of a page and leaves all else as it is.
     *
     * @throws IllegalArgumentException if the marks are not both there, once and in order
     */
    static String put(String page, String text) {
        int begin = page.indexOf(BEGIN);
        int end = page.indexOf(END);
        if (begin < 0 || end < begin || page.indexOf(BEGIN, begin + 1) >= 0 || page.indexOf(END, end + 1) >= 0) {
            throw new IllegalArgumentException("the page lacks its marks, or has them twice or in the wrong order");
        }
        return page.substring(0, begin + BEGIN.length()) + "\n\n" + text.strip() + "\n\n" + page.substring(end);
    }

    static void write(Path file, String text) throws IOException {
        Files.writeString(file, put(Files.readString(file), text));
    }
}
