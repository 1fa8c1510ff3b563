package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.createWatch;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.keepAlive;
import static dev.holdfast.embedded.Messages.op;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.then;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.CampaignRequest;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.ElectionGrpc;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaderKey;
import dev.holdfast.etcdapi.LeaderRequest;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.ProclaimRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.UnlockRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;

/**
 * Whatever bytes a client sends: it gets an error, others are served at once, nothing is left behind, and what is stored is
 * what the log says. More rounds with {@code -Dholdfast.fuzz.rounds}, another seed with {@code -Dholdfast.fuzz.seed}.
 */
@Timeout(600)
class WireFuzzTest {
    private static final long SEED = Long.getLong("holdfast.fuzz.seed", 1);
    private static final int ROUNDS = Integer.getInteger("holdfast.fuzz.rounds", 60);
    private static final long MIB = 1 << 20;
    private static final long WAIT_SECONDS = 120;

    private static final List<MethodDescriptor<?, ?>> METHODS = Stream.of(
                    KVGrpc.getServiceDescriptor(),
                    LeaseGrpc.getServiceDescriptor(),
                    WatchGrpc.getServiceDescriptor(),
                    ClusterGrpc.getServiceDescriptor(),
                    MaintenanceGrpc.getServiceDescriptor(),
                    AuthGrpc.getServiceDescriptor(),
                    LockGrpc.getServiceDescriptor(),
                    ElectionGrpc.getServiceDescriptor())
            .<MethodDescriptor<?, ?>>flatMap(service -> service.getMethods().stream())
            .toList();

    private static final CommandLog.Limits LIMITS = new CommandLog.Limits(1 << 16, 1 << 15, 1 << 20);

    private final SimulatedDisk disk = new SimulatedDisk();
    private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
    private final Handler listener = new Listener();
    private final Random random = new Random(SEED);
    private EmbeddedEtcd etcd;
    private EngineServer server;
    private EtcdConnection healthy;
    private EtcdConnection hostile;
    private Thread.@Nullable UncaughtExceptionHandler before;

    @BeforeEach
    void serve(TestInfo test) throws IOException {
        serve(test.getTags().contains("large") ? EmbeddedEtcd.inMemory() : EmbeddedEtcd.on(disk, LIMITS));
    }

