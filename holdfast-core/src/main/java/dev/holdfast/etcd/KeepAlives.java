package dev.holdfast.etcd;

import dev.holdfast.etcd.Outcome.Answer;
import dev.holdfast.etcd.Outcome.Failure;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Keep-alives on one stream per lane. Confined to the event loop.
 *
 * <p>An answer names its lease, but not the request it answers. The server answers the requests of a stream in order, so
 * the oldest outstanding request for the lease is the one - as long as every answer before it was accounted for. A request
 * that was cancelled therefore keeps its place; a stream on which that account is broken is dropped.
 *
 * <p>When the user's token is not accepted any more, or was replaced, the requests that are under way are sent once more on a
 * stream with a fresh token: a renewal is no worse for being asked for twice, and its time is that of the first asking.
 */
final class KeepAlives {

    private final Transport transport;
    private final Scheduler scheduler;
    private final Endpoints endpoints;
    private final Revisions revisions;
    private final @Nullable Login login;
    private final Map<Integer, Lane> lanes = new TreeMap<>();

    KeepAlives(
            Transport transport, Scheduler scheduler, Endpoints endpoints, Revisions revisions, @Nullable Login login) {
        this.transport = transport;
        this.scheduler = scheduler;
        this.endpoints = endpoints;
        this.revisions = revisions;
        this.login = login;
    }

    /** Opens every stream anew, with the token there is now; what is under way on it is asked again. */
    void reopen() {
        List.copyOf(lanes.values()).forEach(Lane::moveOn);
    }

    Cancellable send(long leaseId, int laneNumber, long timeoutNanos, Reply<LeaseKeepAliveResponse> reply) {
        return laneFor(laneNumber).send(leaseId, timeoutNanos, reply);
    }

    void close(EtcdError error) {
        for (Lane lane : List.copyOf(lanes.values())) {
            List<Request> orphans = lane.end();
            scheduler.execute(() -> orphans.forEach(request -> request.settle(new Failure<>(error))));
        }
    }

    private Lane laneFor(int number) {
        Lane lane = lanes.get(number);
        if (lane != null && lane.isHedgeInVain()) {
            lane.end();
            lane = null;
        }
        if (lane == null) {
            lane = new Lane(number, number == 0 ? endpoints.preferred() : endpoints.other(endpointsInUse(number)));
            lanes.put(number, lane);
            lane.open();
        }
        return lane;
    }

    /* The endpoints of the other lanes: a hedge on one of them would hedge nothing. */
    private Set<String> endpointsInUse(int exceptLane) {
        Set<String> inUse = new HashSet<>();
        lanes.forEach((number, lane) -> {
            if (number != exceptLane) {
                inUse.add(lane.seat.endpoint());
            }
        });
        return inUse;
    }

    /** One stream, from its opening to its end. */
    private final class Lane implements Transport.StreamListener<LeaseKeepAliveResponse> {
        private final int number;
        private final Endpoints.Seat seat;
        private final Revisions.Known known = revisions.known();
        private final Map<Long, ArrayDeque<Request>> byLease = new HashMap<>();
        private final Set<Request> outstanding = new LinkedHashSet<>();
        private Transport.@Nullable Outbound<LeaseKeepAliveRequest> outbound;
        private @Nullable Cancellable awaitingToken;
        private long generation;
        private boolean isOver;

        private Lane(int number, Endpoints.Seat seat) {
            this.number = number;
            this.seat = seat;
        }

        private void open() {
            if (login != null && !login.isReady()) {
                awaitingToken = login.await(refusal -> {
                    awaitingToken = null;
                    if (refusal == null) {
                        open();
                    } else {
                        drop(refusal);
                    }
                });
                return;
            }
            generation = login == null ? 0 : login.generation();
            outbound = transport.stream(
                    seat.endpoint(), LeaseGrpc.getLeaseKeepAliveMethod(), EtcdClient.headers(true, login), this);
            List.copyOf(outstanding).forEach(this::write);
        }

        private void write(Request request) {
            if (outbound != null) {
                outbound.send(LeaseKeepAliveRequest.newBuilder()
                        .setID(request.leaseId)
                        .build());
            }
        }

        /** Ends this stream, and puts what is outstanding on a new one. */
        private void moveOn() {
            List<Request> moving = end();
            if (!moving.isEmpty()) {
                Lane next = laneFor(number);
                moving.forEach(next::add);
            }
        }

        /* Lane 0 has moved onto the endpoint of this hedge since it was opened. */
        private boolean isHedgeInVain() {
            Lane main = lanes.get(0);
            return number > 0
                    && endpoints.areSeveral()
                    && outstanding.isEmpty()
                    && main != null
                    && main.seat.endpoint().equals(seat.endpoint());
        }

