package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.op;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseLeasesResponse;
import dev.holdfast.etcdapi.LeaseStatus;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchProgressRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One history on one server: what was asked, and all that could be seen. Confined to one thread at a time. */
final class Playback {
    /*
     * A server answers requests one after the other, so that each answer is decided. What its watches get is decided too,
     * but not when: real etcd sends the past every 100 ms, looks up previous pairs when it sends an event, joins several
     * revisions in one answer as it likes, and drops what is not yet sent when a watch is cancelled. So whatever depends on
     * how far the watches are - a compaction, a cancellation, a progress request, a restart, the end - waits until every
     * watch is up to date: one key in each watch's range is put and deleted, and each must see what it wants of that.
     *
     * Compared is what etcd promises: for each watch the events in their order, with their revisions; that no revision
     * is in two answers unless as fragments; and that no answer's header is behind its events.
     *
     * What a watch from below the compacted revision is told comes with the next look at the past, too. It is waited for, so
     * that nothing is awaited of that watch later on.
     *
     * Some compactions are not asked for: at a revision in which a key was first deleted and then put, etcd since 3.5 throws
     * away what was put, and dies when it looks for it.
     *
     * Control answers leave in the order of their requests. A watch that is created and cancelled is therefore a fence: what
     * is not there after it does not come.
     */

    /** The watch of the playback itself. */
    static final long FENCE = 999;

    /** Stands before a watch that begins at the compacted revision. */
    static final String FROM_COMPACTED = "from where it was compacted, ";

    private static final ByteString FENCE_KEY = Messages.bytes("~fence");
    private static final ByteString ALL = ByteString.copyFrom(new byte[1]);

    /** A lease's time left may differ by this much: far more than a history takes. TTLs are longer. */
    private static final long TTL_TOLERANCE_SECONDS = 1_000;

    /** What was seen, one entry for each thing asked or each watch. */
    record Seen(String about, List<Object> what) {}

    private static final class Watch {
        private final Message about;
        private final WatchCreateRequest request; // as the server got it
        private final boolean isFromCompacted; // begins at the very revision that was compacted at
        private final List<Object> lines = new ArrayList<>();
        private long seenRevision;
        private boolean isInFragments;
        private boolean isOver;

        Watch(Message about, WatchCreateRequest request, long compacted) {
            this.about = about;
            this.request = request;
            isFromCompacted = request.getStartRevision() == compacted;
        }

        @Override
        public String toString() {
            return (isFromCompacted ? FROM_COMPACTED : "") + new Step.Request(about);
        }

        ByteString from() {
            return request.getKey().isEmpty() ? ALL : request.getKey();
        }

        boolean wantsPuts() {
            return !request.getFiltersList().contains(WatchCreateRequest.FilterType.NOPUT);
        }

        boolean wantsDeletes() {
            return !request.getFiltersList().contains(WatchCreateRequest.FilterType.NODELETE);
        }
    }

    private final Target target;
    private final long patienceMillis;
    private final long start;
    private final List<Seen> seen = new ArrayList<>();
    private final Map<Long, Watch> watches = new TreeMap<>();
    private final Set<Long> notToCompact = new TreeSet<>();
    private long compacted;
    private Target.Watches stream;
    private List<Object> aboutNoWatch = new ArrayList<>();
    private boolean hasRestarted;
    private int streams;

    /**
     * Empties the server and begins.
     *
     * @param patienceMillis how long to wait for what must come
     */
    Playback(Target target, long patienceMillis) {
        this.target = target;
        this.patienceMillis = patienceMillis;
        LeaseLeasesResponse leases = (LeaseLeasesResponse)
                target.call(LeaseLeasesRequest.getDefaultInstance()).message();
        for (LeaseStatus lease : leases.getLeasesList()) {
            target.call(Messages.revoke(lease.getID())).message();
        }
        // A few revisions, so that those a history calls 1, 2 and 3 are in its past.
        for (int i = 0; i < 4; i++) {
            target.call(Messages.put("~emptied", "")).message();
        }
        target.call(DeleteRangeRequest.newBuilder().setKey(ALL).setRangeEnd(ALL).build())
                .message();
        start = revision();
        target.call(CompactionRequest.newBuilder()
                        .setRevision(start)
                        .setPhysical(true)
                        .build())
                .message();
        compacted = start;
        stream = target.openWatches();
    }

    /** What was seen so far, in the order in which it was asked for; watches whose stream is over come where it ended. */
    List<Seen> seen() {
        return seen;
    }

