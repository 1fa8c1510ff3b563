package dev.holdfast.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** etcdctl, a client no one here wrote, works against the engine's server: every release of it on this machine. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class EtcdctlInteroperationTest {
    private static final long TIMEOUT_SECONDS = 20;

    @TestFactory
    Stream<DynamicTest> etcdctlWorks() {
        List<RealEtcd.Binary> found = RealEtcd.found().stream()
                .filter(binary -> binary.etcdctl() != null)
                .toList();
        assumeFalse(found.isEmpty(), "no etcdctl found next to an etcd: " + RealEtcd.NONE_FOUND);
        return found.stream()
                .map(binary -> DynamicTest.dynamicTest("etcdctl " + binary.version(), () -> {
                    try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                            EngineServer server =
                                    etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
                        Etcdctl etcdctl = new Etcdctl(Objects.requireNonNull(binary.etcdctl()), server.endpoint());
                        keys(etcdctl);
                        transactions(etcdctl);
                        watches(etcdctl);
                        leases(etcdctl);
                        locks(etcdctl);
                        elections(etcdctl);
                        maintenance(etcdctl, server.endpoint());
                    }
                }));
    }

    private static void keys(Etcdctl etcdctl) throws Exception {
        assertThat(etcdctl.run("put", "k/a", "1")).isEqualTo("OK\n");
        assertThat(etcdctl.run("put", "k/b", "2", "--prev-kv")).isEqualTo("OK\n");
        assertThat(etcdctl.run("put", "k/a", "3", "--prev-kv")).isEqualTo("OK\nk/a\n1\n");
        assertThat(etcdctl.run("get", "k/", "--prefix")).isEqualTo("k/a\n3\nk/b\n2\n");
        assertThat(etcdctl.run("get", "k/", "--prefix", "--keys-only", "--order=DESCEND"))
                .isEqualTo("k/b\n\nk/a\n\n");
        assertThat(etcdctl.run("get", "k/a", "--rev=2", "--print-value-only")).isEqualTo("1\n");
        assertThat(etcdctl.run("get", "", "--from-key", "--limit=1")).isEqualTo("k/a\n3\n");
        assertThat(etcdctl.run("del", "k/", "--prefix", "--prev-kv")).isEqualTo("2\nk/a\n3\nk/b\n2\n");
        assertThat(etcdctl.run("del", "k/none")).isEqualTo("0\n");
    }

    private static void transactions(Etcdctl etcdctl) throws Exception {
        String txn = "create(\"t\") = \"0\"\n\nput t new\nget t\n\nget t\n\n";
        assertThat(etcdctl.runWithInput(txn, "txn")).isEqualTo("SUCCESS\n\nOK\n\nt\nnew\n");
        assertThat(etcdctl.runWithInput(txn, "txn")).isEqualTo("FAILURE\n\nt\nnew\n");
    }

    private static void watches(Etcdctl etcdctl) throws Exception {
        etcdctl.run("put", "w/a", "1");
        try (Running watch = etcdctl.start("watch", "w/", "--prefix", "--rev=1")) {
            watch.expect("PUT", "w/a", "1");
            etcdctl.run("put", "w/b", "2");
            watch.expect("PUT", "w/b", "2");
            etcdctl.run("del", "w/a");
            watch.expect("DELETE", "w/a", "");
        }
    }

    private static void leases(Etcdctl etcdctl) throws Exception {
        String granted = etcdctl.run("lease", "grant", "60");
        Matcher matcher =
                Pattern.compile("lease ([0-9a-f]+) granted with TTL\\(60s\\)\n").matcher(granted);
        assertThat(matcher.matches()).as(granted).isTrue();
        String lease = matcher.group(1);
        etcdctl.run("put", "l/a", "1", "--lease=" + lease);
        assertThat(etcdctl.run("lease", "keep-alive", "--once", lease))
                .isEqualTo("lease " + lease + " keepalived with TTL(60)\n");
        assertThat(etcdctl.run("lease", "timetolive", "--keys", lease))
                .startsWith("lease " + lease + " granted with TTL(60s), remaining(")
                .contains("attached keys([l/a])");
        assertThat(etcdctl.run("lease", "list")).isEqualTo("found 1 leases\n" + lease + "\n");
        assertThat(etcdctl.run("lease", "revoke", lease)).isEqualTo("lease " + lease + " revoked\n");
        assertThat(etcdctl.run("get", "l/a")).isEmpty();
        assertThat(etcdctl.run("lease", "timetolive", lease)).isEqualTo("lease " + lease + " already expired\n");
    }

    private static void locks(Etcdctl etcdctl) throws Exception {
        assertThat(etcdctl.run("lock", "mutex", "echo", "held")).isEqualTo("held\n");
        try (Running first = etcdctl.start("lock", "mutex")) {
            assertThat(first.line()).startsWith("mutex/");
            try (Running second = etcdctl.start("lock", "mutex")) {
                etcdctl.awaitCount("mutex/", 2);
                assertThat(second.lines).isEmpty();
                first.stop();
                assertThat(second.line()).startsWith("mutex/");
            }
        }
        etcdctl.awaitCount("mutex/", 0);
    }

    private static void elections(Etcdctl etcdctl) throws Exception {
        try (Running observer = etcdctl.start("elect", "--listen", "vote");
                Running leader = etcdctl.start("elect", "vote", "first")) {
            String key = leader.line();
            assertThat(key).startsWith("vote/");
            assertThat(leader.line()).isEqualTo("first");
            observer.expect(key, "first");
            try (Running next = etcdctl.start("elect", "vote", "second")) {
                etcdctl.awaitCount("vote/", 2);
                leader.stop();
                assertThat(next.line()).startsWith("vote/");
                assertThat(next.line()).isEqualTo("second");
            }
        }
    }

    private static void maintenance(Etcdctl etcdctl, String endpoint) throws Exception {
        assertThat(etcdctl.run("endpoint", "status", "--write-out=simple"))
                .startsWith(endpoint + ", ")
                .contains(Engine.API_VERSION);
        assertThat(etcdctl.runWithErrors("endpoint", "health")).contains("is healthy");
        assertThat(etcdctl.run("alarm", "list")).isEmpty();
        assertThat(etcdctl.run("member", "list")).contains("started, holdfast").contains(endpoint);
        assertThat(etcdctl.run("defrag")).contains("Finished defragmenting");
        assertThat(etcdctl.run("compaction", "3")).isEqualTo("compacted revision 3\n");
        assertThat(etcdctl.fail("get", "a", "--rev=1")).contains("required revision has been compacted");
        assertThat(etcdctl.fail("compaction", "3")).contains("required revision has been compacted");
        assertThat(etcdctl.fail("snapshot", "save", System.getProperty("java.io.tmpdir") + "/holdfast-none"))
                .contains("does not offer etcdserverpb.Maintenance/Snapshot");
    }

    private record Etcdctl(Path program, String endpoint) {

        /** Runs a command that must succeed; returns what it prints, errors aside. */
        String run(String... arguments) throws IOException, InterruptedException {
            return runWithInput("", arguments);
        }

        String runWithInput(String input, String... arguments) throws IOException, InterruptedException {
            Process process = process(false, arguments);
            try (OutputStream in = process.getOutputStream()) {
                in.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String output = finish(process);
            assertThat(process.exitValue())
                    .as("%s: %s", List.of(arguments), output)
                    .isZero();
            return output;
        }

        /** Runs a command that must succeed; returns all that it prints: older releases say some things on the error output. */
        String runWithErrors(String... arguments) throws IOException, InterruptedException {
            Process process = process(true, arguments);
            String output = finish(process);
            assertThat(process.exitValue())
                    .as("%s: %s", List.of(arguments), output)
                    .isZero();
            return output;
        }

        /** Runs a command that must fail; returns all that it prints. */
        String fail(String... arguments) throws IOException, InterruptedException {
            Process process = process(true, arguments);
            String output = finish(process);
            assertThat(process.exitValue())
                    .as("%s: %s", List.of(arguments), output)
                    .isNotZero();
            return output;
        }

        Running start(String... arguments) throws IOException {
            return new Running(process(false, arguments));
        }

        void awaitCount(String prefix, int count) throws IOException, InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
            while (run("get", prefix, "--prefix", "--keys-only")
                            .lines()
                            .filter(line -> !line.isEmpty())
                            .count()
                    != count) {
                assertThat(System.nanoTime())
                        .as("%d keys under %s", count, prefix)
                        .isLessThan(deadline);
            }
        }

        private Process process(boolean withErrors, String... arguments) throws IOException {
            List<String> command = new ArrayList<>(List.of(program.toString(), "--endpoints=" + endpoint));
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command);
            if (withErrors) {
                builder.redirectErrorStream(true);
            } else {
                builder.redirectError(ProcessBuilder.Redirect.DISCARD);
            }
            builder.environment().put("ETCDCTL_API", "3");
            return builder.start();
        }

        private static String finish(Process process) throws IOException, InterruptedException {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("etcdctl did not end");
            }
            return output;
        }
    }

    /** An etcdctl that goes on until it is closed. */
    private static final class Running implements AutoCloseable {
        private final Process process;
        private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

        Running(Process process) {
            this.process = process;
            Thread reader = new Thread(() -> {
                try (BufferedReader output =
                        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                    output.lines().forEach(lines::add);
                } catch (IOException | UncheckedIOException e) {
                    lines.add("(closed)");
                }
            });
            reader.setDaemon(true);
            reader.start();
        }

        String line() throws InterruptedException {
            String line = lines.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            assertThat(line).as("a line within %d s", TIMEOUT_SECONDS).isNotNull();
            return Objects.requireNonNull(line);
        }

        void expect(String... expected) throws InterruptedException {
            for (String line : expected) {
                assertThat(line()).isEqualTo(line);
            }
        }

        /** Stops it as a user would: it unlocks and resigns. */
        void stop() {
            process.destroy();
            try {
                if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void close() {
            stop();
        }
    }
}
