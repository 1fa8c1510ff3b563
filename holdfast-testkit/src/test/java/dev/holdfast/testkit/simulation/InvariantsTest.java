package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.FencingToken;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Each invariant, fed with what breaks it; and with the nearest thing that does not. */
class InvariantsTest {

    private static final String A = "lock/aa.0";
    private static final String B = "lock/bb.0";

    private final List<String> violations = new ArrayList<>();
    private final Invariants invariants = new Invariants(List.of("lock"), Set.of("lock"), violations::add);
    private boolean isBelieved = true;
    private long nowNanos;

    // ---------------------------------------------------------------------------------------------------- S1, I5

    @Test
    void twoOwnersInOneQueue_areFound() {
        put(A, 5);
        put(B, 6);
        grant(A, 5);
        isBelieved = false;
        grant(B, 6);
        assertOnly("S1");
    }

    @Test
    void grantAfterTheOneBefore_isFine() {
        put(A, 5);
        put(B, 6);
        Claim first = grant(A, 5);
        invariants.onClosed(first);
        delete(A, 7);
        grant(B, 7);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantOfAnEntryThatNeverWas_isFound() {
        grant(A, 5);
        assertOnly("I5");
    }

    @Test
    void grantAfterTheEntrysEnd_isFound() {
        put(A, 5);
        delete(A, 6);
        isBelieved = false;
        grant(A, 6);
        assertOnly("I5");
    }

    @Test
    void grantBeforeTheEntrysBeginning_isFound() {
        put(A, 5);
        grant(A, 4);
        assertOnly("I5");
    }

    @Test
    void grantAtARevisionThatIsNotYet_isFound() {
        put(A, 5);
        grant(A, 1_000);
        assertOnly("I5");
    }

    // ---------------------------------------------------------------------------------------------------- S2

    @Test
    void twoHoldsWithOneToken_areFound() {
        put(A, 5);
        invariants.onClosed(grant(A, 5, 0));
        isBelieved = false;
        grant(A, 5, 0);
        assertOnly("S2");
    }

    @Test
    void smallerToken_isFound() {
        put(A, 5);
        invariants.onClosed(grant(A, 5, 1));
        grant(A, 5, 0);
        assertOnly("S2");
    }

    @Test
    void handOver_isFine() {
        put(A, 5);
        invariants.onClosed(grant(A, 5, 0));
        grant(A, 5, 1);
        assertThat(violations).isEmpty();
    }

    // ---------------------------------------------------------------------------------------------------- S3, I8

    @Test
    void beliefInADeletedEntry_isFound() {
        put(A, 5);
        grant(A, 5);
        delete(A, 6);
        assertOnly("S3");
    }

    @Test
    void beliefInAnEntryThatSomebodyElseDeleted_isExcused() {
        put(A, 5);
        grant(A, 5);
        invariants.excuseEntry(A + "@5");
        delete(A, 6);
        assertThat(violations).isEmpty();
    }

    @Test
    void overlappingBeliefsOfClocksThatRunApart_areExcused_twoOwnersAreNot() {
        invariants.clocksAreUnsound();
        put(A, 5);
        put(B, 6);
        grant(A, 5);
        delete(A, 7);
        grant(B, 7);
        assertThat(violations).isEmpty();
        put("lock/cc.0", 8);
        grant("lock/cc.0", 8);
        assertOnly("S1");
    }

    @Test
    void beliefAfterALoss_isFound() {
        lease(10);
        put(A, 5);
        grant(A, 5);
        isBelieved = false;
        invariants.afterEvent();
        assertThat(violations).isEmpty();
        isBelieved = true;
        invariants.afterEvent();
        assertOnly("I8");
    }

    @Test
    void loss_isToldOnce() {
        List<Claim> lost = new ArrayList<>();
        invariants.whenLost(lost::add);
        lease(10);
        put(A, 5);
        Claim claim = grant(A, 5);
        invariants.afterEvent();
        assertThat(lost).isEmpty();
        isBelieved = false;
        invariants.afterEvent();
        invariants.afterEvent();
        assertThat(lost).containsExactly(claim);
    }

    /** What came after the revision that a restore went back to has never been. */
    @Test
    void afterARestore_theQueueIsWhatItWas() {
        put(A, 5);
        delete(A, 6);
        put(B, 7);
        assertThat(invariants.entriesThere()).containsExactly(B + "@7");
        invariants.onRestored(5, List.of());
        assertThat(invariants.entriesThere()).containsExactly(A + "@5");
        put("lock/cc.0", 6);
        grant("lock/cc.0", 6);
        assertOnly("S1");
    }

    @Test
    void grantOfAnEntryAfterSomebodyElseDeletedIt_isFound() {
        put(A, 5);
        invariants.excuseEntry(A + "@5");
        delete(A, 6);
        grant(A, 6);
        assertOnly("I5");
    }

    @Test
    void grantOfAnEntryOfWhoseEndNobodyTold_isExcused() {
        put(A, 5);
        invariants.excuseEntry(A + "@5");
        delete(A, 6);
        invariants.onEventLost();
        grant(A, 6);
        assertThat(violations).isEmpty();
    }

    @Test
    void twoBeliefsAtATime_areFound() {
        put(A, 5);
        grant(A, 5, 0);
        grant(A, 5, 1);
        assertOnly("S3");
    }

    @Test
    void beliefPastTheDeadline_isFound() {
        lease(10);
        put(A, 5);
        grant(A, 5);
        nowNanos = 9_499_999_999L;
        invariants.afterEvent();
        assertThat(violations).isEmpty();
        nowNanos = 9_500_000_000L;
        invariants.afterEvent();
        assertOnly("I8");
    }

    private void lease(long ttlSeconds) {
        invariants.onSent(
                "p",
                0,
                LeaseGrantRequest.newBuilder().setID(0xaa).setTTL(ttlSeconds).build());
    }

    @Test
    void moreTimeLeftThanWasConfirmed_isFound() {
        invariants.onSent(
                "p", 0, LeaseGrantRequest.newBuilder().setID(0xaa).setTTL(10).build());
        put(A, 5);
        Claim claim = grant(A, 5);
        nowNanos = 4_000_000_000L;
        invariants.onAsked(claim, 5_500_000_000L);
        assertThat(violations).isEmpty();
        invariants.onAsked(claim, 5_500_000_001L);
        assertOnly("I8");
    }

    @Test
    void unconfirmedRenewal_doesNotMoveTheDeadline() {
        renew(3, 3, false);
        assertOnly("I8");
    }

    @Test
    void renewalConfirmedInAnotherTerm_doesNotMoveTheDeadline() {
        renew(3, 4, true);
        assertOnly("I8");
    }

    @Test
    void confirmedRenewal_movesTheDeadline() {
        renew(3, 3, true);
        assertThat(violations).isEmpty();
    }

    private void renew(long termOfRenewal, long termOfConfirmation, boolean isConfirmed) {
        invariants.onSent(
                "p", 0, LeaseGrantRequest.newBuilder().setID(0xaa).setTTL(10).build());
        put(A, 5);
        grant(A, 5);
        invariants.onKeepAlive(
                "p",
                5_000_000_000L,
                LeaseKeepAliveResponse.newBuilder()
                        .setID(0xaa)
                        .setTTL(10)
                        .setHeader(ResponseHeader.newBuilder().setRaftTerm(termOfRenewal))
                        .build());
        if (isConfirmed) {
            TxnRequest confirmation =
                    TxnRequest.newBuilder().addCompare(session("aa", 2)).build();
            invariants.onSent("p", 5_100_000_000L, confirmation);
            invariants.onAnswered(
                    "p",
                    confirmation,
                    TxnResponse.newBuilder()
                            .setHeader(ResponseHeader.newBuilder().setRaftTerm(termOfConfirmation))
                            .build());
        }
        nowNanos = 9_600_000_000L;
        invariants.afterEvent();
    }

    // ---------------------------------------------------------------------------------------------------- I1 to I4

    @Test
    void acquire_isFine() {
        invariants.onTxn(acquire(A, "aa", 2).build());
        assertThat(violations).isEmpty();
    }

    @Test
    void twoEntriesInOneTransaction_areFound() {
        String second = "lock/aa.1";
        invariants.onTxn(acquire(A, "aa", 2)
                .addCompare(created(second, 0))
                .addSuccess(putting(second, 0xaa))
                .build());
        assertOnly("I1");
    }

    @Test
    void twoEntriesOfOneRevision_areFound() {
        invariants.onRevision(5, List.of(event(A, 5, 1, false), event(B, 5, 1, false)));
        assertOnly("I1");
    }

    @Test
    void acquireWithoutTheEpoch_isFound() {
        invariants.onTxn(TxnRequest.newBuilder()
                .addCompare(created(A, 0))
                .addSuccess(putting(A, 0xaa))
                .build());
        assertOnly("I2");
    }

    @Test
    void acquireWithAnotherSessionsEpoch_isFound() {
        invariants.onTxn(acquire(A, "bb", 2).build());
        assertOnly("I2");
    }

    @Test
    void entryOnAnotherLease_isFound() {
        invariants.onTxn(TxnRequest.newBuilder()
                .addCompare(session("bb", 2))
                .addCompare(created(A, 0))
                .addSuccess(putting(A, 0xbb))
                .build());
        assertOnly("I2");
    }

    @Test
    void secondAttemptWhileTheFirstIsInDoubt_isFound() {
        sessionWritten(2);
        invariants.onSent("p", 0, acquire(A, "aa", 2).build());
        invariants.onSent("p", 0, acquire("lock/aa.1", "aa", 2).build());
        assertOnly("I3");
    }

    @Test
    void secondAttemptAfterTheFirstWasRefused_isFine() {
        sessionWritten(2);
        TxnRequest first = acquire(A, "aa", 2).build();
        invariants.onSent("p", 0, first);
        invariants.onFailed("p", first, Status.UNAVAILABLE.withDescription("etcdserver: no leader"));
        invariants.onSent("p", 0, acquire("lock/aa.1", "aa", 2).build());
        assertThat(violations).isEmpty();
    }

    @Test
    void secondAttemptAfterTheFirstTimedOut_isFound() {
        sessionWritten(2);
        TxnRequest first = acquire(A, "aa", 2).build();
        invariants.onSent("p", 0, first);
        invariants.onFailed("p", first, Status.UNAVAILABLE.withDescription("etcdserver: request timed out"));
        invariants.onSent("p", 0, acquire("lock/aa.1", "aa", 2).build());
        assertOnly("I3");
    }

    @Test
    void secondAttemptAfterTheFirstWasFenced_isFine() {
        sessionWritten(2);
        invariants.onSent("p", 0, acquire(A, "aa", 2).build());
        sessionWritten(9);
        invariants.onSent("p", 0, acquire("lock/aa.1", "aa", 9).build());
        assertThat(violations).isEmpty();
    }

    @Test
    void secondAttemptAfterADoubtfulYield_isFineOnceTheYieldedEntryIsGone() {
        sessionWritten(2);
        put(A, 5);
        invariants.onSent(
                "p", 0, acquire("lock/aa.1", "aa", 2).addCompare(created(A, 5)).build());
        delete(A, 6);
        invariants.onSent("p", 0, acquire("lock/aa.2", "aa", 2).build());
        assertThat(violations).isEmpty();
    }

    @Test
    void secondAttemptAfterADoubtfulYield_isFoundWhileTheYieldedEntryIsThere() {
        sessionWritten(2);
        put(A, 5);
        invariants.onSent(
                "p", 0, acquire("lock/aa.1", "aa", 2).addCompare(created(A, 5)).build());
        invariants.onSent("p", 0, acquire("lock/aa.2", "aa", 2).build());
        assertOnly("I3");
    }

    @Test
    void deleteByKeyAlone_isFound() {
        invariants.onTxn(TxnRequest.newBuilder().addSuccess(deleting(A)).build());
        assertOnly("I4");
    }

    @Test
    void deleteOfKeyAndCreateRevision_isFine() {
        invariants.onTxn(TxnRequest.newBuilder()
                .addCompare(created(A, 5))
                .addSuccess(deleting(A))
                .build());
        assertThat(violations).isEmpty();
    }

    // ---------------------------------------------------------------------------------------------------- I9 to L

    @Test
    void entryWrittenAgain_isFound() {
        put(A, 5);
        invariants.onRevision(6, List.of(event(A, 5, 2, false)));
        assertThat(violations).isNotEmpty().allMatch(violation -> violation.startsWith("I9"));
    }

    @Test
    void keyUsedAgain_isAnEntryOfItsOwn() {
        put(A, 5);
        Claim first = grant(A, 5);
        isBelieved = false;
        delete(A, 6);
        invariants.onClosed(first);
        put(A, 7);
        isBelieved = true;
        grant(A, 7);
        assertThat(violations).isEmpty();
    }

    @Test
    void historicReadInATransactionThatWrites_isFound() {
        invariants.onTxn(acquire(A, "aa", 2)
                .addSuccess(RequestOp.newBuilder()
                        .setRequestRange(
                                RangeRequest.newBuilder().setKey(bytes("lock/")).setRevision(3)))
                .build());
        assertOnly("I10");
    }

    @Test
    void guardedWriteOfAnEarlierHoldAfterOneOfALaterHold_isFound() {
        data(10, 7);
        data(11, 6);
        assertOnly("I11");
    }

    @Test
    void leftOverEntry_isFound() {
        put(A, 5);
        invariants.atEnd();
        assertOnly("L");
    }

    @Test
    void leftOverSessionKey_isFound() {
        sessionWritten(2);
        invariants.atEnd();
        assertOnly("L");
    }

    // ---------------------------------------------------------------------------------------------------- the world

    @Test
    void exceptionInAnEvent_endsTheRun() {
        World world = new World(1, false);
        world.after(1, "event", "test", () -> {
            throw new IllegalStateException("told on purpose");
        });
        world.runUntil(10);
        assertThat(world.violation()).contains("told on purpose");
    }

    @Test
    void spinning_endsTheRun() {
        World world = new World(1, false);
        spin(world);
        world.runUntil(10);
        assertThat(world.violation()).contains("something spins");
    }

    private static void spin(World world) {
        world.after(0, "event", "test", () -> spin(world));
    }

    // ---------------------------------------------------------------------------------------------------- words

    private void assertOnly(String invariant) {
        assertThat(violations).hasSize(1).allMatch(violation -> violation.startsWith(invariant + ":"));
    }

    private Claim grant(String key, long revision) {
        return grant(key, revision, 0);
    }

    private Claim grant(String key, long revision, int sequence) {
        Claim claim = new Claim(
                "p", "lock", key, new FencingToken(0, revision, sequence, false), () -> isBelieved, () -> nowNanos);
        invariants.onGrant(claim, 100);
        return claim;
    }

    private void put(String key, long revision) {
        invariants.onRevision(revision, List.of(event(key, revision, 1, false)));
    }

    private void delete(String key, long revision) {
        invariants.onRevision(revision, List.of(event(key, 0, 0, true)));
    }

    private void sessionWritten(long revision) {
        invariants.onRevision(revision, List.of(event("_holdfast/sess/aa", 2, 1, false)));
    }

    private void data(long revision, long token) {
        Event event = event("data/lock", revision, 1, false);
        invariants.onRevision(
                revision,
                List.of(event.toBuilder()
                        .setKv(event.getKv().toBuilder().setValue(bytes(Long.toString(token))))
                        .build()));
    }

    private static Event event(String key, long created, long version, boolean isDelete) {
        return Event.newBuilder()
                .setType(isDelete ? Event.EventType.DELETE : Event.EventType.PUT)
                .setKv(KeyValue.newBuilder()
                        .setKey(bytes(key))
                        .setCreateRevision(created)
                        .setVersion(version))
                .build();
    }

    private static TxnRequest.Builder acquire(String key, String session, long epoch) {
        return TxnRequest.newBuilder()
                .addCompare(session(session, epoch))
                .addCompare(created(key, 0))
                .addSuccess(putting(key, 0xaa));
    }

    private static Compare session(String lease, long epoch) {
        return Compare.newBuilder()
                .setKey(bytes("_holdfast/sess/" + lease))
                .setTarget(Compare.CompareTarget.MOD)
                .setResult(Compare.CompareResult.EQUAL)
                .setModRevision(epoch)
                .build();
    }

    private static Compare created(String key, long revision) {
        return Compare.newBuilder()
                .setKey(bytes(key))
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setCreateRevision(revision)
                .build();
    }

    private static RequestOp putting(String key, long lease) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(bytes(key)).setLease(lease))
                .build();
    }

    private static RequestOp deleting(String key) {
        return RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(bytes(key)))
                .build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
