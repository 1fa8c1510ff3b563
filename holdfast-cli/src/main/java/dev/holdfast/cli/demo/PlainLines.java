package dev.holdfast.cli.demo;

import java.io.PrintWriter;

/** One line for each happening: for pipes, logs and terminals that can do no more. */
final class PlainLines implements Display {

    private final PrintWriter out;
    private final Narrator narrator;

    PlainLines(PrintWriter out, Narrator narrator) {
        this.out = out;
        this.narrator = narrator;
    }

    @Override
    public void show(Happening happening) {
        String line = narrator.line(happening);
        if (line != null) {
            out.println(line);
            out.flush();
        }
    }

    @Override
    public void close() {
        out.flush();
    }
}
