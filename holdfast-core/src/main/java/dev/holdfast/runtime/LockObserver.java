package dev.holdfast.runtime;

import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcd.WatchListener;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.inspect.ForeignKey;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockListing;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.LockWatch;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.protocol.Key;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows the locks of a scope and tells one listener what happens to them. Confined to the event loop, but for {@link
 * #close} and {@link #ended}.
 */
final class LockObserver implements LockWatch, WatchListener {

    /*
     * read at L -> Listed -> watch from L + 1 -> events; `seen` is the last revision that was applied as a whole.
     * The watch ends -> a new one from seen + 1: no gap. Compacted, or etcd is at an earlier revision now -> read anew.
     *
     * This is the one place that watches from the past: an observer may be 100 ms late, but must not miss anything.
     *
     * How an entry went is asked of etcd at the revision at which it went: is the record of a forced release there, and is
     * the session's key? Events are told in order, so those behind wait for the answer; one question at a time, for all
     * that went meanwhile.
     */

    /** So many events wait for a listener that is slow. */
    private static final int MOST_UNTOLD = 10_000;

    /** So many entries are asked about at once: two operations each of the 128 that etcd allows. */
    private static final int MOST_ASKED = 60;

    private static final int TOLD_IN_A_ROW = 64;

    /** So many names are kept in mind; beyond that no new one below which there are only foreign keys. */
    private static final int MOST_HOMES = 100_000;

    /** So many foreign keys are kept in mind of one name. */
    private static final int MOST_FOREIGN = 1_000;

    private static final long MIN_RETRY_NANOS = 100_000_000;
    private static final long MAX_RETRY_NANOS = 2_000_000_000;

    /** The keys right below one name. */
    private static final class Home {
        final Map<String, QueueEntry> entries = new TreeMap<>();
        final Map<String, ForeignKey> foreign = new TreeMap<>();
        final TreeSet<QueueEntry> order = new TreeSet<>(LockReading.BY_PLACE);
        int hiddenForeign;
        long handedOverAt;

        void put(String suffix, QueueEntry entry) {
            QueueEntry before = entries.put(suffix, entry);
            if (before != null) {
                order.remove(before);
            }
            order.add(entry);
        }

        @Nullable
        QueueEntry remove(String suffix) {
            QueueEntry gone = entries.remove(suffix);
            if (gone != null) {
                order.remove(gone);
            }
            return gone;
        }

        LockState state(String name, long revision) {
            List<ForeignKey> first = foreign.values().stream()
                    .sorted()
                    .limit(LockState.MOST_FOREIGN)
                    .toList();
            return LockReading.state(
                    name, revision, List.copyOf(order), first, foreign.size() + hiddenForeign, handedOverAt);
        }

        @Nullable
        QueueEntry holder() {
            return state("", 0).holder().orElse(null);
        }
    }

    /** What one revision did to one lock. */
    private static final class Turn {
        final @Nullable QueueEntry holderBefore;
        final List<QueueEntry> gone = new ArrayList<>();
        final List<QueueEntry> come = new ArrayList<>();

        Turn(@Nullable QueueEntry holderBefore) {
            this.holderBefore = holderBefore;
        }
    }

    /** An event that waits for its turn to be told. */
    private static final class Due {
        LockEvent event;
        boolean isReady;

        Due(LockEvent event, boolean isReady) {
            this.event = event;
            this.isReady = isReady;
        }
    }

    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final Executor callbacks;
    private final Scope scope;
    private final Consumer<LockEvent> listener;
    private final Consumer<LockObserver> onOver;

    /* Shared with the threads that tell. */
    private final Queue<LockEvent> untold = new ConcurrentLinkedQueue<>();
    private final AtomicInteger untoldCount = new AtomicInteger();
    private final AtomicBoolean isTelling = new AtomicBoolean();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile boolean isClosed;

    /* Confined to the event loop. */
    private final Map<String, Home> homes = new LinkedHashMap<>();
    private final List<Event> fragments = new ArrayList<>();
    private final Deque<Due> due = new ArrayDeque<>();
    private @Nullable Cancellable watch;
    private int round;
    private long seen;
    private boolean isAsking;
    private boolean isInterrupted;

    /** Whether events were dropped: nothing is told before all was read anew. */
    private boolean hasFallenBehind;

    private long retryNanos = MIN_RETRY_NANOS;

    /**
     * Does nothing before {@link #start}.
     *
     * @param onOver told on the loop when it is over
     */
    LockObserver(
            EtcdClient etcd,
            Scheduler scheduler,
            Executor callbacks,
            Scope scope,
            Consumer<LockEvent> listener,
            Consumer<LockObserver> onOver) {
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.callbacks = callbacks;
        this.scope = scope;
        this.listener = listener;
        this.onOver = onOver;
    }

    @Override
    public CompletableFuture<Void> ended() {
        return ended.copy();
    }

    @Override
    public void close() {
        isClosed = true;
        scheduler.execute(() -> end(null));
        // The loop may be gone already.
        ended.complete(null);
    }

    private void end(@Nullable RuntimeException why) {
        isClosed = true;
        stopWatch();
        homes.clear();
        due.clear();
        untold.clear();
        onOver.accept(this);
        if (why != null) {
            callbacks.execute(() -> ended.completeExceptionally(why));
        }
    }

    // ---------------------------------------------------------------------------------------------------- reading

    void start() {
        read("");
    }

    private void read(String why) {
        stopWatch();
        if (isClosed) {
            return;
        }
        int mine = ++round;
        hasFallenBehind = false;
        new LockReading(
                        etcd,
                        scheduler,
                        scope,
                        true,
                        listing -> {
                            if (mine == round && !isClosed) {
                                onListed(listing, why);
                            }
                        },
                        error -> {
                            if (mine == round && !isClosed) {
                                onNotListed(error, why);
                            }
                        })
                .start();
    }

    private void onListed(LockListing listing, String why) {
        homes.clear();
        for (LockState lock : listing.locks()) {
            Home home = new Home();
            String parent = null;
            for (QueueEntry entry : lock.queue()) {
                String latin1 = Key.ofText(entry.key()).latin1();
                parent = latin1.substring(0, latin1.lastIndexOf('/'));
                home.put(latin1.substring(latin1.lastIndexOf('/') + 1), entry);
            }
            for (ForeignKey key : lock.foreign()) {
                String latin1 = Key.ofText(key.key()).latin1();
                parent = latin1.substring(0, latin1.lastIndexOf('/'));
                home.foreign.put(latin1.substring(latin1.lastIndexOf('/') + 1), key);
            }
            home.hiddenForeign = lock.foreignCount() - lock.foreign().size();
            if (parent != null) {
                homes.put(parent, home);
            }
        }
        seen = listing.revision();
        isInterrupted = false;
        List<LockState> locks = listing.locks().stream()
                .filter(lock -> scope.one() != null || !lock.queue().isEmpty())
                .toList();
        tell(new LockEvent.Listed(new LockListing(listing.revision(), locks), why));
        watch();
    }

    private void onNotListed(EtcdError error, String why) {
        if (LockReading.isFinal(error)) {
            end(EtcdInspection.refused(error));
            return;
        }
        interrupted(error.text());
        later(() -> read(why));
    }

    private void later(Runnable step) {
        int mine = round;
        scheduler.schedule(retryNanos, () -> {
            if (mine == round && !isClosed) {
                step.run();
            }
        });
        retryNanos = Math.min(MAX_RETRY_NANOS, 2 * retryNanos);
    }

    private void interrupted(String why) {
        if (!isInterrupted) {
            isInterrupted = true;
            tell(new LockEvent.Interrupted(why));
        }
    }

    // ---------------------------------------------------------------------------------------------------- watching

    private void watch() {
        fragments.clear();
        watch = etcd.watch(scope.from(), scope.to(), seen + 1, this);
    }

    private void stopWatch() {
        Cancellable open = watch;
        watch = null;
        if (open != null) {
            open.cancel();
        }
    }

    @Override
    public void onCreated(long revision) {
        if (revision != 0 && revision < seen) {
            settleAll();
            stopWatch();
            String why = "etcd is at revision " + revision + ", before " + seen
                    + ": it was restored from a snapshot, or the member that answers now lags behind";
            // A member that lags behind would be asked again and again.
            later(() -> read(why));
            return;
        }
        retryNanos = MIN_RETRY_NANOS;
        if (isInterrupted) {
            isInterrupted = false;
            tell(new LockEvent.Resumed());
        }
    }

    @Override
    public void onEvents(WatchResponse response) {
        fragments.addAll(response.getEventsList());
        if (response.getFragment()) {
            return;
        }
        List<Event> whole = List.copyOf(fragments);
        fragments.clear();
        int first = 0;
        for (int i = 0; i < whole.size() && !hasFallenBehind; i++) {
            long revision = whole.get(i).getKv().getModRevision();
            boolean isLast = i + 1 == whole.size() || whole.get(i + 1).getKv().getModRevision() != revision;
            if (isLast) {
                if (revision > seen) {
                    apply(whole.subList(first, i + 1), revision);
                    seen = revision;
                }
                first = i + 1;
            }
        }
        ask();
    }

    @Override
    public void onEnded(String reason, long compactRevision, @Nullable EtcdError error) {
        watch = null;
        if (isClosed) {
            return;
        }
        if (compactRevision > 0) {
            settleAll();
            read("etcd compacted its history up to revision " + compactRevision + ", and only what was before " + seen
                    + " had been seen");
        } else if (error != null && error.isPermissionDenied()) {
            end(EtcdInspection.refused(error));
        } else {
            interrupted(reason);
            later(this::watch);
        }
    }

    private void apply(List<Event> events, long revision) {
        Map<String, Turn> turns = new LinkedHashMap<>();
        for (Event event : events) {
            KeyNames.Place place = scope.placeOf(event.getKv().getKey());
            if (place != null) {
                applyOne(event, place, turns);
            }
        }
        turns.forEach((parent, turn) -> conclude(parent, turn, revision));
    }

    private void applyOne(Event event, KeyNames.Place place, Map<String, Turn> turns) {
        KeyValue kv = event.getKv();
        boolean isPut = event.getType() == Event.EventType.PUT;
        QueueEntry entry = isPut ? LockReading.entryOf(scope.names(), place, kv) : null;
        Home known = homes.get(place.parent());
        if (known == null && (!isPut || (entry == null && homes.size() >= MOST_HOMES))) {
            return;
        }
        Home home = homes.computeIfAbsent(place.parent(), parent -> new Home());
        Turn turn = turns.computeIfAbsent(place.parent(), parent -> new Turn(home.holder()));
        QueueEntry before = home.entries.get(place.suffix());
        if (entry != null && before != null && before.createRevision() == entry.createRevision()) {
            // A new value, as the leaders of Go's elections write it.
            home.put(place.suffix(), entry);
            return;
        }
        if (before != null) {
            home.remove(place.suffix());
            turn.gone.add(before);
        }
        boolean wasForeign = home.foreign.remove(place.suffix()) != null;
        if (!isPut && !wasForeign && before == null) {
            home.hiddenForeign = Math.max(0, home.hiddenForeign - 1);
        }
        if (entry != null) {
            home.put(place.suffix(), entry);
            turn.come.add(entry);
        } else if (isPut && !wasForeign && home.foreign.size() >= MOST_FOREIGN) {
            // Those before it are known, and it matters only when they are all gone.
            home.hiddenForeign += kv.getCreateRevision() == kv.getModRevision() ? 1 : 0;
        } else if (isPut) {
            home.foreign.put(place.suffix(), new ForeignKey(scope.names().textOf(place), kv.getCreateRevision()));
        }
    }

    private void conclude(String parent, Turn turn, long revision) {
        Home home = homes.get(parent);
        if (home == null) {
            return;
        }
        QueueEntry before = turn.holderBefore;
        QueueEntry holder = home.holder();
        QueueEntry granted = holder == null || (before != null && isSame(before, holder)) ? null : holder;
        if (granted != null) {
            home.handedOverAt = revision;
        }
        LockState after = home.state(scope.names().nameOf(parent), revision);
        for (QueueEntry gone : turn.gone) {
            boolean wasHolder = before != null && isSame(before, gone);
            if (!hasFallenBehind) {
                due.add(new Due(new LockEvent.Left(gone, after, wasHolder, LockEvent.How.UNKNOWN, null), false));
            }
        }
        for (QueueEntry come : turn.come) {
            if (granted == null || !isSame(come, granted)) {
                tell(new LockEvent.Queued(come, after));
            }
        }
        if (granted != null) {
            tell(new LockEvent.Acquired(granted, after));
        }
        if (home.entries.isEmpty() && home.foreign.isEmpty()) {
            homes.remove(parent);
        }
    }

    private static boolean isSame(QueueEntry one, QueueEntry other) {
        return one.createRevision() == other.createRevision() && one.key().equals(other.key());
    }

    // ---------------------------------------------------------------------------------------------------- how they
    // went

    private void ask() {
        tellWhatIsReady();
        if (isAsking || isClosed) {
            return;
        }
        List<Due> asked =
                due.stream().filter(each -> !each.isReady).limit(MOST_ASKED).toList();
        if (asked.isEmpty()) {
            return;
        }
        isAsking = true;
        TxnRequest.Builder request = TxnRequest.newBuilder();
        for (Due each : asked) {
            LockEvent.Left left = (LockEvent.Left) each.event;
            String record = ForcedRelease.key(
                    Key.ofText(scope.names().root()).latin1(),
                    Key.ofText(left.entry().key()).latin1());
            request.addSuccess(get(new Key(record), left.revision()))
                    .addSuccess(get(scope.names().sessionKey(left.entry().leaseId()), left.revision()));
        }
        etcd.txn(request.build(), outcome -> {
            isAsking = false;
            for (int i = 0; i < asked.size(); i++) {
                Due each = asked.get(i);
                each.isReady = true;
                if (outcome instanceof Outcome.Answer<TxnResponse> answer) {
                    each.event = explained(
                            (LockEvent.Left) each.event,
                            only(answer.value(), 2 * i),
                            only(answer.value(), 2 * i + 1) != null);
                }
            }
            ask();
        });
    }

    private LockEvent explained(LockEvent.Left left, @Nullable KeyValue record, boolean isSessionAlive) {
        if (record != null && record.getModRevision() == left.revision()) {
            ForcedRelease forced =
                    ForcedRelease.fromJson(record.getValue().toByteArray()).orElse(null);
            if (forced != null) {
                return new LockEvent.Left(left.entry(), left.after(), left.wasHolder(), LockEvent.How.FORCED, forced);
            }
        }
        String key = left.entry().key();
        boolean isOurs = key.indexOf('.', key.lastIndexOf('/') + 1) >= 0;
        LockEvent.How how =
                !isOurs ? LockEvent.How.UNKNOWN : isSessionAlive ? LockEvent.How.RELEASED : LockEvent.How.SESSION_ENDED;
        return new LockEvent.Left(left.entry(), left.after(), left.wasHolder(), how, null);
    }

    private static RequestOp get(Key key, long revision) {
        return RequestOp.newBuilder()
                .setRequestRange(
                        RangeRequest.newBuilder().setKey(Scope.bytes(key)).setRevision(revision))
                .build();
    }

    private static @Nullable KeyValue only(TxnResponse answer, int index) {
        var range = answer.getResponses(index).getResponseRange();
        return range.getKvsCount() == 0 ? null : range.getKvs(0);
    }

    // ---------------------------------------------------------------------------------------------------- telling

    private void tell(LockEvent event) {
        if (!hasFallenBehind) {
            due.add(new Due(event, true));
            tellWhatIsReady();
        }
    }

    /** Whatever is not known by now will not be. */
    private void settleAll() {
        due.forEach(each -> each.isReady = true);
        tellWhatIsReady();
    }

    private void tellWhatIsReady() {
        for (Due next = due.peek(); next != null && next.isReady; next = due.peek()) {
            due.remove();
            untold.add(next.event);
            untoldCount.incrementAndGet();
        }
        if (untoldCount.get() + due.size() > MOST_UNTOLD) {
            due.clear();
            untold.clear();
            untoldCount.set(0);
            hasFallenBehind = true;
            // Not from within what is going on here.
            scheduler.execute(() -> read("the listener fell behind by more than " + MOST_UNTOLD + " events"));
            stopWatch();
            round++;
        }
        wake();
    }

    private void wake() {
        if (!untold.isEmpty() && isTelling.compareAndSet(false, true)) {
            callbacks.execute(this::tellListener);
        }
    }

    private void tellListener() {
        try {
            for (int i = 0; i < TOLD_IN_A_ROW; i++) {
                LockEvent next = untold.poll();
                if (next == null) {
                    break;
                }
                untoldCount.updateAndGet(count -> Math.max(0, count - 1));
                if (!isClosed) {
                    EtcdInspection.tell(listener, next);
                }
            }
        } finally {
            // An error of the listener's goes to his executor, and the next event to him.
            isTelling.set(false);
            wake();
        }
    }
}
