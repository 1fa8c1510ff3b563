package dev.holdfast.testkit.simulation;

import dev.holdfast.embedded.EtcdException;
import dev.holdfast.embedded.WatchStream;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Carries messages between processes and members of the cluster: late, or not at all, or there but not back. Single calls
 * overtake each other; a stream keeps its order and, like TCP, brings what was held up by a partition when that is over.
 */
final class Network {

    static final List<String> MEMBERS = List.of("m0", "m1", "m2");

    private static final Status RESET = Status.UNAVAILABLE.withDescription("simulated: connection reset");
    private static final Status TIMED_OUT = Status.UNAVAILABLE.withDescription(
            "etcdserver: request timed out, possibly due to previous leader failure");
    private static final Status TOO_MANY = Status.RESOURCE_EXHAUSTED.withDescription("etcdserver: too many requests");
    private static final Status NO_LEADER = Status.UNAVAILABLE.withDescription("etcdserver: no leader");

    /** So many of the last messages of a stream may be said again. */
    private static final int REMEMBERED = 20;

    private final World world;
    private final Luck luck;
    private final Weather weather;
    private final SimServer server;
    private final Invariants invariants;
    private final Notes notes;
    private final Mix mix;

    /** Until when messages of a direction are held up: by "p0>m1" or "m1>p0". */
    private final Map<String, Long> heldUntilNanos = new TreeMap<>();

    private final Set<Wires> wires = new LinkedHashSet<>();

    Network(World world, Weather weather, SimServer server, Invariants invariants, Notes notes, Mix mix) {
        this.world = world;
        this.luck = world.fork();
        this.weather = weather;
        this.server = server;
        this.invariants = invariants;
        this.notes = notes;
        this.mix = mix;
    }

    // ---------------------------------------------------------------------------------------------------- partitions

    /** Cuts a process off from a member. */
    void cut(String process, int member, boolean isToServer, boolean isFromServer, long nanos) {
        long until = world.nowNanos() + nanos;
        if (isToServer) {
            heldUntilNanos.merge(process + ">" + member, until, Math::max);
        }
        if (isFromServer) {
            heldUntilNanos.merge(member + ">" + process, until, Math::max);
        }
    }

    /** The cluster is started anew: every stream is closed. */
    void restart() {
        for (Wires each : wires) {
            for (Streaming<?, ?> stream : new ArrayList<>(each.streams)) {
                stream.endAtServer();
                world.after(latency(), "reset", each.process.name(), () -> stream.closed(RESET));
            }
        }
    }

    /** All partitions are over. */
    void heal() {
        heldUntilNanos.clear();
    }

    private long heldUntil(String direction) {
        return heldUntilNanos.getOrDefault(direction, 0L);
    }

    private long latency() {
        long nanos = weather.latencyNanos / 2 + luck.around(weather.latencyNanos / 2);
        if (weather.strikes(weather.delay, luck)) {
            mix.count(Drawn.DELAY);
            nanos += luck.around(500 * World.MILLI);
        }
        return nanos;
    }

    /** The way of a process to the cluster. */
    Transport transportOf(SimProcess process) {
        Wires made = new Wires(process);
        wires.add(made);
        return made;
    }

    private final class Wires implements Transport {
        private final SimProcess process;
        private final Set<Streaming<?, ?>> streams = new LinkedHashSet<>();
        private boolean isClosed;

        Wires(SimProcess process) {
            this.process = process;
        }

        @Override
        public List<String> endpoints() {
            return MEMBERS;
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            Unary<Q, R> call = new Unary<>(process, MEMBERS.indexOf(endpoint), method, request, listener);
            if (isClosed) {
                call.end(RESET);
            } else {
                call.start(timeoutNanos);
            }
            return () -> call.end(Status.CANCELLED.withDescription("cancelled by the caller"));
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            Streaming<Q, R> stream = new Streaming<>(this, MEMBERS.indexOf(endpoint), method, listener);
            streams.add(stream);
            stream.open();
            return stream;
        }

