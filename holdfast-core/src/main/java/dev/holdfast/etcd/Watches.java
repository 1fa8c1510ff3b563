package dev.holdfast.etcd;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All watches on one stream. Confined to the event loop.
 *
 * <pre>
 * a watch      WAITING (no stream yet) -> CREATING (request sent) -> ACTIVE (has an id) -> ENDED
 * the stream   none -> open -> idle, closed after a while -> none
 *                        `-> broken: all its watches end; the next one opens a stream, elsewhere, after a back-off
 * </pre>
 *
 * <p>The server assigns the ids and answers the create requests of a stream in order; that order is the only thing that
 * ties an id to a request. A stream on which the account of creates is broken, or a create is not answered in time, is
 * dropped.
 *
 * <p>A stream has the token of its opening. When the user gets another one, or the server does not accept this one for a
 * watch to be created, the stream is replaced: what is not created yet is asked for on the new one, what is active ends.
 */
final class Watches {

    /** How long denials are believed without asking for a fresh token, after one was confirmed with a fresh token. */
    private static final long CONFIRMED_NANOS = 30_000_000_000L;

    private final Transport transport;
    private final Scheduler scheduler;
    private final EtcdClient.Settings settings;
    private final Endpoints endpoints;
    private final Revisions revisions;
    private final @Nullable Login login;

    private final Set<Watch> waiting = new LinkedHashSet<>();
    private @Nullable Stream stream;
    private @Nullable Cancellable opening;
    private @Nullable Cancellable idle;

    /** The wait before the next opening, chosen when a stream broke; counted from {@link #brokenAtNanos}. */
    private long waitNanos;

    private long brokenAtNanos;
    private long backoffNanos;
    private long droppedResponses;

    /** A watch was denied with a fresh token too, and when. */
    private boolean isDenialConfirmed;

    private long confirmedAtNanos;

    private @Nullable EtcdError closed;

    Watches(
            Transport transport,
            Scheduler scheduler,
            EtcdClient.Settings settings,
            Endpoints endpoints,
            Revisions revisions,
            @Nullable Login login) {
        this.transport = transport;
        this.scheduler = scheduler;
        this.settings = settings;
        this.endpoints = endpoints;
        this.revisions = revisions;
        this.login = login;
        this.backoffNanos = settings.minBackoffNanos();
    }

    Cancellable start(ByteString key, ByteString rangeEnd, long startRevision, WatchListener listener) {
        WatchCreateRequest create = WatchCreateRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(rangeEnd)
                .setStartRevision(startRevision)
                .setFragment(true)
                .build();
        Watch watch = new Watch(create, listener);
        EtcdError refusal = closed;
        if (refusal != null) {
            scheduler.execute(() -> watch.end(refusal.text(), 0, refusal));
            return watch;
        }
        if (idle != null) {
            idle.cancel();
            idle = null;
        }
        if (stream != null) {
            stream.create(watch);
        } else {
            waiting.add(watch);
            openWhenAllowed();
        }
        return watch;
    }

    long droppedResponses() {
        return droppedResponses;
    }

    void close(EtcdError error) {
        closed = error;
        List<Watch> orphans = new ArrayList<>(waiting);
        waiting.clear();
        if (opening != null) {
            opening.cancel();
        }
        if (idle != null) {
            idle.cancel();
        }
        if (stream != null) {
            orphans.addAll(stream.end());
        }
        scheduler.execute(() -> orphans.forEach(watch -> watch.end(error.text(), 0, error)));
    }

    private void openWhenAllowed() {
        if (opening != null) {
            return;
        }
        long leftNanos = waitNanos - (scheduler.nanoTime() - brokenAtNanos);
        if (waitNanos == 0 || leftNanos <= 0) {
            open();
        } else {
            opening = scheduler.schedule(leftNanos, () -> {
                opening = null;
                open();
            });
        }
    }

    /** Opens the stream anew, with the token there is now. */
    void reopen() {
        if (stream != null) {
            stream.moveOn();
        }
    }

    private void open() {
        if (login != null && !login.isReady()) {
            opening = login.await(refusal -> {
                opening = null;
                if (refusal == null) {
                    openWhenAllowed();
                } else {
                    refuseWaiting(refusal);
                }
            });
            return;
        }
        waitNanos = 0;
        Stream fresh = new Stream(endpoints.preferred());
        stream = fresh;
        fresh.open();
        List<Watch> ready = new ArrayList<>(waiting);
        waiting.clear();
        ready.forEach(fresh::create);
    }

    private void refuseWaiting(EtcdError refusal) {
        List<Watch> refused = new ArrayList<>(waiting);
        waiting.clear();
        refused.forEach(watch -> watch.end("no watch stream: " + refusal.text(), 0, refusal));
    }

    private void broken() {
        long halfNanos = backoffNanos / 2;
        waitNanos = halfNanos + Math.floorMod(scheduler.randomLong(), halfNanos + 1);
        brokenAtNanos = scheduler.nanoTime();
        backoffNanos = Math.min(settings.maxBackoffNanos(), 2 * backoffNanos);
    }

    private void closeWhenIdle() {
        Stream current = stream;
        if (current != null && current.isEmpty() && idle == null) {
            idle = scheduler.schedule(settings.watchIdleNanos(), () -> {
                idle = null;
                current.end();
            });
        }
    }

    /** One stream, from its opening to its end. */
    private final class Stream implements Transport.StreamListener<WatchResponse> {
        private final Endpoints.Seat seat;
        private final Revisions.Known known = revisions.known();
        private final ArrayDeque<Watch> creating = new ArrayDeque<>();
        private final Map<Long, Watch> active = new LinkedHashMap<>();
        private final long generation = login == null ? 0 : login.generation();
        private Transport.@Nullable Outbound<WatchRequest> outbound;
        private boolean isOver;

        private Stream(Endpoints.Seat seat) {
            this.seat = seat;
        }

        private void open() {
            outbound = transport.stream(
                    seat.endpoint(), WatchGrpc.getWatchMethod(), EtcdClient.headers(true, login), this);
        }

        private boolean isEmpty() {
            return active.isEmpty() && creating.stream().allMatch(watch -> watch.isOver);
        }

        private void create(Watch watch) {
            creating.add(watch);
            watch.stream = this;
            watch.timer = scheduler.schedule(
                    settings.requestTimeoutNanos(),
                    () -> broke(
                            "no answer to the creation of a watch in time from " + seat.endpoint(),
                            Status.Code.DEADLINE_EXCEEDED));
            send(WatchRequest.newBuilder().setCreateRequest(watch.create).build());
        }

        private void cancel(long id) {
            send(WatchRequest.newBuilder()
                    .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
                    .build());
        }

        private void send(WatchRequest request) {
            if (outbound != null) {
                outbound.send(request);
            }
        }

        @Override
        public void onMessage(WatchResponse message) {
            scheduler.execute(() -> received(message));
        }

        @Override
        public void onClosed(Status status) {
            EtcdError error = status.isOk() ? null : EtcdError.of(status).at(seat.endpoint());
            scheduler.execute(() -> {
                if (login != null && error != null && error.isTokenRejected() && !isOver) {
                    login.rejected(generation, seat);
                    broken();
                    moveOn();
                    return;
                }
                broke(
                        error == null
                                ? "the server ended the watch stream (endpoint " + seat.endpoint() + ")"
                                : "the watch stream broke: " + error.text(),
                        error);
            });
        }

        /** Ends this stream for its token's sake, and opens another one if anybody waits for a watch. */
        private void moveOn() {
            if (isOver) {
                return;
            }
            Set<Watch> unborn = new LinkedHashSet<>(creating);
            unborn.removeIf(watch -> watch.isOver);
            List<Watch> orphans = end();
            orphans.removeAll(unborn);
            for (Watch watch : unborn) {
                watch.stream = null;
                waiting.add(watch);
            }
            orphans.forEach(watch -> watch.end("the watch stream is opened anew with a fresh token", 0, null));
            if (!waiting.isEmpty() && stream == null) {
                openWhenAllowed();
            }
        }

        private void received(WatchResponse response) {
            if (isOver) {
                return;
            }
            EtcdError wrong = revisions.judgeCluster(known, response.getHeader(), seat.endpoint());
            if (wrong != null) {
                broke(wrong.text(), wrong);
            } else if (response.getCreated()) {
                created(response);
            } else if (response.getCanceled()) {
                canceled(response);
            } else {
                Watch watch = active.get(response.getWatchId());
                if (watch == null) {
                    droppedResponses++;
                } else {
                    watch.listener.onEvents(response);
                }
            }
        }

        private void created(WatchResponse response) {
            Watch watch = creating.poll();
            if (watch == null || (!response.getCanceled() && active.containsKey(response.getWatchId()))) {
                if (watch != null) {
                    creating.addFirst(watch);
                }
                broke("a watch was created unasked by " + seat.endpoint(), Status.Code.INTERNAL);
                return;
            }
            watch.stopTimer();
            if (response.getCanceled()) {
                refused(watch, response);
                return;
            }
            backoffNanos = settings.minBackoffNanos();
            if (watch.isOver) {
                cancel(response.getWatchId());
                return;
            }
            watch.id = response.getWatchId();
            active.put(watch.id, watch);
            watch.listener.onCreated(response.getHeader().getRevision());
            if (response.getEventsCount() > 0 && !watch.isOver) {
                watch.listener.onEvents(response);
            }
        }

        private void refused(Watch watch, WatchResponse response) {
            EtcdError error = EtcdError.ofCancelReason(response.getCancelReason());
            if (login != null && (error.isTokenRejected() || isTokenToBlame(login, watch, error))) {
                creating.addFirst(watch);
                login.rejected(generation, seat);
                broken();
                moveOn();
                return;
            }
            if (login != null && error.isPermissionDenied() && (watch.isTokenDoubted || login.isYoung(generation))) {
                confirmedAtNanos = scheduler.nanoTime();
                isDenialConfirmed = true;
            }
            watch.end(response);
            if (error.isPermissionDenied() && response.getWatchId() >= 0) {
                // Older releases name a watch here that may be another one, and some answer no later request on the
                // stream. Newer ones say -1, and their stream is good (tried with 3.4.23 and 3.5.35).
                broken();
                moveOn();
                return;
            }
            closeWhenIdle();
        }

        /*
         * Etcd 3.4 and 3.5 say "permission denied" for a watch also if they do not know the token any more. Only a fresh
         * one tells; but it ends all other watches, so it is not got again and again for a user who lacks the permission.
         */
        private boolean isTokenToBlame(Login source, Watch watch, EtcdError error) {
            if (!error.isPermissionDenied() || watch.isOver || watch.isTokenDoubted || source.isYoung(generation)) {
                return false;
            }
            if (isDenialConfirmed && scheduler.nanoTime() - confirmedAtNanos < CONFIRMED_NANOS) {
                return false;
            }
            watch.isTokenDoubted = true;
            return true;
        }

        private void canceled(WatchResponse response) {
            Watch watch = active.remove(response.getWatchId());
            if (watch != null) { // otherwise it confirms what we asked for
                closeWhenIdle();
                watch.end(response);
            }
        }

        private void broke(String reason, Status.Code code) {
            broke(reason, EtcdError.of(code, reason));
        }

        private void broke(String reason, @Nullable EtcdError error) {
            if (isOver) {
                return;
            }
            List<Watch> orphans = end();
            endpoints.failed(seat);
            broken();
            EtcdError unresolved = error == null ? null : error.ambiguous();
            orphans.forEach(watch -> watch.end(reason, 0, unresolved));
        }

        private List<Watch> end() {
            isOver = true;
            stream = null;
            if (idle != null) {
                idle.cancel();
                idle = null;
            }
            if (outbound != null) {
                outbound.cancel();
            }
            List<Watch> orphans = new ArrayList<>(active.values());
            orphans.addAll(creating);
            orphans.forEach(Watch::stopTimer);
            active.clear();
            creating.clear();
            return orphans;
        }
    }

    /** One watch. */
    private final class Watch implements Cancellable {
        private static final long NO_ID = -1;

        private final WatchCreateRequest create;
        private final WatchListener listener;
        private @Nullable Stream stream;
        private @Nullable Cancellable timer;
        private long id = NO_ID;
        private boolean isTokenDoubted;
        private boolean isOver;

        private Watch(WatchCreateRequest create, WatchListener listener) {
            this.create = create;
            this.listener = listener;
        }

        @Override
        public void cancel() {
            if (isOver) {
                return;
            }
            isOver = true;
            if (stream == null) {
                waiting.remove(this);
                if (waiting.isEmpty() && opening != null) {
                    opening.cancel();
                    opening = null;
                }
                return;
            }
            if (id != NO_ID && stream.active.remove(id, this)) {
                stream.cancel(id);
            } // otherwise the cancel follows when its Created comes
            closeWhenIdle();
        }

        private void end(WatchResponse response) {
            String given = response.getCancelReason();
            EtcdError error;
            if (response.getCompactRevision() > 0) {
                error = EtcdError.of(Status.Code.OUT_OF_RANGE, ErrorTable.COMPACTED);
            } else {
                error = given.isEmpty() ? null : EtcdError.ofCancelReason(given);
            }
            String reason = "the server cancelled the watch: " + (error == null ? "no reason given" : error.text());
            end(reason, response.getCompactRevision(), error);
        }

        private void end(String reason, long compactRevision, @Nullable EtcdError error) {
            if (!isOver) {
                isOver = true;
                listener.onEnded(reason, compactRevision, error);
            }
        }

        private void stopTimer() {
            if (timer != null) {
                timer.cancel();
                timer = null;
            }
        }
    }
}
