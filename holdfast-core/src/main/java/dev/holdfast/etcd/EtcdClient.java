package dev.holdfast.etcd;

import com.google.protobuf.ByteString;
import dev.holdfast.etcd.Outcome.Answer;
import dev.holdfast.etcd.Outcome.Failure;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A client of one etcd cluster: single requests, keep-alives and watches, each with exactly one end.
 *
 * <p>It repeats a request only if etcd did not even look at it because of the user's token: then it gets a new one and
 * sends the request again. Any other that failed says whether it may have been applied ({@link EtcdError#meaning()}); what
 * to do then is the caller's decision. Requests go to a preferred endpoint; when that one is unavailable, does not answer in
 * time or has no leader, the requests that follow go to the next.
 *
 * <p>Confined to the event loop: every method is called on it and every callback comes on it, never inside the method
 * that caused it. There are no threads, clocks or random numbers but those of the {@link Scheduler}.
 */
public final class EtcdClient implements AutoCloseable {

    /**
     * How patient the client is. All durations are in nanoseconds and above zero.
     *
     * @param requestTimeoutNanos how long a single request, or the creation of a watch, may take
     * @param watchIdleNanos how long the watch stream stays open after its last watch
     * @param minBackoffNanos how long the watch stream waits before it is opened again after its first failure; doubled
     *     with each further failure, shortened at random by up to half
     * @param maxBackoffNanos the longest such wait
     */
    public record Settings(long requestTimeoutNanos, long watchIdleNanos, long minBackoffNanos, long maxBackoffNanos) {

        private static final long MILLI = 1_000_000;

        public Settings {
            if (requestTimeoutNanos <= 0 || watchIdleNanos <= 0 || minBackoffNanos <= 0) {
                throw new IllegalArgumentException("durations must be above zero");
            }
            if (maxBackoffNanos < minBackoffNanos) {
                throw new IllegalArgumentException("maxBackoffNanos is below minBackoffNanos");
            }
        }

        /** Requests 5 s, idle watch stream 10 s, back-off from 50 ms to 2 s. */
        public static Settings defaults() {
            return new Settings(5_000 * MILLI, 10_000 * MILLI, 50 * MILLI, 2_000 * MILLI);
        }

        /** The same settings with another limit for a single request. */
        public Settings withRequestTimeoutNanos(long nanos) {
            return new Settings(nanos, watchIdleNanos, minBackoffNanos, maxBackoffNanos);
        }
    }

    /* In Go: metadata.Pairs(rpctypes.MetadataRequireLeaderKey, rpctypes.MetadataHasLeader). */
    private static final Metadata.Key<String> REQUIRE_LEADER =
            Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER);

    /** Says what an answer is that no etcd gives to what was asked; whether the request was applied cannot be told from it. */
    private static final String NO_ANSWER = "the answer does not fit the request";

    /** How often one request is sent again because of the token; users and roles are not changed all the time. */
    private static final int MAX_RESENDS = 5;

    private final Transport transport;
    private final Scheduler scheduler;
    private final Settings settings;
    private final Endpoints endpoints;
    private final Revisions revisions;
    private final @Nullable Login login;
    private final KeepAlives keepAlives;
    private final Watches watches;
    private final Set<Call<?, ?>> calls = new LinkedHashSet<>();
    private Runnable regressionListener = () -> {};
    private boolean isClosed;

    /** Without a user. */
    public EtcdClient(Transport transport, Scheduler scheduler, Settings settings) {
        this(transport, scheduler, settings, null);
    }

    /**
     * Connects to nothing yet. The transport and the scheduler stay the caller's to close, after the client.
     *
     * @param credentials null to send requests without a token
     */
    public EtcdClient(Transport transport, Scheduler scheduler, Settings settings, @Nullable Credentials credentials) {
        this.transport = transport;
        this.scheduler = scheduler;
        this.settings = settings;
        this.endpoints = new Endpoints(transport.endpoints());
        this.revisions = new Revisions(() -> regressionListener.run());
        this.login = credentials == null
                ? null
                : new Login(credentials, transport, scheduler, settings, endpoints, this::reopenStreams);
        this.keepAlives = new KeepAlives(transport, scheduler, endpoints, revisions, login);
        this.watches = new Watches(transport, scheduler, settings, endpoints, revisions, login);
    }

    /* Streams go on with the token they were opened with, until a server looks at it again and ends them. */
    private void reopenStreams() {
        keepAlives.reopen();
        watches.reopen();
    }

    /** Sends a transaction, once. */
    public Cancellable txn(TxnRequest request, Reply<TxnResponse> reply) {
        return unary(KVGrpc.getTxnMethod(), request, TxnResponse::getHeader, !isSerializable(request), reply);
    }

    /**
     * Sends a transaction, once, to the endpoint that many places after the preferred one.
     *
     * @param lane 0 for the preferred endpoint; 1 and above for hedges, on another endpoint if there is one
     */
    public Cancellable txn(TxnRequest request, int lane, Reply<TxnResponse> reply) {
        return unary(
                endpoints.at(lane),
                KVGrpc.getTxnMethod(),
                request,
                TxnResponse::getHeader,
                !isSerializable(request),
                reply);
    }

    /** Reads keys. */
    public Cancellable range(RangeRequest request, Reply<RangeResponse> reply) {
        return unary(KVGrpc.getRangeMethod(), request, RangeResponse::getHeader, !request.getSerializable(), reply);
    }

    /**
     * Asks for a lease.
     *
     * @param id chosen by the caller, above 0; 0 lets the server choose
     * @param ttlSeconds the server may grant more
     */
    public Cancellable leaseGrant(long id, long ttlSeconds, Reply<LeaseGrantResponse> reply) {
        LeaseGrantRequest request =
                LeaseGrantRequest.newBuilder().setID(id).setTTL(ttlSeconds).build();
        return unary(LeaseGrpc.getLeaseGrantMethod(), request, LeaseGrantResponse::getHeader, false, reply);
    }

    /** Ends a lease and deletes its keys. */
    public Cancellable leaseRevoke(long id, Reply<LeaseRevokeResponse> reply) {
        LeaseRevokeRequest request = LeaseRevokeRequest.newBuilder().setID(id).build();
        return unary(LeaseGrpc.getLeaseRevokeMethod(), request, LeaseRevokeResponse::getHeader, false, reply);
    }

    /** Asks what is left of a lease; a TTL of -1 in the answer means that there is no such lease. */
    public Cancellable leaseTimeToLive(long id, Reply<LeaseTimeToLiveResponse> reply) {
        LeaseTimeToLiveRequest request =
                LeaseTimeToLiveRequest.newBuilder().setID(id).build();
        return unary(LeaseGrpc.getLeaseTimeToLiveMethod(), request, LeaseTimeToLiveResponse::getHeader, false, reply);
    }

    /** As {@link #leaseTimeToLive}, and which keys are on the lease. */
    public Cancellable leaseKeys(long id, Reply<LeaseTimeToLiveResponse> reply) {
        LeaseTimeToLiveRequest request =
                LeaseTimeToLiveRequest.newBuilder().setID(id).setKeys(true).build();
        return unary(LeaseGrpc.getLeaseTimeToLiveMethod(), request, LeaseTimeToLiveResponse::getHeader, false, reply);
    }

    /**
     * Asks one endpoint for its version and health. It is asked about itself: its failure says nothing against it, and its
     * cluster is not compared with the one known so far.
     */
    public Cancellable status(String endpoint, Reply<StatusResponse> reply) {
        return unary(
                endpoints.bystander(endpoint),
                MaintenanceGrpc.getStatusMethod(),
                StatusRequest.getDefaultInstance(),
                answer -> ResponseHeader.getDefaultInstance(),
                false,
                reply);
    }

    /** Asks one endpoint who belongs to its cluster, as far as it knows; as {@link #status} else. */
    public Cancellable members(String endpoint, Reply<MemberListResponse> reply) {
        return unary(
                endpoints.bystander(endpoint),
                ClusterGrpc.getMemberListMethod(),
                MemberListRequest.getDefaultInstance(),
                answer -> ResponseHeader.getDefaultInstance(),
                false,
                reply);
    }

    /** The endpoint that the next request goes to. */
    public String preferredEndpoint() {
        return endpoints.preferred().endpoint();
    }

    /**
     * Sends one keep-alive. A lease that is gone is an answer with a TTL of 0, not a failure.
     *
     * <p>Each lane has a stream of its own, on which answers are matched to requests in order, lease by lease. A stream on
     * which an answer does not come in time, or comes unasked, cannot be matched any more: it is dropped whole, its
     * outstanding requests fail as ambiguous, and the next use of the lane opens a new one.
     *
     * @param lane 0 for the preferred endpoint; 1 and above for hedges, on another endpoint if there is one
     * @param timeoutNanos measured from this call, above 0
     * @return cancelling it makes the reply a failure with {@code CANCELLED}; the stream stays
     */
    public Cancellable keepAlive(long leaseId, int lane, long timeoutNanos, Reply<LeaseKeepAliveResponse> reply) {
        if (lane < 0 || timeoutNanos <= 0) {
            throw new IllegalArgumentException("lane " + lane + ", timeoutNanos " + timeoutNanos);
        }
        return isClosed ? refuse(reply) : keepAlives.send(leaseId, lane, timeoutNanos, reply);
    }

    /**
     * Starts a watch. It has one life: when it ends it is not resumed. Large responses come in fragments, as they come.
     *
     * @param rangeEnd empty for one key, otherwise the first key after the range
     * @param startRevision the first revision whose events are wanted; 0 for those from now on
     */
    public Cancellable watch(ByteString key, ByteString rangeEnd, long startRevision, WatchListener listener) {
        return watches.start(key, rangeEnd, startRevision, listener);
    }

    /**
     * Sets who is told that the cluster is not what it was: a linearizable answer had a smaller revision than one received
     * before its request was sent, or an answer came from another cluster. Told once, until {@link #forgetRevisions()}; the
     * offending answers become failures with {@link EtcdError#isRegression()}.
     */
    public void onRegression(Runnable listener) {
        regressionListener = listener;
    }

    /** Sets who is told when requests go to another endpoint from then on, because of trouble: from which to which. */
    public void onFailOver(BiConsumer<String, String> listener) {
        endpoints.onMoved(listener);
    }

    /** Why no token has come so far, for people; empty if none is needed or one is there. */
    public String loginTrouble() {
        return login == null || login.isReady() ? "" : login.trouble();
    }

    /** Starts anew after a regression, once the owner has dropped everything: whatever answers next is believed. */
    public void forgetRevisions() {
        revisions.forget();
    }

    /** How many watch responses came for watches that were cancelled or never known. */
    public long droppedWatchResponses() {
        return watches.droppedResponses();
    }

    /** Ends everything: every outstanding request and watch gets {@code CANCELLED}. Closing again does nothing. */
    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        for (Call<?, ?> call : List.copyOf(calls)) {
            call.cancel();
            scheduler.execute(() -> call.fail(closed()));
        }
        if (login != null) {
            login.close();
        }
        keepAlives.close(closed());
        watches.close(closed());
    }

    static EtcdError closed() {
        return EtcdError.of(Status.Code.CANCELLED, "the etcd client was closed");
    }

    /**
     * The headers of one call or stream; fresh each time, because gRPC writes into them.
     *
     * @param requiresLeader ask a member without a leader to refuse, and to end the stream when it loses its leader
     * @param login whose token goes along; null if there is no user
     */
    static Metadata headers(boolean requiresLeader, @Nullable Login login) {
        Metadata headers = new Metadata();
        if (login != null) {
            login.sign(headers);
        }
        if (requiresLeader) {
            headers.put(REQUIRE_LEADER, "true");
        }
        return headers;
    }

    /* The server answers a transaction from its own state, without asking the leader, iff all it does is to read serializably. */
    private static boolean isSerializable(TxnRequest request) {
        return isSerializable(request.getSuccessList()) && isSerializable(request.getFailureList());
    }

    private static boolean isSerializable(List<RequestOp> operations) {
        return operations.stream()
                .allMatch(op -> op.hasRequestRange() && op.getRequestRange().getSerializable());
    }

    /**
     * Whether the answer has the shape that the request asks for. One that is cut off, or was meant for another request, can
     * still be read as a message: taken at its word, it would say that nobody is in a queue.
     */
    private static boolean isAnswerTo(Object request, Object answer) {
        if (!(request instanceof TxnRequest asked && answer instanceof TxnResponse said)) {
            return true;
        }
        List<RequestOp> done = said.getSucceeded() ? asked.getSuccessList() : asked.getFailureList();
        if (said.getResponsesCount() != done.size()) {
            return false;
        }
        for (int i = 0; i < done.size(); i++) {
            if (done.get(i).hasRequestRange() && !said.getResponses(i).hasResponseRange()) {
                return false;
            }
        }
        return true;
    }

    private <Q, R> Cancellable unary(
            MethodDescriptor<Q, R> method,
            Q request,
            Function<R, ResponseHeader> header,
            boolean isLinearizable,
            Reply<R> reply) {
        return unary(endpoints.preferred(), method, request, header, isLinearizable, reply);
    }

    private <Q, R> Cancellable unary(
            Endpoints.Seat seat,
            MethodDescriptor<Q, R> method,
            Q request,
            Function<R, ResponseHeader> header,
            boolean isLinearizable,
            Reply<R> reply) {
        if (isClosed) {
            return refuse(reply);
        }
        Call<Q, R> call = new Call<>(seat, method, request, revisions.known(), header, isLinearizable, reply);
        calls.add(call);
        call.send();
        return call;
    }

    private Cancellable refuse(Reply<?> reply) {
        scheduler.execute(() -> reply.on(new Failure<>(closed())));
        return () -> {};
    }

    /** One request on its way. The transport calls its listener side on any thread, all else is on the loop. */
    private final class Call<Q, R> implements Transport.UnaryListener<R>, Cancellable {

        /*
         * Why a request may be sent again after it was refused for its token. A member looks the token up before it does
         * anything else with a request, and answers "invalid auth token" or "user name is empty" if that fails. A token
         * from before a change of users and roles gets "revision of auth store is old": from the same place, or when the
         * entry is applied, where the check comes before any part of a transaction is carried out, on every member alike.
         * (A read may be refused after it was done, too; nothing comes of that.) So nothing was applied and nothing will be, and
         * this is the same request still, not a second one: whoever asked has not been told anything yet.
         */

        private Endpoints.Seat seat;
        private final boolean isForPreferred;
        private final MethodDescriptor<Q, R> method;
        private final Q request;
        private final long startNanos = scheduler.nanoTime();
        private final Revisions.Known known;
        private final Function<R, ResponseHeader> header;
        private final boolean isLinearizable;
        private final Reply<R> reply;
        private @Nullable Cancellable onWire;
        private @Nullable Cancellable patience;
        private boolean isCalledOff;
        private long generation;
        private int resends;

        private Call(
                Endpoints.Seat seat,
                MethodDescriptor<Q, R> method,
                Q request,
                Revisions.Known known,
                Function<R, ResponseHeader> header,
                boolean isLinearizable,
                Reply<R> reply) {
            this.seat = seat;
            this.isForPreferred = seat.equals(endpoints.preferred());
            this.method = method;
            this.request = request;
            this.known = known;
            this.header = header;
            this.isLinearizable = isLinearizable;
            this.reply = reply;
        }

        private void send() {
            if (login != null && !login.isReady()) {
                awaitToken(login);
                return;
            }
            generation = login == null ? 0 : login.generation();
            if (isForPreferred) { // which may be another one since it was made
                seat = endpoints.preferred();
            }
            onWire = transport.unary(
                    seat.endpoint(), method, headers(false, login), request, Math.max(1, leftNanos()), this);
        }

        private long leftNanos() {
            return settings.requestTimeoutNanos - (scheduler.nanoTime() - startNanos);
        }

        private void awaitToken(Login source) {
            Cancellable waiting = source.await(refusal -> {
                stopWaiting();
                if (refusal == null) {
                    send();
                } else {
                    end(refusal);
                }
            });
            Cancellable timer = scheduler.schedule(leftNanos(), () -> {
                stopWaiting();
                end(new EtcdError(Status.Code.DEADLINE_EXCEEDED, source.trouble(), EtcdError.Meaning.DEFINITE));
            });
            patience = () -> {
                waiting.cancel();
                timer.cancel();
            };
            onWire = null;
        }

        private void stopWaiting() {
            if (patience != null) {
                patience.cancel();
                patience = null;
            }
        }

        /** Whether it was refused for its token alone, and is on its way again. */
        private boolean isSentAgain(EtcdError error) {
            boolean isCurable = error.isTokenRejected() && (login != null || error.isAuthOld());
            if (!isCurable || isCalledOff || resends == MAX_RESENDS || leftNanos() <= 0) {
                return false;
            }
            resends++;
            if (login != null) {
                login.rejected(generation, seat);
            }
            send();
            return true;
        }

        @Override
        public void onAnswer(R answer) {
            scheduler.execute(() -> answered(answer));
        }

        @Override
        public void onFailure(Status status) {
            scheduler.execute(() -> {
                EtcdError error = EtcdError.of(status).at(seat.endpoint());
                if (!calls.contains(this) || !isSentAgain(error)) {
                    fail(error);
                }
            });
        }

        @Override
        public void cancel() {
            isCalledOff = true;
            if (patience != null) {
                stopWaiting();
                scheduler.execute(() -> fail(EtcdError.of(Status.Code.CANCELLED, "cancelled by the caller")));
            } else if (onWire != null) {
                onWire.cancel();
            }
        }

        private void answered(R answer) {
            if (!calls.remove(this)) {
                return;
            }
            ResponseHeader answered = header.apply(answer);
            if (!isAnswerTo(request, answer) || (isLinearizable && answered.getRevision() <= 0)) {
                reply.on(new Failure<>(new EtcdError(Status.Code.INTERNAL, NO_ANSWER, EtcdError.Meaning.AMBIGUOUS)
                        .at(seat.endpoint())));
                return;
            }
            EtcdError wrong = isLinearizable
                    ? revisions.judgeLinearizable(known, answered, seat.endpoint())
                    : revisions.judgeCluster(known, answered, seat.endpoint());
            reply.on(wrong == null ? new Answer<>(answer) : new Failure<>(wrong));
        }

        private void fail(EtcdError error) {
            // a server that shuts down cancels what it has not answered
            boolean isTrouble = error.isEndpointTrouble() || (error.code() == Status.Code.CANCELLED && !isCalledOff);
            if (isTrouble && calls.contains(this)) {
                endpoints.failed(seat);
            }
            end(error);
        }

        /** Fails it without a word against the endpoint. */
        private void end(EtcdError error) {
            if (calls.remove(this)) {
                reply.on(new Failure<>(error));
            }
        }
    }
}
