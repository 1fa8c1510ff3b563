package dev.holdfast.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An engine behind its gRPC server and one real etcd, both fresh. Every request goes to both; what they answer differently is
 * gathered, except for ids and times.
 */
final class SideBySide implements AutoCloseable {
    /** A request and two answers to it that are not the same. */
    record Mismatch(String scenario, String request, String engine, String real) {
        @Override
        public String toString() {
            return "\n[" + scenario + "]\n request: " + request + "\n engine:  " + engine + "\n real:    " + real;
        }
    }

    private static final CommandLog.Limits LIMITS = new CommandLog.Limits(1 << 16, 1 << 16, 1 << 18);

    private final RealEtcd.Version version;
    private final EmbeddedEtcd embedded;
    private final EngineServer server;
    private final RealEtcd realEtcd;
    private final EtcdConnection engine;
    private final EtcdConnection real;
    private final List<Mismatch> mismatches = new ArrayList<>();
    private String scenario = "";
    private int compared;

    SideBySide(RealEtcd.Binary binary) throws IOException, InterruptedException {
        this(binary, EmbeddedEtcd.inMemory());
    }

    /** With an engine that has its log on this disk. */
    SideBySide(RealEtcd.Binary binary, SimulatedDisk disk) throws IOException, InterruptedException {
        this(binary, EmbeddedEtcd.on(disk, LIMITS));
    }

    private SideBySide(RealEtcd.Binary binary, EmbeddedEtcd embedded) throws IOException, InterruptedException {
        version = binary.version();
        this.embedded = embedded;
        server = embedded.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        realEtcd = RealEtcd.start(binary);
        engine = new EtcdConnection(server.endpoint());
        real = new EtcdConnection(realEtcd.endpoint());
    }

    /** The release of the real one. */
    RealEtcd.Version version() {
        return version;
    }

    List<Mismatch> mismatches() {
        return mismatches;
    }

    /** How many pairs of answers were compared. */
    int compared() {
        return compared;
    }

    /** Names what comes next, and makes up for revisions that an earlier difference left behind. */
    void scenario(String name) {
        scenario = name;
        long engineRevision = revision(engine);
        long realRevision = revision(real);
        EtcdConnection behind = engineRevision < realRevision ? engine : real;
        for (long r = Math.min(engineRevision, realRevision); r < Math.max(engineRevision, realRevision); r++) {
            behind.call(PutRequest.newBuilder()
                            .setKey(Messages.bytes("catching-up"))
                            .build())
                    .message();
        }
    }

    /** The revision both are at. */
    long revision() {
        return revision(real);
    }

    private static long revision(EtcdConnection connection) {
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(Messages.bytes("any"))
                .setCountOnly(true)
                .setSerializable(true)
                .build();
        return ((RangeResponse) connection.call(request).message()).getHeader().getRevision();
    }

    /** What the engine stores is there when its process is killed now and started again. */
    void assertSurvivesARestart(SimulatedDisk disk) throws IOException, InterruptedException {
        RangeRequest everything = RangeRequest.newBuilder()
                .setKey(Messages.bytes("\0"))
                .setRangeEnd(Messages.bytes("\0"))
                .build();
        BlockingQueue<SimulatedDisk> left = new LinkedBlockingQueue<>();
        Message before;
        do {
            // Once more if a lease ran out just now. The disk belongs to the engine's thread.
            left.clear();
            before = engine.call(everything).message();
            embedded.tryExecute(() -> left.add(disk.afterKill()));
        } while (!engine.call(everything).message().equals(before));
        try (EmbeddedEtcd again = EmbeddedEtcd.on(left.take(), LIMITS);
                EngineServer served = again.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                EtcdConnection connection = new EtcdConnection(served.endpoint())) {
            assertThat(connection.call(everything).message()).isEqualTo(before);
        }
    }

    /** True when neither has a key with this prefix. */
    boolean bothHaveNone(String prefix) {
        return count(engine, prefix) == 0 && count(real, prefix) == 0;
    }

    private static long count(EtcdConnection connection, String prefix) {
        RangeRequest request = Messages.prefix(prefix).setCountOnly(true).build();
        return ((RangeResponse) connection.call(request).message()).getCount();
    }

    /** Sends the request to both and compares; returns the engine's outcome. */
    EtcdConnection.Outcome same(Message request) {
        return same(request, UnaryOperator.identity());
    }

    /** The same, comparing what {@code relevant} leaves of the answers. */
    EtcdConnection.Outcome same(Message request, UnaryOperator<Message> relevant) {
        EtcdConnection.Outcome ours;
        EtcdConnection.Outcome theirs;
        if (request instanceof LeaseKeepAliveRequest keepAlive) {
            ours = engine.keepAlive(keepAlive);
            theirs = real.keepAlive(keepAlive);
        } else {
            ours = engine.call(request);
            theirs = real.call(request);
        }
        compare(text(request), text(ours, relevant), text(theirs, relevant));
        return ours;
    }

