package dev.holdfast.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;

/** What a command line printed and how it ended. */
record CommandLineRun(int exitCode, String out, String err) {

    /** Without any variable in the environment, and without a terminal. */
    static CommandLineRun of(String... args) {
        return in(Map.of(), args);
    }

    static CommandLineRun in(Map<String, String> environment, String... args) {
        return in(new Surroundings(environment, prompt -> null), args);
    }

    static CommandLineRun in(Surroundings surroundings, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = Main.run(surroundings, new PrintWriter(out, true), new PrintWriter(err, true), args);
        return new CommandLineRun(exitCode, out.toString(), err.toString());
    }
}
