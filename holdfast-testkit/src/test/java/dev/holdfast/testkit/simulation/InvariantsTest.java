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
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.ResponseOp;
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

    // ---------------------------------------------------------------------------------------------------- restored

    @Test
    void holdFromBeforeARestore_isBelievedInAsEver_ifItIsThereAsItWas() {
        put(A, 5);
        grant(A, 5);
        put(B, 6);
        invariants.onRestored(5, List.of());
        delete(A, 6);
        assertOnly("S3");
    }

    @Test
    void holdOfAHistoryThatWasCutOff_excludesNobody() {
        asked(0xaa, "p");
        delete("lock/cc.0", 4);
        put(A, 6);
        grant(A, 6);
        invariants.onRestored(5, List.of());
        put(B, 6);
        grant(B, 6);
        assertThat(violations).isEmpty();
    }

    @Test
    void holdOfAHistoryThatWasCutOff_endsByItsDeadline() {
        lease(10);
        put(A, 6);
        grant(A, 6);
        invariants.onRestored(5, List.of());
        nowNanos = 9_499_999_999L;
        invariants.afterEvent();
        assertThat(violations).isEmpty();
        nowNanos = 9_500_000_000L;
        invariants.afterEvent();
        assertOnly("I8");
    }

    @Test
    void holdOfAHistoryThatWasCutOff_thatIsBelievedInAfterItsLoss_isFound() {
        lease(10);
        put(A, 6);
        grant(A, 6);
        isBelieved = false;
        invariants.afterEvent();
        invariants.onRestored(5, List.of());
        isBelieved = true;
        invariants.afterEvent();
        assertOnly("I8");
    }

    @Test
    void twoHoldsAfterARestore_areFound() {
        put("lock/cc.0", 6);
        invariants.onRestored(5, List.of());
        put(A, 6);
        put(B, 7);
        grant(A, 6);
        grant(B, 7);
        assertThat(violations).hasSize(2);
        assertThat(violations.get(0)).startsWith("S1");
        assertThat(violations.get(1)).startsWith("S3");
    }

    @Test
    void grantAtARevisionOfAHistoryThatWasCutOff_isExcused_laterOnesAreNot() {
        asked(0xaa, "p");
        put("lock/cc.0", 7);
        invariants.onRestored(5, List.of());
        assertThat(invariants.onGrant(claim(A, 7, 0), 5, 0, 0)).isFalse();
        assertThat(violations).isEmpty();
        assertThat(invariants.onGrant(claim(A, 8, 0), 100, 0, 0)).isTrue();
        assertOnly("I5");
    }

    /** Its client takes it for one of the queue, and has no means to know better. */
    @Test
    void grantByAnEntryThatARestoreHasUndone_isExcused_byAnotherItIsNot() {
        asked(0xaa, "p");
        put(A, 7);
        invariants.onRestored(5, List.of());
        invariants.onClosed(grant(A, 8));
        assertThat(violations).isEmpty();
        put(A, 9);
        put("lock/cc.0", 10);
        delete(A, 11);
        put(A, 12);
        isBelieved = false;
        grant(A, 12);
        assertOnly("S1");
    }

    @Test
    void grantToASessionThatWasOpenedAfterTheRestore_isJudged() {
        put("lock/cc.0", 7);
        invariants.onRestored(5, List.of());
        asked(0xaa, "p");
        grant(A, 7);
        assertOnly("I5");
    }

    @Test
    void tokenFromBeforeARestore_isNotGivenAgain() {
        put(A, 5);
        invariants.onClosed(grant(A, 5, 0));
        invariants.onRestored(5, List.of());
        isBelieved = false;
        grant(A, 5, 0);
        assertOnly("S2");
    }

    @Test
    void smallerTokenThanBeforeTheRestore_isFound() {
        put(A, 5);
        invariants.onClosed(grant(A, 5, 1));
        invariants.onRestored(5, List.of());
        grant(A, 5, 0);
        assertOnly("S2");
    }

    @Test
    void beliefOfAClientThatWasShownASmallerRevision_isFound_whenItHasTakenThatIn() {
        asked(0xaa, "p");
        put(A, 5);
        grant(A, 5);
        answered(7);
        TxnRequest late = confirmation();
        invariants.onSent("p", 0, late);
        invariants.onRestored(5, List.of());
        invariants.onAnswered(
                "p", late, TxnResponse.newBuilder().setHeader(header(6)).build());
        invariants.afterEvent();
        assertThat(violations).isEmpty();
        invariants.onLoopIdle("p", 0);
        nowNanos = -1;
        invariants.afterEvent();
        assertOnly("G");
    }

    @Test
    void beliefOfAClientThatCannotSeeTheRestore_isNotFound() {
        asked(0xaa, "p");
        put(A, 5);
        grant(A, 5);
        answered(7);
        invariants.onRestored(5, List.of());
        answered(7);
        nowNanos = -1;
        invariants.afterEvent();
        assertThat(violations).isEmpty();
    }

    @Test
    void grantToAClientThatSaysThatTheClusterWasRestored_isFound() {
        asked(0xaa, "p");
        put(A, 5);
        Claim before = grant(A, 5, 0);
        invariants.onClosed(before);
        invariants.onRestored(5, List.of());
        invariants.onClosed(grant(A, 5, 1));
        assertThat(violations).isEmpty();
        invariants.onRestoreSeen(before);
        grant(A, 5, 2);
        assertOnly("G");
    }

    @Test
    void sessionWhoseKeyIsWrittenAfterARestore_isNoneOfBefore() {
        asked(0xbb, "p");
        put(B, 5);
        Claim before = grant(B, 5);
        invariants.onClosed(before);
        asked(0xaa, "p");
        invariants.onRestored(4, List.of());
        put("_holdfast/sess/aa", 5);
        put(A, 6);
        invariants.onRestoreSeen(grant(A, 6));
        nowNanos = -1;
        invariants.afterEvent();
        assertThat(violations).isEmpty();
    }

    @Test
    void whoSaysLateThatTheClusterWasRestored_speaksOfTheSessionsOfThatTimeAlone() {
        asked(0xbb, "p");
        put(B, 5);
        Claim before = grant(B, 5);
        invariants.onClosed(before);
        invariants.onRestored(4, List.of());
        asked(0xaa, "p");
        put(A, 5);
        invariants.onRestored(5, List.of());
        invariants.onRestoreSeen(before);
        grant(A, 5);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantByTheEntryOfAnotherProcess_isFound() {
        asked(0xaa, "another");
        put(A, 5);
        grant(A, 5);
        assertOnly("S1");
    }

    private void asked(long lease, String process) {
        invariants.onSent(
                process,
                -1_000_000_000,
                LeaseGrantRequest.newBuilder().setID(lease).setTTL(60).build());
    }

    private static TxnRequest confirmation() {
        return TxnRequest.newBuilder().addCompare(session("aa", 2)).build();
    }

    /* A linearizable answer comes, and is taken in. */
    private void answered(long revision) {
        TxnRequest request = confirmation();
        invariants.onSent("p", 0, request);
        invariants.onAnswered(
                "p",
                request,
                TxnResponse.newBuilder().setHeader(header(revision)).build());
        invariants.onLoopIdle("p", 0);
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
        deleteUntold("p");
        grant(A, 6);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantOfAnEntryOfWhoseEndAnotherProcessWasNotTold_isFound() {
        put(A, 5);
        deleteUntold("another");
        isBelieved = false;
        grant(A, 6);
        assertOnly("I5");
    }

    /** The list shows that it is gone, whatever became of the event. */
    @Test
    void grantOfAnEntryOfWhoseEndAListHasTold_isFound() {
        put(A, 5);
        deleteUntold("p");
        list(5);
        list(6);
        nowNanos = 1;
        grant(A, 6);
        assertOnly("I5");
    }

    @Test
    void grantOfAnEntryThatWasDecidedBeforeTheListCame_isExcused() {
        put(A, 5);
        deleteUntold("p");
        nowNanos = 1;
        list(6);
        Claim claim = claim(A, 6, 0);
        invariants.onGrant(claim, 100, 1, 0);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantOnALeaseOfWhoseEndNobodyTold_isExcused() {
        put(A, 5);
        invariants.excuseLease(0xaa);
        deletedUntold("p");
        grant(A, 6);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantBehindAnother_isFound_thoughSomebodyDeletedTheEntry() {
        put(B, 4);
        put(A, 5);
        deleteUntold("p");
        grant(A, 6);
        assertOnly("S1");
    }

    private void deleteUntold(String process) {
        invariants.excuseEntry(A + "@5");
        deletedUntold(process);
    }

    private void deletedUntold(String process) {
        delete(A, 6);
        Event event = event(A, 0, 0, true);
        invariants.onEventLost(
                process,
                List.of(event.toBuilder()
                        .setKv(event.getKv().toBuilder().setModRevision(6))
                        .build()));
    }

    /* A list of the queue arrives, and is taken in. */
    private void list(long revision) {
        RangeRequest list = RangeRequest.newBuilder()
                .setKey(bytes("lock/"))
                .setRangeEnd(bytes("lock0"))
                .setSerializable(true)
                .build();
        invariants.onSent("p", nowNanos, list);
        invariants.onAnswered(
                "p",
                list,
                RangeResponse.newBuilder().setHeader(header(revision)).build());
        invariants.onLoopIdle("p", nowNanos);
    }

    private static ResponseHeader header(long revision) {
        return ResponseHeader.newBuilder().setRevision(revision).build();
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

    @Test
    void grantWhenTheDeadlineHasPassed_isFound_thoughNobodyBelievesInIt() {
        lease(10);
        put(A, 5);
        isBelieved = false;
        nowNanos = 9_500_000_000L;
        grant(A, 5);
        assertOnly("I8");
    }

    @Test
    void grantThatIsHeardOfWhenTheDeadlineHasPassed_isFine() {
        lease(10);
        put(A, 5);
        isBelieved = false;
        nowNanos = 9_500_000_000L;
        invariants.onGrant(claim(A, 5, 0), 100, 9_499_999_999L, 0);
        assertThat(violations).isEmpty();
    }

    @Test
    void grantWithLessLeftThanIsWanted_isFound() {
        lease(10);
        put(A, 5);
        invariants.onClosed(grantWanting(A, 0, 7_499_999_999L));
        assertThat(violations).isEmpty();
        nowNanos = 2_000_000_000L;
        grantWanting(A, 1, 7_500_000_000L);
        assertOnly("I8");
    }

    private Claim grantWanting(String key, int sequence, long minHoldNanos) {
        Claim claim = claim(key, 5, sequence);
        invariants.onGrant(claim, 100, nowNanos, minHoldNanos);
        return claim;
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
    void secondAttemptAfterADoubtfulYield_isFineIfARestoreHasUndoneTheYieldedEntry() {
        put(A, 5);
        invariants.onRestored(4, List.of());
        sessionWritten(6);
        invariants.onSent(
                "p", 0, acquire("lock/aa.1", "aa", 6).addCompare(created(A, 5)).build());
        invariants.onSent("p", 0, acquire("lock/aa.2", "aa", 6).build());
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

    // ---------------------------------------------------------------------------------------------------- I9 to I11

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
    void deleteOfAnothersEntry_isFound() {
        asked(0xaa, "another");
        put(A, 5);
        knows(A, 5);
        invariants.onSent("p", 0, delete(A).build());
        assertOnly("I4");
    }

    @Test
    void guardedWriteOfAnEarlierHoldAfterOneOfALaterHold_isFound() {
        put(A, 5);
        data(10, 5, 1);
        data(11, 5, 0);
        assertOnly("I11");
    }

    /** The guard is the entry, and two holds share it: a copy is for the user to see to. */
    @Test
    void copyOfAGuardedWriteAfterTheHandOver_isExcused() {
        put(A, 5);
        data(10, 5, 0);
        duplicated(5, 0);
        data(11, 5, 1);
        data(12, 5, 0);
        assertThat(violations).isEmpty();
    }

    @Test
    void copyOfAGuardedWriteAfterOneOfALaterEntry_isFound() {
        put(A, 5);
        data(10, 5, 0);
        duplicated(5, 0);
        put(B, 11);
        invariants.onRevision(12, List.of(write("lock/bb.0", 12, 0)));
        data(13, 5, 0);
        assertOnly("I11");
    }

    @Test
    void copyOfAGuardedWriteAfterTheEndOfItsEntry_isFound() {
        put(A, 5);
        data(10, 5, 0);
        duplicated(5, 0);
        delete(A, 11);
        data(12, 5, 0);
        assertOnly("I11");
    }

    @Test
    void guardedWriteAfterARestore_isComparedWithWhatTheSnapshotHas() {
        put(A, 5);
        invariants.onRestored(7, List.of(write(A, 5, 1).getKv()));
        data(8, 5, 0);
        assertOnly("I11");
    }

    @Test
    void guardedWriteOfAHistoryThatWasCutOff_isExcused() {
        asked(0xaa, "p");
        put(A, 5);
        data(6, 6, 0);
        put("lock/cc.0", 9);
        invariants.onRestored(7, List.of());
        data(8, 9, 0);
        data(9, 8, 0);
        assertThat(violations).isEmpty();
    }

    private void duplicated(long granted, int sequence) {
        invariants.onDuplicated(TxnRequest.newBuilder()
                .addCompare(created(A, granted))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(bytes(Invariants.DATA + "lock"))
                                .setValue(bytes(Invariants.guardedValue(token(granted, sequence), A)))))
                .build());
    }

    // ---------------------------------------------------------------------------------------------------- clean-ups

    @Test
    void entryThatIsCleanedUpUnknown_isFound() {
        asked(0xaa, "p");
        put(A, 5);
        invariants.onSent("p", 0, delete(A).build());
        assertOnly("L");
        assertThat(invariants.strays()).isOne();
    }

    @Test
    void entryThatIsReleasedByWhoWasToldOfIt_isFine() {
        asked(0xaa, "p");
        put(A, 5);
        knows(A, 5);
        invariants.onSent("p", 0, delete(A).build());
        assertThat(violations).isEmpty();
        assertThat(invariants.strays()).isZero();
    }

    @Test
    void entryThatIsGoneAlready_isCleanedUpRightly_byWhoHearsOfItLate() {
        asked(0xaa, "p");
        put(A, 5);
        delete(A, 6);
        invariants.onSent("p", 0, delete(A).build());
        assertThat(violations).isEmpty();
        assertThat(invariants.strays()).isZero();
    }

    @Test
    void entryThatIsReleasedByWhoHasReadItByName_isFine() {
        TxnRequest bump = TxnRequest.newBuilder()
                .addCompare(session("aa", 2))
                .addSuccess(putting("_holdfast/sess/aa", 0xaa))
                .addSuccess(reading(A))
                .build();
        invariants.onSent("p", 0, bump);
        invariants.onAnswered(
                "p",
                bump,
                TxnResponse.newBuilder()
                        .setSucceeded(true)
                        .setHeader(header(6))
                        .addResponses(ResponseOp.getDefaultInstance())
                        .addResponses(ResponseOp.newBuilder()
                                .setResponseRange(RangeResponse.newBuilder()
                                        .addKvs(event(A, 5, 1, false).getKv())))
                        .build());
        invariants.onSent("p", 0, delete(A).build());
        assertThat(violations).isEmpty();
    }

    @Test
    void entryOfARequestThatTheNetworkDoubled_isCleanedUpRightly() {
        asked(0xaa, "p");
        invariants.onDuplicated(acquire(A, "aa", 2).build());
        put(A, 5);
        invariants.onSent("p", 0, delete(A).build());
        assertThat(violations).isEmpty();
        assertThat(invariants.strays()).isOne();
    }

    @Test
    void entryThatASnapshotBroughtBack_isCleanedUpRightly() {
        asked(0xaa, "p");
        put(A, 5);
        delete(A, 6);
        invariants.onRestored(5, List.of());
        invariants.onSent("p", 0, delete(A).build());
        assertThat(violations).isEmpty();
    }

    /** What is on a lease is read if nothing of the client's has its name. */
    @Test
    void entryThatASweepFinds_isFound() {
        asked(0xaa, "p");
        put(A, 5);
        sweep(5);
        assertOnly("L");
    }

    @Test
    void entryThatWasMadeWhileTheSweepLooked_isFine() {
        asked(0xaa, "p");
        put(A, 5);
        sweep(6);
        assertThat(violations).isEmpty();
    }

    private void sweep(long found) {
        RangeRequest read = RangeRequest.newBuilder().setKey(bytes(A)).build();
        invariants.onSent("p", 0, read);
        invariants.onAnswered(
                "p",
                read,
                RangeResponse.newBuilder()
                        .setHeader(header(6))
                        .addKvs(event(A, found, 1, false).getKv())
                        .build());
    }

    /* The answer to its acquire says so. */
    private void knows(String key, long revision) {
        TxnRequest acquire = acquire(key, "aa", 2).build();
        invariants.onSent("p", 0, acquire);
        invariants.onAnswered(
                "p",
                acquire,
                TxnResponse.newBuilder()
                        .setSucceeded(true)
                        .setHeader(header(revision))
                        .build());
    }

    private static TxnRequest.Builder delete(String key) {
        return TxnRequest.newBuilder().addCompare(created(key, 5)).addSuccess(deleting(key));
    }

    private static RequestOp reading(String key) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(bytes(key)))
                .build();
    }

    // ---------------------------------------------------------------------------------------------------- L

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
        Claim claim = claim(key, revision, sequence);
        invariants.onGrant(claim, 100, nowNanos, 0);
        return claim;
    }

    private Claim claim(String key, long revision, int sequence) {
        return new Claim("p", "lock", key, token(revision, sequence), () -> isBelieved, () -> nowNanos);
    }

    private static FencingToken token(long revision, int sequence) {
        return new FencingToken(0, revision, sequence, false);
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

    private void data(long revision, long granted, int sequence) {
        invariants.onRevision(revision, List.of(write(A, granted, sequence)));
    }

    private static Event write(String key, long granted, int sequence) {
        Event event = event(Invariants.DATA + "lock", 1, 1, false);
        return event.toBuilder()
                .setKv(event.getKv().toBuilder()
                        .setValue(bytes(Invariants.guardedValue(token(granted, sequence), key))))
                .build();
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
