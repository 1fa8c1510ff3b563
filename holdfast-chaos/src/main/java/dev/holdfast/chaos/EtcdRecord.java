package dev.holdfast.chaos;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.history.Entry;
import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What etcd itself says of a run: every revision of every key, read by a watch from the first one on. It moves on to
 * another member when one breaks off or falls silent, and goes on where it was.
 *
 * <p>It must have read a revision before that is compacted: {@link #readOn} waits for it. Thread-safe.
 */
final class EtcdRecord implements AutoCloseable {

    /**
     * An element of the guarded set.
     *
     * @param key as it was written
     * @param token what its writer wrote into it
     * @param revision of the transaction that added it
     */
    record Element(String key, String token, long revision) {}

    /**
     * The end of a queue entry as it was seen here.
     *
     * @param seenNanos no earlier than it happened
     */
    record Gone(String lock, Entry entry, long revision, long seenNanos) {}

    /**
     * What was read.
     *
     * @param history entries, their ends, what was left, and when leases had ended
     * @param elements of the set, in the order in which they were added
     * @param rewritten keys of the set that were written twice, which nobody does
     * @param removed keys of the set that were deleted, which nobody does
     * @param leaseEnds at which revision each lease of a session ended; its keys are deleted at the very same
     */
    record Contents(
            History history,
            List<Element> elements,
            List<Gone> gone,
            List<String> rewritten,
            List<String> removed,
            Map<String, Long> leaseEnds) {
        Contents {
            elements = List.copyOf(elements);
            gone = List.copyOf(gone);
            rewritten = List.copyOf(rewritten);
            removed = List.copyOf(removed);
            leaseEnds = Map.copyOf(leaseEnds);
        }
    }

    /** While clients are at work a member that says nothing for so long is asked no more. */
    private static final long SILENCE_MILLIS = 2_000;

    private static final long PAUSE_MILLIS = 100;
    private static final long CALL_SECONDS = 3;
    private static final long READ_ON_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int MOST_MESSAGE_BYTES = 64 << 20;

    private final List<ManagedChannel> channels = new ArrayList<>();
    private final String namespace;
    private final String sessions;
    private final String set;
    private final Map<String, String> lockByPrefix = new HashMap<>();
    private final Thread reader;
    private volatile boolean isClosed;

    private final ReentrantLock mutex = new ReentrantLock();
    private final Condition moved = mutex.newCondition();
    /* Guarded by the mutex. */
    private long revision;
    private @Nullable String failure;
    private final Map<String, Long> created = new HashMap<>();
    private final List<Operation> operations = new ArrayList<>();
    private final List<Element> elements = new ArrayList<>();
    private final List<Gone> gone = new ArrayList<>();
    private final List<String> rewritten = new ArrayList<>();
    private final List<String> removed = new ArrayList<>();
    private final Map<String, Long> leaseEnds = new HashMap<>();

    private EtcdRecord(List<String> endpoints, String namespace, List<String> locks) {
        this.namespace = namespace;
        sessions = namespace + "_holdfast/sess/";
        set = namespace + "set/";
        for (String lock : locks) {
            lockByPrefix.put(namespace + lock + "/", lock);
        }
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER), "true");
        for (String endpoint : endpoints) {
            channels.add(NettyChannelBuilder.forTarget(endpoint)
                    .usePlaintext()
                    .maxInboundMessageSize(MOST_MESSAGE_BYTES)
                    .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .build());
        }
        reader = new Thread(this::read, "record of etcd");
        reader.setDaemon(true);
    }

    /**
     * Begins to read.
     *
     * @param endpoints of all members, {@code host:port}
     * @param namespace of the clients, before every key
     * @param locks their names without it
     */
    static EtcdRecord follow(List<String> endpoints, String namespace, List<String> locks) {
        EtcdRecord record = new EtcdRecord(endpoints, namespace, locks);
        record.reader.start();
        return record;
    }

    /**
     * Waits until everything up to now has been read, and returns the revision it was read to. That one may be compacted.
     *
     * @throws IOException if that cannot be done within a minute
     */
    long readOn() throws IOException {
        long deadline = System.nanoTime() + READ_ON_NANOS;
        long wanted = range(
                        RangeRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8(namespace + "none"))
                                .build(),
                        deadline)
                .getHeader()
                .getRevision();
        mutex.lock();
        try {
            while (revision < wanted) {
                if (failure != null) {
                    throw new IOException(failure);
                }
                if (moved.awaitNanos(deadline - System.nanoTime()) <= 0) {
                    throw new IOException("read up to revision " + revision + ", but not to " + wanted);
                }
            }
            return revision;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            mutex.unlock();
        }
    }

    /**
     * When all clients have ended: waits, at most so long, until no entry and no session is left, and notes what still is.
     */
    void lookForLeft(Duration settle) throws IOException {
        long deadline = System.nanoTime() + settle.toNanos();
        Map<String, KeyValue> left = left(deadline);
        while (!left.isEmpty() && System.nanoTime() - deadline < 0) {
            long before = readOn();
            awaitBeyond(before, TimeUnit.SECONDS.toNanos(1));
            left = left(System.nanoTime() + READ_ON_NANOS);
        }
        readOn();
        mutex.lock();
        try {
            left.forEach((key, value) -> {
                String lock = lockOf(key);
                operations.add(new Operation.Left(
                        lock == null ? "(sessions)" : lock,
                        new Entry(key, value.getCreateRevision()),
                        value.getModRevision(),
                        null));
            });
        } finally {
            mutex.unlock();
        }
    }

    private void awaitBeyond(long known, long nanos) throws IOException {
        mutex.lock();
        try {
            long left = nanos;
            while (revision <= known && left > 0) {
                left = moved.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            mutex.unlock();
        }
    }

    /** Entries and session keys that are there now. */
    private Map<String, KeyValue> left(long deadline) throws IOException {
        Map<String, KeyValue> left = new HashMap<>();
        List<String> prefixes = new ArrayList<>(lockByPrefix.keySet());
        prefixes.add(sessions);
        for (String prefix : prefixes) {
            RangeRequest request = RangeRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8(prefix))
                    .setRangeEnd(ByteString.copyFromUtf8(prefix.substring(0, prefix.length() - 1) + "0"))
                    .setKeysOnly(true)
                    .build();
            for (KeyValue value : range(request, deadline).getKvsList()) {
                left.put(value.getKey().toString(StandardCharsets.UTF_8), value);
            }
        }
        return left;
    }

    /** What was read so far. */
    Contents contents() {
        mutex.lock();
        try {
            return new Contents(new History(operations), elements, gone, rewritten, removed, leaseEnds);
        } finally {
            mutex.unlock();
        }
    }

    private RangeResponse range(RangeRequest request, long deadline) throws IOException {
        StatusRuntimeException last = null;
        for (int i = 0; last == null || System.nanoTime() - deadline < 0; i++) {
            try {
                return KVGrpc.newBlockingStub(channels.get(i % channels.size()))
                        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                        .range(request);
            } catch (StatusRuntimeException e) {
                last = e;
            }
        }
        throw new IOException("no member answers", last);
    }

    private void read() {
        for (int i = 0; !isClosed; i++) {
            readFrom(channels.get(i % channels.size()));
        }
    }

    /** Reads until this member breaks off or says nothing. */
    private void readFrom(ManagedChannel channel) {
        BlockingQueue<WatchResponse> responses = new LinkedBlockingQueue<>();
        WatchResponse end = WatchResponse.newBuilder().setCanceled(true).build();
        List<ClientCallStreamObserver<WatchRequest>> calls = new ArrayList<>(1);
        StreamObserver<WatchRequest> requests = WatchGrpc.newStub(channel)
                .watch(new ClientResponseObserver<WatchRequest, WatchResponse>() {
                    @Override
                    public void beforeStart(ClientCallStreamObserver<WatchRequest> call) {
                        // Before the call returns, on this thread.
                        calls.add(call);
                    }

                    @Override
                    public void onNext(WatchResponse response) {
                        responses.add(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        responses.add(end);
                    }

                    @Override
                    public void onCompleted() {
                        responses.add(end);
                    }
                });
        ByteString all = ByteString.copyFrom(new byte[1]);
        requests.onNext(WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder()
                        .setKey(all)
                        .setRangeEnd(all)
                        .setStartRevision(next()))
                .build());
        try {
            WatchResponse response = responses.poll(SILENCE_MILLIS, TimeUnit.MILLISECONDS);
            while (response != null && !response.getCanceled() && !isClosed) {
                take(response, System.nanoTime());
                response = responses.poll(SILENCE_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (response != null && response.getCompactRevision() > 0) {
                fail("revision " + next() + " was compacted before it was read");
            }
            if (response != null && response.getCanceled() && !isClosed) {
                // Broken off at once: not again and again without a pause.
                TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            isClosed = true;
        }
        // Not completed, which would leave the member sending until it noticed.
        calls.forEach(call -> call.cancel("read elsewhere from here on", null));
    }

    private long next() {
        mutex.lock();
        try {
            return revision + 1;
        } finally {
            mutex.unlock();
        }
    }

    private void fail(String why) {
        mutex.lock();
        try {
            failure = why;
            moved.signalAll();
        } finally {
            mutex.unlock();
        }
    }

    private void take(WatchResponse response, long nowNanos) {
        mutex.lock();
        try {
            for (Event event : response.getEventsList()) {
                KeyValue pair = event.getKv();
                if (pair.getModRevision() > revision) {
                    // All events of a revision come in one response.
                    take(event.getType(), pair, nowNanos);
                }
            }
            for (Event event : response.getEventsList()) {
                revision = Math.max(revision, event.getKv().getModRevision());
            }
            moved.signalAll();
        } finally {
            mutex.unlock();
        }
    }

    private void take(Event.EventType type, KeyValue pair, long nowNanos) {
        String key = pair.getKey().toString(StandardCharsets.UTF_8);
        String lock = lockOf(key);
        boolean isPut = type == Event.EventType.PUT;
        if (key.startsWith(set) && !isPut) {
            removed.add(key);
        } else if (key.startsWith(set)) {
            if (created.put(key, pair.getCreateRevision()) != null) {
                rewritten.add(key);
            }
            elements.add(new Element(key, pair.getValue().toString(StandardCharsets.UTF_8), pair.getModRevision()));
        } else if (lock != null && isPut) {
            created.put(key, pair.getCreateRevision());
            operations.add(
                    new Operation.Put(lock, new Entry(key, pair.getCreateRevision()), pair.getModRevision(), null));
        } else if (lock != null) {
            Long createRevision = created.remove(key);
            if (createRevision != null) {
                Entry entry = new Entry(key, createRevision);
                operations.add(new Operation.Deleted(lock, entry, pair.getModRevision()));
                gone.add(new Gone(lock, entry, pair.getModRevision(), nowNanos));
            }
        } else if (key.startsWith(sessions) && !isPut) {
            String lease = key.substring(sessions.length());
            operations.add(new Operation.LeaseEnded(nowNanos, lease));
            leaseEnds.put(lease, pair.getModRevision());
        }
    }

    /** The lock whose queue the key is in; null if it is in none. */
    private @Nullable String lockOf(String key) {
        return lockByPrefix.get(key.substring(0, key.lastIndexOf('/') + 1));
    }

    @Override
    public void close() {
        isClosed = true;
        reader.interrupt();
        channels.forEach(ManagedChannel::shutdownNow);
    }
}
