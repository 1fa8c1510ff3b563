package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * One client's stream of watches. Answers and events go to its listener, in order, while the engine carries out the call
 * that caused them; the listener must not call the engine. Confined like its engine.
 */
public final class WatchStream {
    /** What an answer is about when it is about no watch in particular. */
    private static final long NO_WATCH = -1;

    private static final ByteString FIRST_KEY = ByteString.copyFrom(new byte[] {0});

    /** One watch of this stream. Compared by identity. */
    static final class Watch {
        private final WatchStream stream;
        private final long id;
        private final KeyRange range;
        private final long fromRevision;
        private final boolean wantsPuts;
        private final boolean wantsDeletes;
        private final boolean wantsPrevious;
        private final boolean fragment;
        private final boolean wantsProgress;
        private boolean quiet = true; // nothing was sent since the last round of progress reports
        private boolean compacted; // told so, and waits for the client to cancel it

        private Watch(WatchStream stream, long id, KeyRange range, WatchCreateRequest request) {
            this.stream = stream;
            this.id = id;
            this.range = range;
            fromRevision = request.getStartRevision();
            wantsPuts = !request.getFiltersList().contains(WatchCreateRequest.FilterType.NOPUT);
            wantsDeletes = !request.getFiltersList().contains(WatchCreateRequest.FilterType.NODELETE);
            wantsPrevious = request.getPrevKv();
            fragment = request.getFragment();
            wantsProgress = request.getProgressNotify();
        }

        WatchStream stream() {
            return stream;
        }

        KeyRange range() {
            return range;
        }

        boolean wants(Store.Change change, long revision) {
            return revision >= fromRevision && (change.isDelete() ? wantsDeletes : wantsPuts);
        }
    }

    private final Engine engine;
    private final Consumer<WatchResponse> listener;
    private final Map<Long, Watch> watches = new TreeMap<>();
    private long nextId;
    private boolean closed;

    WatchStream(Engine engine, Consumer<WatchResponse> listener) {
        this.engine = engine;
        this.listener = listener;
    }

    /** Carries out one message of the client; what the stream does not know is ignored, as in etcd. */
    public void accept(WatchRequest request) {
        if (closed) {
            return;
        }
        switch (request.getRequestUnionCase()) {
            case CREATE_REQUEST -> create(request.getCreateRequest());
            case CANCEL_REQUEST -> cancel(request.getCancelRequest().getWatchId());
            case PROGRESS_REQUEST -> reportProgressOfAll();
            case REQUESTUNION_NOT_SET -> {}
        }
    }

    /** Ends all its watches; nothing is sent any more. */
    public void close() {
        closed = true;
        watches.values().forEach(engine.watchIndex()::remove);
        watches.clear();
        engine.forget(this);
    }

    private void create(WatchCreateRequest request) {
        if (request.getStartRevision() < 0) {
            refuse(EtcdError.COMPACTED.text());
            return;
        }
        ByteString key = request.getKey().isEmpty() ? FIRST_KEY : request.getKey();
        KeyRange range = KeyRange.of(key, request.getRangeEnd());
        if (range.isEmpty()) {
            refuse("mvcc: watcher range is empty");
            return;
        }
        long id = request.getWatchId();
        if (id == 0) {
            while (watches.containsKey(nextId)) {
                nextId++;
            }
            id = nextId++;
        } else if (watches.containsKey(id)) {
            refuse("mvcc: duplicate watch ID provided on the WatchStream");
            return;
        }
        Watch watch = new Watch(this, id, range, request);
        watches.put(id, watch);
        listener.accept(answer(id, engine.revision()).setCreated(true).build());
        if (watch.fromRevision > 0 && watch.fromRevision <= engine.revision()) {
            if (watch.fromRevision < engine.compactedRevision()) {
                watch.compacted = true;
                listener.accept(answer(id, 0)
                        .setCanceled(true)
                        .setCompactRevision(engine.compactedRevision())
                        .build());
                return;
            }
            replay(watch);
        }
        engine.watchIndex().add(watch);
    }