        @Override
        public void close() {
            isClosed = true;
            wires.remove(this);
            for (Streaming<?, ?> stream : new ArrayList<>(streams)) {
                stream.endAtServer();
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- calls

    private final class Unary<Q, R> {
        private final SimProcess process;
        private final int member;
        private final String name;
        private final Q request;
        private final Transport.UnaryListener<R> listener;
        private final int life = server.life();
        private boolean isOver;

        Unary(
                SimProcess process,
                int member,
                MethodDescriptor<Q, R> method,
                Q request,
                Transport.UnaryListener<R> listener) {
            this.process = process;
            this.member = member;
            this.name = String.valueOf(method.getBareMethodName());
            this.request = request;
            this.listener = listener;
        }

        void start(long timeoutNanos) {
            world.note(process.name(), "sends", member, () -> name + " to m" + member + " " + Wording.of(request));
            invariants.onSent(process.name(), process.clock().nanoTime(), request);
            notes.sent(process.name(), process.clock().nanoTime(), request);
            world.after(
                    process.clock().trueNanos(timeoutNanos),
                    "deadline",
                    process.name(),
                    () -> end(Status.DEADLINE_EXCEEDED.withDescription("simulated: deadline exceeded")));
            if (weather.strikes(weather.requestLost, luck)) {
                mix.count(Drawn.REQUEST_LOST);
                return;
            }
            if (weather.strikes(weather.callReset, luck)) {
                mix.count(Drawn.CALL_RESET);
                world.after(luck.around(weather.latencyNanos), "reset", process.name(), () -> end(RESET));
                if (luck.chance(0.5)) {
                    return;
                }
            }
            long held = heldUntil(process.name() + ">" + member) - world.nowNanos();
            if (held > 0 && luck.chance(0.5)) {
                return;
            }
            world.after(Math.max(held, 0) + latency(), "request", process.name(), this::arrive);
            if (weather.strikes(weather.duplicated, luck)) {
                // Somebody on the way heard nothing and sent it again; either copy may be the one that is answered.
                mix.count(Drawn.REQUEST_DUPLICATED);
                invariants.onDuplicated(request);
                long later = luck.around(luck.oneOf(List.of(5L, 500L)) * World.MILLI);
                world.after(Math.max(held, 0) + latency() + later, "request", process.name(), this::arrive);
            }
        }

        private void arrive() {
            long ready = server.readyAtNanos() - world.nowNanos();
            if (life != server.life()) {
                // It was on a connection to the server as it was before.
                end(RESET);
            } else if (ready > 0) {
                world.after(ready, "request", process.name(), this::arrive);
            } else if (weather.strikes(weather.refused, luck)) {
                mix.count(Drawn.REFUSED);
                sendBack(null, luck.chance(0.5) ? TOO_MANY : NO_LEADER);
            } else if (weather.strikes(weather.ghost, luck)) {
                mix.count(Drawn.GHOST);
                world.after(luck.between(0, 12 * World.SECOND), "ghost", process.name(), () -> {
                    if (life == server.life()) {
                        mix.count(Drawn.GHOST_APPLIED);
                        world.note(process.name(), "ghost", 0, () -> Wording.of(request));
                        carryOut();
                    }
                });
            } else if (weather.strikes(weather.timedOut, luck)) {
                mix.count(Drawn.TIMED_OUT);
                if (luck.chance(0.5)) {
                    carryOut();
                }
                sendBack(null, TIMED_OUT);
            } else {
                carryOut();
            }
        }

        @SuppressWarnings("unchecked") // the server answers each kind of request with its kind of answer
        private void carryOut() {
            R answer = null;
            Status refusal = Status.OK;
            try {
                answer = (R) server.answer(member, request);
            } catch (EtcdException e) {
                refusal = e.status();
            }
            if (request instanceof LeaseGrantRequest grant && refusal.isOk()) {
                if (process.leases().stream().anyMatch(invariants.sessionsThere()::contains)) {
                    mix.count(Drawn.LEASE_BESIDE_ANOTHER);
                }
                process.leases().add(grant.getID());
            }
            if (weather.strikes(weather.answerLost, luck)) {
                mix.count(Drawn.ANSWER_LOST);
                return;
            }
            sendBack(answer, refusal);
        }

        private void sendBack(@Nullable R answer, Status refusal) {
            long held = heldUntil(member + ">" + process.name()) - world.nowNanos();
            if (held > 0 && luck.chance(0.5)) {
                return;
            }
            world.after(Math.max(held, 0) + latency(), "answer", process.name(), () -> {
                if (isOver || process.isDown()) {
                    return;
                }
                if (answer == null) {
                    invariants.onFailed(process.name(), request, refusal);
                    end(refusal);
                } else {
                    isOver = true;
                    world.note(process.name(), "hears", member, () -> name + " " + Wording.of(answer));
                    invariants.onAnswered(process.name(), request, answer);
                    notes.answered(process.name(), process.clock().nanoTime(), request, answer);
                    listener.onAnswer(answer);
                }
            });
        }

        void end(Status status) {
            if (!isOver && !process.isDown()) {
                isOver = true;
                world.note(process.name(), "fails", member, () -> name + " " + status + " " + Wording.of(request));
                invariants.onGivenUp(request);
                notes.givenUp(request);
                listener.onFailure(status);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- streams

    private final class Streaming<Q, R> implements Transport.Outbound<Q> {
        private final Wires wires;
        private final SimProcess process;
        private final int member;
        private final boolean isWatch;
        private final Transport.StreamListener<R> listener;
        private long arrivesAtServerNanos;
        private long arrivesAtProcessNanos;
        private boolean isOver;
        private boolean isOverAtServer;
        private boolean isDeaf;
        private @Nullable WatchStream watches;
        private final List<WatchResponse> said = new ArrayList<>();

        Streaming(Wires wires, int member, MethodDescriptor<Q, R> method, Transport.StreamListener<R> listener) {
            this.wires = wires;
            this.process = wires.process;
            this.member = member;
            this.isWatch = method.getFullMethodName().endsWith("/Watch");
            this.listener = listener;
        }

        void open() {
            if (isWatch) {
                watches = server.openWatches(this::sendWatch);
            }
        }

        @Override
        public void send(Q message) {
            if (isOver) {
                return;
            }
            long sentNanos = process.clock().nanoTime();
            world.note(process.name(), "sends", member, () -> "on stream to m" + member + " " + Wording.of(message));
            if (troubled()) {
                return;
            }
            long held = Math.max(0, heldUntil(process.name() + ">" + member) - world.nowNanos());
            arrivesAtServerNanos = Math.max(arrivesAtServerNanos, world.nowNanos() + held + latency());
            world.after(arrivesAtServerNanos - world.nowNanos(), "upstream", process.name(), () -> {
                arrive(message, sentNanos);
            });
        }

        /* Whether the message is lost with the stream, or on a stream that is dead without anybody knowing. */
        private boolean troubled() {
            if (weather.strikes(weather.streamReset, luck)) {
                mix.count(Drawn.STREAM_RESET);
                endAtServer();
                world.after(latency(), "reset", process.name(), () -> closed(RESET));
            } else if (weather.strikes(weather.streamDeaf, luck)) {
                mix.count(Drawn.STREAM_DEAF);
                isDeaf = true;
            }
            return isDeaf || isOverAtServer;
        }

        private void arrive(Q message, long sentNanos) {
            long ready = server.readyAtNanos() - world.nowNanos();
            if (isOverAtServer || isDeaf) {
                return;
            }
            if (ready > 0) {
                arrivesAtServerNanos = Math.max(arrivesAtServerNanos, world.nowNanos() + ready);
                world.after(ready, "upstream", process.name(), () -> arrive(message, sentNanos));
            } else if (message instanceof WatchRequest request && watches != null) {
                watches.accept(server.seenBy(member, request));
            } else if (message instanceof LeaseKeepAliveRequest request) {
                LeaseKeepAliveResponse answer = server.keepAlive(member, request);
                sendDown(answer, 0, () -> {
                    invariants.onKeepAlive(process.name(), sentNanos, answer);
                    notes.keptAlive(process.name(), process.clock().nanoTime(), sentNanos, answer);
                });
            }
        }

        private void sendWatch(WatchResponse response) {
            WatchResponse seen = server.seenBy(member, response);
            if (seen.getEventsCount() > 0 && weather.strikes(weather.eventLost, luck)) {
                mix.count(isDelete(seen) ? Drawn.LOST_DELETE : Drawn.LOST_PUT);
                invariants.onEventLost(process.name(), seen.getEventsList());
                return;
            }
            if (seen.getEventsCount() > 0 && weather.strikes(weather.watchCancelled, luck)) {
                mix.count(Drawn.WATCH_CANCELLED);
                cancelWatch(seen);
                return;
            }
            long notBeforeNanos = seen.getCreated() ? 0 : server.watchesHeldUntilNanos(member);
            for (WatchResponse part : fragments(seen)) {
                sendDown(part, notBeforeNanos, () -> {});
            }
            if (seen.getEventsCount() > 0) {
                replay(seen, notBeforeNanos);
            }
        }

        /* The events of one revision need not come in one message. */
        private List<WatchResponse> fragments(WatchResponse response) {
            int events = response.getEventsCount();
            if (events < 2 || !weather.strikes(weather.fragmented, luck)) {
                return List.of(response);
            }
            mix.count(Drawn.EVENTS_FRAGMENTED);
            int cut = 1 + luck.index(events - 1);
            WatchResponse.Builder head = response.toBuilder().clearEvents().setFragment(true);
            WatchResponse.Builder tail = response.toBuilder().clearEvents();
            return List.of(
                    head.addAllEvents(response.getEventsList().subList(0, cut)).build(),
                    tail.addAllEvents(response.getEventsList().subList(cut, events))
                            .build());
        }

        /* The server says once more what it has said before, as some did after a compaction. */
        private void replay(WatchResponse response, long notBeforeNanos) {
            said.add(response);
            if (said.size() > REMEMBERED) {
                said.remove(0);
            }
            if (weather.strikes(weather.replayed, luck)) {
                mix.count(Drawn.EVENTS_REPLAYED);
                WatchResponse old = luck.oneOf(said);
                sendDown(old.toBuilder().setHeader(response.getHeader()).build(), notBeforeNanos, () -> {});
            }
        }

        private static boolean isDelete(WatchResponse response) {
            return response.getEventsCount() > 0
                    && response.getEventsList().stream().allMatch(event -> event.getType() == Event.EventType.DELETE);
        }

        /* The server gives a watch up; it may not be called from here, so this is told first and done next. */
        private void cancelWatch(WatchResponse response) {
            long id = response.getWatchId();
            sendDown(
                    response.toBuilder()
                            .clearEvents()
                            .setCanceled(true)
                            .setCancelReason("simulated: the server gave the watch up")
                            .build(),
                    0,
                    () -> {});
            world.after(0, "give up", process.name(), () -> {
                if (watches != null && !isOverAtServer) {
                    watches.accept(WatchRequest.newBuilder()
                            .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
                            .build());
                }
            });
        }

        @SuppressWarnings("unchecked") // the method's answers
        private void sendDown(Object message, long notBeforeNanos, Runnable onDelivery) {
            if (isOverAtServer || troubled()) {
                return;
            }
            long now = world.nowNanos();
            long held = Math.max(0, Math.max(notBeforeNanos, heldUntil(member + ">" + process.name())) - now);
            arrivesAtProcessNanos = Math.max(arrivesAtProcessNanos, now + held + latency());
            world.after(arrivesAtProcessNanos - now, "downstream", process.name(), () -> {
                if (!isOver && !isDeaf && !process.isDown()) {
                    world.note(process.name(), "hears", member, () -> "on stream " + Wording.of(message));
                    onDelivery.run();
                    listener.onMessage((R) message);
                }
            });
        }

        private void closed(Status status) {
            if (!isOver && !process.isDown()) {
                isOver = true;
                world.note(process.name(), "stream", member, () -> "to m" + member + " closed: " + status);
                listener.onClosed(status);
            }
        }

        void endAtServer() {
            isOverAtServer = true;
            wires.streams.remove(this);
            WatchStream open = watches;
            if (open != null) {
                // Not now: the engine may be in the middle of telling it something.
                world.after(0, "stream end", process.name(), open::close);
            }
        }

        @Override
        public void cancel() {
            if (!isOver) {
                endAtServer();
                closed(Status.CANCELLED.withDescription("cancelled by the caller"));
            }
        }
    }
}
