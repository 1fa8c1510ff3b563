package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The parts of a client that several threads share, in many orders of their steps. Each claim has a bad variant of the
 * source, of which the same search must find that the claim is not true.
 *
 * <p>A variant is the source as it is with one edit, compiled here: no copy that could fall behind. Each runs in a process
 * of its own, see {@link Interleavings}. There the machine behind a queue is replaced by the small one in
 * {@code src/test/interleavings}.
 */
@Tag("F17")
@Tag("F18")
final class InterleavingsTest {

    private static final Path STAND_IN = Path.of("src/test/interleavings/dev/holdfast/protocol/QueueMachine.java");
    private static final Path SOURCES = Path.of("src/main/java/dev/holdfast/runtime");

    /** Tried in order, with few switches first: most bugs need one or two. */
    private static final int SEARCHED = 200;

    /** The variants are found within less; a bound all the same. */
    private static final int MOST_SEARCHED = 400;

    private static final int STRESSED = 2_000;
    private static final int MOST_STRESSED = 20_000;
    private static final int LIMIT_MINUTES = 8;

    /** What Lincheck looks into. */
    private static final List<String> OPENED = List.of(
            "java.io",
            "java.lang",
            "java.lang.invoke",
            "java.lang.ref",
            "java.lang.reflect",
            "java.math",
            "java.net",
            "java.nio",
            "java.nio.charset",
            "java.security",
            "java.text",
            "java.time",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks",
            "java.util.function",
            "java.util.regex",
            "java.util.stream",
            "jdk.internal.misc");

    private static final List<Class<? extends Interleaving>> LOCKS = List.of(
            LockInterleavings.TicketClosedAsItsTurnComes.class,
            LockInterleavings.CancelledAsItsTurnComes.class,
            LockInterleavings.EnteredAsTheLastOneLeaves.class,
            LockInterleavings.ClientClosedAsSomebodyComes.class,
            LockInterleavings.ClosedTwiceAsItIsLost.class,
            LockInterleavings.ClosedAsItsTimeIsOver.class,
            LockInterleavings.ThreadsLockAgain.class);