    private void refuse(String reason) {
        listener.accept(answer(NO_WATCH, engine.revision())
                .setCreated(true)
                .setCanceled(true)
                .setCancelReason(reason)
                .build());
    }

    private void cancel(long id) {
        Watch watch = watches.remove(id);
        if (watch != null) {
            engine.watchIndex().remove(watch);
            listener.accept(answer(id, engine.revision()).setCanceled(true).build());
        }
    }

    /** Sends what happened since the watch's start revision, at most 1,000 revisions in one answer. */
    private void replay(Watch watch) {
        List<Event> events = new ArrayList<>();
        int revisions = 0;
        for (long r = watch.fromRevision; r <= engine.revision(); r++) {
            int before = events.size();
            for (Store.Change change : engine.changes(r)) {
                if (watch.range.contains(change.key()) && watch.wants(change, r)) {
                    events.add(event(watch, change));
                }
            }
            if (events.size() > before && ++revisions == Engine.MAX_REVISIONS_PER_REPLAY) {
                send(watch, events, engine.revision());
                events = new ArrayList<>();
                revisions = 0;
            }
        }
        if (!events.isEmpty()) {
            send(watch, events, engine.revision());
        }
    }

    /** Sends the changes of one revision that the watch wants. */
    void deliver(Watch watch, List<Store.Change> changes, long revision) {
        List<Event> events = new ArrayList<>(changes.size());
        for (Store.Change change : changes) {
            events.add(event(watch, change));
        }
        send(watch, events, revision);
    }

    private Event event(Watch watch, Store.Change change) {
        KeyValue kv = change.event().getKv();
        boolean creates = !change.isDelete() && kv.getCreateRevision() == kv.getModRevision();
        boolean previousIsKnown = kv.getModRevision() - 1 >= engine.compactedRevision();
        if (!watch.wantsPrevious || creates || change.before() == null || !previousIsKnown) {
            return change.event();
        }
        return change.event().toBuilder().setPrevKv(change.before()).build();
    }

    private void send(Watch watch, List<Event> events, long revision) {
        watch.quiet = false;
        WatchResponse whole = answer(watch.id, revision).addAllEvents(events).build();
        if (!watch.fragment || events.size() < 2 || whole.getSerializedSize() < Engine.FRAGMENT_BYTES) {
            listener.accept(whole);
            return;
        }
        int empty = whole.getSerializedSize()
                - events.stream().mapToInt(WatchStream::sizeInAnswer).sum();
        WatchResponse.Builder part = answer(watch.id, revision).setFragment(true);
        int partBytes = empty;
        for (Event event : events) {
            if (part.getEventsCount() > 0 && partBytes + sizeInAnswer(event) >= Engine.FRAGMENT_BYTES) {
                listener.accept(part.build());
                part.clearEvents();
                partBytes = empty;
            }
            part.addEvents(event);
            partBytes += sizeInAnswer(event);
        }
        listener.accept(part.setFragment(false).build());
    }

    private static int sizeInAnswer(Event event) {
        return CodedOutputStream.computeMessageSize(WatchResponse.EVENTS_FIELD_NUMBER, event);
    }

    /** Reports the revision once for the whole stream, provided every watch has seen everything up to it. */
    private void reportProgressOfAll() {
        boolean allSynced = !watches.isEmpty() && watches.values().stream().allMatch(this::isSynced);
        if (allSynced) {
            listener.accept(answer(NO_WATCH, engine.revision()).build());
        }
    }

    /** Reports the revision to each watch that asked for it and has been quiet since the last time. */
    void reportProgress() {
        for (Watch watch : watches.values()) {
            if (watch.wantsProgress && watch.quiet && isSynced(watch)) {
                listener.accept(answer(watch.id, engine.revision()).build());
            }
            watch.quiet = true;
        }
    }

    private boolean isSynced(Watch watch) {
        return !watch.compacted && watch.fromRevision <= engine.revision();
    }

    private WatchResponse.Builder answer(long id, long revision) {
        return WatchResponse.newBuilder().setHeader(engine.header(revision)).setWatchId(id);
    }
}