    /** Carries out a request of the history. */
    void play(Message request) {
        Message sent = History.toServer(request, start);
        List<Object> answers = new ArrayList<>();
        if (sent instanceof WatchCreateRequest create) {
            answers.add(create(request, create));
        } else if (sent instanceof WatchCancelRequest cancel) {
            bringWatchesUpToDate();
            Watch watch = watches.get(cancel.getWatchId());
            stream.send(WatchRequest.newBuilder().setCancelRequest(cancel).build());
            fence();
            if (watch != null) {
                watch.isOver = true;
            }
        } else if (sent instanceof WatchProgressRequest progress) {
            bringWatchesUpToDate();
            stream.send(WatchRequest.newBuilder().setProgressRequest(progress).build());
            fence();
        } else {
            if (sent instanceof CompactionRequest compact) {
                if (notToCompact.contains(compact.getRevision())) {
                    return;
                }
                bringWatchesUpToDate();
            }
            EtcdConnection.Outcome outcome = target.call(sent);
            answers.add(visible(outcome));
            if (sent instanceof CompactionRequest compact && outcome.status().isOk()) {
                compacted = compact.getRevision();
            } else if (sent instanceof TxnRequest txn
                    && outcome.answer() instanceof TxnResponse answer
                    && putsWhatItDeleted(txn, answer, new ArrayList<>())) {
                notToCompact.add(answer.getHeader().getRevision());
            }
            if (outcome.answer() instanceof LeaseGrantResponse granted && ((LeaseGrantRequest) sent).getID() == 0) {
                // An id that nobody but this server knows.
                answers.add(visible(target.call(Messages.revoke(granted.getID()))));
            }
        }
        answers.addAll(aboutNoWatch);
        aboutNoWatch = new ArrayList<>();
        see(new Step.Request(request).toString(), answers);
    }

    /** @param deleted what the transaction deletes before */
    private static boolean putsWhatItDeleted(TxnRequest txn, TxnResponse answer, List<KeyRange> deleted) {
        List<RequestOp> ops = answer.getSucceeded() ? txn.getSuccessList() : txn.getFailureList();
        boolean found = false;
        for (int i = 0; i < ops.size(); i++) {
            RequestOp op = ops.get(i);
            if (op.hasRequestDeleteRange()) {
                DeleteRangeRequest delete = op.getRequestDeleteRange();
                deleted.add(KeyRange.of(delete.getKey(), delete.getRangeEnd()));
            } else if (op.hasRequestPut()) {
                ByteString key = op.getRequestPut().getKey();
                found |= deleted.stream().anyMatch(range -> range.contains(key));
            } else if (op.hasRequestTxn() && i < answer.getResponsesCount()) { // a wrong engine may answer less
                found |= putsWhatItDeleted(
                        op.getRequestTxn(), answer.getResponses(i).getResponseTxn(), deleted);
            }
        }
        return found;
    }

    /** Before a restart: the last revision becomes one that may be compacted at. */
    void prepareRestart() {
        target.call(Messages.put("~later", "")).message();
        endStream();
    }

    /** Lets the watches see everything, and ends their stream. */
    private void endStream() {
        long latest = start;
        for (Watch watch : watches.values()) {
            latest = Math.max(latest, watch.request.getStartRevision());
        }
        // So that watches that wait for the future begin, too. It is near.
        for (long r = revision(); r < latest && latest - r < 1_000; r++) {
            target.call(Messages.put("~later", "")).message();
        }
        bringWatchesUpToDate();
        stream.cancel();
        streams++;
        watches.forEach(this::see);
        watches.clear();
        see("about no watch of stream " + streams, aboutNoWatch);
        aboutNoWatch = new ArrayList<>();
    }

