package dev.holdfast.cli;

import java.io.Console;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
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
        char @Nullable [] ask(String prompt) throws InterruptedException;

        /** As {@link #ask}, but what is typed may be shown. */
        default @Nullable String askOpenly(String prompt) throws InterruptedException {
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
        String value = environment.getOrDefault(name, "");
        if (value.indexOf('\uFFFD') >= 0) {
            throw CommandFailure.badInput("this locale cannot read the value of " + name
                    + ", which is not all ASCII; set LC_ALL=C.UTF-8 (for a password, --password-file will do)");
        }
        return value;
    }

    private static final class ProcessTerminal implements Terminal {
        @Override
        public char @Nullable [] ask(String prompt) throws InterruptedException {
            return asked(console -> console.readPassword("%s", prompt));
        }

        @Override
        public @Nullable String askOpenly(String prompt) throws InterruptedException {
            return asked(console -> console.readLine("%s", prompt));
        }
    }

    /** The console itself does not mind an interrupt; when the JVM ends it shows again what is typed. */
    @SuppressWarnings("SystemConsoleNull") // asked for a terminal, too
    private static <T> @Nullable T asked(Function<Console, @Nullable T> question) throws InterruptedException {
        Console console = System.console();
        if (console == null || !isTerminal(console)) {
            return null;
        }
        FutureTask<@Nullable T> answer = new FutureTask<>(() -> question.apply(console));
        Thread reader = new Thread(answer, "holdfast-question");
        reader.setDaemon(true);
        reader.start();
        try {
            return answer.get();
        } catch (ExecutionException e) {
            return null;
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

    /** In a locale such as C Java reads every byte beyond ASCII as '?': another lock, and another command. */
    static void requireArgumentsAsTyped() {
        if (System.getProperty("sun.jnu.encoding", "UTF-8").equalsIgnoreCase("UTF-8")) {
            return;
        }
        try {
            for (byte b : Files.readAllBytes(Path.of("/proc/self/cmdline"))) {
                if (b < 0) {
                    throw CommandFailure.badInput("the arguments are not all ASCII, and this locale cannot tell them"
                            + " from others; set LC_ALL=C.UTF-8");
                }
            }
        } catch (IOException e) {
            // not Linux, and that is said elsewhere
        }
    }
}
