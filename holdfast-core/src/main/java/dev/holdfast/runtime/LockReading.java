package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.inspect.ForeignKey;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.LockListing;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.spi.Scheduler;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads the locks of a scope, all at one revision, once. Confined to the event loop. */
final class LockReading {

    /*
     * etcd may be shared, and its other values may be large: so first the keys alone, page by page, the first page
     * linearizable and the others at its revision; then the values of those that look like entries, at the same revision.
     * The second step is needed anyway: etcd 3.7 leaves the lease out of answers without values, and only a key that names
     * its own lease is an entry.
     *
     * If etcd compacts the revision meanwhile, everything is read anew. A page or batch that is too large to be sent is
     * asked for again in halves.
     */

    private static final int KEYS_PER_PAGE = 10_000;
    private static final int ENTRIES_PER_BATCH = 100;
    private static final int MOST_TRIES = 3;
    private static final int MOST_KEYS = 20_000_000;
    private static final long RETRY_NANOS = 100_000_000;

    /** By place; what Go's transactions may create in one revision by name. */
    static final Comparator<QueueEntry> BY_PLACE =
            Comparator.comparingLong(QueueEntry::createRevision).thenComparing(QueueEntry::key);

    /** What was found right below one name. */
    private static final class Found {
        final List<KeyNames.Place> candidates = new ArrayList<>();
        final List<ByteString> candidateKeys = new ArrayList<>();
        final List<QueueEntry> entries = new ArrayList<>();
        final List<ForeignKey> foreign = new ArrayList<>();
        int foreignCount;

        void addForeign(ForeignKey key) {
            foreignCount++;
            foreign.add(key);
            // Amortized: the lowest ones are kept.
            if (foreign.size() > 10 * LockState.MOST_FOREIGN) {
                keepFirst();
            }
        }

        void keepFirst() {
            foreign.sort(null);
            if (foreign.size() > LockState.MOST_FOREIGN) {
                foreign.subList(LockState.MOST_FOREIGN, foreign.size()).clear();
            }
        }
    }

    private record Candidate(Found home, KeyNames.Place place, ByteString key) {}

    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final Scope scope;
    private final boolean isWithoutEntriesToo;
    private final Consumer<LockListing> onRead;
    private final Consumer<EtcdError> onFailed;

    private final Map<String, Found> found = new TreeMap<>();
    private List<Candidate> candidates = List.of();
    private long revision;
    private int keys;
    private int keysPerPage = KEYS_PER_PAGE;
    private int entriesPerBatch = ENTRIES_PER_BATCH;
    private int tries;

    /**
     * One of the two is called, once.
     *
     * @param isWithoutEntriesToo whether names are wanted, too, below which there are only foreign keys
     */
    LockReading(
            EtcdClient etcd,
            Scheduler scheduler,
            Scope scope,
            boolean isWithoutEntriesToo,
            Consumer<LockListing> onRead,
            Consumer<EtcdError> onFailed) {
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.scope = scope;
        this.isWithoutEntriesToo = isWithoutEntriesToo;
        this.onRead = onRead;
        this.onFailed = onFailed;
    }

    void start() {
        found.clear();
        revision = 0;
        keys = 0;
        readKeys(scope.from());
    }

    // ---------------------------------------------------------------------------------------------------- keys

    private void readKeys(ByteString from) {
        RangeRequest request = RangeRequest.newBuilder()
                .setKey(from)
                .setRangeEnd(scope.to())
                .setKeysOnly(true)
                .setLimit(keysPerPage)
                .setRevision(revision)
                .build();
        etcd.range(request, outcome -> {
            if (outcome instanceof Outcome.Answer<RangeResponse> answer) {
                onKeys(answer.value());
            } else if (outcome instanceof Outcome.Failure<RangeResponse> failure) {
                boolean isSmaller = isTooLarge(failure.error()) && keysPerPage > 1;
                if (isSmaller) {
                    keysPerPage /= 2;
                }
                onFailure(failure.error(), isSmaller, () -> readKeys(from));
            }
        });
    }

    private void onKeys(RangeResponse page) {
        if (revision == 0) {
            revision = page.getHeader().getRevision();
        }
        for (KeyValue kv : page.getKvsList()) {
            KeyNames.Place place = scope.placeOf(kv.getKey());
            if (place != null) {
                Found home = found.computeIfAbsent(place.parent(), parent -> new Found());
                if (place.lease() != null) {
                    home.candidates.add(place);
                    home.candidateKeys.add(kv.getKey());
                } else {
                    home.addForeign(new ForeignKey(scope.names().textOf(place), kv.getCreateRevision()));
                }
            }
        }
        keys += page.getKvsCount();
        if (page.getMore() && page.getKvsCount() > 0) {
            if (keys > MOST_KEYS) {
                onFailed.accept(EtcdError.of(Status.OUT_OF_RANGE.withDescription(
                        "there are more than " + MOST_KEYS + " keys under the prefix: use a longer one")));
                return;
            }
            ByteString last = page.getKvs(page.getKvsCount() - 1).getKey();
            readKeys(last.concat(ByteString.copyFrom(new byte[1])));
        } else {
            candidates = new ArrayList<>();
            found.values().forEach(home -> {
                for (int i = 0; i < home.candidates.size(); i++) {
                    candidates.add(new Candidate(home, home.candidates.get(i), home.candidateKeys.get(i)));
                }
            });
            readEntries(0);
        }
    }

