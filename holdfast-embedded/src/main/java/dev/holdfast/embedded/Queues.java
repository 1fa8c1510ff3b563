package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.CampaignRequest;
import dev.holdfast.etcdapi.CampaignResponse;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaderKey;
import dev.holdfast.etcdapi.LeaderRequest;
import dev.holdfast.etcdapi.LeaderResponse;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.LockResponse;
import dev.holdfast.etcdapi.ProclaimRequest;
import dev.holdfast.etcdapi.ProclaimResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResignRequest;
import dev.holdfast.etcdapi.ResignResponse;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.UnlockRequest;
import dev.holdfast.etcdapi.UnlockResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The services v3lock and v3election: queues of keys under a name, in the order of their create_revision. Confined to the
 * engine's thread.
 */
final class Queues {
    /*
     * Both do on the server what Go's concurrency package does in a client, step by step, so that their keys mean the same:
     * an entry is "<name>/<lease in hex>" and its owner's turn has come when no entry with a lower create_revision is left.
     * A waiter watches only the entry right before it. A watch event arrives in the middle of an engine call, so what
     * follows from it is a task of its own.
     */

    /** The lease of a caller that brings none; nobody renews it. */
    private static final long DEFAULT_TTL_SECONDS = 60;

    private static final ByteString SLASH = ByteString.copyFromUtf8("/");

    private final Engine engine;
    private final LongSupplier clock;
    private final Executor loop;

    Queues(Engine engine, LongSupplier clock, Executor loop) {
        this.engine = engine;
        this.clock = clock;
        this.loop = loop;
    }

    // ---------------------------------------------------------------------------------------------------- locks

    ServerCall<LockRequest> lock(ServerCall.Answers<LockResponse> answers) {
        return new Entry<>(answers) {
            @Override
            void begin(LockRequest request) {
                TxnResponse entered = enter(request.getName(), request.getLease(), ByteString.EMPTY);
                if (isFirst()) {
                    answer(entered.getHeader());
                    return;
                }
                awaitTurn(() -> {
                    RangeResponse own =
                            engine.range(RangeRequest.newBuilder().setKey(key()).build());
                    if (own.getKvsCount() == 0) {
                        throw EtcdError.SESSION_EXPIRED.exception();
                    }
                    answer(own.getHeader());
                });
            }

            private void answer(ResponseHeader header) {
                answers.finish(LockResponse.newBuilder()
                        .setHeader(header)
                        .setKey(key())
                        .build());
            }

            @Override
            void leave() {
                engine.deleteRange(DeleteRangeRequest.newBuilder().setKey(key()).build());
            }
        };
    }

    UnlockResponse unlock(UnlockRequest request) {
        DeleteRangeRequest delete =
                DeleteRangeRequest.newBuilder().setKey(request.getKey()).build();
        return UnlockResponse.newBuilder()
                .setHeader(engine.deleteRange(delete).getHeader())
                .build();
    }

    // ------------------------------------------------------------------------------------------------ elections

    ServerCall<CampaignRequest> campaign(ServerCall.Answers<CampaignResponse> answers) {
        return new Entry<>(answers) {
            @Override
            void begin(CampaignRequest request) {
                TxnResponse entered = enter(request.getName(), request.getLease(), request.getValue());
                if (!entered.getSucceeded()) {
                    KeyValue own = entered.getResponses(0).getResponseRange().getKvs(0);
                    if (!own.getValue().equals(request.getValue())) {
                        writeProposal(leaderKey(request.getName()), request.getValue());
                    }
                }
                awaitTurn(() -> answers.finish(CampaignResponse.newBuilder()
                        .setHeader(entered.getHeader())
                        .setLeader(leaderKey(request.getName()))
                        .build()));
            }

            private LeaderKey leaderKey(ByteString name) {
                return LeaderKey.newBuilder()
                        .setName(name)
                        .setKey(key())
                        .setRev(createRevision())
                        .setLease(lease())
                        .build();
            }

            @Override
            void leave() {
                deleteIfSame(key(), createRevision());
            }
        };
    }

    ProclaimResponse proclaim(ProclaimRequest request) {
        if (!request.hasLeader()) {
            throw EtcdError.MISSING_LEADER_KEY.exception();
        }
        return ProclaimResponse.newBuilder()
                .setHeader(writeProposal(request.getLeader(), request.getValue()))
                .build();
    }

    private ResponseHeader writeProposal(LeaderKey leader, ByteString value) {
        TxnResponse answer = engine.txn(TxnRequest.newBuilder()
                .addCompare(created(leader.getKey(), leader.getRev()))
                .addSuccess(put(leader.getKey(), value, leader.getLease()))
                .build());
        if (!answer.getSucceeded()) {
            throw EtcdError.NOT_LEADER.exception();
        }
        return answer.getHeader();
    }