    /** Sends a request that waits, runs what ends its waiting, and compares the outcomes. */
    void sameAfter(Message waiting, Runnable release) throws InterruptedException {
        long before = revision();
        BlockingQueue<EtcdConnection.Outcome> ours = engine.start(waiting);
        BlockingQueue<EtcdConnection.Outcome> theirs = real.start(waiting);
        // Both must have entered the queue before the release is sent: entering takes one revision.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (Math.min(revision(engine), revision(real)) == before) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the waiting request did not enter its queue");
            }
        }
        compare(text(waiting), "answered early: " + ours.peek(), "answered early: " + theirs.peek());
        release.run();
        compare(
                text(waiting),
                text(ours.poll(20, TimeUnit.SECONDS), UnaryOperator.identity()),
                text(theirs.poll(20, TimeUnit.SECONDS), UnaryOperator.identity()));
    }

    /**
     * Opens one stream on both, creates the watches, runs the writes, and compares what each watch got, event by event.
     * Watches get the ids 1, 2, ... in the order given.
     */
    void sameWatches(List<WatchCreateRequest> watches, Runnable writes) {
        EtcdConnection.Streaming<WatchRequest, WatchResponse> ours = engine.watchStream();
        EtcdConnection.Streaming<WatchRequest, WatchResponse> theirs = real.watchStream();
        Map<Long, List<String>> fromEngine = new TreeMap<>();
        Map<Long, List<String>> fromReal = new TreeMap<>();
        for (int i = 0; i < watches.size(); i++) {
            WatchRequest create = WatchRequest.newBuilder()
                    .setCreateRequest(watches.get(i).toBuilder().setWatchId(i + 1L))
                    .build();
            ours.send(create);
            theirs.send(create);
            gatherUntilCreated(ours, fromEngine);
            gatherUntilCreated(theirs, fromReal);
        }
        writes.run();
        while (gather(ours, fromEngine, 150)) {}
        // Real etcd replays the past every 100 ms; wait for as much as the engine sent, then for more than that.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (size(fromReal) < size(fromEngine) && System.nanoTime() < deadline) {
            gather(theirs, fromReal, 100);
        }
        while (gather(theirs, fromReal, 150)) {}
        ours.cancel();
        theirs.cancel();
        for (int i = 0; i < watches.size(); i++) {
            long id = i + 1L;
            compare(text(watches.get(i)), String.valueOf(fromEngine.remove(id)), String.valueOf(fromReal.remove(id)));
        }
        compare("about no watch", fromEngine.toString(), fromReal.toString());
    }

    /** Sends requests on one watch stream, each after the answer to the one before, and compares the answers. */
    void sameAnswers(List<WatchRequest> requests) {
        EtcdConnection.Streaming<WatchRequest, WatchResponse> ours = engine.watchStream();
        EtcdConnection.Streaming<WatchRequest, WatchResponse> theirs = real.watchStream();
        for (WatchRequest request : requests) {
            ours.send(request);
            theirs.send(request);
            compare(text(request), text(ours.poll(300)), text(theirs.poll(300)));
        }
        ours.cancel();
        theirs.cancel();
    }

    private static void gatherUntilCreated(
            EtcdConnection.Streaming<WatchRequest, WatchResponse> stream, Map<Long, List<String>> lines) {
        WatchResponse response;
        do {
            response = stream.next();
            add(response, lines);
        } while (!response.getCreated());
    }

    private static boolean gather(
            EtcdConnection.Streaming<WatchRequest, WatchResponse> stream, Map<Long, List<String>> lines, long millis) {
        WatchResponse response = stream.poll(millis);
        if (response != null) {
            add(response, lines);
        }
        return response != null;
    }

    private static void add(WatchResponse response, Map<Long, List<String>> lines) {
        List<String> ofWatch = lines.computeIfAbsent(response.getWatchId(), id -> new ArrayList<>());
        if (response.getEventsCount() == 0) {
            ofWatch.add(text(response));
        }
        // The header of replayed events depends on when the replay ran.
        for (Event event : response.getEventsList()) {
            ofWatch.add(shortened(text(event)));
        }
        if (response.getFragment()) {
            ofWatch.add("more of this in the next fragment");
        }
    }

    private static int size(Map<Long, List<String>> lines) {
        return lines.values().stream().mapToInt(List::size).sum();
    }

    /** Compacts both. */
    void compact(long revision) {
        same(CompactionRequest.newBuilder()
                .setRevision(revision)
                .setPhysical(true)
                .build());
    }

    private void compare(String request, String ours, String theirs) {
        compared++;
        if (!ours.equals(theirs)) {
            mismatches.add(new Mismatch(scenario, shortened(request), shortened(ours), shortened(theirs)));
        }
    }

    private static String text(EtcdConnection.@Nullable Outcome outcome, UnaryOperator<Message> relevant) {
        if (outcome == null) {
            return "no outcome";
        }
        return outcome.answer() == null
                ? outcome.status().getCode() + ": " + outcome.status().getDescription()
                : text(relevant.apply(outcome.answer()));
    }

    private static String text(@Nullable Message message) {
        return message == null
                ? "nothing"
                : TextFormat.printer().emittingSingleLine(true).printToString(MessageFields.withoutIds(message));
    }

    private static String shortened(String text) {
        return text.length() <= 3_000
                ? text
                : text.substring(0, 1_500) + " ... " + text.length() + " characters, hash " + text.hashCode();
    }

    @Override
    public void close() {
        engine.close();
        real.close();
        realEtcd.close();
        server.close();
        embedded.close();
    }
}
