package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.DeleteRangeResponse;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseLeasesResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An engine with one deliberate mistake, to see whether it is found. */
final class WrongEngine implements Target {

    /** A mistake: in what the engine makes of a request, or in what it answers. */
    enum Mistake {
        DROPS_MORE {
            @Override
            Message answer(Message request, Message answer) {
                return answer instanceof RangeResponse range
                        ? range.toBuilder().clearMore().build()
                        : answer;
            }
        },
        COUNTS_AFTER_THE_LIMIT {
            @Override
            Message answer(Message request, Message answer) {
                return answer instanceof RangeResponse range && !((RangeRequest) request).getCountOnly()
                        ? range.toBuilder().setCount(range.getKvsCount()).build()
                        : answer;
            }
        },
        SORTS_DESCENDING_AS_ASCENDING {
            @Override
            Message request(Message request) {
                return request instanceof RangeRequest range && range.getSortOrder() == RangeRequest.SortOrder.DESCEND
                        ? range.toBuilder()
                                .setSortOrder(RangeRequest.SortOrder.ASCEND)
                                .build()
                        : request;
            }
        },
        SENDS_VALUES_WITH_KEYS_ONLY {
            @Override
            Message request(Message request) {
                return request instanceof RangeRequest range
                        ? range.toBuilder().clearKeysOnly().build()
                        : request;
            }
        },
        FILTERS_BY_CREATION_AS_BY_CHANGE {
            @Override
            Message request(Message request) {
                return request instanceof RangeRequest range && range.getMinCreateRevision() != 0
                        ? range.toBuilder()
                                .setMinModRevision(range.getMinCreateRevision())
                                .clearMinCreateRevision()
                                .build()
                        : request;
            }
        },
        TAKES_THE_NUL_END_FOR_A_KEY {
            @Override
            Message request(Message request) {
                return request instanceof RangeRequest range
                                && range.getRangeEnd().equals(NUL)
                        ? range.toBuilder().clearRangeEnd().build()
                        : request;
            }
        },
        MISSES_PREVIOUS_PAIR_OF_PUT {
            @Override
            Message answer(Message request, Message answer) {
                return answer instanceof PutResponse put
                        ? put.toBuilder().clearPrevKv().build()
                        : answer;
            }
        },
        MISSES_LAST_PREVIOUS_PAIR_OF_DELETE {
            @Override
            Message answer(Message request, Message answer) {
                return answer instanceof DeleteRangeResponse delete && delete.getPrevKvsCount() > 1
                        ? delete.toBuilder()
                                .removePrevKvs(delete.getPrevKvsCount() - 1)
                                .build()
                        : answer;
            }
        },
        USES_A_REVISION_FOR_A_DELETE_OF_NOTHING {
            @Override
            Message answer(Message request, Message answer) {
                if (answer instanceof DeleteRangeResponse delete && delete.getDeleted() == 0) {
                    DeleteRangeResponse.Builder wrong = delete.toBuilder();
                    wrong.getHeaderBuilder().setRevision(delete.getHeader().getRevision() + 1);
                    return wrong.build();
                }
                return answer;
            }
        },
        FORGETS_THE_LEASE_WITH_IGNORE_LEASE {
            @Override
            Message request(Message request) {
                return request instanceof PutRequest put && put.getLease() == 0
                        ? put.toBuilder().clearIgnoreLease().build()
                        : request;
            }
        },
        COMPACTS_ONE_REVISION_TOO_MUCH {
            @Override
            Message request(Message request) {
                // A playback's own compactions are physical ones.
                return request instanceof CompactionRequest compact && !compact.getPhysical()
                        ? compact.toBuilder()
                                .setRevision(compact.getRevision() + 1)
                                .build()
                        : request;
            }
        },
        NESTED_TRANSACTION_TAKES_THE_OTHER_SIDE {
            @Override
            Message request(Message request) {
                return request instanceof TxnRequest txn
                        ? txn.toBuilder()
                                .clearSuccess()
                                .addAllSuccess(txn.getSuccessList().stream()
                                        .map(Mistake::swapped)
                                        .toList())
                                .build()
                        : request;
            }
        },
        DUPLICATE_KEY_IN_OTHER_WORDS {
            @Override
            Status refusal(Status status) {
                return EtcdError.DUPLICATE_KEY.text().equals(status.getDescription())
                        ? status.withDescription("etcdserver: duplicate key")
                        : status;
            }
        },
        UNKNOWN_LEASE_WITH_ANOTHER_CODE {
            @Override
            Status refusal(Status status) {
                return status.getCode() == Status.Code.NOT_FOUND
                        ? Status.INVALID_ARGUMENT.withDescription(status.getDescription())
                        : status;
            }
        },
        GRANTS_A_LEASE_TWICE {
            @Override
            Status refusal(Status status) {
                return EtcdError.LEASE_EXISTS.text().equals(status.getDescription()) ? Status.OK : status;
            }
        },
        CUTS_TTLS {
            @Override
            Message request(Message request) {
                return request instanceof LeaseGrantRequest grant && grant.getTTL() <= Engine.MAX_LEASE_TTL_SECONDS
                        ? grant.toBuilder()
                                .setTTL(Math.min(grant.getTTL(), 10_000))
                                .build()
                        : request;
            }
        },
        MISSES_KEYS_OF_A_LEASE {
            @Override
            Message answer(Message request, Message answer) {
                return answer instanceof LeaseTimeToLiveResponse lease && lease.getKeysCount() > 1
                        ? lease.toBuilder()
                                .clearKeys()
                                .addKeys(lease.getKeys(0))
                                .build()
                        : answer;
            }
        },
        WATCH_FILTERS_NOTHING {
            @Override
            WatchCreateRequest watch(WatchCreateRequest watch) {
                return watch.toBuilder().clearFilters().build();
            }
        },
        WATCH_BEGINS_ONE_TOO_EARLY {
            @Override
            WatchCreateRequest watch(WatchCreateRequest watch) {
                return watch.getStartRevision() > 0
                        ? watch.toBuilder()
                                .setStartRevision(watch.getStartRevision() - 1)
                                .build()
                        : watch;
            }
        },
        WATCH_TAKES_THE_FUTURE_FOR_NOW {
            @Override
            WatchCreateRequest watch(WatchCreateRequest watch) {
                return watch.toBuilder().clearStartRevision().build();
            }
        },
        EVENTS_WITHOUT_PREVIOUS_PAIRS {
            @Override
            Message answer(Message request, Message answer) {
                if (answer instanceof WatchResponse watched) {
                    WatchResponse.Builder wrong = watched.toBuilder();
                    wrong.getEventsBuilderList().forEach(Event.Builder::clearPrevKv);
                    return wrong.build();
                }
                return answer;
            }
        },
        EVENTS_OF_A_REVISION_BACKWARDS {
            @Override
            Message answer(Message request, Message answer) {
                if (answer instanceof WatchResponse watched
                        && watched.getEventsList().stream()
                                        .map(event -> event.getKv().getModRevision())
                                        .distinct()
                                        .count()
                                == 1) {
                    List<Event> events = new java.util.ArrayList<>(watched.getEventsList());
                    Collections.reverse(events);
                    return watched.toBuilder()
                            .clearEvents()
                            .addAllEvents(events)
                            .build();
                }
                return answer;
            }
        },
        DELETE_EVENT_KEEPS_THE_VALUE {
            @Override
            Message answer(Message request, Message answer) {
                if (answer instanceof WatchResponse watched) {
                    WatchResponse.Builder wrong = watched.toBuilder();
                    for (Event.Builder event : wrong.getEventsBuilderList()) {
                        KeyValue previous = event.getPrevKv();
                        if (event.getType() == Event.EventType.DELETE) {
                            event.getKvBuilder().setValue(previous.getValue());
                        }
                    }
                    return wrong.build();
                }
                return answer;
            }
        },
        RESTART_LOSES_A_LEASE {
            @Override
            boolean losesLeaseAtRestart() {
                return true;
            }
        };

