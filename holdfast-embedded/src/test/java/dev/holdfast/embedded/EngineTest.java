package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.cancelWatch;
import static dev.holdfast.embedded.Messages.createWatch;
import static dev.holdfast.embedded.Messages.created;
import static dev.holdfast.embedded.Messages.delete;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.keepAlive;
import static dev.holdfast.embedded.Messages.op;
import static dev.holdfast.embedded.Messages.prefix;
import static dev.holdfast.embedded.Messages.progress;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.revoke;
import static dev.holdfast.embedded.Messages.then;
import static dev.holdfast.embedded.Messages.watch;
import static dev.holdfast.embedded.Messages.watchPrefix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineTest {
    private static final long SECOND = 1_000_000_000L;

    private final Engine engine = new Engine(7, 8);
    private final List<WatchResponse> watched = new ArrayList<>();

    // ---------------------------------------------------------------------------------------------------- keys

    @Test
    void emptyStore_isAtRevisionOne() {
        RangeResponse answer = engine.range(get("a"));
        assertThat(answer.getHeader().getRevision()).isEqualTo(1);
        assertThat(answer.getHeader().getClusterId()).isEqualTo(7);
        assertThat(answer.getHeader().getMemberId()).isEqualTo(8);
        assertThat(answer.getHeader().getRaftTerm()).isEqualTo(engine.term());
        assertThat(answer.getKvsCount()).isZero();
    }

    @Test
    void put_countsVersionsAndKeepsCreateRevision() {
        engine.put(put("a", "1"));
        engine.put(put("b", "1"));
        engine.put(put("a", "2"));
        KeyValue a = engine.range(get("a")).getKvs(0);
        assertThat(a.getCreateRevision()).isEqualTo(2);
        assertThat(a.getModRevision()).isEqualTo(4);
        assertThat(a.getVersion()).isEqualTo(2);
        engine.deleteRange(delete("a"));
        engine.put(put("a", "3"));
        KeyValue again = engine.range(get("a")).getKvs(0);
        assertThat(again.getCreateRevision()).isEqualTo(6);
        assertThat(again.getVersion()).isEqualTo(1);
    }

    /** No etcd can say what is right: it dies of such a request. */
    @Test
    void txn_thatDeletesAKeyAndThenKeepsItsValue_isRefused() {
        engine.put(put("a", "1"));
        PutRequest keeping = put("a", "").toBuilder().setIgnoreValue(true).build();
        PutRequest keepingLease = put("a", "2").toBuilder().setIgnoreLease(true).build();
        refused(() -> engine.txn(then(op(delete("a", "\0")), op(keeping))), EtcdError.KEY_NOT_FOUND);
        refused(() -> engine.txn(then(op(delete("a", "\0")), op(then(op(keepingLease))))), EtcdError.KEY_NOT_FOUND);
        assertThat(at(0)).containsExactly("a=1");
        engine.txn(then(op(keeping), op(delete("b", "\0"))));
        assertThat(at(0)).containsExactly("a=1");
    }

    @Test
    void delete_ofNothing_usesNoRevision() {
        engine.put(put("a", "1"));
        assertThat(engine.deleteRange(delete("none")).getHeader().getRevision()).isEqualTo(2);
        assertThat(engine.deleteRange(delete("a")).getDeleted()).isEqualTo(1);
        assertThat(engine.revision()).isEqualTo(3);
    }

    @Test
    void range_seesThePastUntilCompacted() {
        engine.put(put("a", "1"));
        engine.put(put("a", "2"));
        engine.deleteRange(delete("a"));
        engine.put(put("b", "1"));
        assertThat(at(1)).isEmpty();
        assertThat(at(2)).containsExactly("a=1");
        assertThat(at(3)).containsExactly("a=2");
        assertThat(at(4)).isEmpty();
        assertThat(at(5)).containsExactly("b=1");
        refused(() -> at(6), EtcdError.FUTURE_REVISION);
        engine.compact(CompactionRequest.newBuilder().setRevision(3).build());
        refused(() -> at(2), EtcdError.COMPACTED);
        assertThat(at(3)).containsExactly("a=2");
        assertThat(engine.compactedRevision()).isEqualTo(3);
    }

    @Test
    void range_ordersKeysAsUnsignedBytes() {
        for (String hex : List.of("ff", "7f", "80", "00", "7f00")) {
            engine.put(put("x", "").toBuilder()
                    .setKey(ByteString.copyFrom(HexFormat.of().parseHex(hex)))
                    .build());
        }
        RangeResponse all = engine.range(
                prefix("").setKey(bytes("\0")).setRangeEnd(bytes("\0")).build());
        assertThat(all.getKvsList())
                .extracting(kv -> HexFormat.of().formatHex(kv.getKey().toByteArray()))
                .containsExactly("00", "7f", "7f00", "80", "ff");
    }

    @Test
    void range_countsAllThoughItIsLimited() {
        for (int i = 0; i < 5; i++) {
            engine.put(put("a" + i, "v"));
        }
        RangeResponse limited = engine.range(prefix("a").setLimit(2).build());
        assertThat(limited.getKvsCount()).isEqualTo(2);
        assertThat(limited.getCount()).isEqualTo(5);
        assertThat(limited.getMore()).isTrue();
        RangeResponse newest = engine.range(prefix("a")
                .setLimit(1)
                .setKeysOnly(true)
                .setSortTarget(RangeRequest.SortTarget.CREATE)
                .setSortOrder(RangeRequest.SortOrder.DESCEND)
                .setMaxCreateRevision(4)
                .build());
        assertThat(newest.getKvs(0).getKey()).isEqualTo(bytes("a2"));
        assertThat(newest.getKvs(0).getValue()).isEmpty();
    }

    @Test
    void answers_thatWouldBeTooLarge_areRefused_andNothingIsDone() {
        String value = "x".repeat(1 << 20);
        for (int i = 0; i < 10; i++) {
            engine.put(put("big" + i, value));
        }
        RangeRequest all = prefix("big").build();
        RangeRequest past = all.toBuilder().setRevision(engine.revision()).build();
        for (RangeRequest range : List.of(all, past)) {
            TxnRequest inner = then(Collections.nCopies(20, op(range)).toArray(RequestOp[]::new));
            assertThat(engine.txn(inner).getResponsesCount()).isEqualTo(20);
            TxnRequest outer = then(op(put("own", "v")), op(inner), op(inner));
            assertThatThrownBy(() -> engine.txn(outer))
                    .isInstanceOfSatisfying(EtcdException.class, refusal -> assertThat(
                                    refusal.status().getCode())
                            .isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
        }
        assertThat(engine.range(get("own")).getCount()).isZero();
        RangeRequest keys = all.toBuilder().setKeysOnly(true).build();
        TxnRequest inner = then(Collections.nCopies(60, op(keys)).toArray(RequestOp[]::new));
        assertThat(engine.txn(then(op(put("own", "v")), op(inner))).getSucceeded())
                .isTrue();
    }

    @Test
    void requests_notWellFormed_areRefused() {
        refused(() -> engine.range(get("")), EtcdError.EMPTY_KEY);
        refused(() -> engine.put(put("a", "1").toBuilder().setIgnoreValue(true).build()), EtcdError.VALUE_PROVIDED);
        refused(
                () -> engine.put(
                        put("a", "1", 3).toBuilder().setIgnoreLease(true).build()),
                EtcdError.LEASE_PROVIDED);
        refused(() -> engine.put(put("a", "").toBuilder().setIgnoreValue(true).build()), EtcdError.KEY_NOT_FOUND);
        refused(() -> engine.put(put("a", "1", 3)), EtcdError.LEASE_NOT_FOUND);
        refused(() -> engine.range(get("a").toBuilder().setSortTargetValue(9).build()), EtcdError.INVALID_SORT_OPTION);
        refused(() -> engine.put(put("a", "x".repeat(Engine.MAX_REQUEST_BYTES))), EtcdError.REQUEST_TOO_LARGE);
        assertThat(engine.revision()).isEqualTo(1);
    }

    // -------------------------------------------------------------------------------------------- transactions

    @ParameterizedTest(name = "{0} {1} {2} is {3}")
    @CsvSource({
        "VERSION, EQUAL, 2, true", "VERSION, GREATER, 2, false", "VERSION, GREATER, 1, true", "VERSION, LESS, 3, true",
        "VERSION, NOT_EQUAL, 2, false", "CREATE, EQUAL, 2, true", "CREATE, LESS, 2, false", "MOD, EQUAL, 3, true",
        "MOD, NOT_EQUAL, 2, true", "LEASE, EQUAL, 0, true", "LEASE, GREATER, 0, false"
    })
    void compare_ofNumbers(Compare.CompareTarget target, Compare.CompareResult result, long number, boolean holds) {
        engine.put(put("a", "1"));
        engine.put(put("a", "2"));
        Compare.Builder compare =
                Compare.newBuilder().setKey(bytes("a")).setTarget(target).setResult(result);
        switch (target) {
            case VERSION -> compare.setVersion(number);
            case CREATE -> compare.setCreateRevision(number);
            case MOD -> compare.setModRevision(number);
            default -> compare.setLease(number);
        }
        assertThat(succeeds(compare)).isEqualTo(holds);
    }

    @Test
    void compare_overARange_meansForAll() {
        Compare.Builder nonePresent =
                created("q/", Compare.CompareResult.EQUAL, 0).toBuilder().setRangeEnd(KeyRange.prefixEnd(bytes("q/")));
        assertThat(succeeds(nonePresent)).isTrue();
        engine.put(put("q/a", "1"));
        engine.put(put("q/b", "2"));
        assertThat(succeeds(nonePresent)).isFalse();
        Compare.Builder value = Compare.newBuilder()
                .setKey(bytes("q/"))
                .setRangeEnd(KeyRange.prefixEnd(bytes("q/")))
                .setTarget(Compare.CompareTarget.VALUE)
                .setResult(Compare.CompareResult.LESS)
                .setValue(bytes("2"));
        assertThat(succeeds(value)).isFalse();
        assertThat(succeeds(value.setValue(bytes("3")))).isTrue();
    }

    @Test
    void compare_valueOfAnAbsentKey_neverHolds() {
        for (int result = 0; result < 4; result++) {
            assertThat(succeeds(Compare.newBuilder()
                            .setKey(bytes("none"))
                            .setTarget(Compare.CompareTarget.VALUE)
                            .setResultValue(result)
                            .setValue(bytes(""))))
                    .isFalse();
        }
    }

    @Test
    void txn_isOneRevision_andItsRangesSeeItsWrites() {
        engine.put(put("a", "old"));
        TxnResponse answer = engine.txn(then(
                op(get("a")),
                op(put("b", "1")),
                op(prefix("").setKey(bytes("a")).setRangeEnd(bytes("z")).build()),
                op(delete("a")),
                op(get("a"))));
        assertThat(answer.getHeader().getRevision()).isEqualTo(3);
        assertThat(answer.getResponses(0).getResponseRange().getHeader().getRevision())
                .isEqualTo(2);
        assertThat(answer.getResponses(2).getResponseRange().getCount()).isEqualTo(2);
        assertThat(answer.getResponses(2).getResponseRange().getHeader().getRevision())
                .isEqualTo(3);
        assertThat(answer.getResponses(4).getResponseRange().getCount()).isZero();
    }

    @Test
    void txn_withAnyRefusal_writesNothing() {
        engine.put(put("a", "1"));
        refused(() -> engine.txn(then(op(put("b", "1")), op(put("c", "1", 99)))), EtcdError.LEASE_NOT_FOUND);
        refused(() -> engine.txn(then(op(put("b", "1")), op(then(op(put("c", "1", 99)))))), EtcdError.LEASE_NOT_FOUND);
        refused(
                () -> engine.txn(
                        then(op(put("b", "1")), op(prefix("a").setRevision(9).build()))),
                EtcdError.FUTURE_REVISION);
        assertThat(engine.revision()).isEqualTo(2);
        assertThat(engine.range(prefix("b").build()).getCount()).isZero();
        // A refusal of the side that is not taken does not count.
        TxnRequest other =
                TxnRequest.newBuilder().addFailure(op(put("c", "1", 99))).build();
        assertThat(engine.txn(other).getSucceeded()).isTrue();
    }

    @Test
    void txn_nestedCompares_seeTheStateBefore() {
        TxnResponse answer = engine.txn(then(
                op(put("a", "1")),
                op(then(op(put("b", "absent"))).toBuilder()
                        .addCompare(created("a", Compare.CompareResult.EQUAL, 0))
                        .build())));
        assertThat(answer.getResponses(1).getResponseTxn().getSucceeded()).isTrue();
        assertThat(engine.revision()).isEqualTo(2);
    }

    @Test
    void txn_duplicateKeys_areRefused() {
        refused(() -> engine.txn(then(op(put("a", "1")), op(put("a", "2")))), EtcdError.DUPLICATE_KEY);
        refused(() -> engine.txn(then(op(put("b", "1")), op(delete("a", "c")))), EtcdError.DUPLICATE_KEY);
        refused(() -> engine.txn(then(op(put("a", "1")), op(then(op(put("a", "2")))))), EtcdError.DUPLICATE_KEY);
        refused(
                () -> engine.txn(TxnRequest.newBuilder()
                        .addFailure(op(put("a", "1")))
                        .addFailure(op(put("a", "1")))
                        .build()),
                EtcdError.DUPLICATE_KEY);
        refused(
                () -> engine.txn(
                        then(op(delete("a", "c")), op(delete("b", "e")), op(delete("f", "h")), op(put("d", "1")))),
                EtcdError.DUPLICATE_KEY);
        assertThat(engine.txn(then(op(delete("a", "c")), op(delete("b", "e")), op(delete("f", "h")), op(put("e", "1"))))
                        .getSucceeded())
                .isTrue();
        TxnRequest either = TxnRequest.newBuilder()
                .addSuccess(op(put("a", "1")))
                .addFailure(op(put("a", "2")))
                .build();
        assertThat(engine.txn(then(op(either))).getSucceeded()).isTrue();
    }

    @Test
    void txn_has128OperationsPerLevel() {
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        for (int i = 0; i < Requests.MAX_TXN_OPS; i++) {
            txn.addSuccess(op(put("k" + i, "v")));
        }
        assertThat(engine.txn(txn.build()).getHeader().getRevision()).isEqualTo(2);
        refused(() -> engine.txn(txn.addSuccess(op(get("k"))).build()), EtcdError.TOO_MANY_OPS);
    }

    // -------------------------------------------------------------------------------------------------- leases

    @Test
    void lease_endsOnlyWhenItsTimeIsOver() {
        engine.leaseGrant(grant(5, 10), 0);
        engine.put(put("b", "1", 5));
        engine.put(put("a", "1", 5));
        assertThat(engine.nextExpiryNanos()).isEqualTo(10 * SECOND);
        assertThat(engine.expire(10 * SECOND - 1)).isZero();
        assertThat(engine.leaseKeepAlive(keepAlive(5), 4 * SECOND).getTTL()).isEqualTo(10);
        assertThat(engine.expire(14 * SECOND - 1)).isZero();
        long before = engine.revision();
        assertThat(engine.expire(14 * SECOND)).isEqualTo(1);
        assertThat(engine.revision()).isEqualTo(before + 1);
        assertThat(engine.range(prefix("a").build()).getCount()).isZero();
        assertThat(engine.nextExpiryNanos()).isEqualTo(Long.MAX_VALUE);
        assertThat(engine.leaseKeepAlive(keepAlive(5), 14 * SECOND).getTTL()).isZero();
    }

    @Test
    void keepAlive_afterTheTime_endsTheLeaseInstead() {
        engine.leaseGrant(grant(5, 2), 0);
        engine.put(put("a", "1", 5));
        assertThat(engine.leaseKeepAlive(keepAlive(5), 2 * SECOND).getTTL()).isZero();
        assertThat(engine.range(get("a")).getCount()).isZero();
    }

    @Test
    void expire_takesOneRevisionPerLease_inOrderOfTheirTime() {
        engine.leaseGrant(grant(1, 9), 0);
        engine.leaseGrant(grant(2, 3), 0);
        engine.leaseGrant(grant(3, 6), 0);
        engine.txn(then(op(put("c1", "", 1)), op(put("c2", "", 2)), op(put("c3", "", 3)), op(put("a1", "", 1))));
        watching(watchPrefix("").setKey(bytes("\0")).setRangeEnd(bytes("\0")));
        assertThat(engine.expire(100 * SECOND)).isEqualTo(3);
        assertThat(events()).containsExactly("3 DELETE c2", "4 DELETE c3", "5 DELETE a1", "5 DELETE c1");
    }

    @Test
    void lease_losesKeysThatMoveAway() {
        engine.leaseGrant(grant(5, 10), 0);
        engine.leaseGrant(grant(6, 10), 0);
        engine.put(put("a", "1", 5));
        engine.put(put("b", "1", 5));
        engine.put(put("c", "1", 5));
        engine.put(put("d", "1", 5));
        engine.put(put("a", "2"));
        engine.put(put("b", "2", 6));
        engine.deleteRange(delete("c"));
        engine.put(put("d", "2").toBuilder().setIgnoreLease(true).build());
        assertThat(engine.leaseTimeToLive(keysOf(5), SECOND).getKeysList()).containsExactly(bytes("d"));
        engine.leaseRevoke(revoke(5));
        assertThat(engine.range(prefix("")
                                .setKey(bytes("a"))
                                .setRangeEnd(bytes("z"))
                                .build())
                        .getCount())
                .isEqualTo(2);
    }

    @Test
    void lease_grantsAndRefusals() {
        LeaseGrantResponse chosen = engine.leaseGrant(grant(0, 1), 0);
        assertThat(chosen.getID()).isPositive();
        assertThat(chosen.getTTL()).isEqualTo(2);
        refused(() -> engine.leaseGrant(grant(chosen.getID(), 5), 0), EtcdError.LEASE_EXISTS);
        refused(() -> engine.leaseGrant(grant(1, 9_000_000_001L), 0), EtcdError.LEASE_TTL_TOO_LARGE);
        refused(() -> engine.leaseRevoke(revoke(1)), EtcdError.LEASE_NOT_FOUND);
        assertThat(engine.leaseTimeToLive(keysOf(1), 0).getTTL()).isEqualTo(-1);
        assertThat(engine.leaseTimeToLive(keysOf(chosen.getID()), SECOND / 2).getTTL())
                .isEqualTo(1);
        engine.leaseGrant(grant(1, 9_000_000_000L), Long.MAX_VALUE / 2);
        assertThat(engine.expire(Long.MAX_VALUE - 1)).isEqualTo(1);
        assertThat(engine.leaseLeases().getLeasesList())
                .extracting(lease -> lease.getID())
                .containsExactly(1L);
    }

    @Test
    void changeLeader_restartsEveryLease() {
        engine.leaseGrant(grant(5, 10), 0);
        long term = engine.term();
        engine.changeLeader(9 * SECOND);
        assertThat(engine.term()).isEqualTo(term + 1);
        assertThat(engine.nextExpiryNanos()).isEqualTo(19 * SECOND);
    }

    // ------------------------------------------------------------------------------------------------- watches

    @Test
    void watch_fromNow_isCreatedFirst_thenGetsEachRevision() {
        engine.put(put("a", "0"));
        watching(watchPrefix("a").setPrevKv(true));
        assertThat(watched.get(0).getCreated()).isTrue();
        assertThat(watched.get(0).getHeader().getRevision()).isEqualTo(2);
        engine.txn(then(op(put("a", "1")), op(put("b", "1")), op(put("ab", "1"))));
        assertThat(watched).hasSize(2);
        assertThat(watched.get(1).getHeader().getRevision()).isEqualTo(3);
        assertThat(events()).containsExactly("3 PUT a", "3 PUT ab");
        assertThat(watched.get(1).getEvents(0).getPrevKv().getValue()).isEqualTo(bytes("0"));
        assertThat(watched.get(1).getEvents(1).hasPrevKv()).isFalse();
    }

    @Test
    void watch_fromThePast_replays_andFromTheFuture_waits() {
        engine.put(put("a", "1"));
        engine.put(put("a", "2"));
        watching(watch("a").setStartRevision(3), watch("a").setStartRevision(5));
        assertThat(watched.get(1).getEvents(0).getKv().getValue()).isEqualTo(bytes("2"));
        engine.put(put("a", "3"));
        engine.put(put("a", "4"));
        assertThat(watched.stream().filter(r -> r.getWatchId() == 0 && r.getEventsCount() > 0))
                .hasSize(3);
        assertThat(watched.stream().filter(r -> r.getWatchId() == 1 && r.getEventsCount() > 0))
                .hasSize(1);
    }

    @Test
    void watch_replay_neverSplitsARevision() {
        for (int i = 0; i < Engine.MAX_REVISIONS_PER_REPLAY + 1; i++) {
            engine.txn(then(op(put("a", "1")), op(put("ab", "1"))));
        }
        watching(watchPrefix("a").setStartRevision(1));
        assertThat(watched)
                .extracting(WatchResponse::getEventsCount)
                .containsExactly(0, 2 * Engine.MAX_REVISIONS_PER_REPLAY, 2);
    }

    @Test
    void watch_filters() {
        watching(
                watch("a").addFilters(WatchCreateRequest.FilterType.NOPUT),
                watch("a").addFilters(WatchCreateRequest.FilterType.NODELETE));
        engine.put(put("a", "1"));
        engine.deleteRange(delete("a"));
        assertThat(watched.stream().filter(r -> r.getEventsCount() > 0))
                .extracting(r -> r.getWatchId() + " " + r.getEvents(0).getType())
                .containsExactly("1 PUT", "0 DELETE");
    }

    @Test
    void watch_belowTheCompaction_isCancelled() {
        engine.put(put("a", "1"));
        engine.put(put("a", "2"));
        engine.put(put("a", "3"));
        engine.compact(CompactionRequest.newBuilder().setRevision(3).build());
        watching(watch("a").setStartRevision(2), watch("a").setStartRevision(3).setPrevKv(true));
        assertThat(watched.get(0).getCreated()).isTrue();
        assertThat(watched.get(1).getCanceled()).isTrue();
        assertThat(watched.get(1).getCompactRevision()).isEqualTo(3);
        assertThat(events()).containsExactly("3 PUT a", "4 PUT a");
        assertThat(watched.get(3).getEvents(0).hasPrevKv()).isFalse();
        assertThat(watched.get(3).getEvents(1).hasPrevKv()).isTrue();
    }

    /** As in etcd since 3.5: of two changes of a key in the revision that is compacted at, the last one stays. */
    @Test
    void watch_fromTheCompaction_seesTheLastChangeOfEachKey() {
        engine.put(put("a", "1"));
        engine.txn(then(op(then(op(put("a", "2")), op(put("b", "2")))), op(then(op(delete("a"))))));
        engine.put(put("b", "3"));
        engine.compact(CompactionRequest.newBuilder().setRevision(2).build());
        watching(watch("\0").setRangeEnd(bytes("\0")).setStartRevision(2));
        assertThat(events()).containsExactly("2 PUT a", "3 PUT a", "3 PUT b", "3 DELETE a", "4 PUT b");
        engine.compact(CompactionRequest.newBuilder().setRevision(3).build());
        watched.clear();
        watching(watch("\0").setRangeEnd(bytes("\0")).setStartRevision(3));
        assertThat(events()).containsExactly("3 PUT b", "3 DELETE a", "4 PUT b");
    }

    @Test
    void watch_idsAndCancel() {
        WatchStream stream = watching(
                watch("a"), watch("a").setWatchId(1), watch("a"), watch("a").setWatchId(1));
        assertThat(watched).extracting(WatchResponse::getWatchId).containsExactly(0L, 1L, 2L, -1L);
        assertThat(watched.get(3).getCancelReason()).isEqualTo("mvcc: duplicate watch ID provided on the WatchStream");
        stream.accept(cancelWatch(1));
        assertThat(watched.get(4).getCanceled()).isTrue();
        stream.accept(cancelWatch(77));
        engine.put(put("a", "1"));
        assertThat(watched).hasSize(7);
        stream.close();
        engine.put(put("a", "2"));
        stream.accept(createWatch(watch("a")));
        assertThat(watched).hasSize(7);
    }

    @Test
    void watch_progress_onlyWhenAllAreSynced() {
        WatchStream stream = watching(watch("a"));
        engine.put(put("b", "1"));
        stream.accept(progress());
        assertThat(watched.get(1).getWatchId()).isEqualTo(-1);
        assertThat(watched.get(1).getHeader().getRevision()).isEqualTo(2);
        stream.accept(createWatch(watch("a").setStartRevision(10)));
        stream.accept(progress());
        assertThat(watched).hasSize(3);
    }

    @Test
    void watch_progressNotify_onlyWhenQuiet() {
        watching(watch("a").setProgressNotify(true), watch("a"));
        engine.put(put("a", "1"));
        watched.clear();
        engine.reportProgress();
        assertThat(watched).isEmpty();
        engine.reportProgress();
        assertThat(watched)
                .singleElement()
                .extracting(WatchResponse::getWatchId)
                .isEqualTo(0L);
    }

    @Test
    void watch_fragments_onlyWhereAsked() {
        String large = "x".repeat(800_000);
        for (int i = 0; i < 5; i++) {
            engine.put(put("a" + i, large));
        }
        watching(
                watchPrefix("a").setStartRevision(1).setFragment(true),
                watchPrefix("a").setStartRevision(1));
        List<WatchResponse> parts = watched.stream()
                .filter(r -> r.getWatchId() == 0 && !r.getCreated())
                .toList();
        assertThat(parts).extracting(WatchResponse::getFragment).containsExactly(true, true, false);
        assertThat(parts).extracting(WatchResponse::getEventsCount).containsExactly(2, 2, 1);
        assertThat(parts).allMatch(part -> part.getSerializedSize() < Engine.FRAGMENT_BYTES);
        assertThat(watched.get(watched.size() - 1).getEventsCount()).isEqualTo(5);
    }

    // ------------------------------------------------------------------------------------------ state as a whole

    @Test
    void noSpace_refusesWhatNeedsSpace_andNothingElse() {
        engine.leaseGrant(grant(5, 10), 0);
        engine.put(put("a", "1", 5));
        engine.put(put("b", "1"));
        alarm(AlarmRequest.AlarmAction.ACTIVATE);
        refused(() -> engine.put(put("a", "2")), EtcdError.NO_SPACE);
        refused(() -> engine.txn(then(op(then(op(put("a", "2")))))), EtcdError.NO_SPACE);
        refused(() -> engine.leaseGrant(grant(6, 10), 0), EtcdError.NO_SPACE);
        assertThat(engine.txn(then(op(delete("b")))).getSucceeded()).isTrue();
        assertThat(engine.leaseKeepAlive(keepAlive(5), 1).getTTL()).isEqualTo(10);
        engine.leaseRevoke(revoke(5));
        assertThat(engine.status().getErrorsList()).singleElement().asString().contains("NOSPACE");
        alarm(AlarmRequest.AlarmAction.DEACTIVATE);
        engine.put(put("a", "2"));
        assertThat(engine.range(get("a")).getCount()).isEqualTo(1);
    }

    @Test
    void corrupt_refusesEveryWrite() {
        engine.alarm(AlarmRequest.newBuilder()
                .setAction(AlarmRequest.AlarmAction.ACTIVATE)
                .setAlarm(AlarmType.CORRUPT)
                .build());
        refused(() -> engine.put(put("a", "2")), EtcdError.CORRUPT);
        refused(() -> engine.deleteRange(delete("a")), EtcdError.CORRUPT);
        refused(
                () -> engine.compact(
                        CompactionRequest.newBuilder().setRevision(1).build()),
                EtcdError.CORRUPT);
    }

    @Test
    void copy_isASnapshot() {
        engine.leaseGrant(grant(5, 10), 0);
        engine.put(put("a", "1", 5));
        Engine snapshot = engine.copy();
        int hash = snapshot.hash().getHash();
        engine.put(put("a", "2", 5));
        engine.leaseRevoke(revoke(5));
        assertThat(snapshot.revision()).isEqualTo(2);
        assertThat(snapshot.range(get("a")).getKvs(0).getValue()).isEqualTo(bytes("1"));
        assertThat(snapshot.clusterId()).isEqualTo(engine.clusterId());
        assertThat(snapshot.hash().getHash())
                .isEqualTo(hash)
                .isNotEqualTo(engine.hash().getHash());
        assertThat(snapshot.expire(10 * SECOND)).isEqualTo(1);
        assertThat(snapshot.range(get("a")).getCount()).isZero();
    }

    @Test
    void retainHistory_withLittleHistory_compactsNothing() {
        engine.put(put("a", "1"));
        engine.retainHistory(100, 1_000);
        assertThat(engine.compactedRevision()).isEqualTo(-1);
    }

    @Test
    void retainHistory_boundsRevisions() {
        for (int i = 0; i < 1_000; i++) {
            engine.put(put("a", "1"));
            engine.retainHistory(100, Long.MAX_VALUE);
        }
        assertThat(engine.compactedRevision()).isBetween(engine.revision() - 113, engine.revision() - 100);
        assertThat(at(engine.revision() - 100)).containsExactly("a=1");
    }

    @Test
    void retainHistory_boundsBytes_butKeepsTheLastRevision() {
        for (int i = 0; i < 100; i++) {
            engine.put(put("a", "x".repeat(1_000)));
            engine.retainHistory(1_000, 10_000);
        }
        assertThat(engine.compactedRevision()).isBetween(engine.revision() - 10, engine.revision() - 5);
        engine.put(put("a", "x".repeat(20_000)));
        engine.retainHistory(1_000, 10_000);
        assertThat(engine.compactedRevision()).isEqualTo(engine.revision());
        watching(watch("a").setStartRevision(engine.revision()));
        assertThat(watched).hasSize(2);
    }

    @Test
    void sameCalls_giveTheSameAnswers() {
        assertThat(story(new Engine(7, 8))).isEqualTo(story(new Engine(7, 8)));
    }

    private static List<Object> story(Engine engine) {
        List<Object> told = new ArrayList<>();
        WatchStream stream = engine.openWatchStream(told::add);
        stream.accept(createWatch(watchPrefix("a")));
        stream.accept(createWatch(watch("a")));
        stream.accept(createWatch(watch("a").setRangeEnd(bytes("c"))));
        told.add(engine.leaseGrant(grant(0, 5), 1));
        told.add(engine.leaseGrant(grant(0, 5), 1));
        told.add(engine.put(put("a", "1")));
        told.add(engine.txn(then(op(put("b", "1")), op(delete("a")))));
        told.add(engine.expire(10 * SECOND));
        told.add(engine.hash());
        return told;
    }

    // ------------------------------------------------------------------------------------------------- support

    private void alarm(AlarmRequest.AlarmAction action) {
        engine.alarm(AlarmRequest.newBuilder()
                .setAction(action)
                .setAlarm(AlarmType.NOSPACE)
                .build());
    }

    private static LeaseTimeToLiveRequest keysOf(long lease) {
        return LeaseTimeToLiveRequest.newBuilder().setID(lease).setKeys(true).build();
    }

    private List<String> at(long revision) {
        RangeResponse all = engine.range(prefix("")
                .setKey(bytes("\0"))
                .setRangeEnd(bytes("\0"))
                .setRevision(revision)
                .build());
        return all.getKvsList().stream()
                .map(kv -> kv.getKey().toStringUtf8() + "=" + kv.getValue().toStringUtf8())
                .toList();
    }

    private boolean succeeds(Compare.Builder compare) {
        return engine.txn(TxnRequest.newBuilder().addCompare(compare).build()).getSucceeded();
    }

    private WatchStream watching(WatchCreateRequest.Builder... watches) {
        WatchStream stream = engine.openWatchStream(watched::add);
        for (WatchCreateRequest.Builder watch : watches) {
            stream.accept(createWatch(watch));
        }
        return stream;
    }

    private List<String> events() {
        return watched.stream()
                .flatMap(response -> response.getEventsList().stream())
                .map(event -> event.getKv().getModRevision()
                        + (event.getType() == Event.EventType.PUT ? " PUT " : " DELETE ")
                        + event.getKv().getKey().toStringUtf8())
                .toList();
    }

    private static void refused(ThrowingCallable call, EtcdError error) {
        assertThatThrownBy(call).isInstanceOfSatisfying(EtcdException.class, refusal -> {
            assertThat(refusal.status().getCode()).isEqualTo(error.status().getCode());
            assertThat(refusal.status().getDescription()).isEqualTo(error.text());
        });
    }
}