    private void serve(EmbeddedEtcd served) throws IOException {
        etcd = served;
        before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> complaints.add(thread.getName() + ": " + trace(e)));
        Logger.getLogger("").addHandler(listener);
        server = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        healthy = new EtcdConnection(server.endpoint());
        hostile = new EtcdConnection(server.endpoint());
    }

    /** What is stored is what the log says; nobody has thrown anything. */
    @AfterEach
    void close() throws IOException {
        boolean isOnDisk = !disk.names().isEmpty();
        RangeResponse stored;
        try {
            requireServed();
            hostile.close();
            awaitCalls(0);
            stored = (RangeResponse) healthy.call(everything()).message();
        } finally {
            hostile.close();
            healthy.close();
            server.close();
            etcd.close();
            Logger.getLogger("").removeHandler(listener);
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
        assertThat(complaints).as("seed %s", SEED).isEmpty();
        if (isOnDisk) {
            try (CommandLog again = CommandLog.open(disk, LIMITS, () -> 0, 1, 1)) {
                assertThat(again.engine().range(everything()).getKvsList()).isEqualTo(stored.getKvsList());
            }
        }
    }

    private static RangeRequest everything() {
        ByteString zero = ByteString.copyFrom(new byte[1]);
        return RangeRequest.newBuilder().setKey(zero).setRangeEnd(zero).build();
    }

    // ----------------------------------------------------------------------------------------- bytes as messages

    @Test
    void anyBytes_toAnyMethod_areAnError() throws Exception {
        Map<String, Integer> outcomes = new TreeMap<>();
        for (MethodDescriptor<?, ?> method : METHODS) {
            List<RawCall> calls = new ArrayList<>();
            for (int i = 0; i < ROUNDS; i++) {
                byte[] message = new byte[random.nextInt(60)];
                random.nextBytes(message);
                calls.add(new RawCall(method, i % 4 == 3 ? List.of() : List.of(message)));
            }
            hostile.call(get("x")); // by then all of them have arrived
            for (RawCall call : calls) {
                Status end = call.end();
                // Nothing may end so: it says that nobody has thought of it.
                String said = end.getCode() == Status.Code.UNKNOWN
                        ? method.getFullMethodName() + " " + end
                        : end.getCode().name();
                outcomes.merge(said, 1, Integer::sum);
            }
        }
        requireServed();
        System.out.println("random bytes, seed " + SEED + ": " + outcomes);
        assertThat(outcomes).containsKeys("INTERNAL", "OK");
        // etcd, too, answers an election without a leader so.
        assertThat(outcomes.keySet())
                .noneMatch(said -> said.contains("UNKNOWN") && !said.contains("\"leader\" field must be provided"));
    }

    @Test
    void wellFormedMessages_withSomethingChanged_areAnsweredOrRefused() throws Exception {
        Map<String, Integer> outcomes = new TreeMap<>();
        for (MethodDescriptor<?, ?> method : METHODS) {
            List<byte[]> corpus = corpus(method.getFullMethodName());
            List<RawCall> calls = new ArrayList<>();
            for (int i = 0; i < 2 * ROUNDS; i++) {
                byte[] message = mutated(corpus.get(random.nextInt(corpus.size())));
                calls.add(new RawCall(method, random.nextInt(8) == 0 ? List.of(message, message) : List.of(message)));
            }
            hostile.call(get("x")); // by then all of them have arrived
            calls.forEach(call -> outcomes.merge(call.end().getCode().name(), 1, Integer::sum));
            requireServed();
        }
        System.out.println("changed messages, seed " + SEED + ": " + outcomes);
        assertThat(outcomes).containsKeys("OK", "INTERNAL", "INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE");
    }

    private byte[] mutated(byte[] original) {
        byte[] message = original.clone();
        for (int changes = random.nextInt(4); changes > 0 && message.length > 0; changes--) {
            int at = random.nextInt(message.length);
            switch (random.nextInt(6)) {
                case 0 -> message[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> message[at] = (byte) random.nextInt();
                case 2 -> message = Arrays.copyOf(message, at);
                case 3 -> {
                    byte[] longer = Arrays.copyOf(message, message.length + random.nextInt(20));
                    System.arraycopy(message, 0, longer, longer.length - message.length, message.length);
                    message = longer;
                }
                case 4 -> Arrays.fill(message, at, Math.min(at + 10, message.length), (byte) 0xff);
                default -> {
                    byte[] twice = Arrays.copyOf(message, 2 * message.length);
                    System.arraycopy(message, 0, twice, message.length, message.length);
                    message = twice;
                }
            }
        }
        return message;
    }

    /** Well-formed messages for a method, ordinary and extreme. */
    private static List<byte[]> corpus(String method) {
        List<Message> messages = new ArrayList<>();
        long[] extremes = {0, 1, -1, 2, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1, Integer.MAX_VALUE};
        String name = method.substring(method.indexOf('/') + 1);
        for (long n : extremes) {
            switch (name) {
                case "Range" ->
                    messages.add(everything().toBuilder()
                            .setRevision(n)
                            .setLimit(-n)
                            .setMinModRevision(n)
                            .setMaxCreateRevision(-n)
                            .setSortOrderValue((int) n)
                            .setSortTargetValue((int) -n)
                            .build());
                case "Put" -> messages.add(put("k" + n, "value", n));
                case "Txn" -> {
                    messages.add(then(
                            op(put("k", "v", n)),
                            op(get("k").toBuilder().setRevision(n).build())));
                    messages.add(TxnRequest.newBuilder()
                            .addCompare(Compare.newBuilder()
                                    .setKey(bytes("k"))
                                    .setTargetValue((int) n)
                                    .setResultValue((int) -n)
                                    .setModRevision(n))
                            .addSuccess(op(put("k", "v")))
                            .build());
                }
                case "Compact" ->
                    messages.add(CompactionRequest.newBuilder().setRevision(n).build());
                case "LeaseGrant" -> messages.add(grant(n, n));
                case "LeaseKeepAlive" -> messages.add(keepAlive(n));
                case "LeaseRevoke" -> messages.add(Messages.revoke(n));
                case "LeaseTimeToLive" ->
                    messages.add(LeaseTimeToLiveRequest.newBuilder()
                            .setID(n)
                            .setKeys(true)
                            .build());
                case "Watch" -> {
                    messages.add(createWatch(Messages.watchPrefix("k")
                            .setStartRevision(n)
                            .setWatchId(n)
                            .addFiltersValue((int) n)));
                    messages.add(Messages.cancelWatch(n));
                    messages.add(Messages.progress());
                }
                case "Alarm" ->
                    messages.add(AlarmRequest.newBuilder()
                            .setMemberID(n)
                            .setActionValue((int) n)
                            .setAlarmValue((int) n)
                            .build());
                case "Lock" ->
                    messages.add(LockRequest.newBuilder()
                            .setName(bytes("l"))
                            .setLease(n)
                            .build());
                case "Unlock" ->
                    messages.add(
                            UnlockRequest.newBuilder().setKey(bytes("l/" + n)).build());
                case "Campaign" ->
                    messages.add(CampaignRequest.newBuilder()
                            .setName(bytes("e"))
                            .setLease(n)
                            .build());
                case "Proclaim" ->
                    messages.add(ProclaimRequest.newBuilder()
                            .setLeader(LeaderKey.newBuilder()
                                    .setName(bytes("e"))
                                    .setKey(bytes("e/1"))
                                    .setRev(n))
                            .build());
                default ->
                    messages.add(
                            LeaderRequest.newBuilder().setName(bytes("e" + n)).build());
            }
        }
        return messages.stream().map(Message::toByteArray).toList();
    }

    // ------------------------------------------------------------------------------------------ extreme messages

    @Test
    @Tag("F39")
    void messagesThatAreTooLarge_orTooDeep_areRefused() {
        assertThat(hostile.call(put("k", "x".repeat((int) (1.6 * MIB))))
                        .status()
                        .getDescription())
                .isEqualTo("etcdserver: request is too large");
        assertThat(hostile.call(put("k", "x".repeat((int) (3 * MIB)))).status().getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(new RawCall(KVGrpc.getPutMethod(), List.of(new byte[(int) (33 * MIB)]))
                        .end()
                        .getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        TxnRequest.Builder many = TxnRequest.newBuilder();
        for (int i = 0; i < 129; i++) {
            many.addSuccess(op(put("k" + i, "v")));
        }
        assertThat(hostile.call(many.build()).status().getDescription())
                .isEqualTo("etcdserver: too many operations in txn request");
        for (int depth : new int[] {10, 49, 1_000, 100_000}) {
            Status refused = new RawCall(KVGrpc.getTxnMethod(), List.of(nested(depth))).end();
            assertThat(refused.getCode())
                    .as("depth %s", depth)
                    .isEqualTo(depth < 50 ? Status.Code.OK : Status.Code.INTERNAL);
        }
    }

    /** A transaction in a transaction, written by hand: no library would. */
    private static byte[] nested(int depth) {
        byte[] tail = new byte[0];
        List<byte[]> heads = new ArrayList<>();
        int length = 0;
        for (int i = 0; i < depth; i++) {
            byte[] inner = head(4, length); // request_txn of an operation
            length += inner.length;
            byte[] outer = head(2, length); // success of a transaction
            length += outer.length;
            heads.add(inner);
            heads.add(outer);
        }
        byte[] message = Arrays.copyOf(tail, length);
        int at = 0;
        for (int i = heads.size() - 1; i >= 0; i--) {
            System.arraycopy(heads.get(i), 0, message, at, heads.get(i).length);
            at += heads.get(i).length;
        }
        return message;
    }

    private static byte[] head(int field, int length) {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        out.write((field << 3) | 2);
        int left = length;
        while (left > 0x7f) {
            out.write((left & 0x7f) | 0x80);
            left >>>= 7;
        }
        out.write(left);
        return out.toByteArray();
    }

    @Test
    @Tag("large")
    void anAnswerThatWouldBeTooLarge_isRefused() {
        for (int i = 0; i < 20; i++) {
            healthy.call(put("big" + i, "x".repeat((int) MIB)));
        }
        TxnRequest.Builder inner = TxnRequest.newBuilder();
        for (int i = 0; i < 64; i++) {
            inner.addSuccess(RequestOp.newBuilder().setRequestRange(everything()));
        }
        TxnRequest.Builder outer = TxnRequest.newBuilder();
        for (int i = 0; i < 60; i++) {
            outer.addSuccess(op(inner.build()));
        }
        for (TxnRequest request : List.of(inner.build(), outer.build())) {
            assertThat(hostile.call(request).status().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        }
        requireServed();
    }

    // ------------------------------------------------------------------------------------------------- streams

    @Test
    void thousandsOfWatchesOnAStream_andUnknownCancels_areServed() {
        EtcdConnection.Streaming<WatchRequest, dev.holdfast.etcdapi.WatchResponse> stream = hostile.watchStream();
        for (int i = 0; i < 5_000; i++) {
            stream.send(createWatch(WatchCreateRequest.newBuilder().setKey(bytes("w" + i % 100))));
            stream.send(Messages.cancelWatch(-i - 1));
        }
        for (int i = 0; i < 5_000; i++) {
            assertThat(stream.next().getCreated()).isTrue();
        }
        healthy.call(put("w1", "v"));
        for (int i = 0; i < 50; i++) {
            assertThat(stream.next().getEventsCount()).isEqualTo(1);
        }
        for (int i = 0; i < 5_000; i++) {
            stream.send(Messages.cancelWatch(i));
        }
        for (int i = 0; i < 5_000; i++) {
            assertThat(stream.next().getCanceled()).isTrue();
        }
        stream.cancel();
    }

    @Test
    @Tag("large")
    void readersThatNeverRead_takeBoundedMemory() throws Exception {
        String large = "x".repeat((int) MIB);
        healthy.call(put("big", large));
        long before = usedMemory();
        List<RawCall> watches = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            watches.add(new RawCall(
                    WatchGrpc.getWatchMethod(),
                    List.of(createWatch(Messages.watch("big")).toByteArray()),
                    false));
        }
        List<RawCall> reads = new ArrayList<>();
        for (int i = 0; i < 700; i++) {
            reads.add(new RawCall(KVGrpc.getRangeMethod(), List.of(get("big").toByteArray()), false));
            healthy.call(put("big", large));
        }
        requireServed();
        // The kept history has up to 144 MiB; a connection may hold up to 256 MiB back.
        long grown = requireLessMore(144 + 256 + 50, before);
        System.out.println("10 watches and 700 reads of 1 MiB that nobody reads: " + grown + " MiB more");
        watches.forEach(RawCall::cancel);
        reads.forEach(RawCall::cancel);
    }

    @Test
    void callsThatComeAndGo_leaveNothing() throws Exception {
        requireServed();
        long threads = threads();
        long before = usedMemory();
        List<List<byte[]>> corpora = METHODS.stream()
                .map(method -> corpus(method.getFullMethodName()))
                .toList();
        for (int i = 0; i < 5_000; i++) {
            MethodDescriptor<?, ?> method = METHODS.get(i % METHODS.size());
            List<byte[]> corpus = corpora.get(i % METHODS.size());
            RawCall call = new RawCall(method, List.of(corpus.get(i % corpus.size())), false);
            call.cancel();
        }
        requireServed();
        awaitCalls(0);
        requireLessMore(50, before);
        requireNoMoreThreads(threads);
    }

    // ------------------------------------------------------------------------------------------- bytes on the port

    @Test
    void anyBytesOnThePort_harmNobody() throws Exception {
        byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        byte[] settings = {0, 0, 0, 4, 0, 0, 0, 0, 0};
        byte[] ping = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
        List<Socket> sockets = new ArrayList<>();
        long threads = threads();
        long before = usedMemory();
        for (int i = 0; i < 300; i++) {
            Socket socket = new Socket();
            socket.connect(address());
            sockets.add(socket);
            byte[] garbage = new byte[random.nextInt(2_000)];
            random.nextBytes(garbage);
            byte[] frame = {
                0, 0, 100, (byte) random.nextInt(12), (byte) random.nextInt(), 0, 0, 0, (byte) random.nextInt(4)
            };
            switch (i % 7) {
                case 0 -> {} // says nothing
                case 1 -> send(socket, garbage);
                case 2 -> send(socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                case 3 -> send(socket, Arrays.copyOf(preface, random.nextInt(preface.length)));
                case 4 -> send(socket, preface, settings, frame, garbage);
                case 5 -> send(socket, preface, settings, Arrays.copyOf(frame, random.nextInt(frame.length)));
                default -> send(socket, preface, settings, garbage);
            }
        }
        requireServed();
        for (byte[] flood : List.of(settings, ping)) {
            Socket socket = new Socket();
            socket.connect(address());
            sockets.add(socket);
            send(socket, preface, settings);
            for (int i = 0; i < 100_000 && send(socket, flood); i++) {
                // never reads what is answered
            }
        }
        requireServed();
        requireLessMore(100, before);
        for (Socket socket : sockets) {
            socket.close();
        }
        requireNoMoreThreads(threads);
    }

    private InetSocketAddress address() {
        URI uri = URI.create(server.endpoint());
        return new InetSocketAddress(uri.getHost(), uri.getPort());
    }

    /** False when the server has closed the connection, which is its right. */
    private static boolean send(Socket socket, byte[]... parts) {
        try {
            OutputStream out = socket.getOutputStream();
            for (byte[] part : parts) {
                out.write(part);
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    // ------------------------------------------------------------------------------------------------------ tools

    private void requireServed() {
        for (AlarmType alarm : List.of(AlarmType.NOSPACE, AlarmType.CORRUPT)) {
            healthy.call(AlarmRequest.newBuilder()
                    .setAction(AlarmRequest.AlarmAction.DEACTIVATE)
                    .setAlarm(alarm)
                    .build());
        }
        String value = "v" + random.nextInt();
        healthy.call(put("healthy", value)).message();
        assertThat(((RangeResponse) healthy.call(get("healthy")).message())
                        .getKvs(0)
                        .getValue())
                .isEqualTo(bytes(value));
    }

    private void awaitCalls(int count) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        int open;
        do {
            assertThat(System.nanoTime()).as("open calls").isLessThan(deadline);
            BlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
            etcd.tryExecute(() -> calls.add(etcd.openCalls().size()));
            try {
                open = calls.take();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        } while (open != count);
    }

    /** Waits until less than so many MiB more are in use, as one collection need not find all garbage; returns how many. */
    private static long requireLessMore(long limitMib, long beforeBytes) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        long grown;
        do {
            grown = (usedMemory() - beforeBytes) / MIB;
        } while (grown >= limitMib && System.nanoTime() < deadline);
        assertThat(grown).as("MiB more").isLessThan(limitMib);
        return grown;
    }

    private static void requireNoMoreThreads(long before) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (threads() > before && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(threads()).isLessThanOrEqualTo(before);
    }

    /** Bytes in use after garbage was collected. */
    private static long usedMemory() {
        Runtime runtime = Runtime.getRuntime();
        System.gc();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Those that serve, and neither the client's executor nor the machine's. */
    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("holdfast"))
                .count();
    }

    private static String trace(Throwable e) {
        java.io.StringWriter text = new java.io.StringWriter();
        e.printStackTrace(new java.io.PrintWriter(text));
        return text.toString();
    }

    /** Listens for what should never be logged because of a client. */
    private final class Listener extends Handler {
        @Override
        public void publish(LogRecord record) {
            // Netty speaks of each broken connection, and of each message above the limit of the transport.
            boolean isOfTheTransport = String.valueOf(record.getLoggerName()).startsWith("io.grpc.netty");
            if (record.getLevel().intValue() >= Level.WARNING.intValue() && !isOfTheTransport) {
                Throwable thrown = record.getThrown();
                complaints.add(
                        record.getLoggerName() + ": " + record.getMessage() + (thrown == null ? "" : trace(thrown)));
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    /** A call of which nobody looks at the bytes. It ends when the server ends it; a stream is half-closed. */
    private final class RawCall extends ClientCall.Listener<byte[]> {
        private final ClientCall<byte[], byte[]> call;
        private final BlockingQueue<Status> end = new LinkedBlockingQueue<>();
        private final boolean lasts;
        private final String name;

        RawCall(MethodDescriptor<?, ?> method, List<byte[]> messages) {
            this(method, messages, true);
        }

        /** @param reads whether it ever asks for an answer */
        RawCall(MethodDescriptor<?, ?> method, List<byte[]> messages, boolean reads) {
            MethodDescriptor<byte[], byte[]> raw = MethodDescriptor.<byte[], byte[]>newBuilder()
                    .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                    .setFullMethodName(method.getFullMethodName())
                    .setRequestMarshaller(Bytes.INSTANCE)
                    .setResponseMarshaller(Bytes.INSTANCE)
                    .build();
            lasts = method.getType() != MethodDescriptor.MethodType.UNARY
                    || method.getServiceName().contains("lock")
                    || method.getServiceName().contains("election");
            name = method.getFullMethodName();
            call = hostile.channel().newCall(raw, CallOptions.DEFAULT);
            call.start(this, new Metadata());
            messages.forEach(call::sendMessage);
            call.halfClose();
            if (reads) {
                call.request(Integer.MAX_VALUE);
            }
        }

        /** How it ended; one that may last is cancelled. */
        Status end() {
            try {
                if (lasts && end.isEmpty()) {
                    cancel();
                }
                Status status = end.poll(WAIT_SECONDS, TimeUnit.SECONDS);
                if (status == null) {
                    throw new AssertionError("a call of " + name + " has not ended");
                }
                return status;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        void cancel() {
            call.cancel("no longer wanted", null);
        }

        @Override
        public void onMessage(byte[] message) {
            if (lasts) {
                cancel();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            end.add(status);
        }
    }

    private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
        INSTANCE;

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
