package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.put;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes and real file systems under a data directory: killed, full, gone. */
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
@Timeout(1_200)
class KillTest {
    private static final int ROUNDS = Integer.getInteger("holdfast.kill.rounds", 20);
    private static final int CALLERS = 4;

    @TempDir
    private Path folder;

    /** Writes one value after the other under a key of each caller, and prints each once it was answered. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] args) throws Exception {
            CountDownLatch never = new CountDownLatch(1);
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(Path.of(args[0]))) {
                Transport transport = etcd.transport();
                for (int caller = 0; caller < CALLERS; caller++) {
                    new Caller(transport, caller).put(Long.parseLong(args[1]));
                }
                never.await();
            }
        }

        private record Caller(Transport transport, int number) {
            void put(long value) {
                transport.unary(
                        "embedded",
                        KVGrpc.getPutMethod(),
                        new Metadata(),
                        Messages.put("k" + number, Long.toString(value)),
                        TimeUnit.SECONDS.toNanos(60),
                        new Transport.UnaryListener<PutResponse>() {
                            @Override
                            public void onAnswer(PutResponse answer) {
                                System.out.println(number + " " + value);
                                System.out.flush();
                                put(value + 1);
                            }

                            @Override
                            public void onFailure(Status status) {
                                System.out.println("failed " + status);
                            }
                        });
            }
        }
    }

    @Test
    @Tag("F46")
    @Tag("F47")
    void aProcessThatIsKilled_losesNothingItAnswered_andTheNextOneGetsIn() throws Exception {
        Path directory = folder.resolve("data");
        Random random = new Random(1);
        long[] answered = new long[CALLERS];
        long writes = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long from = round * 1_000_000L + 1;
            Path complaints = folder.resolve("complaints-" + round);
            Process process = writer(directory, from, complaints);
            try {
                writes += killAfter(20 + random.nextInt(300), process, round == 0 ? directory : null, answered);
                assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            } catch (AssertionError e) {
                throw new AssertionError(
                        "round " + round + "; the writer complained: " + Files.readString(complaints), e);
            } finally {
                process.destroyForcibly();
            }
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory);
                    EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                    EtcdConnection connection = new EtcdConnection(server.endpoint())) {
                for (int caller = 0; caller < CALLERS; caller++) {
                    long found = value(connection, "k" + caller);
                    // One more may have been written whose answer was lost with the process.
                    assertThat(found)
                            .as("round %s, caller %s", round, caller)
                            .isGreaterThanOrEqualTo(answered[caller])
                            .isLessThan(from + 1_000_000);
                }
            }
        }
        System.out.println(ROUNDS + " processes killed, " + writes + " answered writes, all there");
    }

    /** Its complaints go to a file, so that they stand in no line of what it says, and no full pipe stops it. */
    private static Process writer(Path directory, long from, Path complaints) throws IOException {
        return new ProcessBuilder(
                        System.getProperty("java.home") + "/bin/java",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        directory.toString(),
                        Long.toString(from))
                .redirectError(complaints.toFile())
                .start();
    }

    /**
     * Kills it once it has said so many lines, and reads what it said until then.
     *
     * @param inUse a directory that nobody else may have meanwhile; null if that was shown before
     * @param answered the last value of each caller; updated
     * @return how many lines it said
     */
    private static int killAfter(int killAfter, Process process, @Nullable Path inUse, long[] answered)
            throws IOException {
        int lines = 0;
        try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = said.readLine(); line != null; line = said.readLine()) {
                String[] words = line.split(" ", -1);
                if (words.length != 2 || !line.matches("[0-9]+ [0-9]+")) {
                    throw new AssertionError("the writer said: " + line);
                }
                // The last line may be cut off, and then it names less.
                int caller = Integer.parseInt(words[0]);
                answered[caller] = Math.max(answered[caller], Long.parseLong(words[1]));
                lines++;
                if (lines == killAfter) {
                    if (inUse != null) {
                        assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(inUse))
                                .isInstanceOf(DataDirectoryException.class)
                                .hasMessageContaining("in use by process " + process.pid());
                    }
                    process.toHandle().destroyForcibly(); // leaves what it has said to be read
                }
            }
        }
        assertThat(lines).as("lines").isGreaterThanOrEqualTo(killAfter);
        return lines;
    }

    private static long value(EtcdConnection connection, String key) {
        dev.holdfast.etcdapi.RangeResponse answer =
                (dev.holdfast.etcdapi.RangeResponse) connection.call(get(key)).message();
        return answer.getKvsCount() == 0
                ? 0
                : Long.parseLong(answer.getKvs(0).getValue().toStringUtf8());
    }

    @Test
    @Tag("F46")
    void aFullFileSystem_refusesPuts_servesReleases_andLosesNothing() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("small"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", mount.toString()), "cannot mount");
        try {
            Path directory = mount.resolve("data");
            int accepted = 0;
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory);
                    EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                    EtcdConnection connection = new EtcdConnection(server.endpoint())) {
                String value = "x".repeat(500_000);
                EtcdConnection.@Nullable Outcome refused = null;
                while (refused == null) {
                    EtcdConnection.Outcome outcome = connection.call(put("big" + accepted, value));
                    if (outcome.answer() == null) {
                        refused = outcome;
                    } else {
                        accepted++;
                        assertThat(accepted).isLessThan(48);
                    }
                }
                assertThat(refused.status().getDescription()).isEqualTo(EtcdError.NO_SPACE.text());
                assertThat(accepted).isGreaterThan(20);
                connection.call(Messages.delete("big0")).message();
                connection.call(get("big1")).message();
            }
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory);
                    EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                    EtcdConnection connection = new EtcdConnection(server.endpoint())) {
                dev.holdfast.etcdapi.RangeResponse found = (dev.holdfast.etcdapi.RangeResponse) connection
                        .call(Messages.prefix("big").setCountOnly(true).build())
                        .message();
                assertThat(found.getCount()).isEqualTo(accepted - 1);
            }
        } finally {
            assertThat(run("umount", mount.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command).inheritIO().start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    @Tag("F46")
    void aDirectoryThatIsRemovedUnderARunningEngine_isNotMadeAnew() throws Exception {
        Path directory = folder.resolve("data");
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory);
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                EtcdConnection connection = new EtcdConnection(server.endpoint())) {
            connection.call(put("k0", "1")).message();
            try (var files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
            assertThat(value(connection, "k0")).isEqualTo(1);
        }
        assertThat(directory).doesNotExist();
    }

    @Test
    @Tag("F46")
    void aLockFileWithAnyContents_isNoObstacle() throws Exception {
        Path directory = folder.resolve("data");
        EmbeddedEtcd.inDirectory(directory).close();
        for (byte[] contents : new byte[][] {{}, {(byte) 0xff, 0, 1}, "4711\n".getBytes(StandardCharsets.US_ASCII)}) {
            Files.write(directory.resolve(DataDirectory.LOCK), contents);
            EmbeddedEtcd.inDirectory(directory).close();
        }
    }
}
