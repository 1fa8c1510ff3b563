package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import dev.holdfast.Ticket;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code ls}, {@code watch} and {@code release}: over the engine's server, and over the newest real etcd. */
@Timeout(120)
@ParameterizedClass(name = "{0}")
@MethodSource("servers")
class InspectionCommandsTest {

    private static final String NASTY = "\u001b[2J\u202eclose\u0007 \u009b31mthe day";

    /**
     * A server to run.
     *
     * @param binary null for the engine
     */
    record Server(RealEtcd.@Nullable Binary binary) {
        @Override
        public String toString() {
            return binary == null ? "engine" : binary.toString();
        }
    }

    @Parameter
    @Nullable
    Server server;

    private static @Nullable AutoCloseable running;
    private static String endpoint = "";
    private static int named;

    private final List<Holdfast> clients = new ArrayList<>();
    private String lock = "";

    static List<Server> servers() {
        List<Server> servers = new ArrayList<>(List.of(new Server(null)));
        List<RealEtcd.Binary> found = Boolean.getBoolean("holdfast.quick") ? List.of() : RealEtcd.found();
        if (!found.isEmpty()) {
            servers.add(new Server(found.get(found.size() - 1)));
        }
        return servers;
    }

    @BeforeParameterizedClassInvocation
    static void start(Server wanted) throws Exception {
        report("ran: inspection commands " + wanted);
        RealEtcd.Binary binary = wanted.binary();
        if (binary == null) {
            EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
            EngineServer served = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            endpoint = served.endpoint();
            running = etcd;
        } else {
            RealEtcd etcd = RealEtcd.start(binary);
            endpoint = etcd.endpoint();
            running = etcd;
        }
    }