        private static final ByteString NUL = ByteString.copyFrom(new byte[1]);

        Message request(Message request) {
            return request;
        }

        Message answer(Message request, Message answer) {
            return answer;
        }

        Status refusal(Status status) {
            return status;
        }

        WatchCreateRequest watch(WatchCreateRequest watch) {
            return watch;
        }

        boolean losesLeaseAtRestart() {
            return false;
        }

        private static RequestOp swapped(RequestOp op) {
            TxnRequest nested = op.getRequestTxn();
            return op.hasRequestTxn()
                    ? Messages.op(nested.toBuilder()
                            .clearSuccess()
                            .addAllSuccess(nested.getFailureList())
                            .clearFailure()
                            .addAllFailure(nested.getSuccessList())
                            .build())
                    : op;
        }
    }

    private final Target right;
    private final Mistake mistake;

    WrongEngine(Target right, Mistake mistake) {
        this.right = right;
        this.mistake = mistake;
    }

    @Override
    public EtcdConnection.Outcome call(Message request) {
        EtcdConnection.Outcome outcome = right.call(mistake.request(request));
        Message answer = outcome.answer();
        if (answer != null) {
            return new EtcdConnection.Outcome(mistake.answer(request, answer), outcome.status());
        }
        Status status = mistake.refusal(outcome.status());
        return status.isOk()
                ? new EtcdConnection.Outcome(RangeResponse.getDefaultInstance(), status)
                : new EtcdConnection.Outcome(null, status);
    }

    @Override
    public Watches openWatches() {
        Watches stream = right.openWatches();
        return new Watches() {
            @Override
            public void send(WatchRequest request) {
                stream.send(
                        isOfTheHistory(request)
                                ? WatchRequest.newBuilder()
                                        .setCreateRequest(mistake.watch(request.getCreateRequest()))
                                        .build()
                                : request);
            }

            @Override
            public @Nullable WatchResponse poll(long millis) {
                WatchResponse answer = stream.poll(millis);
                return answer == null ? null : (WatchResponse) mistake.answer(answer, answer);
            }

            @Override
            public void cancel() {
                stream.cancel();
            }
        };
    }

    private static boolean isOfTheHistory(WatchRequest request) {
        return request.hasCreateRequest() && request.getCreateRequest().getWatchId() != Playback.FENCE;
    }

    @Override
    public void restart() throws IOException {
        right.restart();
        if (mistake.losesLeaseAtRestart()) {
            LeaseLeasesResponse leases = (LeaseLeasesResponse)
                    right.call(LeaseLeasesRequest.getDefaultInstance()).message();
            if (leases.getLeasesCount() > 0) {
                right.call(Messages.revoke(leases.getLeases(0).getID()));
            }
        }
    }

    @Override
    public void close() {
        right.close();
    }
}