    LeaderResponse leader(LeaderRequest request) {
        RangeResponse first = first(request.getName().concat(SLASH));
        if (first.getKvsCount() == 0) {
            throw EtcdError.NO_LEADER.exception();
        }
        return LeaderResponse.newBuilder()
                .setHeader(first.getHeader())
                .setKv(first.getKvs(0))
                .build();
    }

    ResignResponse resign(ResignRequest request) {
        if (!request.hasLeader()) {
            throw EtcdError.MISSING_LEADER_KEY.exception();
        }
        LeaderKey leader = request.getLeader();
        return ResignResponse.newBuilder()
                .setHeader(deleteIfSame(leader.getKey(), leader.getRev()))
                .build();
    }

    private ResponseHeader deleteIfSame(ByteString key, long createRevision) {
        return engine.txn(TxnRequest.newBuilder()
                        .addCompare(created(key, createRevision))
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestDeleteRange(
                                        DeleteRangeRequest.newBuilder().setKey(key)))
                        .build())
                .getHeader();
    }

    ServerCall<LeaderRequest> observe(ServerCall.Answers<LeaderResponse> answers) {
        return new Observation(answers);
    }

    /** Sends the proposal of each leader, one after the other. */
    private final class Observation implements ServerCall<LeaderRequest> {
        private final Answers<LeaderResponse> answers;
        private ByteString prefix = SLASH;
        private @Nullable OneWatch watch;

        Observation(Answers<LeaderResponse> answers) {
            this.answers = answers;
        }

        @Override
        public void onMessage(LeaderRequest request) {
            prefix = request.getName().concat(SLASH);
            lookForLeader();
        }

        private void lookForLeader() {
            RangeResponse first = first(prefix);
            if (first.getKvsCount() > 0) {
                follow(first.getKvs(0), first.getHeader());
                return;
            }
            long from = first.getHeader().getRevision() + 1;
            watch = new OneWatch(KeyRange.prefix(prefix), from, response -> {
                boolean hasPut = response.getEventsList().stream().anyMatch(e -> e.getType() == Event.EventType.PUT);
                return hasPut || response.getCanceled() ? this::lookForLeader : null;
            });
        }

        private void follow(KeyValue leader, ResponseHeader header) {
            send(leader, header);
            watch = new OneWatch(KeyRange.point(leader.getKey()), header.getRevision() + 1, response -> {
                for (Event event : response.getEventsList()) {
                    if (event.getType() == Event.EventType.DELETE) {
                        return this::lookForLeader;
                    }
                    send(event.getKv(), response.getHeader());
                }
                return response.getCanceled() ? this::lookForLeader : null;
            });
        }

        private void send(KeyValue leader, ResponseHeader header) {
            answers.send(
                    LeaderResponse.newBuilder().setHeader(header).setKv(leader).build());
        }

        @Override
        public void onCancel() {
            if (watch != null) {
                watch.close();
            }
        }
    }

    // ---------------------------------------------------------------------------------------------- their parts

    /** A call that stands in a queue with an entry of its own until its turn comes. */
    private abstract class Entry<Q, R> implements ServerCall<Q> {
        private final Answers<R> answers;
        private ByteString prefix = SLASH;
        private ByteString key = ByteString.EMPTY;
        private long lease;
        private long createRevision;
        private boolean first;
        private @Nullable OneWatch predecessor;

        Entry(Answers<R> answers) {
            this.answers = answers;
        }

        /** Enters the queue and says what comes after. */
        abstract void begin(Q request);

        /** Takes the entry out of the queue; called when the client goes away before its turn. */
        abstract void leave();

        final ByteString key() {
            return key;
        }

        final long lease() {
            return lease;
        }

        final long createRevision() {
            return createRevision;
        }

        /** True when no entry stood before this one as it entered. */
        final boolean isFirst() {
            return first;
        }

        /** Puts the entry, or finds the one this lease has already. */
        final TxnResponse enter(ByteString name, long callersLease, ByteString value) {
            lease = callersLease;
            if (lease == 0) {
                LeaseGrantRequest grant = LeaseGrantRequest.newBuilder()
                        .setTTL(DEFAULT_TTL_SECONDS)
                        .build();
                lease = engine.leaseGrant(grant, clock.getAsLong()).getID();
            }
            prefix = name.concat(SLASH);
            // Go prints a negative number with its sign.
            key = prefix.concat(ByteString.copyFromUtf8(Long.toString(lease, 16)));
            TxnResponse answer = engine.txn(TxnRequest.newBuilder()
                    .addCompare(created(key, 0))
                    .addSuccess(put(key, value, lease))
                    .addSuccess(RequestOp.newBuilder().setRequestRange(firstOf(prefix)))
                    .addFailure(RequestOp.newBuilder()
                            .setRequestRange(RangeRequest.newBuilder().setKey(key)))
                    .addFailure(RequestOp.newBuilder().setRequestRange(firstOf(prefix)))
                    .build());
            createRevision = answer.getSucceeded()
                    ? answer.getHeader().getRevision()
                    : answer.getResponses(0).getResponseRange().getKvs(0).getCreateRevision();
            first = answer.getResponses(1).getResponseRange().getKvs(0).getCreateRevision() == createRevision;
            return answer;
        }

        /** Runs {@code admitted} once no entry with a lower create_revision is left. */
        final void awaitTurn(Runnable admitted) {
            RangeResponse before = engine.range(all(prefix)
                    .setSortTarget(RangeRequest.SortTarget.CREATE)
                    .setSortOrder(RangeRequest.SortOrder.DESCEND)
                    .setMaxCreateRevision(createRevision - 1)
                    .setLimit(1)
                    .setKeysOnly(true)
                    .build());
            if (before.getKvsCount() == 0) {
                predecessor = null;
                admitted.run();
                return;
            }
            KeyRange last = KeyRange.point(before.getKvs(0).getKey());
            predecessor = new OneWatch(last, before.getHeader().getRevision() + 1, response -> {
                boolean isGone = response.getEventsList().stream().anyMatch(e -> e.getType() == Event.EventType.DELETE);
                return isGone || response.getCanceled() ? () -> orRefusal(() -> awaitTurn(admitted)) : null;
            });
        }

        @Override
        public final void onMessage(Q request) {
            orRefusal(() -> begin(request));
        }

        private void orRefusal(Runnable step) {
            try {
                step.run();
            } catch (EtcdException refusal) {
                answers.close(withoutCode(refusal).status());
            }
        }

        @Override
        public final void onCancel() {
            if (predecessor != null) {
                predecessor.close();
                try {
                    leave();
                } catch (EtcdException refusal) {
                    // Nothing is written at present; the entry goes with its lease.
                }
            }
        }
    }

    /** A watch until something has happened: the first response for which {@code next} names a task ends it. */
    private final class OneWatch {
        private final WatchStream stream;
        private boolean over; // nothing that still arrives counts
        private boolean closed;

        OneWatch(KeyRange range, long fromRevision, NextStep next) {
            stream = engine.openWatchStream(response -> onResponse(response, next));
            WatchCreateRequest.Builder create =
                    WatchCreateRequest.newBuilder().setKey(range.from()).setStartRevision(fromRevision);
            if (!range.isPoint()) {
                create.setRangeEnd(KeyRange.prefixEnd(range.from()));
            }
            stream.accept(WatchRequest.newBuilder().setCreateRequest(create).build());
        }

        private void onResponse(WatchResponse response, NextStep next) {
            Runnable task = over ? null : next.after(response);
            if (task == null) {
                return;
            }
            over = true;
            loop.execute(() -> {
                if (!closed) {
                    close();
                    task.run();
                }
            });
        }

        void close() {
            over = true;
            closed = true;
            stream.close();
        }
    }

    /** These services pass on what the store refused, but with the code UNKNOWN; the text stays. */
    static EtcdException withoutCode(EtcdException refusal) {
        return new EtcdException(Status.UNKNOWN.withDescription(refusal.status().getDescription()));
    }

    private interface NextStep {
        @Nullable
        Runnable after(WatchResponse response);
    }

    private RangeResponse first(ByteString prefix) {
        return engine.range(firstOf(prefix));
    }

    private static RangeRequest firstOf(ByteString prefix) {
        return all(prefix)
                .setSortTarget(RangeRequest.SortTarget.CREATE)
                .setSortOrder(RangeRequest.SortOrder.ASCEND)
                .setLimit(1)
                .build();
    }

    private static RangeRequest.Builder all(ByteString prefix) {
        return RangeRequest.newBuilder().setKey(prefix).setRangeEnd(KeyRange.prefixEnd(prefix));
    }

    private static Compare created(ByteString key, long createRevision) {
        return Compare.newBuilder()
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setKey(key)
                .setCreateRevision(createRevision)
                .build();
    }

    private static RequestOp put(ByteString key, ByteString value, long lease) {
        return RequestOp.newBuilder()
                .setRequestPut(
                        PutRequest.newBuilder().setKey(key).setValue(value).setLease(lease))
                .build();
    }
}
