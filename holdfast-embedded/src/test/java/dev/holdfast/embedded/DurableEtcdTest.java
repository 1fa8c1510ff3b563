package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.createWatch;
import static dev.holdfast.embedded.Messages.delete;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.keepAlive;
import static dev.holdfast.embedded.Messages.put;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.Message;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An etcd in a directory: what it answers is safe, what is not safe is not answered. */
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
@Timeout(60)
class DurableEtcdTest {
    /** Kept, or the setting is forgotten. */
    private static final Logger LOG = Logger.getLogger("dev.holdfast");

    private static final CommandLog.Limits LIMITS = new CommandLog.Limits(4_096, 4_096, 1 << 20);

    @TempDir
    private Path folder;

    @BeforeAll
    static void failuresThatAreMade_areNotPrinted() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void othersPrintAgain() {
        LOG.setLevel(null);
    }

    // -------------------------------------------------------------------------------------------------- restarts

    @Test
    void whatWasAnswered_isThereAfterARestart_withTheSameClusterId() throws Exception {
        Path directory = folder.resolve("parent/data");
        long lease;
        RangeResponse before;
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory)) {
            Client client = new Client(etcd.transport());
            LeaseGrantResponse granted = client.call(LeaseGrpc.getLeaseGrantMethod(), grant(0, 60));
            lease = granted.getID();
            client.call(KVGrpc.getPutMethod(), put("a", "1", lease));
            client.call(KVGrpc.getPutMethod(), put("a", "2", lease));
            before = client.call(KVGrpc.getRangeMethod(), get("a"));
        }
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory)) {
            Client client = new Client(etcd.transport());
            RangeResponse after = client.call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(after).isEqualTo(before);
            LeaseTimeToLiveResponse left = client.call(
                    LeaseGrpc.getLeaseTimeToLiveMethod(),
                    LeaseTimeToLiveRequest.newBuilder().setID(lease).build());
            assertThat(left.getTTL()).isBetween(58L, 60L);
        }
    }

    @Test
    void eachDataSet_hasAClusterIdOfItsOwn() throws Exception {
        assertThat(clusterId(folder.resolve("a"))).isNotEqualTo(clusterId(folder.resolve("b")));
        assertThat(clusterId(folder.resolve("a"))).isEqualTo(clusterId(folder.resolve("a")));
    }

    private static long clusterId(Path directory) throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory)) {
            RangeResponse answer = new Client(etcd.transport()).call(KVGrpc.getRangeMethod(), get("a"));
            return answer.getHeader().getClusterId();
        }
    }

    @Test
    void aLeaseThatRanOut_staysOut() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(folder.resolve("data"))) {
            Client client = new Client(etcd.transport());
            client.call(LeaseGrpc.getLeaseGrantMethod(), grant(5, 2));
            BlockingQueue<Object> events = client.watch("a");
            client.call(KVGrpc.getPutMethod(), put("a", "1", 5));
            assertThat(((WatchResponse) events.take()).getCreated()).isTrue();
            assertThat(((WatchResponse) events.take()).getEventsCount()).isEqualTo(1);
            assertThat(((WatchResponse) events.take()).getEvents(0).getKv().getValue())
                    .isEmpty();
        }
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(folder.resolve("data"))) {
            Client client = new Client(etcd.transport());
            RangeResponse answer = client.call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(answer.getCount()).isZero();
            assertThat(answer.getHeader().getRevision()).isEqualTo(3);
        }
    }

    // ------------------------------------------------------------------------------------------ before the fsync

    @Test
    void nothingLeaves_beforeItIsSafe() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            BlockingQueue<Object> events = client.watch("a");
            assertThat(((WatchResponse) events.take()).getCreated()).isTrue();

            disk.hold();
            // One task for all three, so that they are in one turn with the write.
            BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
            etcd.tryExecute(() -> {
                client.start(KVGrpc.getPutMethod(), put("a", "1"), outcomes);
                client.start(KVGrpc.getRangeMethod(), get("a"), outcomes);
            });
            disk.awaitForce();

            assertThat(outcomes).isEmpty();
            assertThat(events).isEmpty();
            disk.release();
            assertThat(((WatchResponse) events.take()).getEventsCount()).isEqualTo(1);
            assertThat(outcomes.take()).isNotInstanceOf(Status.class);
            assertThat(((RangeResponse) outcomes.take()).getCount()).isEqualTo(1);
        }
    }

    @Test
    void oneFsync_servesAllWhoCameMeanwhile() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            client.call(KVGrpc.getPutMethod(), put("first", "1"));
            disk.hold();
            BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
            client.start(KVGrpc.getPutMethod(), put("a", "1"), outcomes);
            disk.awaitForce();
            int forced = disk.forces.get();
            for (int i = 0; i < 100; i++) {
                client.start(KVGrpc.getPutMethod(), put("k" + i, "1"), outcomes);
            }
            disk.release();
            for (int i = 0; i < 101; i++) {
                assertThat(outcomes.take()).isNotInstanceOf(Status.class);
            }
            assertThat(disk.forces.get() - forced).isBetween(1, 10); // the segment grows now and then
        }
    }

    // -------------------------------------------------------------------------------------------------- failures

    @Test
    void aFailedFsync_endsWrites_andWhatWasNotSafeIsNotSeen() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS);
                EngineServer server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                EtcdConnection connection = new EtcdConnection(server.endpoint())) {
            Client client = new Client(etcd.transport());
            client.call(LeaseGrpc.getLeaseGrantMethod(), grant(5, 60));
            client.call(KVGrpc.getPutMethod(), put("l/1", "holder"));
            client.call(KVGrpc.getPutMethod(), put("a", "safe"));
            BlockingQueue<Object> events = client.watch("a");
            assertThat(((WatchResponse) events.take()).getCreated()).isTrue();
            BlockingQueue<EtcdConnection.Outcome> waiting = connection.start(
                    LockRequest.newBuilder().setName(bytes("l")).setLease(5).build());
            awaitCount(client, 2);

            disk.failsFromNowOn.set(true);
            EtcdConnection.Outcome write = connection.call(put("a", "not safe"));

            assertThat(write.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(write.status().getDescription()).contains("the log cannot be written");
            assertThat(events.take()).isInstanceOfSatisfying(Status.class, status -> assertThat(status.getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE));
            assertThat(waiting.take().status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            RangeResponse read = client.call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(read.getKvs(0).getValue()).isEqualTo(bytes("safe"));
            assertThat(((RangeResponse) connection.call(get("a")).message())
                            .getKvs(0)
                            .getValue())
                    .isEqualTo(bytes("safe"));
            assertThat(connection.call(delete("a")).status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            // Holders stay alive: renewals need no disk.
            LeaseKeepAliveResponse renewed = client.call(LeaseGrpc.getLeaseKeepAliveMethod(), keepAlive(5));
            assertThat(renewed.getTTL()).isEqualTo(60);
            BlockingQueue<Object> later = client.watch("a");
            assertThat(((WatchResponse) later.take()).getHeader().getRevision())
                    .isEqualTo(read.getHeader().getRevision());
        }
        disk.failsFromNowOn.set(false);
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk.disk.afterKill(), LIMITS)) {
            RangeResponse read = new Client(etcd.transport()).call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(read.getKvs(0).getValue()).isIn(bytes("safe"), bytes("not safe"));
        }
    }

    @Test
    void aLogThatCannotBeReadBackEither_endsEverything() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            client.call(KVGrpc.getPutMethod(), put("a", "1"));
            disk.disk.remove(LogFormat.Kind.SEGMENT.fileName(1));
            disk.failsFromNowOn.set(true);
            assertThat(client.outcome(KVGrpc.getPutMethod(), put("a", "2"))).isInstanceOf(Status.class);
            assertThat(client.outcome(KVGrpc.getRangeMethod(), get("a")))
                    .isInstanceOfSatisfying(Status.class, status -> assertThat(status.getDescription())
                            .contains("neither written nor read"));
        }
    }

    @Test
    void aWriteThatRunsOutOfMemory_isNotAnswered_andEndsWrites() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            client.call(KVGrpc.getPutMethod(), put("a", "safe"));
            disk.nextWriteThrows.set(new OutOfMemoryError("Cannot reserve direct buffer memory"));
            for (String value : List.of("not safe", "later")) {
                assertThat(client.outcome(KVGrpc.getPutMethod(), put("a", value)))
                        .isInstanceOfSatisfying(Status.class, status -> assertThat(status.getCode())
                                .isEqualTo(Status.Code.UNAVAILABLE));
            }
            RangeResponse read = client.call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(read.getKvs(0).getValue()).isEqualTo(bytes("safe"));
        }
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk.disk.afterKill(), LIMITS)) {
            RangeResponse read = new Client(etcd.transport()).call(KVGrpc.getRangeMethod(), get("a"));
            assertThat(read.getKvs(0).getValue()).isEqualTo(bytes("safe"));
        }
    }

    @Test
    void aLogForWhichThereIsNoMemoryToReadItBack_endsEverything() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            client.call(KVGrpc.getPutMethod(), put("a", "1"));
            disk.nextOpenThrows.set(new OutOfMemoryError("Java heap space"));
            disk.failsFromNowOn.set(true);
            assertThat(client.outcome(KVGrpc.getPutMethod(), put("a", "2"))).isInstanceOf(Status.class);
            assertThat(client.outcome(KVGrpc.getRangeMethod(), get("a")))
                    .isInstanceOfSatisfying(Status.class, status -> assertThat(status.getDescription())
                            .contains("neither written nor read"));
        }
    }

    @Test
    void aLogThatFailsInTheMiddleOfATurn_tellsEveryCallAtOnce() throws Exception {
        SlowDisk disk = new SlowDisk();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS)) {
            Client client = new Client(etcd.transport());
            client.call(LeaseGrpc.getLeaseGrantMethod(), grant(5, 60));
            client.call(KVGrpc.getPutMethod(), put("l/1", "holder"));
            BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
            for (int i = 0; i < 2; i++) {
                client.start(
                        LockGrpc.getLockMethod(),
                        LockRequest.newBuilder().setName(bytes("l")).setLease(5).build(),
                        outcomes);
            }
            awaitCount(client, 2); // one key for both: they have one lease
            disk.failsFromNowOn.set(true);
            etcd.tryExecute(() -> {
                client.start(KVGrpc.getPutMethod(), put("a", "fits"), outcomes);
                client.start(KVGrpc.getPutMethod(), put("b", "x".repeat(6_000)), outcomes);
            });
            for (int i = 0; i < 4; i++) {
                Object outcome = outcomes.poll(20, TimeUnit.SECONDS);
                assertThat(outcome).isInstanceOfSatisfying(Status.class, status -> assertThat(status.getCode())
                        .isEqualTo(Status.Code.UNAVAILABLE));
            }
        }
    }

    @Test
    void closeWhileTheDiskIsBusy_interruptsNothing_andFreesTheDiskAfterwards() throws Exception {
        SlowDisk disk = new SlowDisk();
        EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS);
        Client client = new Client(etcd.transport());
        disk.hold();
        client.start(KVGrpc.getPutMethod(), put("a", "1"), new LinkedBlockingQueue<>());
        disk.awaitForce();

        Thread.currentThread().interrupt();
        etcd.close();

        assertThat(Thread.interrupted()).isTrue();
        assertThat(disk.closed.getCount()).isEqualTo(1);
        disk.release();
        assertThat(disk.closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(disk.wasInterrupted.get()).isFalse();
    }

    /** The pool interrupts a thread that it finds without work; an interrupted one would close the file that it writes to. */
    @Test
    void close_afterTheThreadWasInterrupted_writesToTheDiskUninterrupted() throws Exception {
        SlowDisk disk = new SlowDisk();
        EmbeddedEtcd etcd = EmbeddedEtcd.on(disk, LIMITS);
        Thread closing = new Thread(etcd::close);
        etcd.tryExecute(() -> {
            closing.start();
            while (closing.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait(); // until it waits for this thread to end
            }
            // The next turn is the last one now; what comes before it fills this one.
            for (int i = 0; i < EmbeddedEtcd.MAX_TASKS_PER_TURN; i++) {
                etcd.tryExecute(() -> {});
            }
            etcd.tryExecute(() -> Thread.currentThread().interrupt());
        });
        assertThat(disk.closed.await(20, TimeUnit.SECONDS)).isTrue();
        closing.join();
        assertThat(disk.wasInterrupted.get()).isFalse();
    }

    // ----------------------------------------------------------------------------------------- the real directory

    @Test
    void aFileOfManyPieces_isReadAsItWasWritten() throws Exception {
        byte[] written = new byte[(3 << 20) + 5];
        new Random(1).nextBytes(written);
        try (DataDirectory directory = DataDirectory.enter(folder.resolve("data"));
                Disk.OpenFile file = directory.create("file")) {
            file.write(ByteBuffer.wrap(written, 0, 7), 0);
            file.write(ByteBuffer.wrap(written, 7, written.length - 7), 7);
            assertThat(file.readAll()).isEqualTo(written);
            assertThat(file.readFirst(64)).isEqualTo(Arrays.copyOf(written, 64));
            assertThat(file.readFirst(Integer.MAX_VALUE)).isEqualTo(written);
        }
    }

    @Test
    void theDirectory_isForItsOwnerOnly() throws Exception {
        assumePosix();
        Path directory = folder.resolve("data");
        EmbeddedEtcd.inDirectory(directory).close();
        assertThat(mode(directory)).isEqualTo("rwx------");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.toList()).hasSize(3).allSatisfy(file -> assertThat(mode(file))
                    .isEqualTo("rw-------"));
        }

        for (String wrong : List.of("rwxr-x---", "rwx-----x", "rwx---r--", "rwxrwxrwx")) {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(wrong));
            assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(directory))
                    .isInstanceOf(DataDirectoryException.class)
                    .hasMessageContaining("others have access")
                    .hasMessageContaining(wrong)
                    .hasMessageContaining("chmod 700 " + directory.toRealPath());
        }
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        EmbeddedEtcd.inDirectory(directory).close();
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private void assumePosix() {
        assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"), "no POSIX permissions here");
    }

    @Test
    @Tag("F47")
    void twoEnginesOnOneDirectory_areRefused_andTheFirstGoesOn() throws Exception {
        Path directory = folder.resolve("data");
        try (EmbeddedEtcd first = EmbeddedEtcd.inDirectory(directory)) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(directory))
                        .isInstanceOf(DataDirectoryException.class)
                        .hasMessageContaining("in use by this process");
            }
            Client client = new Client(first.transport());
            client.call(KVGrpc.getPutMethod(), put("a", "1"));
            // The refusals above must not have taken the lock away from the first.
            assertThat(openFromAnotherProcess(directory))
                    .contains("in use by process " + ProcessHandle.current().pid());
        }
        assertThat(openFromAnotherProcess(directory)).contains("opened");
    }

    private static String openFromAnotherProcess(Path directory) throws Exception {
        Process process = new ProcessBuilder(
                        System.getProperty("java.home") + "/bin/java",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Opener.class.getName(),
                        directory.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    /** Opens a directory and says how that went. */
    static final class Opener {
        private Opener() {}

        public static void main(String[] args) {
            try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(Path.of(args[0]))) {
                System.out.println("opened " + etcd.transport().endpoints());
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void whatIsNoDataDirectory_isRefused() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "text");
        assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(file))
                .isInstanceOf(DataDirectoryException.class)
                .hasMessageContaining("is not a directory");
        Path home = Files.createDirectory(folder.resolve("home"));
        if (home.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwx------"));
        }
        Files.writeString(home.resolve("letter.txt"), "text");
        assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(home))
                .isInstanceOf(DataDirectoryException.class)
                .hasMessageContaining("letter.txt");
        assertThat(home.toFile().list()).containsExactly("letter.txt");
    }

    @Test
    void aDamagedLog_isRefused_andCanBeTriedAgain() throws Exception {
        Path directory = folder.resolve("data");
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inDirectory(directory)) {
            Client client = new Client(etcd.transport());
            client.call(KVGrpc.getPutMethod(), put("a", "value"));
            client.call(KVGrpc.getPutMethod(), put("b", "value"));
        }
        Path segment = directory.resolve(LogFormat.Kind.SEGMENT.fileName(1));
        byte[] good = Files.readAllBytes(segment);
        byte[] bad = good.clone();
        bad[100] ^= 1;
        Files.write(segment, bad);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> EmbeddedEtcd.inDirectory(directory))
                    .isInstanceOf(DataDirectoryException.class)
                    .hasMessageContaining(segment.toRealPath() + " is damaged at byte 64");
            assertThat(Files.readAllBytes(segment)).isEqualTo(bad);
        }
        Files.write(segment, good);
        EmbeddedEtcd.inDirectory(directory).close();
    }

    // ------------------------------------------------------------------------------------------------------ tools

    private static void awaitCount(Client client, int count) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        RangeResponse answer;
        do {
            assertThat(System.nanoTime()).isLessThan(deadline);
            answer = client.call(KVGrpc.getRangeMethod(), Messages.prefix("l/").build());
        } while (answer.getCount() != count);
    }

    /** Calls over the transport inside the JVM; an outcome is an answer or a {@link Status}. */
    private record Client(Transport transport) {
        <Q, R> void start(MethodDescriptor<Q, R> method, Q request, BlockingQueue<Object> outcomes) {
            if (method.getType() != MethodDescriptor.MethodType.UNARY) {
                transport.stream("embedded", method, new Metadata(), new Streaming<R>(outcomes))
                        .send(request);
                return;
            }
            transport.unary(
                    "embedded",
                    method,
                    new Metadata(),
                    request,
                    TimeUnit.SECONDS.toNanos(50),
                    new Transport.UnaryListener<R>() {
                        @Override
                        public void onAnswer(R answer) {
                            outcomes.add(answer);
                        }

                        @Override
                        public void onFailure(Status status) {
                            outcomes.add(status);
                        }
                    });
        }

        <Q, R> Object outcome(MethodDescriptor<Q, R> method, Q request) throws InterruptedException {
            BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
            start(method, request, outcomes);
            return outcomes.take();
        }

        @SuppressWarnings("unchecked") // the method says what it answers
        <Q, R extends Message> R call(MethodDescriptor<Q, R> method, Q request) throws InterruptedException {
            Object outcome = outcome(method, request);
            if (outcome instanceof Status status) {
                throw status.asRuntimeException();
            }
            return (R) outcome;
        }

        BlockingQueue<Object> watch(String key) {
            BlockingQueue<Object> events = new LinkedBlockingQueue<>();
            start(WatchGrpc.getWatchMethod(), createWatch(Messages.watch(key)), events);
            return events;
        }
    }

    private record Streaming<R>(BlockingQueue<Object> outcomes) implements Transport.StreamListener<R> {
        @Override
        public void onMessage(R message) {
            outcomes.add(message);
        }

        @Override
        public void onClosed(Status status) {
            outcomes.add(status);
        }
    }

    /** A simulated disk whose segments' fsync can be held up, or fail. */
    private static final class SlowDisk implements Disk {
        private final SimulatedDisk disk = new SimulatedDisk();
        private final AtomicBoolean failsFromNowOn = new AtomicBoolean();
        private final AtomicReference<@Nullable Error> nextWriteThrows = new AtomicReference<>();
        private final AtomicReference<@Nullable Error> nextOpenThrows = new AtomicReference<>();
        private final AtomicBoolean wasInterrupted = new AtomicBoolean();
        private final CountDownLatch closed = new CountDownLatch(1);
        private final AtomicInteger forces = new AtomicInteger();
        private volatile CountDownLatch arrived = new CountDownLatch(0);
        private volatile CountDownLatch held = new CountDownLatch(0);

        void hold() {
            arrived = new CountDownLatch(1);
            held = new CountDownLatch(1);
        }

        void awaitForce() throws InterruptedException {
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
        }

        void release() {
            held.countDown();
        }

        @Override
        public List<String> names() {
            return disk.names();
        }

        @Override
        public OpenFile create(String name) throws IOException {
            return disk.create(name);
        }

        @Override
        public OpenFile open(String name) throws IOException {
            throwOnce(nextOpenThrows);
            return new SlowFile(disk.open(name));
        }

        @Override
        public void rename(String from, String to) throws IOException {
            disk.rename(from, to);
        }

        @Override
        public void delete(String name) throws IOException {
            disk.delete(name);
        }

        @Override
        public void force() throws IOException {
            disk.force();
        }

        @Override
        public String path(String name) {
            return disk.path(name);
        }

        @Override
        public void close() {
            if (Thread.currentThread().isInterrupted()) {
                wasInterrupted.set(true);
            }
            disk.close();
            closed.countDown();
        }

        private static void throwOnce(AtomicReference<@Nullable Error> error) {
            Error thrown = error.getAndSet(null);
            if (thrown != null) {
                throw thrown;
            }
        }

        private final class SlowFile implements OpenFile {
            private final OpenFile file;

            SlowFile(OpenFile file) {
                this.file = file;
            }

            @Override
            public byte[] readAll() throws IOException {
                return file.readAll();
            }

            @Override
            public byte[] readFirst(int bytes) throws IOException {
                return file.readFirst(bytes);
            }

            @Override
            public void write(ByteBuffer bytes, long position) throws IOException {
                throwOnce(nextWriteThrows);
                file.write(bytes, position);
            }

            @Override
            public void force() throws IOException {
                if (failsFromNowOn.get()) {
                    throw new IOException("Input/output error");
                }
                arrived.countDown();
                try {
                    assertThat(held.await(20, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    wasInterrupted.set(true);
                    Thread.currentThread().interrupt();
                }
                forces.incrementAndGet();
                file.force();
            }

            @Override
            public void truncate(long bytes) throws IOException {
                file.truncate(bytes);
            }

            @Override
            public void close() throws IOException {
                file.close();
            }
        }
    }
}