    /**
     * Restarts the server, and opens another stream.
     *
     * @return the revision up to which it has forgotten history by that, in the coordinates of the history; 0 when it has not
     */
    long restart() {
        try {
            target.restart();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        stream = target.openWatches();
        hasRestarted = true;
        long readable = firstReadable();
        if (readable == compacted) {
            return 0;
        }
        compacted = readable;
        return readable - start + History.START;
    }

    /** The first revision from this one on that a server can be compacted at, in the coordinates of the history. */
    long compactable(long revision) {
        long first = revision - History.START + start;
        while (notToCompact.contains(first)) {
            first++;
        }
        return first - start + History.START;
    }

    /** For the other server of the two: what belongs to connections is new there as well. */
    void reopenStream() {
        stream = target.openWatches();
        hasRestarted = true;
    }

    /** Looks at all that is left, and at what there was. */
    void end() {
        endStream();
        RangeRequest everything =
                RangeRequest.newBuilder().setKey(ALL).setRangeEnd(ALL).build();
        play(everything);
        long last = revision() - start + History.START;
        long step = Math.max(1, (last - History.START) / 6);
        for (long r = History.START; r <= last; r += step) {
            play(everything.toBuilder().setRevision(r).build());
        }
        LeaseLeasesResponse leases = (LeaseLeasesResponse)
                target.call(LeaseLeasesRequest.getDefaultInstance()).message();
        play(LeaseLeasesRequest.getDefaultInstance());
        leases.getLeasesList().stream()
                .map(LeaseStatus::getID)
                .sorted()
                .forEach(id -> play(LeaseTimeToLiveRequest.newBuilder()
                        .setID(id)
                        .setKeys(true)
                        .build()));
    }

    /** The revision below which reads are refused, found by trying. */
    private long firstReadable() {
        long low = start;
        long high = revision();
        while (low < high) {
            long middle = (low + high) / 2;
            EtcdConnection.Outcome outcome = target.call(RangeRequest.newBuilder()
                    .setKey(FENCE_KEY)
                    .setRevision(middle)
                    .build());
            if (outcome.status().isOk()) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private long revision() {
        RangeRequest any = RangeRequest.newBuilder().setKey(FENCE_KEY).build();
        return ((RangeResponse) target.call(any).message()).getHeader().getRevision();
    }

    private void see(long id, Watch watch) {
        see("watch " + id + " of stream " + streams + ", " + watch, watch.lines);
    }

    private void see(String about, List<Object> what) {
        seen.add(new Seen(about, what));
    }

    // -------------------------------------------------------------------------------------------------- answers

    private Object visible(EtcdConnection.Outcome outcome) {
        Message answer = outcome.answer();
        if (answer == null) {
            return text(outcome.status());
        }
        Message visible = History.fromServer(answer, start);
        if (visible instanceof LeaseTimeToLiveResponse lease) {
            return timeless(lease);
        }
        if (visible instanceof LeaseLeasesResponse leases && hasRestarted) {
            // Their order is that of their ends, and those are new since then.
            List<LeaseStatus> sorted = leases.getLeasesList().stream()
                    .sorted(Comparator.comparingLong(LeaseStatus::getID))
                    .toList();
            return leases.toBuilder().clearLeases().addAllLeases(sorted).build();
        }
        if (visible instanceof LeaseGrantResponse granted && granted.getID() != 0 && isChosenByServer(granted)) {
            return granted.toBuilder().clearID().build();
        }
        return visible;
    }

    /** Histories name leases by small numbers. */
    private static boolean isChosenByServer(LeaseGrantResponse granted) {
        return granted.getID() > 1L << 32 && granted.getID() < Long.MAX_VALUE;
    }

    private static LeaseTimeToLiveResponse timeless(LeaseTimeToLiveResponse lease) {
        long late = lease.getGrantedTTL() - lease.getTTL();
        boolean isTolerable = lease.getTTL() > 0 && late >= 0 && late < TTL_TOLERANCE_SECONDS;
        List<ByteString> keys =
                lease.getKeysList().stream().sorted(KeyRange.ORDER).toList();
        return lease.toBuilder()
                .setTTL(isTolerable ? lease.getGrantedTTL() : lease.getTTL())
                .clearKeys()
                .addAllKeys(keys) // etcd has no order of its own for them
                .build();
    }

    private static String text(Status status) {
        return status.getCode() + ": " + status.getDescription();
    }

    // -------------------------------------------------------------------------------------------------- watches

    private Object create(Message about, WatchCreateRequest request) {
        stream.send(WatchRequest.newBuilder().setCreateRequest(request).build());
        WatchResponse answer;
        do {
            answer = next();
            if (answer == null) {
                return "no answer";
            }
            if (!answer.getCreated()) {
                take(answer);
            }
        } while (!answer.getCreated());
        if (!answer.getCanceled()) {
            Watch watch = new Watch(about, request, compacted);
            Watch before = watches.put(answer.getWatchId(), watch);
            if (before != null) {
                see(answer.getWatchId(), before);
            }
            if (request.getStartRevision() > 0 && request.getStartRevision() < compacted) {
                awaitMore(watch, () -> !watch.isOver);
            }
        }
        return History.fromServer(answer, start);
    }

    /** After this, all that was to come because of earlier requests on the stream has come. */
    private void fence() {
        stream.send(WatchRequest.newBuilder()
                .setCreateRequest(
                        WatchCreateRequest.newBuilder().setKey(FENCE_KEY).setWatchId(FENCE))
                .build());
        awaitFence();
        // Progress reports travel with the events and not with control answers.
        target.call(PutRequest.newBuilder().setKey(FENCE_KEY).build()).message();
        awaitFence();
        stream.send(Messages.cancelWatch(FENCE));
        awaitFence();
    }

    private void awaitFence() {
        WatchResponse answer;
        do {
            answer = next();
            if (answer == null) {
                aboutNoWatch.add("no answer about the fence");
                return;
            }
            take(answer);
        } while (answer.getWatchId() != FENCE);
    }

    private void bringWatchesUpToDate() {
        Set<ByteString> froms = new TreeSet<>(KeyRange.ORDER);
        for (Watch watch : watches.values()) {
            if (!watch.isOver) {
                froms.add(watch.from());
            }
        }
        if (froms.isEmpty()) {
            return;
        }
        TxnRequest.Builder puts = TxnRequest.newBuilder();
        TxnRequest.Builder deletes = TxnRequest.newBuilder();
        for (ByteString key : froms) {
            puts.addSuccess(op(PutRequest.newBuilder().setKey(key).build()));
            deletes.addSuccess(op(DeleteRangeRequest.newBuilder().setKey(key).build()));
        }
        long putAt =
                ((TxnResponse) target.call(puts.build()).message()).getHeader().getRevision();
        long deletedAt = ((TxnResponse) target.call(deletes.build()).message())
                .getHeader()
                .getRevision();
        boolean isSilent = false;
        for (Watch watch : watches.values()) {
            awaitEvent(watch, putAt, deletedAt);
            isSilent |= !watch.isOver
                    && !watch.wantsPuts()
                    && !watch.wantsDeletes()
                    && watch.request.getStartRevision() > 0;
        }
        if (isSilent) {
            awaitReplay();
        }
    }

    /** Nothing shows how far a watch without events is; but its past is looked through together with that of later ones. */
    private void awaitReplay() {
        PutRequest put = PutRequest.newBuilder().setKey(FENCE_KEY).build();
        long putAt = ((PutResponse) target.call(put).message()).getHeader().getRevision();
        stream.send(WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder()
                        .setKey(FENCE_KEY)
                        .setStartRevision(putAt)
                        .setWatchId(FENCE))
                .build());
        awaitFence();
        awaitFence();
        stream.send(Messages.cancelWatch(FENCE));
        awaitFence();
    }

    private void awaitEvent(Watch watch, long putAt, long deletedAt) {
        long first = watch.request.getStartRevision();
        long due;
        if (watch.wantsDeletes() && first <= deletedAt) {
            due = deletedAt;
        } else if (watch.wantsPuts() && first <= putAt) {
            due = putAt;
        } else {
            return;
        }
        awaitMore(watch, () -> !watch.isOver && watch.seenRevision < due);
    }

    private void awaitMore(Watch watch, BooleanSupplier isMissing) {
        while (isMissing.getAsBoolean()) {
            WatchResponse answer = next();
            if (answer == null) {
                watch.lines.add("nothing more came");
                watch.isOver = true;
                return;
            }
            take(answer);
        }
    }

    private @Nullable WatchResponse next() {
        return stream.poll(patienceMillis);
    }

    private void take(WatchResponse answer) {
        Watch watch = watches.get(answer.getWatchId());
        if (answer.getWatchId() == FENCE) {
            return;
        }
        if (watch == null) {
            aboutNoWatch.add(History.fromServer(answer, start));
            return;
        }
        if (answer.getEventsCount() == 0) {
            watch.lines.add(History.fromServer(answer, start));
            watch.isOver |= answer.getCanceled();
            return;
        }
        if (!watch.isInFragments && answer.getEvents(0).getKv().getModRevision() <= watch.seenRevision) {
            watch.lines.add("a revision was split, or came again");
        }
        watch.isInFragments = answer.getFragment();
        for (Event event : answer.getEventsList()) {
            watch.seenRevision = event.getKv().getModRevision();
            watch.lines.add(History.fromServer(event, start));
        }
        if (answer.getHeader().getRevision() < watch.seenRevision) {
            watch.lines.add("the header is behind the events");
        }
    }

    /** How long to wait for what must come, however loaded the machine is. */
    static final long PATIENT_MILLIS = TimeUnit.SECONDS.toMillis(20);
}
