package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcd.WatchListener;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.protocol.Entry;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.Moment;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What operators released by force, as far as it concerns this client. Confined to the event loop.
 */
final class ForcedReleases {

    /*
     * A lock without contention is not watched: its holder would learn that its entry was deleted only when it releases it.
     * So there is one watch per client on the records that operators leave, which are rare. It starts from now, and need
     * not look back but for entries of ours that are older than the watch: those may have been deleted while there was
     * none, and are looked for by one range.
     *
     * An entry may be deleted before the answer tells us that it is ours: what may hit an attempt under way is kept until
     * then.
     *
     * A record names an entry by key and create_revision, so one that is late or read twice hits nobody else.
     *
     * Where a queue's view, a release or a guarded write finds the entry gone first, the record is asked for: it was
     * written in the transaction that deleted the entry, so a read through the leader shows it, if there is one.
     */

    /** Who may be hit. */
    interface Holders {
        /** That entry was deleted by force. */
        void onForced(Entry entry, ForcedRelease how, Moment now);

        /** Whether there may be an entry of ours that was created at or before that revision. */
        boolean mayHaveEntryBefore(long revision);
    }

    /** As many as are allowed; the eldest goes first. */
    private static final class Latest extends LinkedHashMap<Entry, ForcedRelease> {
        private static final long serialVersionUID = 1L;

        private final int most;

        Latest(int most) {
            this.most = most;
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<Entry, ForcedRelease> eldest) {
            return size() > most;
        }
    }

    /** A loss is not told before the record was asked for, but for no longer than this. */
    private static final long LOOKUP_NANOS = 1_000_000_000L;

    private static final long MIN_RETRY_NANOS = 200_000_000L;
    private static final long MAX_RETRY_NANOS = 30_000_000_000L;

    /** So many releases that hit us are remembered. */
    private static final int MAX_KNOWN = 256;

    /** So many releases are kept that may turn out to have hit us. */
    private static final int MAX_KEPT = 1_024;

    private final Wire wire;
    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final Key namespace;
    private final Key prefix;
    private final Holders holders;

    private final Map<Entry, ForcedRelease> known = new Latest(MAX_KNOWN);
    private final Map<Entry, ForcedRelease> kept = new Latest(MAX_KEPT);
    private final Map<Entry, List<Consumer<@Nullable ForcedRelease>>> asked = new LinkedHashMap<>();
    private @Nullable Cancellable watch;
    private long retryNanos = MIN_RETRY_NANOS;
    private boolean isStarted;
    private boolean isEnded;

    /**
     * Does nothing before {@link #start}.
     *
     * @param namespace what every key of the client starts with
     * @param root the reserved root, namespace included
     */
    ForcedReleases(Wire wire, EtcdClient etcd, Scheduler scheduler, String namespace, String root, Holders holders) {
        this.wire = wire;
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.namespace = Key.ofText(namespace);
        this.prefix = Key.ofText(ForcedRelease.key(root, ""));
        this.holders = holders;
    }

    /** Begins to watch. Does nothing if it has begun. */
    void start() {
        if (!isStarted && !isEnded) {
            isStarted = true;
            openWatch();
        }
    }

    /** Watches no more; what was asked for is still answered. */
    void end() {
        isEnded = true;
        if (watch != null) {
            watch.cancel();
            watch = null;
        }
    }

    /** Who released that entry, if it was found out already. */
    @Nullable
    ForcedRelease known(Entry entry) {
        return known.get(entry);
    }

    // ---------------------------------------------------------------------------------------------------- watch

    private void openWatch() {
        watch = etcd.watch(Wire.bytes(prefix), Wire.bytes(prefix.prefixEnd()), 0, new WatchListener() {
            @Override
            public void onCreated(long revision) {
                retryNanos = MIN_RETRY_NANOS;
                if (holders.mayHaveEntryBefore(revision == 0 ? Long.MAX_VALUE : revision)) {
                    list();
                }
            }

            @Override
            public void onEvents(WatchResponse response) {
                for (Event event : response.getEventsList()) {
                    if (event.getType() == Event.EventType.PUT) {
                        learn(event.getKv());
                    }
                }
            }

            @Override
            public void onEnded(String reason, long compactRevision, @Nullable EtcdError error) {
                watch = null;
                wire.warnIfDenied(prefix, error);
                later(ForcedReleases.this::openWatch);
            }
        });
    }

