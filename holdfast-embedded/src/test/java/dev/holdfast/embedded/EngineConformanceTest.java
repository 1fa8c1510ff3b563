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
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.AuthEnableRequest;
import dev.holdfast.etcdapi.AuthStatusRequest;
import dev.holdfast.etcdapi.AuthenticateRequest;
import dev.holdfast.etcdapi.CampaignRequest;
import dev.holdfast.etcdapi.CampaignResponse;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.LeaderKey;
import dev.holdfast.etcdapi.LeaderRequest;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveResponse;
import dev.holdfast.etcdapi.LockRequest;
import dev.holdfast.etcdapi.ProclaimRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResignRequest;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.UnlockRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * The engine behaves as real etcd does: the same requests to both, and every field of every answer compared. The newest 3.6
 * is the reference; where another release differs from it, {@link ReleaseDifferences} says so and why.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class EngineConformanceTest {

    private static final int SEEDS = 6;
    private static final int STEPS = 250;

    @TestFactory
    Stream<DynamicTest> scriptedRequestsAreAnsweredAlike() {
        return forEachEtcd(both -> {
            keysAndRanges(both);
            transactions(both);
            leases(both);
            watches(both);
            compaction(both);
            locksAndElections(both);
            noSpace(both);
            others(both);
            tooLarge(both);
        });
    }

    @TestFactory
    Stream<DynamicTest> randomRequestsAreAnsweredAlike() {
        return forEachEtcd(both -> {
            for (long seed = 1; seed <= SEEDS; seed++) {
                new RandomRequests(seed).send(both);
            }
        });
    }

    private interface Script {
        void run(SideBySide both) throws Exception;
    }

    private static Stream<DynamicTest> forEachEtcd(Script script) {
        List<RealEtcd.Binary> found = RealEtcd.found();
        assumeFalse(found.isEmpty(), RealEtcd.NONE_FOUND);
        // Beside the newest one the engine has a log, and comes back from it.
        SimulatedDisk disk = new SimulatedDisk();
        RealEtcd.Binary newest = found.get(found.size() - 1);
        return found.stream()
                .map(binary -> DynamicTest.dynamicTest(binary.toString(), () -> {
                    try (SideBySide both =
                            binary.equals(newest) ? new SideBySide(binary, disk) : new SideBySide(binary)) {
                        script.run(both);
                        if (binary.equals(newest)) {
                            both.assertSurvivesARestart(disk);
                        }
                        assertThat(both.compared()).isGreaterThan(50);
                        assertThat(both.mismatches().stream()
                                        .filter(mismatch -> !ReleaseDifferences.isKnown(binary.version(), mismatch))
                                        .toList())
                                .isEmpty();
                    }
                }));
    }

    // -------------------------------------------------------------------------------------------------- scripts

    private static void keysAndRanges(SideBySide both) {
        both.scenario("keys");
        both.same(get("k/none"));
        both.same(put("k/a", "1"));
        both.same(put("k/a", "2").toBuilder().setPrevKv(true).build());
        both.same(put("k/b", "").toBuilder().setPrevKv(true).build());
        both.same(put("k/a", "").toBuilder().setIgnoreValue(true).build());
        both.same(put("k/a", "x").toBuilder().setIgnoreValue(true).build());
        both.same(put("k/a", "3").toBuilder().setIgnoreLease(true).build());
        both.same(put("k/a", "3", 9).toBuilder().setIgnoreLease(true).build());
        both.same(put("k/none", "").toBuilder().setIgnoreValue(true).build());
        both.same(put("k/none", "1").toBuilder().setIgnoreLease(true).build());
        both.same(put("k/none", "1", 4711));
        both.same(put("", "1"));
        both.same(get(""));
        both.same(delete(""));
        both.same(delete("k/none"));
        both.same(delete("k/b").toBuilder().setPrevKv(true).build());
        both.same(delete("k/b"));
        both.same(put("k/b", "again"));
        both.same(delete("k/z", "k/a"));

        both.scenario("ranges");
        for (String key : List.of("r/a", "r/b", "r/c", "r/d", "r/e")) {
            both.same(put(key, "v" + (char) ('z' - key.charAt(2))));
        }
        both.same(put("r/b", "0"));
        both.same(put("r/d", "0"));
        both.same(put("r/b", "9"));
        long revision = both.revision();
        List<RangeRequest.Builder> ranges = List.of(
                prefix("r/"),
                RangeRequest.newBuilder().setKey(bytes("r/b")).setRangeEnd(bytes("r/d")),
                RangeRequest.newBuilder().setKey(bytes("r/d")).setRangeEnd(bytes("r/b")),
                RangeRequest.newBuilder().setKey(bytes("r/c")).setRangeEnd(bytes("\0")),
                RangeRequest.newBuilder().setKey(bytes("\0")).setRangeEnd(bytes("\0")));
        for (RangeRequest.Builder range : ranges) {
            both.same(range.build());
            both.same(range.clone().setKeysOnly(true).build());
            both.same(range.clone().setCountOnly(true).build());
            both.same(range.clone().setCountOnly(true).setLimit(1).build());
            both.same(range.clone().setSerializable(true).setLimit(2).build());
            both.same(range.clone().setLimit(3).setKeysOnly(true).build());
            both.same(range.clone().setRevision(revision - 3).build());
            both.same(range.clone().setRevision(revision + 1).build());
            both.same(range.clone().setRevision(-1).build());
            both.same(range.clone().setMinModRevision(revision - 2).build());
            both.same(range.clone().setMaxModRevision(revision - 2).setLimit(2).build());
            both.same(range.clone().setMinCreateRevision(revision - 5).build());
            both.same(
                    range.clone().setMaxCreateRevision(revision - 5).setLimit(1).build());
            for (RangeRequest.SortTarget target : RangeRequest.SortTarget.values()) {
                for (RangeRequest.SortOrder order : RangeRequest.SortOrder.values()) {
                    if (target != RangeRequest.SortTarget.UNRECOGNIZED
                            && order != RangeRequest.SortOrder.UNRECOGNIZED) {
                        RangeRequest.Builder sorted =
                                range.clone().setSortTarget(target).setSortOrder(order);
                        both.same(sorted.build());
                        both.same(sorted.setLimit(2).build());
                    }
                }
            }
        }
        if (!both.version().isBefore(3, 6)) { // an older server dies of it
            both.same(prefix("r/").setSortOrderValue(7).build());
            both.same(prefix("r/").setSortTargetValue(7).build());
        }
        both.same(delete("r/b", "r/d").toBuilder().setPrevKv(true).build());
        both.same(prefix("r/").setRevision(revision).build());
        both.same(delete("r/", "\0").toBuilder().setPrevKv(true).build());
    }

    private static void transactions(SideBySide both) {
        both.scenario("compares");
        both.same(put("t/a", "m"));
        both.same(put("t/b", "m"));
        both.same(put("t/b", "n"));
        long revision = both.revision();
        List<Compare.Builder> targets = new ArrayList<>();
        for (long around : new long[] {-1, 0, 1, 2, revision - 2, revision - 1, revision}) {
            targets.add(Compare.newBuilder()
                    .setTarget(Compare.CompareTarget.VERSION)
                    .setVersion(around));
            targets.add(
                    Compare.newBuilder().setTarget(Compare.CompareTarget.CREATE).setCreateRevision(around));
            targets.add(
                    Compare.newBuilder().setTarget(Compare.CompareTarget.MOD).setModRevision(around));
            targets.add(
                    Compare.newBuilder().setTarget(Compare.CompareTarget.LEASE).setLease(around));
        }
        for (String value : List.of("", "l", "m", "mm", "n")) {
            targets.add(
                    Compare.newBuilder().setTarget(Compare.CompareTarget.VALUE).setValue(bytes(value)));
        }
        // The value to compare with may be missing, or of another kind than the target.
        targets.add(Compare.newBuilder().setTarget(Compare.CompareTarget.VERSION));
        targets.add(Compare.newBuilder().setTarget(Compare.CompareTarget.VALUE));
        targets.add(Compare.newBuilder().setTarget(Compare.CompareTarget.MOD).setVersion(revision));
        targets.add(Compare.newBuilder().setTargetValue(9).setVersion(revision));
        for (Compare.Builder target : targets) {
            for (int result = 0; result <= 4; result++) {
                for (String[] range : new String[][] {{"t/a", ""}, {"t/none", ""}, {"t/", "t0"}, {"t/x", "t0"}}) {
                    both.same(TxnRequest.newBuilder()
                            .addCompare(target.clone()
                                    .setResultValue(result)
                                    .setKey(bytes(range[0]))
                                    .setRangeEnd(bytes(range[1])))
                            .build());
                }
            }
        }

        both.scenario("transactions");
        both.same(TxnRequest.getDefaultInstance());
        both.same(then(op(get("t/a"))));
        both.same(then(
                op(put("t/c", "1")),
                op(get("t/c")),
                op(delete("t/a")),
                op(prefix("t/").build())));
        both.same(then(op(delete("t/none"))));
        both.same(then(op(delete("t/none")), op(put("t/d", "1")), op(delete("t/none2"))));
        both.same(then(op(get("t/d")), op(put("t/e", "1")), op(get("t/d"))));
        both.same(then(op(then(op(put("t/f", "1")), op(get("t/f")))), op(get("t/f"))));
        both.same(then(op(then(op(then(op(get("t/f"))))))));
        Compare absent = created("t/g", Compare.CompareResult.EQUAL, 0);
        TxnRequest createsG = then(op(put("t/g", "1"))).toBuilder()
                .addCompare(absent)
                .addFailure(op(get("t/g")))
                .build();
        both.same(createsG);
        both.same(createsG);
        // Compares of nested transactions see the state before all of it.
        both.same(then(
                op(put("t/h", "1")),
                op(TxnRequest.newBuilder()
                        .addCompare(created("t/h", Compare.CompareResult.EQUAL, 0))
                        .addSuccess(op(put("t/i", "absent")))
                        .addFailure(op(put("t/i", "present")))
                        .build())));
        both.same(then(op(put("t/j", "1")), op(put("t/j", "2"))));
        both.same(then(op(put("t/j", "1")), op(delete("t/j"))));
        both.same(then(op(delete("t/j")), op(put("t/j", "1"))));
        both.same(then(op(delete("t/a", "t/z")), op(put("t/j", "1"))));
        both.same(then(op(delete("t/a", "t/j")), op(put("t/j", "1"))));
        both.same(then(op(delete("t/a", "\0")), op(put("t/j", "1"))));
        both.same(then(op(delete("t/z", "t/a")), op(put("t/j", "1"))));
        both.same(then(op(delete("t/j")), op(delete("t/j"))));
        both.same(then(op(put("t/j", "1")), op(then(op(put("t/j", "2"))))));
        both.same(then(op(put("t/j", "1")), op(then(op(delete("t/j"))))));
        both.same(then(op(delete("t/j")), op(then(op(put("t/j", "2"))))));
        both.same(then(op(then(op(put("t/j", "1")))), op(then(op(put("t/j", "2"))))));
        both.same(then(op(then(op(delete("t/j")))), op(then(op(put("t/j", "2"))))));
        TxnRequest eitherPut = TxnRequest.newBuilder()
                .addSuccess(op(put("t/j", "then")))
                .addFailure(op(put("t/j", "else")))
                .build();
        both.same(then(op(eitherPut)));
        both.same(then(op(eitherPut), op(eitherPut)));
        both.same(then(op(eitherPut), op(delete("t/", "t/z"))));
        // A key put, then deleted, in one revision.
        both.same(then(op(then(op(put("t/k", "1")))), op(then(op(delete("t/k")))), op(get("t/k"))));
        both.same(get("t/k"));
        both.same(then(op(put("t/j", "1")), op(put("t/l", "1", 4711))));
        both.same(then(
                op(put("t/j", "1")),
                op(put("t/none", "").toBuilder().setIgnoreValue(true).build())));
        both.same(then(
                op(put("t/j", "7")),
                op(prefix("t/").setRevision(both.revision()).build())));
        both.same(then(
                op(put("t/j", "8")),
                op(prefix("t/").setRevision(both.revision() + 1).build())));
        both.same(then(op(prefix("t/").setRevision(both.revision() + 1).build())));
        both.same(then(op(prefix("t/").setRevision(-1).build())));
        both.same(then(op(put("", "1"))));
        both.same(then(op(get(""))));
        both.same(then(RequestOp.getDefaultInstance()));
        both.same(then(op(put("t/j", "1").toBuilder().setIgnoreValue(true).build())));
        both.same(
                TxnRequest.newBuilder().addCompare(Compare.getDefaultInstance()).build());
        both.same(manyGets(128));
        both.same(manyGets(129));
        both.same(then(op(manyGets(127))));
        both.same(then(op(manyGets(128))));
        both.same(then(op(put("t/j", "1"))).toBuilder()
                .addAllFailure(manyGets(129).getSuccessList())
                .build());
        both.same(delete("t/", "t0"));
    }

    private static TxnRequest manyGets(int count) {
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        for (int i = 0; i < count; i++) {
            txn.addSuccess(op(get("t/a")));
        }
        return txn.build();
    }

    private static void leases(SideBySide both) {
        both.scenario("leases");
        both.same(grant(101, 60));
        both.same(grant(101, 60));
        both.same(grant(102, 0));
        both.same(revoke(102));
        both.same(grant(103, -7));
        both.same(revoke(103));
        both.same(grant(104, 9_000_000_001L));
        both.same(grant(104, 9_000_000_000L));
        both.same(revoke(104));
        both.same(grant(-5, 60));
        both.same(revoke(-5));
        both.same(keepAlive(101));
        both.same(keepAlive(999));
        both.same(revoke(999));
        both.same(timeToLive(101), EngineConformanceTest::withoutTimes);
        both.same(timeToLive(999), EngineConformanceTest::withoutTimes);
        both.same(LeaseLeasesRequest.getDefaultInstance());
        both.same(put("l/b", "1", 101));
        both.same(put("l/a", "1", 101));
        both.same(put("l/c", "1", 101));
        both.same(timeToLive(101), EngineConformanceTest::withoutTimes);
        both.same(put("l/c", "moved away"));
        both.same(delete("l/a"));
        both.same(put("l/a", "back", 101));
        both.same(put("l/b", "kept").toBuilder().setIgnoreLease(true).build());
        both.same(grant(105, 60));
        both.same(put("l/d", "1", 101));
        both.same(put("l/d", "1", 105));
        both.same(timeToLive(101), EngineConformanceTest::withoutTimes);
        both.same(timeToLive(105), EngineConformanceTest::withoutTimes);
        both.same(then(op(put("l/e", "1", 101)), op(put("l/f", "1", 105))));
        both.sameWatches(List.of(watchPrefix("l/").setPrevKv(true).build()), () -> both.same(revoke(101)));
        both.same(prefix("l/").build());
        both.same(revoke(101));
        both.same(keepAlive(101));
        both.same(revoke(105));

        both.scenario("lease expiry");
        both.same(grant(106, 2));
        both.same(put("l/expires", "1", 106));
        both.same(put("l/expires too", "1", 106));
        both.sameWatches(List.of(watchPrefix("l/").build()), () -> awaitNone(both, "l/expires"));
        both.same(timeToLive(106));
        both.same(keepAlive(106));
    }

    private static void awaitNone(SideBySide both, String prefix) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!both.bothHaveNone(prefix)) {
            assertThat(System.nanoTime()).as("both lose %s in time", prefix).isLessThan(deadline);
        }
    }

    private static LeaseTimeToLiveRequest timeToLive(long id) {
        return LeaseTimeToLiveRequest.newBuilder().setID(id).setKeys(true).build();
    }

    private static Message withoutTimes(Message message) {
        LeaseTimeToLiveResponse answer = (LeaseTimeToLiveResponse) message;
        List<ByteString> keys =
                answer.getKeysList().stream().sorted(KeyRange.ORDER).toList();
        return answer.toBuilder()
                .setTTL(Math.min(answer.getTTL(), 0))
                .clearKeys()
                .addAllKeys(keys)
                .build();
    }

    private static void watches(SideBySide both) {
        both.scenario("watches");
        both.same(put("w/a", "0"));
        long start = both.revision();
        both.same(put("w/b", "1"));
        both.same(put("w/a", "2"));
        both.same(delete("w/b"));
        both.sameWatches(
                List.of(
                        watch("w/a").build(),
                        watch("w/a").setPrevKv(true).build(),
                        watchPrefix("w/").build(),
                        watchPrefix("w/")
                                .setPrevKv(true)
                                .setStartRevision(start)
                                .build(),
                        watchPrefix("w/").setStartRevision(start + 2).build(),
                        watchPrefix("w/").setStartRevision(start + 6).build(),
                        watchPrefix("w/")
                                .addFilters(WatchCreateRequest.FilterType.NOPUT)
                                .setPrevKv(true)
                                .build(),
                        watchPrefix("w/")
                                .addFilters(WatchCreateRequest.FilterType.NODELETE)
                                .build(),
                        watchPrefix("w/")
                                .addFilters(WatchCreateRequest.FilterType.NODELETE)
                                .addFilters(WatchCreateRequest.FilterType.NOPUT)
                                .build(),
                        watch("w/b").setRangeEnd(bytes("\0")).build(),
                        watch("w/b").setRangeEnd(bytes("w/d")).build(),
                        watch("w/b").setRangeEnd(bytes("w/a")).build(),
                        watch("").setRangeEnd(bytes("\0")).build()),
                () -> {
                    both.same(put("w/a", "3"));
                    both.same(then(op(put("w/b", "4")), op(delete("w/a")), op(put("w/c", "4"))));
                    both.same(put("w/a", "5"));
                    both.same(delete("w/", "w0"));
                    both.same(then(op(then(op(put("w/d", "6")))), op(then(op(delete("w/d"))))));
                    both.same(put("w/e", "7"));
                });

        both.scenario("control of watches");
        both.sameAnswers(List.of(
                progress(),
                createWatch(watch("w/a")),
                createWatch(watch("w/b")),
                createWatch(watch("w/b").setWatchId(7)),
                createWatch(watch("w/b").setWatchId(7)),
                createWatch(watch("w/b").setWatchId(2)),
                createWatch(watch("w/b")),
                cancelWatch(99),
                cancelWatch(7),
                cancelWatch(7),
                createWatch(watch("w/b").setWatchId(7)),
                progress(),
                createWatch(watch("w/b").setStartRevision(both.revision() + 5)),
                progress()));

        if (!both.version().isBefore(3, 5)) { // an older server loses events of other watches because of it
            both.sameAnswers(List.of(createWatch(watch("w/a").setStartRevision(-1))));
        }

        both.scenario("fragments");
        String large = "x".repeat(1_200_000);
        long first = both.revision() + 1;
        both.same(put("w/large1", large));
        both.same(put("w/large2", large));
        both.same(put("w/small", "1"));
        both.sameWatches(
                List.of(
                        watchPrefix("w/")
                                .setStartRevision(first)
                                .setFragment(true)
                                .build(),
                        watchPrefix("w/").setStartRevision(first).build()),
                () -> {});
        both.same(delete("w/", "w0"));
    }

    private static void compaction(SideBySide both) {
        both.scenario("compaction");
        both.same(put("c/a", "1"));
        long old = both.revision();
        both.same(put("c/a", "2"));
        both.same(put("c/b", "1"));
        long middle = both.revision();
        both.same(delete("c/b"));
        both.same(put("c/a", "3"));
        both.same(put("c/c", "1"));
        both.same(
                CompactionRequest.newBuilder().setRevision(both.revision() + 1).build());
        both.compact(middle);
        both.compact(middle);
        both.compact(old);
        both.same(CompactionRequest.newBuilder().setRevision(-1).build());
        both.same(prefix("c/").build());
        both.same(prefix("c/").setRevision(old).build());
        both.same(prefix("c/").setRevision(middle).build());
        both.same(prefix("c/").setRevision(middle + 1).build());
        both.same(then(op(prefix("c/").setRevision(old).build())));
        both.same(then(op(put("c/d", "1")), op(prefix("c/").setRevision(old).build())));
        both.same(then(op(prefix("c/").setRevision(-1).build())));
        both.sameWatches(
                List.of(
                        watchPrefix("c/").setStartRevision(old).build(),
                        watchPrefix("c/")
                                .setStartRevision(middle)
                                .setPrevKv(true)
                                .build(),
                        watchPrefix("c/")
                                .setStartRevision(middle + 1)
                                .setPrevKv(true)
                                .build(),
                        watchPrefix("c/").build()),
                () -> both.same(put("c/e", "1")));
        both.compact(both.revision());
    }

    private static void locksAndElections(SideBySide both) throws InterruptedException {
        both.scenario("locks");
        both.same(grant(201, 60));
        both.same(grant(202, 60));
        both.same(lock("lk", 999));
        both.same(lock("lk", 201));
        both.same(lock("lk", 201));
        both.same(prefix("lk/").build());
        both.sameAfter(lock("lk", 202), () -> both.same(unlock("lk/c9")));
        both.same(unlock("lk/none"));
        both.same(unlock(""));
        both.same(lock("", 201));
        both.same(delete("/", "0"));
        // The own entry vanishes while it waits.
        both.same(grant(203, 60));
        both.sameAfter(lock("lk", 203), () -> {
            both.same(delete("lk/cb"));
            both.same(unlock("lk/ca"));
        });
        both.same(prefix("lk/").build());

        both.scenario("elections");
        both.same(leader("e"));
        both.same(campaign("e", 999, "x"));
        CampaignResponse elected =
                (CampaignResponse) both.same(campaign("e", 201, "x")).message();
        both.same(campaign("e", 201, "x"));
        both.same(campaign("e", 201, "y"));
        both.same(leader("e"));
        both.same(ProclaimRequest.getDefaultInstance());
        both.same(ResignRequest.getDefaultInstance());
        LeaderKey key = elected.getLeader();
        both.same(
                ProclaimRequest.newBuilder().setLeader(key).setValue(bytes("z")).build());
        LeaderKey wrong = key.toBuilder().setRev(key.getRev() - 1).build();
        both.same(ProclaimRequest.newBuilder()
                .setLeader(wrong)
                .setValue(bytes("z"))
                .build());
        both.same(ResignRequest.newBuilder().setLeader(wrong).build());
        both.same(leader("e"));
        both.sameAfter(
                campaign("e", 202, "next"),
                () -> both.same(ResignRequest.newBuilder().setLeader(key).build()));
        both.same(leader("e"));
        both.same(revoke(201));
        both.same(revoke(202));
        both.same(leader("e"));
        both.same(revoke(203));
    }

    private static LockRequest lock(String name, long lease) {
        return LockRequest.newBuilder().setName(bytes(name)).setLease(lease).build();
    }

    private static UnlockRequest unlock(String key) {
        return UnlockRequest.newBuilder().setKey(bytes(key)).build();
    }

    private static CampaignRequest campaign(String name, long lease, String value) {
        return CampaignRequest.newBuilder()
                .setName(bytes(name))
                .setLease(lease)
                .setValue(bytes(value))
                .build();
    }

    private static LeaderRequest leader(String name) {
        return LeaderRequest.newBuilder().setName(bytes(name)).build();
    }

    private static void noSpace(SideBySide both) {
        both.scenario("no space");
        both.same(grant(301, 60));
        both.same(put("n/a", "1", 301));
        both.same(put("n/b", "1"));
        both.same(alarm(AlarmRequest.AlarmAction.GET, AlarmType.NONE));
        both.same(alarm(AlarmRequest.AlarmAction.ACTIVATE, AlarmType.NOSPACE));
        both.same(alarm(AlarmRequest.AlarmAction.ACTIVATE, AlarmType.NOSPACE));
        both.same(alarm(AlarmRequest.AlarmAction.GET, AlarmType.NONE));
        both.same(alarm(AlarmRequest.AlarmAction.GET, AlarmType.CORRUPT));
        both.same(put("n/a", "2"));
        both.same(put("", "2"));
        both.same(put("n/a", "2", 4711));
        both.same(then(op(put("n/a", "2"))));
        both.same(
                then(op(get("n/a"))).toBuilder().addFailure(op(put("n/a", "2"))).build());
        if (!both.version().isBefore(3, 5)) { // an older server lets nested puts pass
            both.same(then(op(then(op(put("n/nested", "2"))))));
        }
        both.same(then(op(get("n/a"))));
        both.same(then(op(delete("n/b")), op(get("n/b"))));
        both.same(grant(302, 60));
        both.same(keepAlive(301));
        both.same(delete("n/none"));
        both.same(revoke(301));
        both.same(CompactionRequest.newBuilder().setRevision(both.revision()).build());
        both.same(alarm(AlarmRequest.AlarmAction.DEACTIVATE, AlarmType.NOSPACE));
        both.same(alarm(AlarmRequest.AlarmAction.DEACTIVATE, AlarmType.NOSPACE));
        both.same(put("n/a", "3"));
    }

    private static AlarmRequest alarm(AlarmRequest.AlarmAction action, AlarmType type) {
        return AlarmRequest.newBuilder().setAction(action).setAlarm(type).build();
    }

    private static void others(SideBySide both) {
        both.scenario("others");
        both.same(AuthStatusRequest.getDefaultInstance());
        both.same(AuthEnableRequest.getDefaultInstance());
        both.same(AuthenticateRequest.newBuilder()
                .setName("root")
                .setPassword("x")
                .build());
    }

    private static void tooLarge(SideBySide both) {
        both.scenario("too large");
        String belowLimit = "x".repeat(1_572_864 - 600);
        String aboveLimit = "x".repeat(1_572_864 + 1);
        both.same(put("x/a", belowLimit));
        both.same(put("x/a", aboveLimit));
        both.same(then(op(put("x/a", aboveLimit))));
        both.same(TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(bytes("x/a"))
                        .setTarget(Compare.CompareTarget.VALUE)
                        .setValue(bytes(aboveLimit)))
                .addSuccess(op(get("x/a")))
                .build());
        both.same(put("x/a", "x".repeat(2 * 1024 * 1024)));
        both.same(delete("x/a"));
    }

    // --------------------------------------------------------------------------------------------------- random

    /** Requests drawn from a seed over few keys and leases, so that they meet. */
    private static final class RandomRequests {
        private static final List<String> KEYS = List.of("a", "a/", "a/b", "a0", "b", "b\0", "c", "\u00ff", "~");
        private static final List<String> ENDS = List.of("", "", "", "\0", "a0", "b", "c", "z", "\u00ff");

        private final long seed;
        private final Random random;
        private long revision;
        private long oldest = 1;

        RandomRequests(long seed) {
            this.seed = seed;
            random = new Random(seed);
        }

        void send(SideBySide both) {
            both.scenario("random requests, seed " + seed);
            revision = both.revision();
            oldest = revision;
            List<WatchCreateRequest> watches = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                WatchCreateRequest.Builder watch =
                        watch(key()).setRangeEnd(bytes(end())).setPrevKv(random.nextBoolean());
                if (random.nextInt(3) == 0) {
                    watch.setStartRevision(revision + random.nextInt(20));
                }
                if (random.nextInt(4) == 0) {
                    watch.addFiltersValue(random.nextInt(2));
                }
                watches.add(watch.build());
            }
            both.sameWatches(watches, () -> {
                for (int step = 0; step < STEPS; step++) {
                    both.scenario("random requests, seed " + seed + ", step " + step);
                    one(both);
                    revision = both.revision();
                }
            });
            for (long lease = 501; lease <= 504; lease++) {
                both.same(revoke(lease));
            }
            both.same(delete("\0", "\0"));
        }

        private void one(SideBySide both) {
            int choice = random.nextInt(100);
            if (choice < 30) {
                both.same(putRequest());
            } else if (choice < 40) {
                both.same(deleteRequest());
            } else if (choice < 58) {
                both.same(rangeRequest());
            } else if (choice < 84) {
                both.same(txnRequest(2));
            } else if (choice < 89) {
                both.same(grant(lease(), 600));
            } else if (choice < 92) {
                both.same(revoke(lease()));
            } else if (choice < 95) {
                both.same(timeToLive(lease()), EngineConformanceTest::withoutTimes);
            } else if (choice < 98) {
                both.same(keepAlive(lease()));
            } else {
                // The watches above started after this, so none of them is behind it.
                long target = oldest + random.nextInt((int) (revision - oldest) + 3) - 1;
                both.compact(target);
            }
        }

        private String key() {
            return KEYS.get(random.nextInt(KEYS.size()));
        }

        private String end() {
            return ENDS.get(random.nextInt(ENDS.size()));
        }

        private long lease() {
            return 501L + random.nextInt(4);
        }

        private String value() {
            return random.nextInt(6) == 0 ? "" : "v" + random.nextInt(5);
        }

        private dev.holdfast.etcdapi.PutRequest putRequest() {
            return put(key(), value()).toBuilder()
                    .setLease(random.nextInt(4) == 0 ? lease() : 0)
                    .setPrevKv(random.nextBoolean())
                    .setIgnoreValue(random.nextInt(12) == 0)
                    .setIgnoreLease(random.nextInt(12) == 0)
                    .build();
        }

        private dev.holdfast.etcdapi.DeleteRangeRequest deleteRequest() {
            return delete(key(), end()).toBuilder()
                    .setPrevKv(random.nextBoolean())
                    .build();
        }

        private RangeRequest rangeRequest() {
            RangeRequest.Builder range = RangeRequest.newBuilder()
                    .setKey(bytes(key()))
                    .setRangeEnd(bytes(end()))
                    .setLimit(random.nextInt(3) == 0 ? random.nextInt(5) : 0)
                    .setKeysOnly(random.nextInt(4) == 0)
                    .setCountOnly(random.nextInt(6) == 0)
                    .setSerializable(random.nextInt(4) == 0);
            if (random.nextInt(3) == 0) {
                range.setRevision(revision - random.nextInt(30) + 1);
            }
            if (random.nextInt(3) == 0) {
                range.setSortOrderValue(random.nextInt(3)).setSortTargetValue(random.nextInt(5));
            }
            if (random.nextInt(5) == 0) {
                range.setMinModRevision(revision - random.nextInt(20));
            }
            if (random.nextInt(5) == 0) {
                range.setMaxCreateRevision(revision - random.nextInt(20));
            }
            return range.build();
        }

        private TxnRequest txnRequest(int depth) {
            TxnRequest.Builder txn = TxnRequest.newBuilder();
            for (int i = random.nextInt(3); i > 0; i--) {
                txn.addCompare(compare());
            }
            for (int i = random.nextInt(4); i > 0; i--) {
                txn.addSuccess(operation(depth));
            }
            for (int i = random.nextInt(4); i > 0; i--) {
                txn.addFailure(operation(depth));
            }
            return txn.build();
        }

        private RequestOp operation(int depth) {
            int choice = random.nextInt(10);
            if (choice < 4) {
                return op(putRequest());
            } else if (choice < 6) {
                return op(deleteRequest());
            } else if (choice < 8 || depth == 0) {
                return op(rangeRequest());
            } else {
                return op(txnRequest(depth - 1));
            }
        }

        private Compare compare() {
            Compare.Builder compare = Compare.newBuilder()
                    .setKey(bytes(key()))
                    .setRangeEnd(bytes(end()))
                    .setResultValue(random.nextInt(4));
            return switch (random.nextInt(5)) {
                case 0 ->
                    compare.setTarget(Compare.CompareTarget.VERSION)
                            .setVersion(random.nextInt(4))
                            .build();
                case 1 ->
                    compare.setTarget(Compare.CompareTarget.CREATE)
                            .setCreateRevision(random.nextBoolean() ? 0 : revision - random.nextInt(20))
                            .build();
                case 2 ->
                    compare.setTarget(Compare.CompareTarget.MOD)
                            .setModRevision(random.nextBoolean() ? 0 : revision - random.nextInt(20))
                            .build();
                case 3 ->
                    compare.setTarget(Compare.CompareTarget.VALUE)
                            .setValue(bytes(value()))
                            .build();
                default ->
                    compare.setTarget(Compare.CompareTarget.LEASE)
                            .setLease(random.nextBoolean() ? 0 : lease())
                            .build();
            };
        }
    }
}
