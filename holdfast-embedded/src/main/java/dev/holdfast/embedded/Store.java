package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values with their history. A write gathers changes that the writer already sees; {@link #commit} makes them one
 * revision. Confined to its engine.
 */
final class Store {
    /*
     * Two things are kept: what is there now, and for every revision not compacted what it changed and what was there
     * before. The past is found by taking changes back, newest first. So a write costs one step in a sorted map whatever
     * the history, queues whose keys come and go leave nothing behind that a range would have to skip, and the rare read
     * of an old revision pays by the number of changes since.
     */

    /** The revision of a store in which nothing was ever written, as in etcd. */
    static final long FIRST_REVISION = 1;

    /**
     * One key's change in one revision.
     *
     * @param event as watchers get it, without the previous pair
     * @param before the pair as it was at the previous revision
     */
    record Change(Event event, @Nullable KeyValue before) {
        ByteString key() {
            return event.getKv().getKey();
        }

        boolean isDelete() {
            return event.getType() == Event.EventType.DELETE;
        }
    }

    private final TreeMap<ByteString, KeyValue> live;
    private final List<List<Change>> log; // log.get(i) made revision revision - log.size() + 1 + i
    private final List<Change> pending = new ArrayList<>();
    private long revision;
    private long compactedRevision;
    private long sizeBytes;
    private long historyBytes;

    Store() {
        live = new TreeMap<>(KeyRange.ORDER);
        log = new ArrayList<>();
        revision = FIRST_REVISION;
        compactedRevision = -1;
    }

    /** A copy of a store that is not in the middle of a write. */
    Store(Store other) {
        if (!other.pending.isEmpty()) {
            throw new IllegalStateException("copy in the middle of a write");
        }
        live = new TreeMap<>(other.live);
        log = new ArrayList<>(other.log);
        revision = other.revision;
        compactedRevision = other.compactedRevision;
        sizeBytes = other.sizeBytes;
        historyBytes = other.historyBytes;
    }

    /** The pairs of an image, and of its history the last revision; what was before is compacted. */
    Store(EngineImage image) {
        this();
        for (KeyValue pair : image.pairs()) {
            live.put(pair.getKey(), pair);
            sizeBytes += pair.getSerializedSize();
        }
        revision = image.revision();
        compactedRevision = image.compactedRevision();
        if (revision > FIRST_REVISION) {
            compactedRevision = revision;
            List<Change> changes = lastOfEachKey(image.lastChanges());
            log.add(changes);
            historyBytes = bytes(changes);
        }
    }

    /** The last committed revision. */
    long revision() {
        return revision;
    }

    /** The revision a reader sees: one more than the committed one once the write under way has changed something. */
    long readRevision() {
        return pending.isEmpty() ? revision : revision + 1;
    }

    /** History below this revision is gone; -1 when there was never a compaction. */
    long compactedRevision() {
        return compactedRevision;
    }

    /** Bytes of the pairs that are there now. */
    long sizeBytes() {
        return sizeBytes;
    }

    @Nullable
    KeyValue get(ByteString key) {
        return live.get(key);
    }

    /** The pairs there are now, changes of the write under way included; a live view. */
    NavigableMap<ByteString, KeyValue> read(KeyRange range) {
        return range.in(live);
    }

    /**
     * The pairs there were at a revision; zero or less means now.
     *
     * @throws EtcdException for a revision in the future, or one compacted
     */
    NavigableMap<ByteString, KeyValue> read(KeyRange range, long atRevision) {
        if (atRevision > readRevision()) {
            throw EtcdError.FUTURE_REVISION.exception();
        }
        if (atRevision > 0 && atRevision < compactedRevision) {
            throw EtcdError.COMPACTED.exception();
        }
        NavigableMap<ByteString, KeyValue> now = read(range);
        if (atRevision <= 0 || atRevision == readRevision()) {
            return now;
        }
        TreeMap<ByteString, KeyValue> past = new TreeMap<>(now);
        takeBack(pending, range, past);
        for (long r = revision; r > atRevision; r--) {
            takeBack(changes(r), range, past);
        }
        return past;
    }

    private static void takeBack(List<Change> changes, KeyRange range, Map<ByteString, KeyValue> pairs) {
        for (int i = changes.size() - 1; i >= 0; i--) {
            Change change = changes.get(i);
            if (!range.contains(change.key())) {
                continue;
            }
            if (change.before() == null) {
                pairs.remove(change.key());
            } else {
                pairs.put(change.key(), change.before());
            }
        }
    }

    /** What a revision changed, in order. Revisions from before the first write, or compacted, have no changes here. */
    List<Change> changes(long atRevision) {
        long index = atRevision - firstLogged();
        return index < 0 ? List.of() : log.get((int) index);
    }

    private long firstLogged() {
        return revision - log.size() + 1;
    }

    /** Puts a pair as part of the write under way and returns it. */
    KeyValue put(ByteString key, ByteString value, long lease) {
        KeyValue old = live.get(key);
        KeyValue kv = KeyValue.newBuilder()
                .setKey(key)
                .setValue(value)
                .setLease(lease)
                .setCreateRevision(old == null ? revision + 1 : old.getCreateRevision())
                .setModRevision(revision + 1)
                .setVersion(old == null ? 1 : old.getVersion() + 1)
                .build();
        pending.add(new Change(
                Event.newBuilder().setType(Event.EventType.PUT).setKv(kv).build(), atLastRevision(key, old)));
        live.put(key, kv);
        sizeBytes += kv.getSerializedSize() - (old == null ? 0 : old.getSerializedSize());
        return kv;
    }

    /** Deletes a key that is there, as part of the write under way, and returns its pair. */
    KeyValue delete(ByteString key) {
        KeyValue old = live.remove(key);
        if (old == null) {
            throw new IllegalStateException("delete of an absent key");
        }
        KeyValue tombstone =
                KeyValue.newBuilder().setKey(key).setModRevision(revision + 1).build();
        Event event = Event.newBuilder()
                .setType(Event.EventType.DELETE)
                .setKv(tombstone)
                .build();
        pending.add(new Change(event, atLastRevision(key, old)));
        sizeBytes -= old.getSerializedSize();
        return old;
    }

    /** A key may change twice in one revision (put, then deleted by a later nested transaction). */
    private @Nullable KeyValue atLastRevision(ByteString key, @Nullable KeyValue old) {
        if (old == null || old.getModRevision() <= revision) {
            return old;
        }
        for (Change change : pending) {
            if (change.key().equals(key)) {
                return change.before();
            }
        }
        throw new IllegalStateException("a pair of the revision under way that no change has written");
    }

    /** Ends the write under way. Returns its changes, which are one revision; none means the revision stays as it was. */
    List<Change> commit() {
        if (pending.isEmpty()) {
            return List.of();
        }
        List<Change> changes = List.copyOf(pending);
        pending.clear();
        log.add(changes);
        historyBytes += bytes(changes);
        revision++;
        return changes;
    }

    /**
     * Forgets history below {@code atRevision}. For watchers that start there, the last of its own changes of each key stays,
     * as in etcd.
     */
    void compact(long atRevision) {
        requireCompactable(atRevision);
        int own = (int) Math.max(
                -1, atRevision - firstLogged()); // where its changes are; before the first write there are none
        if (own >= 0) {
            List<Change> kept = lastOfEachKey(log.get(own));
            List<List<Change>> past = log.subList(0, own + 1);
            for (List<Change> changes : past) {
                historyBytes -= bytes(changes);
            }
            past.set(own, kept);
            historyBytes += bytes(kept);
            log.subList(0, own).clear();
        }
        compactedRevision = atRevision;
    }

    private static List<Change> lastOfEachKey(List<Change> changes) {
        Set<ByteString> seen = new HashSet<>();
        Deque<Change> last = new ArrayDeque<>();
        for (int i = changes.size() - 1; i >= 0; i--) {
            if (seen.add(changes.get(i).key())) {
                last.addFirst(changes.get(i));
            }
        }
        return List.copyOf(last);
    }

    /** Throws what a compaction at this revision is refused with. */
    void requireCompactable(long atRevision) {
        if (atRevision <= compactedRevision) {
            throw EtcdError.COMPACTED.exception();
        }
        if (atRevision > revision) {
            throw EtcdError.FUTURE_REVISION.exception();
        }
    }

    /**
     * Where to compact so that at most this many revisions and bytes of history are left; the last revision always is. Not
     * above the compacted revision when there is nothing to do.
     */
    long retentionTarget(int revisions, long bytes) {
        // An eighth more before it acts: each compaction moves what is kept.
        long target = log.size() > revisions + revisions / 8 ? revision - revisions : compactedRevision;
        if (historyBytes > bytes) {
            long left = historyBytes;
            long r = firstLogged();
            for (; r < revision && left > bytes - bytes / 8; r++) {
                left -= bytes(changes(r));
            }
            target = Math.max(target, r);
        }
        return target;
    }

    private static long bytes(List<Change> changes) {
        long sum = 0;
        for (Change change : changes) {
            sum += change.event().getKv().getSerializedSize();
        }
        return sum;
    }
}