        private Request send(long leaseId, long timeoutNanos, Reply<LeaseKeepAliveResponse> reply) {
            Request request = new Request(leaseId, reply, this);
            request.timer = scheduler.schedule(timeoutNanos, () -> request.lane.timedOut(request));
            add(request);
            return request;
        }

        private void add(Request request) {
            request.lane = this;
            byLease.computeIfAbsent(request.leaseId, id -> new ArrayDeque<>()).add(request);
            outstanding.add(request);
            write(request);
        }

        @Override
        public void onMessage(LeaseKeepAliveResponse message) {
            scheduler.execute(() -> answered(message));
        }

        @Override
        public void onClosed(Status status) {
            EtcdError error = status.isOk()
                    ? EtcdError.of(Status.Code.UNAVAILABLE, "the server ended the keep-alive stream")
                    : EtcdError.of(status);
            scheduler.execute(() -> {
                if (login != null && error.isTokenRejected() && !isOver) {
                    // A fresh token each time, and the requests' own timers: this cannot go on for ever.
                    login.rejected(generation, seat);
                    moveOn();
                } else {
                    drop(error.at(seat.endpoint()));
                }
            });
        }

        private void answered(LeaseKeepAliveResponse answer) {
            if (isOver) {
                return;
            }
            ArrayDeque<Request> queue = byLease.get(answer.getID());
            Request request = queue == null ? null : queue.poll();
            if (queue == null || request == null) {
                drop(EtcdError.of(
                        Status.Code.INTERNAL,
                        "a keep-alive answer for lease " + Long.toHexString(answer.getID()) + " came unasked from "
                                + seat.endpoint()));
                return;
            }
            if (queue.isEmpty()) {
                byLease.remove(answer.getID());
            }
            outstanding.remove(request);
            EtcdError wrong = revisions.judgeCluster(known, answer.getHeader(), seat.endpoint());
            request.settle(wrong == null ? new Answer<>(answer) : new Failure<>(wrong));
        }

        private void timedOut(Request late) {
            if (isOver || !outstanding.remove(late)) {
                return;
            }
            if (login != null && outbound == null) {
                neverWritten(late, login.trouble());
                return;
            }
            late.settle(new Failure<>(EtcdError.of(
                    Status.Code.DEADLINE_EXCEEDED, "no answer to a keep-alive in time from " + seat.endpoint())));
            drop(EtcdError.of(
                    Status.Code.UNAVAILABLE,
                    "the keep-alive stream to " + seat.endpoint()
                            + " was dropped, because an earlier answer did not come in time"));
        }

        /* There is no stream yet, for want of a token: the endpoint is not to blame, and the others go on waiting. */
        private void neverWritten(Request late, String trouble) {
            ArrayDeque<Request> queue = byLease.get(late.leaseId);
            if (queue != null) {
                queue.remove(late);
            }
            if (outstanding.isEmpty()) {
                end();
            }
            late.settle(new Failure<>(EtcdError.of(Status.Code.DEADLINE_EXCEEDED, trouble)));
        }

        private void drop(EtcdError error) {
            if (isOver) {
                return;
            }
            boolean isOpened = outbound != null;
            List<Request> orphans = end();
            if (isOpened) {
                endpoints.failed(seat);
            }
            orphans.forEach(request -> request.settle(new Failure<>(error.ambiguous())));
        }

        private List<Request> end() {
            isOver = true;
            lanes.remove(number, this);
            if (awaitingToken != null) {
                awaitingToken.cancel();
            }
            if (outbound != null) {
                outbound.cancel();
            }
            List<Request> orphans = new ArrayList<>(outstanding);
            outstanding.clear();
            byLease.clear();
            return orphans;
        }
    }

    /** One keep-alive and its place in the order of answers. */
    private final class Request implements Cancellable {
        private final long leaseId;
        private final Reply<LeaseKeepAliveResponse> reply;
        private Lane lane;
        private @Nullable Cancellable timer;
        private boolean isSettled;

        private Request(long leaseId, Reply<LeaseKeepAliveResponse> reply, Lane lane) {
            this.leaseId = leaseId;
            this.reply = reply;
            this.lane = lane;
        }

        @Override
        public void cancel() {
            EtcdError error = EtcdError.of(Status.Code.CANCELLED, "the keep-alive was cancelled");
            scheduler.execute(() -> tell(new Failure<>(error)));
        }

        /* The place in the order is free: the answer came, or never will. */
        private void settle(Outcome<LeaseKeepAliveResponse> outcome) {
            if (timer != null) {
                timer.cancel();
            }
            tell(outcome);
        }

        private void tell(Outcome<LeaseKeepAliveResponse> outcome) {
            if (!isSettled) {
                isSettled = true;
                reply.on(outcome);
            }
        }
    }
}