    private static final String ENTER_BEGINS = "        boolean isLoopNeeded";
    private static final String ENTER_GOES_ON =
            """
                Runnable next = null;
                mutex.lock();
                try {
                    waiter.ahead = waiting.size() + (current == null ? 0 : 1);
                    waiting.add(waiter);
                    Tenure mine = tenure;
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    /** What somebody could write, and what would then not be true. */
    enum BadVariant {
        /** As it once was: a hold that came to a ticket that was closed already stayed there for ever. */
        TICKET_FORGETS_THAT_IT_WAS_CLOSED(
                "LockTicket",
                "if ((isClosed || !isTaken) && !hold.isReleased())",
                "if (!isTaken && !hold.isReleased())",
                LockInterleavings.TicketClosedAsItsTurnComes.class,
                "a ticket that was closed holds nothing"),
        /** Whoever cancels believes that he was in time. */
        CANCEL_DOES_NOT_ASK_WHO_WAS_FIRST(
                "LocalQueue",
                "isFirst = !waiter.isSettled;",
                "isFirst = true;",
                LockInterleavings.CancelledAsItsTurnComes.class,
                "cancelled or granted, and never both"),
        /** Looks for a tenure before it is in the queue, and believes that it is still there. */
        ENTERS_ON_OLD_NEWS(
                "LocalQueue",
                ENTER_BEGINS + ";\n" + ENTER_GOES_ON + "            isLoopNeeded = mine == null;\n",
                ENTER_BEGINS + " = tenure == null;\n" + ENTER_GOES_ON,
                LockInterleavings.EnteredAsTheLastOneLeaves.class,
                "whoever comes as the last one leaves is granted"),
        /** Whoever comes behind a holder after the client was closed is found by nobody. */
        ENTERS_A_CLOSED_CLIENT(
                "LocalQueue",
                "            client.post(now -> client.onCaller(this, machine, now));\n        }\n"
                        + "        failIfClosed(waiter);",
                "            client.post(now -> client.onCaller(this, machine, now));\n        }",
                LockInterleavings.ClientClosedAsSomebodyComes.class,
                "nobody waits in a closed client"),
        /** Whoever closes a lost hold tells its listeners again. */
        CLOSE_TELLS_A_LOSS_AGAIN(
                "LocalQueue",
                "} else if (!hold.isLost()) {",
                "} else {",
                LockInterleavings.ClosedTwiceAsItIsLost.class,
                "a loss is told once, a release never"),
        /** The second close is not known to be the second. */
        CLOSES_TWICE(
                "LocalQueue",
                "if (!hold.markClosed()) {",
                "if (!hold.markClosed() && hold.isReleased()) {",
                LockInterleavings.ClosedTwiceAsItIsLost.class,
                "closing again does nothing"),
        /** The end of the longest hold passes on a lock that somebody else has by now. */
        LONGEST_HOLD_ENDS_THE_NEXT_ONE(
                "LocalQueue",
                "if (current == hold) {\n                Runnable telling",
                "if (current != null) {\n                Runnable telling",
                LockInterleavings.ClosedAsItsTimeIsOver.class,
                "the lock is passed on once"),
        /** Any thread may lock again what one of them holds. */
        ANY_THREAD_LOCKS_AGAIN(
                "NamedLock",
                "if (mine == null || mine.thread != thread) {",
                "if (mine == null) {",
                LockInterleavings.ThreadsLockAgain.class,
                "one thread at a time is inside");

        private final String source;
        private final String good;
        private final String bad;
        private final Class<? extends Interleaving> foundBy;
        private final String claim;

        BadVariant(String source, String good, String bad, Class<? extends Interleaving> foundBy, String claim) {
            this.source = source;
            this.good = good;
            this.bad = bad;
            this.foundBy = foundBy;
            this.claim = claim;
        }
    }

    /** How a search ended, and all that it said. */
    private record Search(int status, String output) {}

    @BeforeEach
    void isWanted() {
        assumeFalse(Boolean.getBoolean("holdfast.quick"), "holdfast.quick is set: no search of interleavings");
    }

    @Test
    void locks_keepTheirClaims_inEveryOrderTried() throws Exception {
        compile(STAND_IN);
        Search search = search("model", SEARCHED, LOCKS);
        assertThat(search.status()).as(search.output()).isZero();
    }

    @Test
    void locks_keepTheirClaims_underStress() throws Exception {
        compile(STAND_IN);
        Search search = search("stress", STRESSED, LOCKS);
        assertThat(search.status()).as(search.output()).isZero();
    }

    @Test
    void eventLoop_losesNoTask_andRunsOneAtATime_underStress() throws Exception {
        Search search = search("stress", STRESSED, List.of(EventLoopInterleavings.TasksFromTwoThreads.class));
        assertThat(search.status()).as(search.output()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void badVariant_isFound(BadVariant variant) throws Exception {
        compile(STAND_IN);
        compile(edited(variant.source, variant.good, variant.bad));
        Search search = search("model", MOST_SEARCHED, List.of(variant.foundBy));
        assertThat(search.status()).as(search.output()).isEqualTo(Interleavings.FOUND);
        assertThat(search.output()).contains("NOT TRUE: " + variant.claim);
    }

    /** Whoever lets go of the loop does not look for a task that came meanwhile. */
    @Test
    void eventLoopThatDoesNotLookOnceMore_isFound() throws Exception {
        compile(edited(
                "EventLoop",
                "while (!isClosed && !tasks.isEmpty() && runner.compareAndSet(null, me))",
                "if (!isClosed && !tasks.isEmpty() && runner.compareAndSet(null, me))"));
        Search search = search("stress", MOST_STRESSED, List.of(EventLoopInterleavings.TasksFromTwoThreads.class));
        assertThat(search.status()).as(search.output()).isEqualTo(Interleavings.FOUND);
        assertThat(search.output()).contains("NOT TRUE: every task runs");
    }

    private Path edited(String name, String good, String bad) throws IOException {
        String source = Files.readString(SOURCES.resolve(name + ".java"));
        assertThat(source.split(Pattern.quote(good), -1))
                .as("this stands once in " + name + ": " + good)
                .hasSize(2);
        Path edited = folder.resolve("edited").resolve(name + ".java");
        Files.createDirectories(edited.getParent());
        return Files.writeString(edited, source.replace(good, bad));
    }

    private Path classes() {
        return folder.resolve("classes");
    }

    private static String classPath() {
        return System.getProperty("java.class.path");
    }

    private void compile(Path source) throws IOException {
        Files.createDirectories(classes());
        int status = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-nowarn",
                        "-proc:none",
                        "--release",
                        "17",
                        "-cp",
                        classPath(),
                        "-d",
                        classes().toString(),
                        source.toString());
        assertThat(status).as("javac " + source).isZero();
    }

    private Search search(String how, int most, List<Class<? extends Interleaving>> scenarios) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                // Classes are rewritten and run a few hundred times: the second compiler would cost more than it saves.
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+EnableDynamicAgentLoading"));
        for (String opened : OPENED) {
            command.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", classes() + File.pathSeparator + classPath()));
        command.addAll(List.of(Interleavings.class.getName(), how, Integer.toString(most)));
        scenarios.forEach(each -> command.add(each.getName()));
        Path said = folder.resolve("said.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        try {
            boolean hasEnded = process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES);
            String output = withoutWarnings(said);
            assertThat(hasEnded)
                    .as("ended within " + LIMIT_MINUTES + " minutes: " + output)
                    .isTrue();
            return new Search(process.exitValue(), output);
        } finally {
            process.destroyForcibly();
        }
    }

    /** Fields of records, which Lincheck then reads in another way. */
    private static String withoutWarnings(Path said) throws IOException {
        try (Stream<String> lines = Files.lines(said)) {
            return String.join(
                    "\n",
                    lines.filter(line -> !line.contains("offset for field")).toList());
        }
    }
}
