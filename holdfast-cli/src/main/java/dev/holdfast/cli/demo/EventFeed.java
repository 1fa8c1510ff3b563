package dev.holdfast.cli.demo;

import com.google.protobuf.ByteString;
import dev.holdfast.cli.Answer;
import dev.holdfast.cli.CommandFailure;
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
import dev.holdfast.history.Operation;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What etcd records about the queue of one lock, as it happens: first the entries that are there, then every change
 * after them, in order and without a gap. When the stream breaks it is opened again, at the next endpoint, from the
 * revision after the last one seen. Thread-safe.
 */
final class EventFeed implements AutoCloseable {

    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(5);
    private static final long REOPEN_AFTER_MILLIS = 200;
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private final Transport transport;
    private final String lockName;
    private final Owners owners;
    private final Consumer<Operation.InEtcd> sink;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "holdfast-demo-feed");
        thread.setDaemon(true);
        return thread;
    });

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Operation.Put> alive = new HashMap<>();
    private final CompletableFuture<Void> watching = new CompletableFuture<>();
    private long seenRevision;
    private int endpoint;
    private int streamNumber;
    private long responses;
    private boolean isClosed;
    private @Nullable String gap;
    private @Nullable Future<?> reopening;
    private Transport.@Nullable Outbound<WatchRequest> stream;

    /**
     * Watches nothing yet.
     *
     * @param transport closed with this
     */
    EventFeed(Transport transport, String lockName, Owners owners, Consumer<Operation.InEtcd> sink) {
        this.transport = transport;
        this.lockName = lockName;
        this.owners = owners;
        this.sink = sink;
    }

    /**
     * Returns when the watch is set up: what happens from here on will be seen.
     *
     * @throws CommandFailure if no endpoint answers
     */
    void start() throws InterruptedException {
        RangeResponse entries = list();
        lock.lock();
        try {
            entries.getKvsList().forEach(this::onPut);
            seenRevision = entries.getHeader().getRevision();
            open();
        } finally {
            lock.unlock();
        }
        try {
            watching.get(LONGEST_ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw CommandFailure.unreachable("etcd at " + String.join(",", transport.endpoints())
                    + " answers, but does not serve a watch: check that it is healthy");
        }
    }

    /** The entries of the lock as they are now. Asks one endpoint after the other. */
    private RangeResponse list() throws InterruptedException {
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(lockName + "/"))
                .setRangeEnd(ByteString.copyFromUtf8(lockName + "0")) // '0' follows '/'
                .build();
        Status why = Status.UNAVAILABLE;
        for (String address : transport.endpoints()) {
            Answer<RangeResponse> answer = new Answer<>();
            transport.unary(
                    address, KVGrpc.getRangeMethod(), new Metadata(), request, LONGEST_ANSWER.toNanos(), answer);
            try {
                return answer.await();
            } catch (StatusRuntimeException e) {
                why = e.getStatus();
            }
        }
        throw unreachable(transport.endpoints(), why);
    }

    static CommandFailure unreachable(List<String> endpoints, Status why) {
        String where = String.join(",", endpoints);
        boolean nobodyThere =
                why.getCode() == Status.Code.UNAVAILABLE || why.getCode() == Status.Code.DEADLINE_EXCEEDED;
        return CommandFailure.unreachable(
                nobodyThere
                        ? "no etcd at " + where + ": start one with `holdfast serve` or pass --endpoints"
                        : "what listens at " + where + " does not answer as etcd does (" + why.getCode()
                                + "): pass --endpoints");
    }

    /** Opens a stream from the revision after the last one seen. Called with the lock held. */
    private void open() {
        int number = ++streamNumber;
        List<String> endpoints = transport.endpoints();
        Transport.Outbound<WatchRequest> opened = transport.stream(
                endpoints.get(endpoint++ % endpoints.size()),
                WatchGrpc.getWatchMethod(),
                new Metadata(),
                new Transport.StreamListener<WatchResponse>() {
                    @Override
                    public void onMessage(WatchResponse response) {
                        onResponse(number, response);
                    }

                    @Override
                    public void onClosed(Status status) {
                        onStreamEnded(number);
                    }
                });
        stream = opened;
        opened.send(WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(lockName + "/"))
                        .setRangeEnd(ByteString.copyFromUtf8(lockName + "0"))
                        .setStartRevision(seenRevision + 1)
                        .setFragment(true))
                .build());
    }

    private void onStreamEnded(int number) {
        lock.lock();
        try {
            if (number == streamNumber && !isClosed && gap == null) {
                reopenSoon();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock held, while not closed. */
    private void reopenSoon() {
        reopening = timer.schedule(this::reopen, REOPEN_AFTER_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void reopen() {
        lock.lock();
        try {
            if (!isClosed) {
                open();
            }
        } finally {
            lock.unlock();
        }
    }

    private void onResponse(int number, WatchResponse response) {
        lock.lock();
        try {
            if (number != streamNumber || isClosed) {
                return;
            }
            responses++;
            changed.signalAll();
            if (response.getCreated()) {
                watching.complete(null);
            }
            if (response.getCanceled()) {
                onCanceled(response);
                return;
            }
            for (Event event : response.getEventsList()) {
                if (event.getType() == Event.EventType.PUT) {
                    onPut(event.getKv());
                } else {
                    onDelete(event.getKv());
                }
            }
            int last = response.getEventsCount() - 1;
            /* A revision that comes in fragments counts as seen with its last one; after a break it comes again from
             * the start, and what was told already is known by what is alive. */
            if (last >= 0 && !response.getFragment()) {
                seenRevision =
                        Math.max(seenRevision, response.getEvents(last).getKv().getModRevision());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock held. */
    private void onCanceled(WatchResponse response) {
        if (response.getCompactRevision() > 0) {
            gap = "etcd compacted its history up to revision " + response.getCompactRevision()
                    + " while the watch was interrupted";
        } else if (stream != null) {
            streamNumber++; // what this stream still says is of no interest
            stream.cancel();
            reopenSoon();
        }
    }

    /** Called with the lock held. */
    private void onPut(KeyValue kv) {
        String key = kv.getKey().toStringUtf8();
        if (!isEntry(key) || kv.getModRevision() <= seenRevision) {
            return;
        }
        Operation.Put put = new Operation.Put(
                lockName, new Entry(key, kv.getCreateRevision()), kv.getModRevision(), owners.ownerOf(kv.getValue()));
        if (!put.equals(alive.put(key, put))) {
            sink.accept(put);
        }
    }

    /** Called with the lock held. */
    private void onDelete(KeyValue kv) {
        Operation.Put put = alive.get(kv.getKey().toStringUtf8());
        if (put != null && kv.getModRevision() > put.revision()) {
            alive.remove(put.entry().key());
            sink.accept(new Operation.Deleted(lockName, put.entry(), kv.getModRevision()));
        }
    }

    /** Keys with a further '/' are of other locks with a longer name. */
    private boolean isEntry(String key) {
        int start = lockName.length() + 1;
        return key.length() > start && key.indexOf('/', start) < 0;
    }

    /**
     * Waits until etcd has no entry of a worker any more and the feed has told so.
     *
     * @return what is left when the time is over, entries of others included
     * @throws CommandFailure if the feed has a gap, or etcd does not answer
     */
    List<Operation.Left> settle(Duration atMost, Consumer<String> whatIsLeft) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + atMost.toNanos();
        boolean told = false;
        while (true) {
            long responsesBefore = responses();
            List<Operation.Left> left = left();
            long ofWorkers = left.stream()
                    .filter(entry -> owners.isWorker(entry.owner()))
                    .count();
            long leftNanos = deadlineNanos - System.nanoTime();
            if (leftNanos <= 0 || (ofWorkers == 0 && isCaughtUp())) {
                return left;
            }
            if (ofWorkers > 0 && !told) {
                told = true;
                whatIsLeft.accept(ofWorkers + (ofWorkers == 1 ? " entry is" : " entries are")
                        + " left; waiting for the end of the lease");
            }
            awaitResponseAfter(responsesBefore, Math.min(leftNanos, LOOK_AGAIN_NANOS));
        }
    }

    private List<Operation.Left> left() throws InterruptedException {
        RangeResponse response = list();
        List<Operation.Left> left = new ArrayList<>();
        for (KeyValue kv : response.getKvsList()) {
            String key = kv.getKey().toStringUtf8();
            if (isEntry(key)) {
                left.add(new Operation.Left(
                        lockName,
                        new Entry(key, kv.getCreateRevision()),
                        response.getHeader().getRevision(),
                        owners.ownerOf(kv.getValue())));
            }
        }
        return left;
    }

    /** Whether every entry of a worker that was told was told to be gone. */
    private boolean isCaughtUp() {
        lock.lock();
        try {
            if (gap != null) {
                throw CommandFailure.failed("the watch has a gap, so there is no verdict: " + gap);
            }
            return alive.values().stream().noneMatch(put -> owners.isWorker(put.owner()));
        } finally {
            lock.unlock();
        }
    }

    private void awaitResponseAfter(long responsesBefore, long atMostNanos) throws InterruptedException {
        lock.lock();
        try {
            long leftNanos = atMostNanos;
            while (responses == responsesBefore && leftNanos > 0) {
                leftNanos = changed.awaitNanos(leftNanos);
            }
        } finally {
            lock.unlock();
        }
    }

    private long responses() {
        lock.lock();
        try {
            return responses;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            if (reopening != null) {
                reopening.cancel(false);
            }
            if (stream != null) {
                stream.cancel();
            }
        } finally {
            lock.unlock();
        }
        timer.shutdownNow();
        transport.close();
    }
}