    /** Adds a line to what the summary of the run says. */
    static void report(String line) throws IOException {
        String folder = System.getenv("HOLDFAST_TEST_REPORT");
        if (folder != null && !folder.isEmpty()) {
            Path file = Files.createDirectories(Path.of(folder))
                    .resolve("cli-" + ProcessHandle.current().pid() + ".txt");
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
    }

    @AfterParameterizedClassInvocation
    static void stop() throws Exception {
        Objects.requireNonNull(running).close();
    }

    @BeforeEach
    void nameALock() {
        lock = "cli-" + ++named + "/42";
    }

    @AfterEach
    void closeClients() {
        clients.forEach(Holdfast::close);
    }

    private Holdfast client(String instance) {
        Holdfast client = Holdfast.builder()
                .endpoints(endpoint)
                .connectTimeout(Duration.ofSeconds(30))
                .application("shop")
                .instance(instance)
                .build();
        clients.add(client);
        return client;
    }

    private Hold hold(String instance) throws InterruptedException {
        return client(instance)
                .lock(lock, LockOptions.defaults().withPurpose("close the day").withSynchronousRelease())
                .acquire();
    }

    private static CommandLineRun run(String... args) {
        return run(new Surroundings(Map.of("ETCDCTL_ENDPOINTS", endpoint), prompt -> null), args);
    }

    private static CommandLineRun run(Surroundings surroundings, String... args) {
        return CommandLineRun.in(surroundings, args);
    }

    private static void eventually(String claim, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(claim).isLessThan(deadline);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private Ticket queued(String instance) throws InterruptedException {
        Holdfast client = client(instance);
        Ticket ticket = client.lock(lock).enqueue();
        eventually("is in the queue", () -> {
            try {
                return !client.inspect().position(lock).own().isEmpty();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        return ticket;
    }

    // ---------------------------------------------------------------------------------------------------- ls

    @Test
    void ls_showsHolderAndWaiters_inOrder() throws Exception {
        Hold hold = hold("blue");
        Ticket waiting = queued("green");

        CommandLineRun run = run("ls", lock);

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        List<String> lines = run.out().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(lines.get(0)).matches("LOCK +PLACE +WHO +PURPOSE +SINCE +TOKEN");
        assertThat(lines.get(1))
                .startsWith(lock)
                .contains("holds", " pid " + ProcessHandle.current().pid() + " shop/blue", "\"close the day\"", ">=");
        assertThat(lines.get(2)).contains("waits 1", "shop/green").doesNotContain(lock);
        assertThat(run("ls", "--verbose", lock).out()).contains(hold.key());
        hold.close();
        waiting.await(Duration.ofSeconds(30)).orElseThrow().close();
    }

    @Test
    void lsJson_isOneDocument() throws Exception {
        try (Hold hold = hold("blue")) {
            CommandLineRun run = run("ls", "--json", lock);
            JsonObject json = JsonParser.parseString(run.out()).getAsJsonObject();
            assertThat(json.get("revision").getAsLong()).isPositive();
            JsonArray locks = json.getAsJsonArray("locks");
            assertThat(locks).hasSize(1);
            JsonObject one = locks.get(0).getAsJsonObject();
            assertThat(one.get("name").getAsString()).isEqualTo(lock);
            assertThat(one.get("tokenAtLeast").getAsLong())
                    .isLessThanOrEqualTo(hold.token().grantRevision());
            JsonObject holder = one.getAsJsonObject("holder");
            assertThat(holder.get("key").getAsString()).isEqualTo(hold.key());
            assertThat(holder.getAsJsonObject("writer").get("purpose").getAsString())
                    .isEqualTo("close the day");
            assertThat(holder.getAsJsonObject("writer").get("since").getAsString())
                    .matches("\\d{4}-.*Z");
            assertThat(one.getAsJsonArray("waiters")).isEmpty();
        }
    }

    @Test
    void ls_ofNothing_saysSo_andIsNoError() {
        CommandLineRun run = run("ls", lock);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .isEqualToNormalizingNewlines("no locks are held or waited for whose names start with " + lock + "\n");
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void whatSteersATerminal_neverReachesIt() throws Exception {
        Holdfast client = client(NASTY);
        Hold hold = client.lock(lock, LockOptions.defaults().withPurpose(NASTY)).acquire();
        for (String[] args : new String[][] {
            {"ls", lock}, {"ls", "-v", lock}, {"ls", "--json", lock}, {"release", lock, "--force", "--reason", "x"}
        }) {
            CommandLineRun run = run(args);
            assertThat(run.out() + run.err()).contains("\\u001b[2J\\u202eclose").matches(printed -> printed.chars()
                    .allMatch(each -> each == '\n' || (each >= ' ' && each < 0x7f) || (each > 0x9f && each < 0x2000)));
        }
        JsonObject json =
                JsonParser.parseString(run("ls", "--json", lock).out()).getAsJsonObject();
        assertThat(json.getAsJsonArray("locks")
                        .get(0)
                        .getAsJsonObject()
                        .getAsJsonObject("holder")
                        .getAsJsonObject("writer")
                        .get("purpose")
                        .getAsString())
                .isEqualTo(NASTY);
        hold.close();
    }

    @Test
    void names_thatCannotBe_areRefused() {
        CommandLineRun run = run("watch", "_holdfast/sess");
        assertThat(run.err()).contains("lies under '_holdfast', which is reserved");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void noEtcdThere_isExitCode3() {
        CommandLineRun run = CommandLineRun.of("ls", "--endpoints", "127.0.0.1:1", "--connect-timeout", "300ms");
        assertThat(run.err().lines()).singleElement().asString().contains("no etcd at 127.0.0.1:1 within 300 ms");
        assertThat(run.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    }

    // ---------------------------------------------------------------------------------------------------- watch

    /** A command that runs until it is interrupted. */
    private static final class Running implements AutoCloseable {
        private final StringWriter out = new StringWriter();
        private final CompletableFuture<Integer> exit = new CompletableFuture<>();
        private final Thread thread;

        Running(String... args) {
            Surroundings surroundings = new Surroundings(Map.of("ETCDCTL_ENDPOINTS", endpoint), prompt -> null);
            thread = new Thread(() -> exit.complete(
                    Main.run(surroundings, new PrintWriter(out, true), new PrintWriter(out, true), args)));
            thread.start();
        }

        void awaitOutput(String text) {
            eventually(
                    "prints '" + text + "', but: " + out, () -> out.toString().contains(text));
        }

        List<String> lines() {
            return out.toString().lines().toList();
        }

        @Override
        public void close() {
            thread.interrupt();
            assertThat(exit.orTimeout(30, TimeUnit.SECONDS).join()).isEqualTo(ExitCode.OK);
        }
    }

    @Test
    void watch_tellsWhatHappens_untilInterrupted() throws Exception {
        try (Running watch = new Running("watch", lock)) {
            watch.awaitOutput("nobody holds, nobody waits");
            Hold hold = hold("blue");
            watch.awaitOutput("acquired");
            Ticket waiting = queued("green");
            watch.awaitOutput("queued");
            hold.close();
            watch.awaitOutput("released");
            waiting.await(Duration.ofSeconds(30)).orElseThrow().close();
            eventually("both are gone", () -> watch.lines().size() == 7);
            assertThat(watch.lines().get(2)).contains("acquired", "shop/blue \"close the day\"; token at least ");
            assertThat(watch.lines().get(3)).contains("queued", "shop/green; 1 ahead");
            assertThat(watch.lines().get(4)).contains("released", "shop/blue");
            assertThat(watch.lines().get(5)).contains("acquired", "shop/green", "nobody waits");
            assertThat(watch.lines().get(6)).contains("released", "shop/green");
        }
    }

    @Test
    void watchJson_isOneDocumentPerLine_andNamesWhoUsedForce() throws Exception {
        try (Running one = new Running("watch", "--json", lock);
                Running all = new Running("ls", "--watch", "--json", lock)) {
            one.awaitOutput("\"listed\"");
            all.awaitOutput("\"listed\"");
            hold("blue");
            one.awaitOutput("\"acquired\"");
            assertThat(run("release", lock, "--force", "--yes", "--reason", "it hangs")
                            .exitCode())
                    .isEqualTo(ExitCode.OK);
            one.awaitOutput("\"left\"");
            all.awaitOutput("\"left\"");
            JsonObject left = JsonParser.parseString(one.lines().get(2)).getAsJsonObject();
            assertThat(left.get("how").getAsString()).isEqualTo("forced");
            assertThat(left.get("reason").getAsString()).isEqualTo("it hangs");
            assertThat(left.get("by").getAsString()).contains("@");
            assertThat(left.get("lock").getAsString()).isEqualTo(lock);
            assertThat(all.lines()).hasSize(3);
        }
    }

    @Test
    void lsWatch_withoutATerminal_printsLines() throws Exception {
        try (Running watch = new Running("ls", "--watch", lock)) {
            watch.awaitOutput("nobody holds, nobody waits");
            try (Hold hold = hold("blue")) {
                watch.awaitOutput(lock + "  acquired");
                assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            }
            watch.awaitOutput(lock + "  released");
        }
    }

    // ---------------------------------------------------------------------------------------------------- release

    private static Surroundings terminalThatSays(String answer, List<String> prompts) {
        return new Surroundings(Map.of("ETCDCTL_ENDPOINTS", endpoint), prompt -> {
            prompts.add(prompt);
            return answer.toCharArray();
        });
    }

    @Test
    void release_asks_namesWhomItHits_andPassesTheLockOn() throws Exception {
        Hold hold = hold("blue");
        Ticket waiting = queued("green");
        List<String> prompts = new ArrayList<>();

        CommandLineRun run =
                run(terminalThatSays("yes", prompts), "release", lock, "--force", "--reason", "host is gone");

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(prompts).containsExactly("Take it away? (yes/no) ");
        assertThat(run.err())
                .contains(
                        "pid " + ProcessHandle.current().pid(),
                        "application shop, instance blue, purpose \"close the day\"",
                        "since 2",
                        hold.key(),
                        "The first of 1 in the queue will be granted the lock",
                        "The holder is not stopped");
        assertThat(run.out()).startsWith("released lock '" + lock + "': deleted " + hold.key());
        waiting.await(Duration.ofSeconds(30)).orElseThrow().close();
    }

    @Test
    void release_withoutConsent_deletesNothing() throws Exception {
        try (Hold hold = hold("blue")) {
            CommandLineRun no =
                    run(terminalThatSays("no", new ArrayList<>()), "release", lock, "--force", "--reason", "r");
            assertThat(no.err()).endsWith("nothing was deleted\n");
            assertThat(no.exitCode()).isEqualTo(ExitCode.NOT_AS_FOUND);

            CommandLineRun nobodyToAsk = run("release", lock, "--force", "--reason", "r");
            assertThat(nobodyToAsk.err()).contains("there is no terminal to ask at; pass --yes");
            assertThat(nobodyToAsk.exitCode()).isEqualTo(ExitCode.USAGE);

            CommandLineRun noForce = run("release", lock, "--reason", "r");
            assertThat(noForce.err()).contains("only its holder can release a lock; --force takes it away");
            assertThat(noForce.exitCode()).isEqualTo(ExitCode.USAGE);

            CommandLineRun noReason = run("release", lock, "--force", "--yes");
            assertThat(noReason.err()).contains("--reason is missing");
            assertThat(noReason.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void release_ofALockNobodyHolds_saysSo() {
        CommandLineRun run = run("release", lock, "--force", "--yes", "--reason", "r");
        assertThat(run.err()).isEqualToNormalizingNewlines("nothing was deleted: nobody holds lock '" + lock + "'\n");
        assertThat(run.exitCode()).isEqualTo(ExitCode.NOT_AS_FOUND);
    }

    @Test
    void release_whenTheHolderChangedMeanwhile_deletesNothing() throws Exception {
        Hold first = hold("blue");
        Ticket second = queued("green");
        Surroundings slowOperator = new Surroundings(Map.of("ETCDCTL_ENDPOINTS", endpoint), prompt -> {
            first.close();
            return "yes".toCharArray();
        });

        CommandLineRun run = run(slowOperator, "release", lock, "--force", "--reason", "r");

        assertThat(run.err())
                .contains("nothing was deleted: meanwhile that holder has gone; now the lock is held by", "green");
        assertThat(run.exitCode()).isEqualTo(ExitCode.NOT_AS_FOUND);
        Hold next = second.await(Duration.ofSeconds(30)).orElseThrow();
        assertThat(next.state()).isEqualTo(Hold.State.HELD);
        next.close();
    }
}