    private void later(Runnable what) {
        scheduler.schedule(retryNanos, () -> {
            if (!isEnded) {
                what.run();
            }
        });
        retryNanos = Math.min(2 * retryNanos, MAX_RETRY_NANOS);
    }

    /** Reads all records there are: what hit us while nobody watched is among them. */
    private void list() {
        Cancellable mine = watch;
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(Wire.bytes(prefix))
                .setRangeEnd(Wire.bytes(prefix.prefixEnd()))
                .build();
        etcd.range(request, outcome -> {
            if (outcome instanceof Outcome.Answer<dev.holdfast.etcdapi.RangeResponse> answer) {
                answer.value().getKvsList().forEach(this::learn);
            } else if (mine == watch) {
                later(() -> {
                    // A new watch looks by itself.
                    if (mine == watch) {
                        list();
                    }
                });
            }
        });
    }

    private void learn(KeyValue record) {
        ForcedRelease how =
                ForcedRelease.fromJson(record.getValue().toByteArray()).orElse(null);
        String key = record.getKey().toString(StandardCharsets.ISO_8859_1);
        if (how != null && key.startsWith(prefix.latin1())) {
            Key of = namespace.plus(key.substring(prefix.latin1().length()));
            Entry entry = new Entry(of, how.createRevision());
            wire.handle(now -> holders.onForced(entry, how, now));
        }
    }

    /** Remembers a release that hit us. */
    void remember(Entry entry, ForcedRelease how) {
        known.put(entry, how);
    }

    /** Keeps a release for {@link #take}, because its entry may turn out to be ours. */
    void keep(Entry entry, ForcedRelease how) {
        kept.put(entry, how);
    }

    /** What was kept about an entry that is ours, and is remembered from now on; null if nothing was. */
    @Nullable
    ForcedRelease take(Entry entry) {
        ForcedRelease how = kept.remove(entry);
        if (how != null) {
            remember(entry, how);
        }
        return how;
    }

    // ---------------------------------------------------------------------------------------------------- look-up

    /** Asks who released that entry, which is gone; called back within about a second, with null if nobody is known. */
    void lookUp(Entry entry, Consumer<@Nullable ForcedRelease> then) {
        ForcedRelease already = known.get(entry);
        if (already != null) {
            then.accept(already);
            return;
        }
        List<Consumer<@Nullable ForcedRelease>> waiting = asked.get(entry);
        if (waiting != null) {
            waiting.add(then);
            return;
        }
        asked.put(entry, new ArrayList<>(List.of(then)));
        Cancellable patience = scheduler.schedule(LOOKUP_NANOS, () -> found(entry, null));
        Key record =
                prefix.plus(entry.key().latin1().substring(namespace.latin1().length()));
        RangeRequest request =
                RangeRequest.newBuilder().setKey(Wire.bytes(record)).build();
        etcd.range(request, outcome -> {
            patience.cancel();
            ForcedRelease how = null;
            if (outcome instanceof Outcome.Answer<dev.holdfast.etcdapi.RangeResponse> answer
                    && answer.value().getKvsCount() > 0) {
                ByteString value = answer.value().getKvs(0).getValue();
                how = ForcedRelease.fromJson(value.toByteArray())
                        .filter(found -> found.createRevision() == entry.createRevision())
                        .orElse(null);
            }
            if (how != null) {
                remember(entry, how);
            }
            found(entry, how);
        });
    }

    private void found(Entry entry, @Nullable ForcedRelease how) {
        List<Consumer<@Nullable ForcedRelease>> waiting = asked.remove(entry);
        if (waiting != null) {
            waiting.forEach(each -> each.accept(how));
        }
    }
}
