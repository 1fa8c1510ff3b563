package dev.holdfast.history;

import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.InEtcd;
import dev.holdfast.history.Operation.Put;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The queue of one lock as etcd recorded it: which entry lived from which revision to which, and which of them was at
 * the head at each revision. What happens at one revision happens at once.
 */
final class RecordedQueue {

    /** The life of an entry. What was written again keeps its first owner and its create revision. */
    record Life(Entry entry, @Nullable String owner, InEtcd first, @Nullable Deleted deleted) {

        boolean isAliveAt(long revision) {
            return entry.createRevision() <= revision && revision < deletedAt();
        }

        /** The revision at which it was deleted; {@link Long#MAX_VALUE} while it was not. */
        long deletedAt() {
            return deleted == null ? Long.MAX_VALUE : deleted.revision();
        }

        /** What etcd recorded of it. */
        List<Operation> operations() {
            return deleted == null || deleted == first ? List.of(first) : List.of(first, deleted);
        }
    }

    private static final Comparator<Life> QUEUE_ORDER = Comparator.<Life>comparingLong(
                    life -> life.entry().createRevision())
            .thenComparing(life -> life.entry().key());

    private final List<Life> lives;
    private final Map<String, List<Life>> byKey = new HashMap<>();
    private final Map<String, List<Life>> byOwner = new HashMap<>();

    /** From each revision at which the head changed to the new head, if there was one. */
    private final TreeMap<Long, Optional<Life>> heads = new TreeMap<>();

    private RecordedQueue(List<Life> lives) {
        this.lives = lives;
        for (Life life : lives) {
            byKey.computeIfAbsent(life.entry().key(), key -> new ArrayList<>()).add(life);
            if (life.owner() != null) {
                byOwner.computeIfAbsent(life.owner(), owner -> new ArrayList<>())
                        .add(life);
            }
        }
        findHeads();
    }

    static RecordedQueue of(History history, String lock) {
        Map<Entry, Put> puts = new LinkedHashMap<>();
        for (Put put : history.of(Put.class, lock)) {
            puts.merge(put.entry(), put, (a, b) -> a.revision() <= b.revision() ? a : b);
        }
        Map<Entry, Deleted> deletes = new LinkedHashMap<>();
        for (Deleted deleted : history.of(Deleted.class, lock)) {
            deletes.putIfAbsent(deleted.entry(), deleted);
        }
        List<Life> lives = new ArrayList<>();
        puts.forEach((entry, put) -> lives.add(new Life(entry, put.owner(), put, deletes.remove(entry))));
        deletes.forEach((entry, deleted) -> lives.add(new Life(entry, null, deleted, deleted)));
        lives.sort(QUEUE_ORDER);
        return new RecordedQueue(lives);
    }

    private void findHeads() {
        TreeMap<Long, List<Life>> born = new TreeMap<>();
        TreeMap<Long, List<Life>> died = new TreeMap<>();
        for (Life life : lives) {
            born.computeIfAbsent(life.entry().createRevision(), r -> new ArrayList<>())
                    .add(life);
            if (life.deleted() != null) {
                died.computeIfAbsent(life.deletedAt(), r -> new ArrayList<>()).add(life);
            }
        }
        TreeSet<Long> revisions = new TreeSet<>(born.keySet());
        revisions.addAll(died.keySet());
        TreeSet<Life> alive = new TreeSet<>(QUEUE_ORDER);
        for (long revision : revisions) {
            died.getOrDefault(revision, List.of()).forEach(alive::remove);
            alive.addAll(born.getOrDefault(revision, List.of()));
            heads.put(revision, alive.isEmpty() ? Optional.empty() : Optional.of(alive.first()));
        }
    }

    /** Every entry, in queue order. */
    List<Life> lives() {
        return lives;
    }

    /** Whether etcd recorded nothing about the lock. */
    boolean isEmpty() {
        return lives.isEmpty();
    }

    /** The entry alive at that revision with the lowest create revision. */
    Optional<Life> headAt(long revision) {
        Map.Entry<Long, Optional<Life>> head = heads.floorEntry(revision);
        return head == null ? Optional.empty() : head.getValue();
    }

    /**
     * The entry by which a client was granted the lock: the first of its key, or of the client itself when it named no
     * key, that was alive at the revision of the token.
     */
    Optional<Life> entryOf(Granted grant) {
        List<Life> candidates = grant.key() == null
                ? byOwner.getOrDefault(grant.who(), List.of())
                : byKey.getOrDefault(grant.key(), List.of());
        return candidates.stream()
                .filter(life -> life.isAliveAt(grant.token().revision()))
                .findFirst();
    }
}
