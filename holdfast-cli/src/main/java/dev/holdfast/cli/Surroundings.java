package dev.holdfast.cli;

import java.io.Console;
import java.lang.reflect.Method;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command finds around it: the environment, and a terminal at which to ask for a password. Immutable.
 *
 * @param environment the environment's variables
 * @param terminal where to ask
 */
record Surroundings(Map<String, String> environment, Terminal terminal) {

    /** Somebody who can be asked. */
    @FunctionalInterface
    interface Terminal {
        /** What was typed after this text, which was not shown; null if there is nobody to ask. */
        char @Nullable [] ask(String prompt);

        /** As {@link #ask}, but what is typed may be shown. */
        default @Nullable String askOpenly(String prompt) {
            char[] typed = ask(prompt);
            return typed == null ? null : new String(typed);
        }
    }

    Surroundings {
        environment = Map.copyOf(environment);
    }

    /** Those of this process. */
    static Surroundings ofProcess() {
        return new Surroundings(System.getenv(), new ProcessTerminal());
    }

    /** The value of a variable; empty if it is not set, as one that is set to nothing. */
    String variable(String name) {
        return environment.getOrDefault(name, "");
    }

    private static final class ProcessTerminal implements Terminal {
        @Override
        public char @Nullable [] ask(String prompt) {
            Console console = console();
            return console == null ? null : console.readPassword("%s", prompt);
        }

        @Override
        public @Nullable String askOpenly(String prompt) {
            Console console = console();
            return console == null ? null : console.readLine("%s", prompt);
        }

        @SuppressWarnings("SystemConsoleNull") // asked for a terminal, too
        private static @Nullable Console console() {
            Console console = System.console();
            return console != null && isTerminal(console) ? console : null;
        }
    }

    /** From Java 22 on there may be a console without a terminal, and only from then on it can be asked. */
    private static boolean isTerminal(Console console) {
        try {
            Method isTerminal = Console.class.getMethod("isTerminal");
            return (boolean) isTerminal.invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
