package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class SessionMachineTest {

    private static final int TTL = Workbench.TTL_SECONDS;
    private static final long TERM = 7;

    /** TTL less the margin of 5 %. */
    private static final Duration BELIEF = Duration.ofMillis(28_500);

    private final Workbench bench = new Workbench();
    private final Recorder owner = new Recorder();
    private final SessionMachine session = newSession(TTL);
    private long queues;

    private SessionMachine newSession(int ttlSeconds) {
        return new SessionMachine(bench, owner, Key.ofText("_holdfast/sess/"), ttlSeconds, bench.luck);
    }

    // ---------------------------------------------------------------------------------------------------- open

    @Test
    void open_grantsALeaseAndWritesTheSessionKey() {
        session.open(bench.now());
        Command.GrantLease grant = bench.take(Command.GrantLease.class);
        assertThat(grant.leaseId()).isPositive();
        assertThat(grant.ttlSeconds()).isEqualTo(TTL);
        bench.assertNone(Command.WriteSessionKey.class);

        session.onGranted(grant.leaseId(), TTL, bench.now());
        Command.WriteSessionKey write = bench.take(Command.WriteSessionKey.class);
        assertThat(write.key()).hasToString("_holdfast/sess/" + Long.toHexString(grant.leaseId()));
        assertThat(owner.opened).isZero();

        session.onKeyWritten(write.leaseId(), 101, bench.now());
        assertThat(owner.opened).isEqualTo(1);
        assertThat(session.epoch()).isEqualTo(101);
        Watch watch = bench.take(Command.OpenWatch.class).watch();
        assertThat(watch.key()).isEqualTo(session.key());
        assertThat(watch.fromRevision()).isEqualTo(102);
    }

    @Test
    void deadline_countsFromBeforeTheFirstTryOfTheGrant() {
        session.open(bench.now());
        bench.advance(Duration.ofSeconds(4));
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        Command.GrantLease second = bench.take(Command.GrantLease.class);
        bench.advance(Duration.ofSeconds(3));
        session.onGranted(second.leaseId(), TTL, bench.now());
        writeKey(101);

        assertThat(remaining()).isEqualTo(BELIEF.minusMillis(7_100));
    }

    @ParameterizedTest
    @CsvSource({"2, 1500", "9, 8500", "10, 9500", "20, 19000", "60, 57000"})
    void margin_isHalfASecondOrFivePercentWhicheverIsMore(int ttlSeconds, long beliefMillis) {
        SessionMachine other = newSession(ttlSeconds);
        other.open(bench.now());
        other.onGranted(bench.take(Command.GrantLease.class).leaseId(), ttlSeconds, bench.now());
        other.onKeyWritten(other.leaseId(), 101, bench.now());
        assertThat(other.deadline()
                        .remainingNanos(bench.now().nanos(), bench.now().wallMillis()))
                .isEqualTo(beliefMillis * Workbench.MILLI);
    }

    @Test
    void belief_usesTheTtlThatTheServerGranted() {
        session.open(bench.now());
        session.onGranted(bench.take(Command.GrantLease.class).leaseId(), 10, bench.now());
        writeKey(101);
        assertThat(remaining()).isEqualTo(Duration.ofMillis(9_500));
        assertThat(session.ttlSeconds()).isEqualTo(10);
    }

    @Test
    void unansweredGrant_isRepeatedWithTheSameId() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.ambiguous(), bench.now());
        bench.assertNone(Command.GrantLease.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.GrantLease.class).leaseId()).isEqualTo(first.leaseId());
    }

    @Test
    void leaseExists_afterAnUnansweredGrant_isOurs_askedForItsTtl() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.failure(Failure.Kind.LEASE_EXISTS), bench.now());

        Command.AskTimeToLive ask = bench.take(Command.AskTimeToLive.class);
        assertThat(ask.leaseId()).isEqualTo(first.leaseId());
        session.onGranted(ask.leaseId(), 20, bench.now());
        writeKey(101);
        assertThat(session.leaseId()).isEqualTo(first.leaseId());
        assertThat(remaining()).isEqualTo(Duration.ofMillis(19_000 - 100));
    }

    @Test
    void leaseExists_atTheFirstTry_isForeign_anotherIdIsTaken() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.failure(Failure.Kind.LEASE_EXISTS), bench.now());
        bench.assertNone(Command.GrantLease.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.GrantLease.class).leaseId()).isNotEqualTo(first.leaseId());
        bench.assertNone(Command.AskTimeToLive.class);
    }

    @Test
    void leaseExists_afterATryThatWasSurelyNotApplied_isForeign() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.failure(Failure.Kind.BUSY), bench.now());
        bench.advanceMillis(100);
        bench.take(Command.GrantLease.class);
        session.onGrantFailed(first.leaseId(), Workbench.failure(Failure.Kind.LEASE_EXISTS), bench.now());
        bench.assertNone(Command.AskTimeToLive.class);
        bench.assertNone(Command.GrantLease.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.GrantLease.class).leaseId()).isNotEqualTo(first.leaseId());
    }

    @Test
    void leaseThatRanOutWhileOpening_isReplacedByANewOne() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        session.onGranted(first.leaseId(), 0, bench.now());
        bench.assertNone(Command.GrantLease.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.GrantLease.class).leaseId()).isNotEqualTo(first.leaseId());
    }

    @Test
    void grantThatWasTriedForHalfATtl_isGivenUp_andRevoked() {
        session.open(bench.now());
        Command.GrantLease first = bench.take(Command.GrantLease.class);
        bench.advance(Duration.ofSeconds(16));
        session.onGrantFailed(first.leaseId(), Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        assertThat(bench.take(Command.RevokeLease.class).leaseId()).isEqualTo(first.leaseId());
        Command.GrantLease second = bench.take(Command.GrantLease.class);
        assertThat(second.leaseId()).isNotEqualTo(first.leaseId());

        session.onGranted(second.leaseId(), TTL, bench.now());
        writeKey(101);
        assertThat(remaining())
                .as("the deadline counts from the new lease's own start")
                .isEqualTo(BELIEF);
    }

    @Test
    void foreignSessionKey_meansANewLease() {
        session.open(bench.now());
        long first = bench.take(Command.GrantLease.class).leaseId();
        session.onGranted(first, TTL, bench.now());
        bench.take(Command.WriteSessionKey.class);
        session.onKeyNotWritten(first, null, bench.now());
        bench.assertNone(Command.GrantLease.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.GrantLease.class).leaseId()).isNotEqualTo(first);
        assertThat(owner.opened).isZero();
    }

    @Test
    void unansweredSessionKey_isWrittenAgainWithTheSameNonce() {
        session.open(bench.now());
        session.onGranted(bench.take(Command.GrantLease.class).leaseId(), TTL, bench.now());
        Command.WriteSessionKey first = bench.take(Command.WriteSessionKey.class);
        session.onKeyNotWritten(first.leaseId(), Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        assertThat(bench.take(Command.WriteSessionKey.class)).isEqualTo(first);
    }

    @Test
    void refusedGrant_isReported_andNothingGoesOn() {
        session.open(bench.now());
        long lease = bench.take(Command.GrantLease.class).leaseId();
        session.onGrantFailed(lease, Workbench.failure(Failure.Kind.REFUSED), bench.now());
        assertThat(owner.refused).isEqualTo(1);
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.GrantLease.class);
    }

    @Test
    void sessionThatOpensAfterItsDeadline_isLostAtOnce() {
        session.open(bench.now());
        session.onGranted(bench.take(Command.GrantLease.class).leaseId(), TTL, bench.now());
        bench.advance(BELIEF);
        session.onKeyWritten(session.leaseId(), 101, bench.now());
        assertThat(owner.opened).isZero();
        assertThat(owner.lost).containsExactly(LossReason.DEADLINE_PASSED);
    }

    @Test
    void answersOfAnEarlierLease_areIgnored() {
        session.open(bench.now());
        long first = bench.take(Command.GrantLease.class).leaseId();
        session.onGrantFailed(first, Workbench.failure(Failure.Kind.LEASE_EXISTS), bench.now());
        session.onGranted(first, TTL, bench.now());
        bench.assertNone(Command.WriteSessionKey.class);
    }

    // ---------------------------------------------------------------------------------------------------- keep alive

    @Test
    void keepAlive_isSentEveryThirdOfTheTtl() {
        open();
        bench.advanceMillis(9_999);
        bench.assertNone(Command.KeepAlive.class);
        bench.advanceMillis(1);
        Command.KeepAlive first = bench.take(Command.KeepAlive.class);
        assertThat(first.sentAt()).isEqualTo(bench.now());
        confirm(answer(first, TTL, TERM), TERM);
        bench.advance(Duration.ofSeconds(10));
        assertThat(bench.takeAll(Command.KeepAlive.class)).hasSize(1);
    }

    @Test
    @Tag("F05")
    void keepAliveUnconfirmed_doesNotMoveTheDeadline() {
        open();
        Command.KeepAlive keep = nextKeepAlive();
        Duration before = remaining();
        answer(keep, TTL, TERM);
        assertThat(remaining()).isEqualTo(before);
        assertThat(owner.renewals).isZero();
    }

    @Test
    void confirmedByATransactionSentAfterTheAnswer_withTheSameTerm_theDeadlineMoves() {
        open();
        Command.KeepAlive keep = nextKeepAlive();
        bench.advanceMillis(300);
        Command.Confirm confirm = answer(keep, TTL, TERM);
        assertThat(confirm.epoch()).isEqualTo(session.epoch());
        bench.advanceMillis(200);
        confirm(confirm, TERM);
        assertThat(remaining())
                .as("counted from before the keep-alive was sent")
                .isEqualTo(BELIEF.minusMillis(500));
        assertThat(owner.renewals).isEqualTo(1);
    }

    /** X read with another term than the keep-alive's: the renewer may have been deposed. */
    @Test
    @Tag("F05")
    void confirmedInAnotherTerm_theDeadlineStays() {
        open();
        Command.KeepAlive keep = nextKeepAlive();
        Duration before = remaining();
        confirm(answer(keep, TTL, TERM), TERM + 1);
        assertThat(remaining()).isEqualTo(before);
        assertThat(owner.renewals).isZero();
    }

    /** X read stale with an unchanged term: one that was sent before the answer arrived carries an earlier stamp. */
    @Test
    void staleConfirmation_sentBeforeTheAnswer_confirmsOnlyWhatWasKnownThen() {
        open();
        Command.KeepAlive first = nextKeepAlive();
        SessionMachine.Renewal known = session.renewal();
        assertThat(known).isNull();
        answer(first, TTL, TERM);
        Duration before = remaining();
        session.onConfirmed(known, TERM, true, bench.now());
        assertThat(remaining()).isEqualTo(before);
    }

    @Test
    void confirmationOfAnOlderRenewal_doesNotMoveTheDeadlineBack() {
        open();
        Command.Confirm older = answer(nextKeepAlive(), TTL, TERM);
        bench.advance(Duration.ofSeconds(1));
        Command.Confirm newer = answer(bench.take(Command.KeepAlive.class), TTL, TERM);
        assertThat(newer.renewal()).isNotEqualTo(older.renewal());
        confirm(newer, TERM);
        Duration after = remaining();
        confirm(older, TERM);
        assertThat(remaining()).isEqualTo(after).isEqualTo(BELIEF);
    }

    @Test
    void answerOfAnOlderKeepAlive_doesNotReplaceANewerRenewal() {
        open();
        Command.KeepAlive slow = nextKeepAlive();
        bench.advance(Duration.ofSeconds(1));
        Command.KeepAlive quick = bench.take(Command.KeepAlive.class);
        Command.Confirm newer = answer(quick, TTL, TERM);
        Command.Confirm late = answer(slow, TTL, TERM);
        assertThat(late.renewal()).isEqualTo(newer.renewal());
        assertThat(late.renewal().sentAt()).isEqualTo(quick.sentAt());
    }

    /**
     * A keep-alive answered by an older renewal (grpc-proxy) cannot be told from a good one: whoever has such a proxy must say so and
     * gets tokens only. What can be told is that nothing is counted from the answer's arrival.
     */
    @Test
    void keepAliveAnsweredByAnOlderRenewal_countsFromItsOwnSending() {
        open();
        Command.KeepAlive keep = nextKeepAlive();
        bench.advance(Duration.ofSeconds(5));
        confirm(answer(keep, TTL, TERM), TERM);
        assertThat(remaining()).isEqualTo(BELIEF.minusSeconds(5));
    }

    @Test
    void hedging_asksAnotherEndpoint_whileTheRenewalIsUnconfirmed() {
        open();
        Command.KeepAlive first = nextKeepAlive();
        assertThat(first.lane()).isZero();
        bench.advanceMillis(999);
        bench.assertNone(Command.KeepAlive.class);
        bench.advanceMillis(1);
        Command.KeepAlive second = bench.take(Command.KeepAlive.class);
        assertThat(second.lane()).isEqualTo(1);

        Command.Confirm confirm = answer(second, TTL, TERM);
        bench.advance(Duration.ofSeconds(1));
        assertThat(bench.take(Command.KeepAlive.class).lane())
                .as("answered but not confirmed")
                .isEqualTo(2);
        confirm(confirm, TERM);
        bench.advance(Duration.ofSeconds(7));
        bench.assertNone(Command.KeepAlive.class);
    }

    @Test
    void hedging_isQuickerWithAShortTtl() {
        SessionMachine brief = newSession(3);
        brief.open(bench.now());
        brief.onGranted(bench.take(Command.GrantLease.class).leaseId(), 3, bench.now());
        brief.onKeyWritten(brief.leaseId(), 101, bench.now());
        bench.advance(Duration.ofSeconds(1));
        bench.take(Command.KeepAlive.class);
        bench.advanceMillis(500);
        assertThat(bench.take(Command.KeepAlive.class).lane()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"0", "-1"})
    void ttlOfZeroOrLess_losesTheSession(int ttl) {
        open();
        session.onKeepAlive(nextKeepAlive(), ttl, TERM, bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
        assertThat(session.deadline().isPassed(bench.now())).isTrue();
        assertThat(bench.take(Command.RevokeLease.class).leaseId()).isEqualTo(session.leaseId());
    }

    @Test
    void confirmationThatShowsNoSessionKey_losesTheSession() {
        open();
        Command.Confirm confirm = answer(nextKeepAlive(), TTL, TERM);
        session.onConfirmed(confirm.renewal(), TERM, false, bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
    }

    @Test
    void deadline_passedWithoutARenewal_losesTheSession() {
        open();
        bench.advance(BELIEF.minusMillis(1));
        assertThat(owner.lost).isEmpty();
        bench.advanceMillis(1);
        assertThat(owner.lost).containsExactly(LossReason.DEADLINE_PASSED);
    }

    @Test
    @Tag("F25")
    void wallClockThatJumpsPastTheDeadline_losesTheSession() {
        open();
        bench.stepWallClock(Duration.ofSeconds(29));
        assertThat(session.deadline().isPassed(bench.now())).isTrue();
        bench.advance(Duration.ofSeconds(10));
        assertThat(owner.lost).containsExactly(LossReason.DEADLINE_PASSED);
    }

    @Test
    void onceTheDeadlineWasSeenPassed_noRenewalAndNoClockRevivesIt() {
        open();
        Command.Confirm confirm = answer(nextKeepAlive(), TTL, TERM);
        bench.stepWallClock(Duration.ofMinutes(1));
        assertThat(session.deadline().isPassed(bench.now())).isTrue();
        bench.stepWallClock(Duration.ofMinutes(-1));
        assertThat(session.deadline().isPassed(bench.now())).isTrue();
        confirm(confirm, TERM);
        assertThat(session.deadline().isPassed(bench.now())).isTrue();
        assertThat(owner.renewals).isZero();
        assertThat(owner.lost).containsExactly(LossReason.DEADLINE_PASSED);
    }

    @Test
    void lostSession_isSilent_forEver() {
        open();
        Command.KeepAlive keep = nextKeepAlive();
        session.lose(LossReason.CLUSTER_REGRESSED, "restored", bench.now());
        bench.discardSent();
        session.onKeepAlive(keep, TTL, TERM, bench.now());
        session.lose(LossReason.LEASE_GONE, "again", bench.now());
        bench.advance(Duration.ofMinutes(5));
        bench.assertNone(Command.class);
        assertThat(owner.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
    }

    /** A machine that goes on waking itself for a retry that was dropped would keep the loop busy for ever. */
    @ParameterizedTest
    @EnumSource(names = {"AMBIGUOUS", "BUSY"})
    void sessionLostWhileARetryIsDue_isSilent(Failure.Kind kind) {
        session.open(bench.now());
        long lease = bench.take(Command.GrantLease.class).leaseId();
        session.onGrantFailed(lease, Workbench.failure(kind), bench.now());
        session.lose(LossReason.CLIENT_CLOSED, "closed", bench.now());
        bench.discardSent();
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.class);
    }

    // ---------------------------------------------------------------------------------------------------- watch

    @Test
    void deleteOfTheSessionKey_losesTheSession() {
        Watch watch = open();
        Change deleted = new Change(true, session.key(), 0, 150);
        session.onWatchEvents(watch, List.of(deleted), false, bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
        assertThat(bench.take(Command.Unwatch.class).watch()).isSameAs(watch);
    }

    @Test
    @Tag("F24")
    void bumpThatFindsTheSessionKeyOlderThanItsEpoch_isARestore_andNobodyElsesWrite() {
        open();
        Command.Bump bump = doubt();
        session.onBumped(bump, bump.epoch() - 1, false, List.of(0L), bench.now());
        assertThat(owner.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
    }

    @Test
    void rewritingTheSessionKey_isNoLoss() {
        Watch watch = open();
        session.onWatchEvents(watch, List.of(new Change(false, session.key(), 101, 150)), false, bench.now());
        assertThat(owner.lost).isEmpty();
    }

    @Test
    void watchThatEnded_isOpenedAnew_andTheOldOneCountsNoMore() {
        Watch watch = open();
        session.onWatchEnded(watch, bench.now());
        bench.assertNone(Command.OpenWatch.class);
        bench.advanceMillis(100);
        assertThat(bench.take(Command.OpenWatch.class).watch().key()).isEqualTo(session.key());
        session.onWatchEvents(watch, List.of(new Change(true, session.key(), 0, 150)), false, bench.now());
        assertThat(owner.lost).isEmpty();
    }

    // ---------------------------------------------------------------------------------------------------- strays

    /** An acquire that was delivered once more after its release: nobody looks at that queue, and all others wait. */
    @Test
    void entryOnTheLeaseThatNobodyKnows_isFoundBySweeping_andRemoved() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        Key live = session.freshKey(name);
        Key stray = name.entryKey(session.leaseId(), 77);
        for (int i = 0; i < 4; i++) {
            confirm(answer(nextKeepAlive(), TTL, TERM), TERM);
        }
        assertThat(bench.take(Command.ListKeys.class).leaseId()).isEqualTo(session.leaseId());

        session.onKeysListed(List.of(session.key(), live, Key.ofText("data/orders"), stray), bench.now());
        assertThat(bench.takeAll(Command.ReadStray.class))
                .singleElement()
                .extracting(Command.ReadStray::key)
                .isEqualTo(stray);

        session.onStray(new Entry(stray, 140));
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(new Entry(stray, 140));
    }

    @Test
    void entryThatWasKnownToBeGone_andIsOnTheLeaseAgain_isRemovedAgain() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        Key key = session.freshKey(name);
        session.forget(new Entry(key, 120));
        session.onKeysListed(List.of(key), bench.now());
        bench.take(Command.ReadStray.class);
        session.onStray(new Entry(key, 120));
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(new Entry(key, 120));
    }

    /** It may be gone, and then nobody sees it again; its name must not be lost with it. */
    @Test
    void ghostWhoseDeleteHasNoAnswer_isDeletedAgainByTheNextSweep_andThenItsNameIsFree() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        Entry ghost = new Entry(name.entryKey(session.leaseId(), 0), 140);
        session.onEntrySeen(ghost);
        bench.take(Command.Release.class);
        session.onGhostReleased(ghost, false);
        assertThat(session.freshKey(name)).isNotEqualTo(ghost.key());

        for (int i = 0; i < 4; i++) {
            bench.assertNone(Command.Release.class);
            confirm(answer(nextKeepAlive(), TTL, TERM), TERM);
        }
        bench.take(Command.ListKeys.class);
        assertThat(bench.takeAll(Command.Release.class))
                .singleElement()
                .extracting(Command.Release::entry)
                .isEqualTo(ghost);
        session.onGhostReleased(ghost, true);
        assertThat(session.freshKey(name)).isEqualTo(ghost.key());
    }

    /** The ghost was read before its name was used again, and is deleted, as seen by us, after that. */
    @Test
    void oldGhostThatIsDeletedLate_doesNotMakeALaterEntryOfItsNameForgotten() {
        open();
        Key key = LockName.of("orders", "", "_holdfast", false).entryKey(session.leaseId(), 0);
        session.forget(new Entry(key, 150));
        session.onStray(new Entry(key, 140));
        session.onGhostReleased(new Entry(key, 140), true);
        session.onFound(new Entry(key, 151), bench.now());
        assertThat(owner.lost).isEmpty();
        session.onFound(new Entry(key, 150), bench.now());
        assertThat(owner.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
    }

    @Test
    void ghostWhoseDeleteIsUnderWay_isNotDeletedTwice() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        session.onEntrySeen(new Entry(name.entryKey(session.leaseId(), 0), 140));
        bench.take(Command.Release.class);
        for (int i = 0; i < 4; i++) {
            confirm(answer(nextKeepAlive(), TTL, TERM), TERM);
        }
        bench.take(Command.ListKeys.class);
        bench.assertNone(Command.Release.class);
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void namesOfManyGhosts_leaveOneForTheNextAttempt() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        Set<Key> ghosts = new HashSet<>();
        for (int slot = 0; slot < 20; slot++) {
            Key each = name.entryKey(session.leaseId(), slot);
            session.onEntrySeen(new Entry(each, 140 + slot));
            ghosts.add(each);
        }
        assertThat(ghosts).doesNotContain(session.freshKey(name));
    }

    @Test
    void keyThatIsUsedAgain_isNoStray_whateverTheLeaseShowed() {
        open();
        LockName name = LockName.of("orders", "", "_holdfast", false);
        Key key = session.freshKey(name);
        session.forget(new Entry(key, 120));
        session.onKeysListed(List.of(key), bench.now());
        bench.take(Command.ReadStray.class);
        assertThat(session.freshKey(name)).isEqualTo(key);
        session.onStray(new Entry(key, 120));
        bench.assertNone(Command.Release.class);
    }

    @Test
    void sessionKeyOlderThanTheEpochThatWasCompared_isARestore() {
        open();
        Command.Confirm confirm = answer(nextKeepAlive(), TTL, TERM);
        session.onKeyShown(confirm, confirm.epoch() - 1, TERM, bench.now());
        assertThat(owner.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
        assertThat(owner.renewals).isZero();
    }

    // ---------------------------------------------------------------------------------------------------- bump

    @Test
    void bump_movesTheEpoch_andReadsTheDoubtfulKeys() {
        open();
        Command.Bump bump = doubt();
        assertThat(bump.epoch()).isEqualTo(101);
        assertThat(bump.doubtful()).hasSize(1);
        session.onBumped(bump, 140, true, List.of(0L), bench.now());
        assertThat(session.epoch()).isEqualTo(140);
        assertThat(session.canAcquire()).isTrue();
    }

    @Test
    void noAcquireLeaves_whileABumpIsUnsettled() {
        open();
        assertThat(session.canAcquire()).isTrue();
        Command.Bump bump = doubt();
        assertThat(session.canAcquire()).isFalse();
        session.onBumpFailed(bump, Workbench.ambiguous(), bench.now());
        assertThat(session.canAcquire()).isFalse();
        bench.advanceMillis(100);
        assertThat(session.canAcquire()).isFalse();
    }

    @Test
    void ambiguousBump_isRepeatedWithTheSameNonce() {
        open();
        Command.Bump bump = doubt();
        for (int i = 0; i < 5; i++) {
            session.onBumpFailed(bump, Workbench.ambiguous(), bench.now());
            bench.assertNone(Command.Bump.class);
            bench.advanceMillis(100);
            assertThat(bench.take(Command.Bump.class)).isEqualTo(bump);
        }
    }

    @Test
    void nonceOfAnEarlierTry_meansThatItSucceeded() {
        open();
        Command.Bump bump = doubt();
        session.onBumpFailed(bump, Workbench.ambiguous(), bench.now());
        bench.advanceMillis(100);
        bench.take(Command.Bump.class);
        session.onBumped(bump, 133, true, List.of(0L), bench.now());
        assertThat(session.epoch()).isEqualTo(133);
        assertThat(owner.lost).isEmpty();
    }

    @Test
    void bumpThatFindsNoSessionKey_losesTheSession() {
        open();
        session.onBumped(doubt(), 0, false, List.of(0L), bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
    }

    @Test
    void bumpThatFindsAForeignNonce_losesTheSession() {
        open();
        session.onBumped(doubt(), 133, false, List.of(0L), bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
    }

    @Test
    void bumps_areOneAtATime_andFiftyMillisecondsApart() {
        open();
        Command.Bump first = doubt();
        queueInDoubt();
        queueInDoubt();
        bench.assertNone(Command.Bump.class);
        session.onBumped(first, 140, true, List.of(0L), bench.now());
        bench.assertNone(Command.Bump.class);
        bench.advanceMillis(49);
        bench.assertNone(Command.Bump.class);
        bench.advanceMillis(1);
        Command.Bump second = bench.take(Command.Bump.class);
        assertThat(second.doubtful()).as("gathered meanwhile").hasSize(2);
        assertThat(second.epoch()).isEqualTo(140);
        assertThat(second.nonce()).isNotEqualTo(first.nonce());
    }

    @Test
    void moreDoubtfulKeysThanOneBumpCanRead_areReadByTheNext() {
        open();
        Command.Bump first = doubt();
        for (int i = 0; i < 70; i++) {
            queueInDoubt();
        }
        session.onBumped(first, 140, true, List.of(0L), bench.now());
        bench.advanceMillis(50);
        Command.Bump second = bench.take(Command.Bump.class);
        assertThat(second.doubtful()).hasSize(SessionMachine.MAX_BUMP_KEYS);
        session.onBumped(second, 141, true, zeros(second), bench.now());
        bench.advanceMillis(50);
        Command.Bump third = bench.take(Command.Bump.class);
        assertThat(third.doubtful()).hasSize(10).doesNotContainAnyElementsOf(second.doubtful());
    }

    @Test
    void settledBump_isAnsweredOnce() {
        open();
        Command.Bump bump = doubt();
        session.onBumped(bump, 140, true, List.of(0L), bench.now());
        session.onBumped(bump, 199, true, List.of(0L), bench.now());
        session.onBumpFailed(bump, Workbench.ambiguous(), bench.now());
        assertThat(session.epoch()).isEqualTo(140);
        bench.advanceMillis(500);
        bench.assertNone(Command.Bump.class);
    }

    @Test
    void bumpOfALeaseThatIsGone_losesTheSession() {
        open();
        session.onBumpFailed(doubt(), Workbench.failure(Failure.Kind.LEASE_GONE), bench.now());
        assertThat(owner.lost).containsExactly(LossReason.LEASE_GONE);
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.Bump.class);
    }

    @Test
    void loss_duringABumpsRetry_revokesTheLease_andStopsTheRetry() {
        open();
        Command.Bump bump = doubt();
        session.onBumpFailed(bump, Workbench.ambiguous(), bench.now());
        session.lose(LossReason.CLUSTER_REGRESSED, "restored", bench.now());
        assertThat(bench.take(Command.RevokeLease.class).leaseId()).isEqualTo(session.leaseId());
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.Bump.class, Command.KeepAlive.class);
    }

    // ---------------------------------------------------------------------------------------------------- playing etcd

    private Watch open() {
        session.open(bench.now());
        session.onGranted(bench.take(Command.GrantLease.class).leaseId(), TTL, bench.now());
        writeKey(101);
        return bench.take(Command.OpenWatch.class).watch();
    }

    private void writeKey(long revision) {
        Command.WriteSessionKey write = bench.take(Command.WriteSessionKey.class);
        session.onKeyWritten(write.leaseId(), revision, bench.now());
    }

    private Command.KeepAlive nextKeepAlive() {
        bench.advance(Duration.ofSeconds(TTL / 3));
        return bench.take(Command.KeepAlive.class);
    }

    private Command.Confirm answer(Command.KeepAlive keep, int ttl, long term) {
        session.onKeepAlive(keep, ttl, term, bench.now());
        return bench.take(Command.Confirm.class);
    }

    private void confirm(Command.Confirm confirm, long term) {
        session.onConfirmed(confirm.renewal(), term, true, bench.now());
    }

    private Command.Bump doubt() {
        queueInDoubt();
        return bench.take(Command.Bump.class);
    }

    private void queueInDoubt() {
        QueueMachine queue = bench.machine("doubtful-" + queues++, new Crowd(0));
        session.settle(queue, session.freshKey(queue.name()), bench.now());
    }

    private static List<Long> zeros(Command.Bump bump) {
        return bump.doubtful().stream().map(key -> 0L).toList();
    }

    private Duration remaining() {
        return Duration.ofNanos(session.deadline()
                .remainingNanos(bench.now().nanos(), bench.now().wallMillis()));
    }

    private static final class Recorder implements SessionMachine.Owner {
        int opened;
        int refused;
        int renewals;
        final List<LossReason> lost = new ArrayList<>();

        @Override
        public void onOpened(SessionMachine session, Moment now) {
            opened++;
        }

        @Override
        public void onRefused(SessionMachine session, Failure failure, Moment now) {
            refused++;
        }

        @Override
        public void onLost(SessionMachine session, LossReason reason, String detail, Moment now) {
            lost.add(reason);
        }

        @Override
        public void onRenewed(SessionMachine session, Moment now) {
            renewals++;
        }
    }
}
