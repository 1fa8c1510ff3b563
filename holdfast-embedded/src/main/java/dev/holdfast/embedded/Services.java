package dev.holdfast.embedded;

import com.google.protobuf.MessageLite;
import dev.holdfast.etcdapi.AuthDisableResponse;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthStatusResponse;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.DefragmentResponse;
import dev.holdfast.etcdapi.ElectionGrpc;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LockGrpc;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.Member;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one place that says which method of the API is answered how; the transport inside the JVM and the gRPC server both
 * go through it. Everything here happens on the engine's thread.
 */
final class Services {
    /**
     * A method and what opens a call of it.
     *
     * @param failures is told what nobody foresaw
     */
    record Method<Q, R>(
            MethodDescriptor<Q, R> descriptor,
            Function<ServerCall.Answers<R>, ServerCall<Q>> opener,
            Consumer<Throwable> failures) {

        /** A call whose refusals, failures and oversized messages end it, and nothing else, with the right status. */
        ServerCall<Q> open(ServerCall.Answers<R> answers) {
            ServerCall<Q> call = opener.apply(answers);
            return new ServerCall<>() {
                @Override
                public void onMessage(Q message) {
                    try {
                        int bytes = ((MessageLite) message).getSerializedSize();
                        if (bytes > Engine.FRAGMENT_BYTES) {
                            answers.close(
                                    Status.RESOURCE_EXHAUSTED.withDescription("grpc: received message larger than max ("
                                            + bytes + " vs. " + Engine.FRAGMENT_BYTES + ")"));
                            return;
                        }
                        call.onMessage(message);
                    } catch (EtcdException refusal) {
                        answers.close(refusal.status());
                    } catch (RuntimeException | Error e) {
                        answers.close(
                                e instanceof OutOfMemoryError
                                        ? Status.RESOURCE_EXHAUSTED.withDescription("holdfast: out of memory")
                                        : Status.INTERNAL.withDescription("holdfast: the engine has failed: " + e));
                        failures.accept(e);
                    }
                }

                @Override
                public void onHalfClose() {
                    call.onHalfClose();
                }

                @Override
                public void onCancel() {
                    call.onCancel();
                }
            };
        }
    }

    private static final Logger LOG = System.getLogger("dev.holdfast");

    private final Map<String, Method<?, ?>> methods = new HashMap<>();
    private final Set<Class<?>> logged = new HashSet<>();