    // ---------------------------------------------------------------------------------------------------- entries

    private void readEntries(int first) {
        if (first >= candidates.size()) {
            onRead.accept(listing());
            return;
        }
        List<Candidate> batch = candidates.subList(first, Math.min(candidates.size(), first + entriesPerBatch));
        TxnRequest.Builder request = TxnRequest.newBuilder();
        for (Candidate each : batch) {
            request.addSuccess(RequestOp.newBuilder()
                    .setRequestRange(
                            RangeRequest.newBuilder().setKey(each.key()).setRevision(revision)));
        }
        etcd.txn(request.build(), outcome -> {
            if (outcome instanceof Outcome.Answer<TxnResponse> answer) {
                for (int i = 0; i < batch.size(); i++) {
                    onEntry(batch.get(i), answer.value().getResponses(i));
                }
                readEntries(first + batch.size());
            } else if (outcome instanceof Outcome.Failure<TxnResponse> failure) {
                boolean isSmaller = isTooLarge(failure.error()) && entriesPerBatch > 1;
                if (isSmaller) {
                    entriesPerBatch /= 2;
                }
                onFailure(failure.error(), isSmaller, () -> readEntries(first));
            }
        });
    }

    private void onEntry(Candidate candidate, ResponseOp response) {
        for (KeyValue kv : response.getResponseRange().getKvsList()) {
            QueueEntry entry = entryOf(scope.names(), candidate.place(), kv);
            if (entry != null) {
                candidate.home().entries.add(entry);
            } else {
                candidate
                        .home()
                        .addForeign(new ForeignKey(scope.names().textOf(candidate.place()), kv.getCreateRevision()));
            }
        }
    }

    /** Null for a key that does not name the lease it has. */
    static @Nullable QueueEntry entryOf(KeyNames names, KeyNames.Place place, KeyValue kv) {
        Long lease = place.lease();
        if (lease == null || lease != kv.getLease() || lease == 0) {
            return null;
        }
        HolderInfo writer = HolderInfo.fromJson(kv.getValue().toByteArray()).orElse(null);
        return new QueueEntry(names.textOf(place), kv.getCreateRevision(), lease, writer);
    }

    private LockListing listing() {
        List<LockState> locks = new ArrayList<>();
        found.forEach((parent, home) -> {
            if (!home.entries.isEmpty() || isWithoutEntriesToo || scope.one() != null) {
                home.entries.sort(BY_PLACE);
                home.keepFirst();
                locks.add(state(
                        scope.names().nameOf(parent), revision, home.entries, home.foreign, home.foreignCount, 0));
            }
        });
        if (scope.one() != null && locks.isEmpty()) {
            locks.add(new LockState(scope.prefix(), revision, List.of(), List.of(), 0, 0));
        }
        return new LockListing(revision, locks);
    }

    /**
     * A state with what is known of the holder's token.
     *
     * @param handedOverAt the revision at which the first entry became the first; 0 = not seen
     */
    static LockState state(
            String name,
            long revision,
            List<QueueEntry> entries,
            List<ForeignKey> foreign,
            int foreignCount,
            long handedOverAt) {
        LockState state = new LockState(name, revision, entries, foreign, foreignCount, 0);
        long tokenAtLeast = state.holder().map(QueueEntry::createRevision).orElse(0L);
        return new LockState(
                name,
                revision,
                entries,
                foreign,
                foreignCount,
                tokenAtLeast == 0 ? 0 : Math.max(tokenAtLeast, handedOverAt));
    }

    // ---------------------------------------------------------------------------------------------------- failures

    private static boolean isTooLarge(EtcdError error) {
        return error.code() == Status.Code.RESOURCE_EXHAUSTED;
    }

    private void onFailure(EtcdError error, boolean isProgress, Runnable again) {
        if (isProgress) {
            again.run();
        } else if (++tries >= MOST_TRIES || isFinal(error)) {
            onFailed.accept(error);
        } else if (error.isCompacted()) {
            start();
        } else {
            scheduler.schedule(RETRY_NANOS, again);
        }
    }

    /** Whether asking again would bring the same answer. */
    static boolean isFinal(EtcdError error) {
        return error.isDefinite() && !error.isTransient() && !error.isCompacted();
    }
}