    /**
     * @param clientUrls where this member can be reached by others
     * @param loop runs a task on the engine's thread after the one under way
     */
    Services(Engine engine, LongSupplier clock, Supplier<List<String>> clientUrls, Executor loop) {
        unary(KVGrpc.getRangeMethod(), engine::range);
        unary(KVGrpc.getPutMethod(), engine::put);
        unary(KVGrpc.getDeleteRangeMethod(), engine::deleteRange);
        unary(KVGrpc.getTxnMethod(), engine::txn);
        unary(KVGrpc.getCompactMethod(), engine::compact);

        unary(LeaseGrpc.getLeaseGrantMethod(), request -> engine.leaseGrant(request, clock.getAsLong()));
        unary(LeaseGrpc.getLeaseRevokeMethod(), engine::leaseRevoke);
        unary(LeaseGrpc.getLeaseTimeToLiveMethod(), request -> engine.leaseTimeToLive(request, clock.getAsLong()));
        unary(LeaseGrpc.getLeaseLeasesMethod(), request -> engine.leaseLeases());
        add(LeaseGrpc.getLeaseKeepAliveMethod(), answers -> new ServerCall<LeaseKeepAliveRequest>() {
            @Override
            public void onMessage(LeaseKeepAliveRequest request) {
                answers.send(engine.leaseKeepAlive(request, clock.getAsLong()));
            }

            @Override
            public void onHalfClose() {
                answers.close(Status.OK);
            }
        });
        add(WatchGrpc.getWatchMethod(), answers -> new WatchCall(engine.openWatchStream(answers::send)));

        unary(ClusterGrpc.getMemberListMethod(), request -> MemberListResponse.newBuilder()
                .setHeader(engine.header(engine.revision()))
                .addMembers(Member.newBuilder()
                        .setID(engine.memberId())
                        .setName("holdfast")
                        .addAllClientURLs(clientUrls.get()))
                .build());
        unary(MaintenanceGrpc.getStatusMethod(), request -> engine.status());
        unary(MaintenanceGrpc.getAlarmMethod(), engine::alarm);
        unary(MaintenanceGrpc.getHashMethod(), request -> engine.hash());
        // There is no file that could have holes.
        unary(MaintenanceGrpc.getDefragmentMethod(), request -> DefragmentResponse.getDefaultInstance());

        unary(AuthGrpc.getAuthStatusMethod(), request -> AuthStatusResponse.newBuilder()
                .setHeader(engine.header(engine.revision()))
                .setAuthRevision(1)
                .build());
        unary(AuthGrpc.getAuthDisableMethod(), request -> AuthDisableResponse.newBuilder()
                .setHeader(engine.header(engine.revision()))
                .build());
        unary(AuthGrpc.getAuthEnableMethod(), request -> {
            throw EtcdError.ROOT_USER_NOT_EXIST.exception();
        });
        unary(AuthGrpc.getAuthenticateMethod(), request -> {
            throw EtcdError.AUTH_NOT_ENABLED.exception();
        });

        Queues queues = new Queues(engine, clock, loop);
        add(LockGrpc.getLockMethod(), queues::lock);
        queueUnary(LockGrpc.getUnlockMethod(), queues::unlock);
        add(ElectionGrpc.getCampaignMethod(), queues::campaign);
        queueUnary(ElectionGrpc.getProclaimMethod(), queues::proclaim);
        queueUnary(ElectionGrpc.getLeaderMethod(), queues::leader);
        queueUnary(ElectionGrpc.getResignMethod(), queues::resign);
        add(ElectionGrpc.getObserveMethod(), queues::observe);
    }

    /** Each kind once: whoever makes a request fail can do so again and again. */
    private void log(Throwable failure) {
        boolean isNew = logged.add(failure.getClass());
        LOG.log(isNew ? Level.ERROR : Level.DEBUG, "holdfast: a request has failed; others are served", failure);
    }

    private <Q, R> void add(MethodDescriptor<Q, R> descriptor, Function<ServerCall.Answers<R>, ServerCall<Q>> opener) {
        methods.put(descriptor.getFullMethodName(), new Method<>(descriptor, opener, this::log));
    }

    private <Q, R> void unary(MethodDescriptor<Q, R> descriptor, Function<Q, R> answer) {
        add(descriptor, answers -> request -> answers.finish(answer.apply(request)));
    }

    private <Q, R> void queueUnary(MethodDescriptor<Q, R> descriptor, Function<Q, R> answer) {
        unary(descriptor, request -> {
            try {
                return answer.apply(request);
            } catch (EtcdException refusal) {
                throw Queues.withoutCode(refusal);
            }
        });
    }

    /** The method of this name, or null when it is not offered. */
    @Nullable
    Method<?, ?> method(String fullName) {
        return methods.get(fullName);
    }

    /** The method of this descriptor, or null when it is not offered. */
    @SuppressWarnings("unchecked") // the name decides the types: both come from the same generated descriptors
    <Q, R> @Nullable Method<Q, R> method(MethodDescriptor<Q, R> descriptor) {
        return (Method<Q, R>) methods.get(descriptor.getFullMethodName());
    }

    /** What a client gets that calls a method which is not offered. */
    static Status notOffered(String fullName) {
        return Status.UNIMPLEMENTED.withDescription("holdfast: the embedded engine does not offer " + fullName);
    }

    private record WatchCall(WatchStream stream) implements ServerCall<WatchRequest> {
        @Override
        public void onMessage(WatchRequest message) {
            stream.accept(message);
        }

        @Override
        public void onCancel() {
            stream.close();
        }
    }
}
