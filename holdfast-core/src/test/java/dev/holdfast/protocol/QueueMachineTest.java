package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class QueueMachineTest {

    private static final String NAME = "orders";

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Crowd callers = new Crowd(1);
    private final QueueMachine queue = bench.machine(NAME, callers);

    /** In the queue before anybody of ours. */
    private final Entry stranger = Workbench.stranger(NAME, 1, 50);

    // ---------------------------------------------------------------------------------------------------- enqueuing

    @Nested
    final class Enqueuing {

        @Test
        void caller_sendsOneAcquire_withAKeyOfTheSession() {
            Command.Acquire sent = acquire();
            assertThat(sent.key().toString()).startsWith("orders/" + Long.toHexString(session.leaseId()) + ".");
            assertThat(sent.session()).isSameAs(session);
            queue.onCaller(bench.now());
            bench.assertNoAttempt();
        }

        @Test
        void callerWhoLeftBeforeTheMachineLooked_sendsNothing() {
            callers.waiting = 0;
            queue.onCaller(bench.now());
            bench.assertNoAttempt();
            assertThat(queue.isIdle()).isTrue();
        }

        @Test
        void then_nobodyBefore_isOwned_withItsOwnRevisionAsToken() {
            Command.Acquire sent = acquire();
            Entry own = acquired(sent, 110);
            assertThat(callers.lent).hasSize(1);
            assertThat(callers.tenure().entry()).isEqualTo(own);
            assertThat(callers.tenure().grantRevision()).isEqualTo(110);
            bench.assertNone(Command.OpenWatch.class, Command.ListMembers.class);
        }

        @Test
        void then_onlyLaterEntriesInTheRange_isOwned() {
            Command.Acquire sent = acquire();
            Entry own = new Entry(sent.key(), 110);
            queue.onAcquired(sent, 110, Workbench.all(110, own, Workbench.stranger(NAME, 2, 111)), bench.now());
            assertThat(callers.lent).hasSize(1);
        }

        @Test
        void then_somebodyBefore_waits() {
            Command.Acquire sent = acquire();
            queue.onAcquired(sent, 110, Workbench.all(110, stranger, new Entry(sent.key(), 110)), bench.now());
            assertThat(callers.lent).isEmpty();
            assertThat(bench.take(Command.OpenWatch.class).watch().isPrefix()).isTrue();
        }

        /** `more = true` with nested names first: the range shows no member, and proves nothing. */
        @Test
        void then_rangeCutOff_isNeverOwnedByIt() {
            Command.Acquire sent = acquire();
            queue.onAcquired(sent, 110, Workbench.some(110), bench.now());
            assertThat(callers.lent).isEmpty();
            assertThat(bench.take(Command.ListMembers.class).name()).isEqualTo(queue.name());
        }

        @Test
        void else_staleEpoch_goesAgainAtOnce() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, 90, session.epoch(), 0, bench.now());
            assertThat(bench.take(Command.Acquire.class)).isNotSameAs(sent);
        }

        @Test
        void else_epochRight_goesAgainAfterAPause() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, session.epoch(), session.epoch(), 0, bench.now());
            bench.assertNoAttempt();
            bench.advanceMillis(50);
            bench.take(Command.Acquire.class);
        }

        @Test
        void else_keyExists_isADuplicateDelivery_adopted_notGrantedByThatAnswer() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, session.epoch(), session.epoch(), 108, bench.now());
            assertThat(callers.lent).isEmpty();
            bench.assertNoAttempt();
            Command.ListMembers list = bench.take(Command.ListMembers.class);
            list.lister().onListed(list, Workbench.all(120, new Entry(sent.key(), 108)), bench.now());
            assertThat(callers.tenure().grantRevision()).isEqualTo(120);
        }

        /** The entry came back with a snapshot: so did an older session key, which fences nothing. */
        @Test
        void else_keyExists_butTheSessionKeyIsOlder_isARestore_andNotAdopted() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, session.epoch(), session.epoch() - 1, 108, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
            SessionMachine next = bench.answerOpening();
            assertThat(bench.take(Command.Acquire.class).session()).isSameAs(next);
        }

        /** It was granted and released before the restore; granted once more, it would have the same token. */
        @Test
        void else_keyExists_butWasKnownToBeGone_isARestore_andNotAdopted() {
            Command.Acquire sent = acquire();
            session.forget(new Entry(sent.key(), 108));
            queue.onNotAcquired(sent, session.epoch(), session.epoch(), 108, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
            SessionMachine next = bench.answerOpening();
            assertThat(bench.take(Command.Acquire.class).session()).isSameAs(next);
        }

        @Test
        void else_sessionKeyGone_losesTheSession_andEnqueuesInANewOne() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, session.epoch(), 0, 0, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.LEASE_GONE);
            SessionMachine next = bench.answerOpening();
            assertThat(bench.take(Command.Acquire.class).session()).isSameAs(next);
        }

        /** Otherwise each attempt would fail its compare and be followed by another, without end. */
        @Test
        void else_sessionKeyWrittenBySomebodyElse_losesTheSession() {
            Command.Acquire sent = acquire();
            queue.onNotAcquired(sent, session.epoch(), session.epoch() + 20, 0, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.LEASE_GONE);
        }

        @ParameterizedTest
        @EnumSource(names = {"REFUSED", "LEASE_EXISTS"})
        void definiteError_isToldToTheCallers(Failure.Kind kind) {
            Command.Acquire sent = acquire();
            queue.onAcquireFailed(sent, Workbench.failure(kind), bench.now());
            assertThat(callers.refusals).hasSize(1);
            assertThat(queue.isIdle()).isTrue();
            assertThat(session.liveKeyCount()).isZero();
            bench.advance(Duration.ofSeconds(5));
            bench.assertNoAttempt();
        }

        @Test
        void busyServer_isAskedAgain_lessAndLessOften() {
            Command.Acquire sent = acquire();
            for (long pause : new long[] {50, 100, 200, 400, 800, 1000, 1000}) {
                queue.onAcquireFailed(sent, Workbench.failure(Failure.Kind.BUSY), bench.now());
                bench.advanceMillis(pause - 1);
                bench.assertNoAttempt();
                bench.advanceMillis(1);
                sent = bench.take(Command.Acquire.class);
            }
            assertThat(session.liveKeyCount()).isEqualTo(1);
            assertThat(callers.refusals).isEmpty();
        }

        @Test
        void leaseGone_losesTheSession() {
            queue.onAcquireFailed(acquire(), Workbench.failure(Failure.Kind.LEASE_GONE), bench.now());
            assertThat(bench.lost).containsExactly(LossReason.LEASE_GONE);
            bench.answerOpening();
            bench.take(Command.Acquire.class);
        }

        @Test
        void callersGone_butInTheQueue_givesTheEntryBack() {
            Command.Acquire sent = acquire();
            callers.waiting = 0;
            queue.onCallerGone(bench.now());
            bench.assertNone(Command.Release.class);
            Entry own = new Entry(sent.key(), 110);
            queue.onAcquired(sent, 110, Workbench.all(110, stranger, own), bench.now());
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(own);
        }

        @Test
        void withoutASession_waitsForOne_andAsksOnlyOnce() {
            session.lose(LossReason.LEASE_GONE, "gone", bench.now());
            queue.onCaller(bench.now());
            bench.assertNoAttempt();
            bench.answerOpening();
            bench.take(Command.Acquire.class);
            bench.assertNoAttempt();
        }

        @Test
        void callersGoneBeforeTheSessionOpened_sendsNothing() {
            session.lose(LossReason.LEASE_GONE, "gone", bench.now());
            queue.onCaller(bench.now());
            callers.waiting = 0;
            queue.onCallerGone(bench.now());
            bench.answerOpening();
            bench.assertNoAttempt();
            assertThat(queue.isIdle()).isTrue();
        }

        @Test
        void refusedSession_isToldToTheCallers() {
            session.lose(LossReason.LEASE_GONE, "gone", bench.now());
            queue.onCaller(bench.now());
            Command.GrantLease grant = bench.take(Command.GrantLease.class);
            grant.session().onGrantFailed(grant.leaseId(), Workbench.failure(Failure.Kind.REFUSED), bench.now());
            assertThat(callers.refusals).hasSize(1);
            assertThat(queue.isIdle()).isTrue();
        }
    }

    // ---------------------------------------------------------------------------------------------------- in doubt

    @Nested
    final class InDoubt {

        /** A late ACQUIRE `.7` applied after `.8` was sent: `.8` is not sent before a bump has fenced `.7`. */
        @Test
        @Tag("F12")
        void nothingIsSent_beforeTheBumpHasFencedTheUnansweredAttempt() {
            Command.Acquire seventh = acquire();
            long itsEpoch = session.epoch();
            queue.onAcquireFailed(seventh, Workbench.ambiguous(), bench.now());
            Command.Bump bump = bench.take(Command.Bump.class);
            assertThat(bump.doubtful()).containsExactly(seventh.key());
            bench.advance(Duration.ofSeconds(5));
            queue.onCaller(bench.now());
            bench.assertNoAttempt();

            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            bench.take(Command.Acquire.class);
            assertThat(session.epoch())
                    .as("what the late attempt compares is gone")
                    .isGreaterThan(itsEpoch);
        }

        @Test
        void otherLocksAreGated_whileTheBumpIsUnsettled() {
            Command.Bump bump = doubt(acquire());
            Crowd others = new Crowd(1);
            QueueMachine other = bench.machine("other", others);
            other.onCaller(bench.now());
            bench.assertNoAttempt();
            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            assertThat(bench.takeAll(Command.Acquire.class)).hasSize(2);
        }

        @Test
        void absent_andNobodyWantsIt_isTheEnd() {
            Command.Bump bump = doubt(acquire());
            callers.waiting = 0;
            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            assertThat(queue.isIdle()).isTrue();
            assertThat(session.liveKeyCount()).isZero();
            bench.assertNoAttempt();
        }

        @Test
        void present_isAdopted_butNeverGrantedByTheBumpsAnswerAlone() {
            Command.Acquire sent = acquire();
            Command.Bump bump = doubt(sent);
            bump.session().onBumped(bump, 130, true, List.of(112L), bench.now());
            assertThat(callers.lent).isEmpty();
            bench.assertNoAttempt();
            Command.ListMembers list = bench.take(Command.ListMembers.class);
            list.lister().onListed(list, Workbench.all(135, new Entry(sent.key(), 112)), bench.now());
            assertThat(callers.tenure().entry()).isEqualTo(new Entry(sent.key(), 112));
            assertThat(callers.tenure().grantRevision()).isEqualTo(135);
        }

        @Test
        void present_andNobodyWantsIt_isReleased() {
            Command.Acquire sent = acquire();
            Command.Bump bump = doubt(sent);
            callers.waiting = 0;
            queue.onCallerGone(bench.now());
            bump.session().onBumped(bump, 130, true, List.of(112L), bench.now());
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(new Entry(sent.key(), 112));
        }

        @Test
        void present_butWasKnownToBeGone_isARestore() {
            Command.Acquire sent = acquire();
            session.forget(new Entry(sent.key(), 112));
            Command.Bump bump = doubt(sent);
            bump.session().onBumped(bump, 130, true, List.of(112L), bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
            assertThat(callers.lent).isEmpty();
        }

        @Test
        void lateAnswerOfTheDoubtfulAttempt_isIgnored() {
            Command.Acquire sent = acquire();
            doubt(sent);
            queue.onAcquired(sent, 112, Workbench.all(112, new Entry(sent.key(), 112)), bench.now());
            assertThat(callers.lent).isEmpty();
        }

        private Command.Bump doubt(Command.Acquire sent) {
            queue.onAcquireFailed(sent, Workbench.ambiguous(), bench.now());
            return bench.take(Command.Bump.class);
        }
    }

    // ---------------------------------------------------------------------------------------------------- waiting

    @Nested
    final class Waiting {

        private final Entry own = enqueueBehindStranger();
        private final Watch watch = bench.take(Command.OpenWatch.class).watch();

        @Test
        void deleteOfTheOneBefore_admits_withItsRevisionAsToken() {
            watch.owner().onWatchCreated(watch, 109, bench.now());
            watch.owner().onWatchEvents(watch, List.of(Workbench.delete(stranger, 140)), false, bench.now());
            assertThat(callers.tenure().entry()).isEqualTo(own);
            assertThat(callers.tenure().grantRevision()).isEqualTo(140);
        }

        @Test
        void ownEntryGone_enqueuesAnew() {
            watch.owner().onWatchCreated(watch, 109, bench.now());
            watch.owner().onWatchEvents(watch, List.of(Workbench.delete(own, 140)), false, bench.now());
            assertThat(callers.lent).isEmpty();
            bench.take(Command.Acquire.class);
            bench.assertNone(Command.Release.class);
        }

        @Test
        void oneOfTwoCallersGone_keepsTheEntry() {
            queue.onCallerGone(bench.now());
            bench.assertNone(Command.Release.class);
        }

        @Test
        void allCallersGone_givesTheEntryBack() {
            callers.waiting = 0;
            queue.onCallerGone(bench.now());
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(own);
            watch.owner().onWatchCreated(watch, 109, bench.now());
            watch.owner().onWatchEvents(watch, List.of(Workbench.delete(stranger, 140)), false, bench.now());
            assertThat(callers.lent)
                    .as("nothing is granted while it is given back")
                    .isEmpty();
        }
    }

    // ---------------------------------------------------------------------------------------------------- owned

    @Nested
    final class Owned {

        private final Tenure tenure = own();

        @Test
        void returnedWithNobodyWaiting_isReleased_namingKeyAndRevision() {
            callers.waiting = 0;
            giveBack(Tenure.Return.IDLE);
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(tenure.entry());
        }

        /** Who came after the release comes after everybody who was waiting then, in other processes, too. */
        @Test
        void callerWhoCameBeforeTheReleaseWasSent_getsAYield() {
            giveBack(Tenure.Return.IDLE);
            Command.Yield sent = bench.take(Command.Yield.class);
            assertThat(sent.own()).isEqualTo(tenure.entry());
            assertThat(sent.fresh()).isNotEqualTo(tenure.entry().key());
            assertThat(callers.lent).as("no local grant while it is under way").hasSize(1);
        }

        @Test
        void budgetOver_withoutAView_looksFirst() {
            giveBack(Tenure.Return.BUDGET_OVER);
            bench.assertNoAttempt();
            assertThat(callers.lent).hasSize(1);
            base(Workbench.all(150, tenure.entry()));
            assertThat(callers.lent).as("nobody else waits: a new budget").containsExactly(tenure, tenure);
            bench.assertNoAttempt();
        }

        @Test
        void budgetOver_andOthersWait_yields() {
            giveBack(Tenure.Return.BUDGET_OVER);
            base(Workbench.all(150, tenure.entry(), Workbench.stranger(NAME, 2, 140)));
            bench.take(Command.Yield.class);
        }

        @Test
        void budgetOver_andKnownToBeAlone_goesOnWithoutEtcd() {
            giveBack(Tenure.Return.BUDGET_OVER);
            base(Workbench.all(150, tenure.entry()));
            giveBack(Tenure.Return.BUDGET_OVER);
            assertThat(callers.lent).hasSize(3);
            assertThat(tenure.isAlone()).isTrue();
            bench.assertNoAttempt();
        }

        @Test
        void othersArriving_areSeenByTheBorrower() {
            giveBack(Tenure.Return.BUDGET_OVER);
            Watch watch = base(Workbench.all(150, tenure.entry()));
            watch.owner()
                    .onWatchEvents(watch, List.of(Workbench.put(Workbench.stranger(NAME, 2, 160))), false, bench.now());
            assertThat(tenure.isAlone()).isFalse();
            giveBack(Tenure.Return.BUDGET_OVER);
            bench.take(Command.Yield.class);
        }

        @Test
        void mustLeave_yields_evenAlone() {
            giveBack(Tenure.Return.BUDGET_OVER);
            base(Workbench.all(150, tenure.entry()));
            giveBack(Tenure.Return.MUST_LEAVE);
            bench.take(Command.Yield.class);
        }

        @Test
        void returnedTwice_countsOnce() {
            callers.waiting = 0;
            giveBack(Tenure.Return.IDLE);
            bench.take(Command.Release.class);
            giveBack(Tenure.Return.IDLE);
            bench.assertNone(Command.Release.class);
        }

        @Test
        void entryDeletedBySomebody_endsTheTenure_andWhoWaitsIsEnqueuedAnew() {
            giveBack(Tenure.Return.BUDGET_OVER);
            Watch watch = base(Workbench.all(150, tenure.entry()));
            watch.owner().onWatchEvents(watch, List.of(Workbench.delete(tenure.entry(), 160)), false, bench.now());
            assertThat(callers.ended).containsExactly(tenure);
            assertThat(callers.reasons).containsExactly(LossReason.ENTRY_DELETED);
            bench.take(Command.Acquire.class);
        }

        @Test
        void renewal_reachesTheBorrower() {
            bench.sessions.onRenewed(session, bench.now());
            assertThat(callers.renewed).containsExactly(tenure);
            callers.waiting = 0;
            giveBack(Tenure.Return.IDLE);
            bench.sessions.onRenewed(session, bench.now());
            assertThat(callers.renewed).hasSize(1);
        }

        private void giveBack(Tenure.Return why) {
            queue.onTenureReturned(tenure, why, bench.now());
        }
    }

    // ---------------------------------------------------------------------------------------------------- yielding

    @Nested
    final class Yielding {

        private final Tenure tenure = own();
        private final Entry old = tenure.entry();
        private final Command.Yield sent = yieldPlace();

        private Command.Yield yieldPlace() {
            queue.onTenureReturned(tenure, Tenure.Return.IDLE, bench.now());
            return bench.take(Command.Yield.class);
        }

        @Test
        void then_nobodyBefore_isOwnedAnew_withAGreaterToken() {
            Entry fresh = new Entry(sent.fresh(), 140);
            queue.onYielded(sent, 140, Workbench.all(140, fresh), bench.now());
            assertThat(callers.released).containsExactly(old);
            assertThat(callers.tenure().entry()).isEqualTo(fresh);
            assertThat(callers.tenure().grantRevision()).isEqualTo(140);
            assertThat(session.liveKeyCount()).isEqualTo(1);
        }

        @Test
        void then_othersBefore_waitsAtTheEnd() {
            queue.onYielded(
                    sent,
                    140,
                    Workbench.all(140, Workbench.stranger(NAME, 2, 130), new Entry(sent.fresh(), 140)),
                    bench.now());
            assertThat(callers.lent).hasSize(1);
            assertThat(bench.take(Command.OpenWatch.class).watch().isPrefix()).isTrue();
        }

        @Test
        void else_staleEpoch_goesAgain() {
            long itsEpoch = session.epoch();
            Command.Bump bump = bumpByAnotherLock();
            bump.session().onBumped(bump, 135, true, List.of(0L), bench.now());
            queue.onNotYielded(sent, itsEpoch, 135, old.createRevision(), 0, bench.now());
            Command.Yield second = bench.take(Command.Yield.class);
            assertThat(second.own()).isEqualTo(old);
        }

        @Test
        void else_ownEntryIsAnother_isLost_andEnqueuedAnew() {
            queue.onNotYielded(sent, session.epoch(), session.epoch(), 0, 0, bench.now());
            assertThat(callers.foundGone).containsExactly(old);
            bench.take(Command.Acquire.class);
        }

        @Test
        void else_newKeyExists_isADuplicateDelivery_adopted() {
            queue.onNotYielded(sent, session.epoch(), session.epoch(), 0, 139, bench.now());
            assertThat(callers.released).containsExactly(old);
            Command.ListMembers list = bench.take(Command.ListMembers.class);
            list.lister().onListed(list, Workbench.all(150, new Entry(sent.fresh(), 139)), bench.now());
            assertThat(callers.tenure().entry()).isEqualTo(new Entry(sent.fresh(), 139));
        }

        /** Brought back by a restore that the session key is too old to tell of. */
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void else_newKeyIsAnEntryThatWasKnownToBeGone_isARestore(boolean isOldThere) {
            session.forget(new Entry(sent.fresh(), 139));
            queue.onNotYielded(
                    sent, session.epoch(), session.epoch(), isOldThere ? old.createRevision() : 0, 139, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
        }

        @Test
        void ambiguous_newKeyIsAnEntryThatWasKnownToBeGone_isARestore() {
            session.forget(new Entry(sent.fresh(), 139));
            Command.ReadEntry read = doubtAfterRelease();
            queue.onEntryRead(read, 139, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
        }

        @Test
        void else_sessionGone_isLost() {
            queue.onNotYielded(sent, session.epoch(), 0, 0, 0, bench.now());
            assertThat(bench.lost).containsExactly(LossReason.LEASE_GONE);
            assertThat(callers.released).containsExactly(old);
        }

        /** NOSPACE counts as ambiguous, too: it is settled without a write that would take space. */
        @Test
        void ambiguous_oldEntryStillThere_isReleased_andTheYieldCanNeverBeApplied() {
            Command.Release release = doubt();
            queue.onReleased(release, true, bench.now());
            assertThat(callers.released).containsExactly(old);
            bench.assertNone(Command.ReadEntry.class, Command.Bump.class);
            bench.take(Command.Acquire.class);
            assertThat(session.liveKeyCount()).isEqualTo(1);
        }

        @Test
        void ambiguous_oldEntryGone_newKeyExists_isAdopted() {
            Command.ReadEntry read = doubtAfterRelease();
            queue.onEntryRead(read, 139, bench.now());
            assertThat(callers.released).containsExactly(old);
            bench.assertNoAttempt();
            Command.ListMembers list = bench.take(Command.ListMembers.class);
            list.lister().onListed(list, Workbench.all(151, new Entry(sent.fresh(), 139)), bench.now());
            assertThat(callers.tenure().grantRevision()).isEqualTo(151);
        }

        @Test
        void ambiguous_neitherExists_isEnqueuedAnew() {
            Command.ReadEntry read = doubtAfterRelease();
            queue.onEntryRead(read, 0, bench.now());
            assertThat(callers.released).containsExactly(old);
            bench.take(Command.Acquire.class);
            assertThat(session.liveKeyCount()).isEqualTo(1);
        }

        @Test
        void ambiguous_readWithoutAnswer_isRepeated() {
            Command.ReadEntry read = doubtAfterRelease();
            queue.onEntryReadFailed(read, bench.now());
            bench.advance(Duration.ofSeconds(1));
            assertThat(bench.take(Command.ReadEntry.class)).isEqualTo(read);
        }

        /** A duplicate of an earlier attempt, applied late, sits on the name that the yield took. */
        @Test
        void else_bothExist_theNewOneIsAGhost_deletedAndNotUsedAgainBeforeItIsGone() {
            queue.onNotYielded(sent, session.epoch(), session.epoch(), old.createRevision(), 139, bench.now());
            Command.Release ghost = bench.take(Command.Release.class);
            assertThat(ghost.queue()).isNull();
            assertThat(ghost.entry()).isEqualTo(new Entry(sent.fresh(), 139));
            assertThat(bench.take(Command.Yield.class).fresh()).isNotEqualTo(sent.fresh());
            session.onGhostReleased(ghost.entry(), true);
            assertThat(session.freshKey(queue.name())).isEqualTo(sent.fresh());
        }

        @Test
        void definiteError_releasesInstead() {
            queue.onYieldFailed(sent, Workbench.failure(Failure.Kind.REFUSED), bench.now());
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(old);
            assertThat(session.liveKeyCount()).isEqualTo(1);
        }

        @Test
        void leaseGone_isLost() {
            queue.onYieldFailed(sent, Workbench.failure(Failure.Kind.LEASE_GONE), bench.now());
            assertThat(bench.lost).containsExactly(LossReason.LEASE_GONE);
        }

        private Command.Release doubt() {
            queue.onYieldFailed(sent, Workbench.ambiguous(), bench.now());
            Command.Release release = bench.take(Command.Release.class);
            assertThat(release.entry()).isEqualTo(old);
            return release;
        }

        private Command.ReadEntry doubtAfterRelease() {
            queue.onReleased(doubt(), false, bench.now());
            Command.ReadEntry read = bench.take(Command.ReadEntry.class);
            assertThat(read.key()).isEqualTo(sent.fresh());
            return read;
        }
    }

    @Test
    void yieldDuringABump_releasesInstead() {
        Tenure tenure = own();
        bumpByAnotherLock();
        queue.onTenureReturned(tenure, Tenure.Return.IDLE, bench.now());
        bench.assertNone(Command.Yield.class);
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(tenure.entry());
    }

    // ---------------------------------------------------------------------------------------------------- expecting

    @Nested
    final class Expecting {

        private final Tenure tenure = ownAgainAtOnce();

        private Tenure ownAgainAtOnce() {
            Tenure first = own();
            callers.waiting = 0;
            queue.onTenureReturned(first, Tenure.Return.IDLE, bench.now());
            acquireAgain(bench.take(Command.Release.class), 120);
            return callers.tenure();
        }

        private void acquireAgain(Command.Release sent, long revision) {
            callers.waiting = 1;
            queue.onCaller(bench.now());
            queue.onReleased(sent, true, bench.now());
            acquired(bench.take(Command.Acquire.class), revision);
        }

        private void giveBack(Tenure.Return why) {
            callers.waiting = 0;
            queue.onTenureReturned(callers.tenure(), why, bench.now());
        }

        private Command.Yield giveBackAndYield() {
            giveBack(Tenure.Return.IDLE);
            return bench.take(Command.Yield.class);
        }

        private void comeBack() {
            callers.waiting = 1;
            queue.onCaller(bench.now());
        }

        /** @param others entries that are in the queue, too */
        private Entry yielded(Command.Yield sent, long revision, Entry... others) {
            Entry fresh = new Entry(sent.fresh(), revision);
            List<Entry> members = new ArrayList<>(List.of(others));
            members.add(fresh);
            queue.onYielded(sent, revision, new Snapshot(revision, members, true), bench.now());
            return fresh;
        }

        @Test
        void aYieldTakesThePlaceOfTheRelease_andIsForWhoeverComes() {
            Command.Yield sent = giveBackAndYield();
            assertThat(sent.own()).isEqualTo(tenure.entry());
            comeBack();
            Entry fresh = yielded(sent, 130);
            assertThat(callers.tenure().entry()).isEqualTo(fresh);
            bench.assertNone(Command.Release.class, Command.Yield.class);
        }

        @Test
        void othersAreBefore_whoeverCameWaits() {
            Command.Yield sent = giveBackAndYield();
            comeBack();
            yielded(sent, 130, Workbench.stranger("orders", 1, 125));
            assertThat(queue.phase()).isEqualTo(QueueMachine.Phase.WAITING);
        }

        @Test
        void nobodyComes_isReleasedUnused_andForAWhileAtOnce() {
            int lent = callers.lent.size();
            Entry fresh = yielded(giveBackAndYield(), 130);
            assertThat(callers.lent).hasSize(lent);
            for (int i = 0; i <= Keeping.PAUSE_TIMES; i++) {
                Command.Release sent = bench.take(Command.Release.class);
                if (i == 0) {
                    assertThat(sent.entry()).isEqualTo(fresh);
                }
                acquireAgain(sent, 140 + i);
                giveBack(Tenure.Return.IDLE);
            }
            bench.assertNone(Command.Release.class);
            bench.take(Command.Yield.class);
        }

        /** Whoever only tries would find it taken for ever. */
        @Test
        void wantedAtOnceAgainAndAgain_isReleasedInBetween() {
            for (int i = 0; i < Keeping.MOST_IN_A_ROW; i++) {
                Command.Yield sent = giveBackAndYield();
                comeBack();
                yielded(sent, 130 + i);
            }
            giveBack(Tenure.Return.IDLE);
            acquireAgain(bench.take(Command.Release.class), 200);
            giveBackAndYield();
        }

        @Test
        void whoeverCameHasLeftAgain_isReleased_andNobodyIsLentIt() {
            Command.Yield sent = giveBackAndYield();
            int lent = callers.lent.size();
            comeBack();
            callers.waiting = 0;
            queue.onCallerGone(bench.now());
            yielded(sent, 130);
            bench.take(Command.Release.class);
            bench.assertNone(Command.Yield.class);
            assertThat(callers.lent).hasSize(lent);
        }

        /** He is in the queue of this process already; what he tells the loop comes after the answer. */
        @Test
        void whoeverComesInTheMomentOfTheAnswer_hasCome() {
            Command.Yield sent = giveBackAndYield();
            callers.waiting = 1;
            Entry fresh = yielded(sent, 130);
            queue.onCaller(bench.now());
            assertThat(callers.tenure().entry()).isEqualTo(fresh);
            bench.assertNone(Command.Release.class);
            giveBackAndYield();
        }

        @Test
        void manyComeWhileItIsReleased_countOnce() {
            yielded(giveBackAndYield(), 130);
            Command.Release sent = bench.take(Command.Release.class);
            callers.waiting = Keeping.PAUSE_TIMES + 1;
            for (int i = 0; i < callers.waiting; i++) {
                queue.onCaller(bench.now());
            }
            queue.onReleased(sent, true, bench.now());
            acquired(bench.take(Command.Acquire.class), 140);
            giveBack(Tenure.Return.IDLE);
            bench.take(Command.Release.class);
        }

        @Test
        void endIsWaitedFor_isReleasedAtOnce() {
            giveBack(Tenure.Return.AT_ONCE);
            bench.take(Command.Release.class);
        }

        @Test
        void whoeverTries_takesIt_ifNobodyElseDoes() {
            Command.Yield sent = giveBackAndYield();
            Crowd.Attempt attempt = tryNow();
            yielded(sent, 130);
            assertThat(callers.lentTo).containsExactly(attempt);
        }

        @Test
        void whoeverTries_butOthersAreBefore_isToldByAnAttemptOfHisOwn() {
            Command.Yield sent = giveBackAndYield();
            Crowd.Attempt attempt = tryNow();
            yielded(sent, 130, Workbench.stranger("orders", 1, 125));
            assertThat(attempt.isBusy).isFalse();
            queue.onReleased(bench.take(Command.Release.class), true, bench.now());
            bench.take(Command.TryAcquire.class);
        }

        @Test
        void whoeverTries_thenSomebodyWaits_andOthersAreBefore_isTaken() {
            Command.Yield sent = giveBackAndYield();
            Crowd.Attempt attempt = tryNow();
            comeBack();
            yielded(sent, 130, Workbench.stranger("orders", 1, 125));
            assertThat(attempt.isBusy).isTrue();
            assertThat(queue.phase()).isEqualTo(QueueMachine.Phase.WAITING);
        }

        @Test
        void whoeverTries_thenSomebodyWaits_andTheYieldWasDeliveredTwice_isTaken() {
            Command.Yield sent = giveBackAndYield();
            Crowd.Attempt attempt = tryNow();
            comeBack();
            queue.onNotYielded(sent, session.epoch(), session.epoch(), 0, 130, bench.now());
            assertThat(queue.phase()).isEqualTo(QueueMachine.Phase.WAITING);
            assertThat(attempt.isBusy).isTrue();
        }

        @Test
        void whoeverTries_thenSomebodyWaits_andTheYieldWasInDoubt_isTaken() {
            Command.Yield sent = giveBackAndYield();
            Crowd.Attempt attempt = tryNow();
            comeBack();
            queue.onYieldFailed(sent, Workbench.ambiguous(), bench.now());
            queue.onReleased(bench.take(Command.Release.class), false, bench.now());
            queue.onEntryRead(bench.take(Command.ReadEntry.class), 130, bench.now());
            assertThat(queue.phase()).isEqualTo(QueueMachine.Phase.WAITING);
            assertThat(attempt.isBusy).isTrue();
        }

        /** No space for what it puts, say, or a bump has begun: a release needs neither. */
        @ParameterizedTest
        @EnumSource(
                value = Failure.Kind.class,
                names = {"BUSY", "REFUSED"})
        void refused_isReleased_whoeverTriesHasHisAnswer_andForAWhileNobodyIsExpected(Failure.Kind kind) {
            Command.Yield sent = giveBackAndYield();
            tryNow();
            queue.onYieldFailed(sent, Workbench.failure(kind), bench.now());
            Command.Release release = bench.take(Command.Release.class);
            assertThat(release.entry()).isEqualTo(tenure.entry());
            queue.onReleased(release, true, bench.now());
            queue.onTried(bench.take(Command.TryAcquire.class), 130, bench.now());
            giveBack(Tenure.Return.IDLE);
            acquireAgain(bench.take(Command.Release.class), 140);
            giveBack(Tenure.Return.IDLE);
            bench.take(Command.Release.class);
        }

        private Crowd.Attempt tryNow() {
            Crowd.Attempt attempt = new Crowd.Attempt();
            queue.onTrial(attempt, bench.now());
            assertThat(attempt.isBusy).isFalse();
            return attempt;
        }

        /** The session's epoch has moved on. */
        @Test
        void yieldWasNotApplied_isReleased() {
            Command.Yield sent = giveBackAndYield();
            long epoch = session.epoch();
            queue.onNotYielded(sent, epoch, epoch, tenure.entry().createRevision(), 0, bench.now());
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(tenure.entry());
        }

        @Test
        void sessionLost_isReleasedWithIt_andNobodyIsEnqueued() {
            giveBackAndYield();
            session.lose(LossReason.LEASE_GONE, "gone", bench.now());
            bench.advance(Duration.ofSeconds(1));
            bench.assertNone(Command.Release.class);
            bench.assertNoAttempt();
            assertThat(queue.isIdle()).isTrue();
        }
    }

    // ---------------------------------------------------------------------------------------------------- releasing

    @Nested
    final class Releasing {

        private final Tenure tenure = own();
        private final Entry entry = tenure.entry();
        private final Command.Release sent = release();

        private Command.Release release() {
            callers.waiting = 0;
            queue.onTenureReturned(tenure, Tenure.Return.IDLE, bench.now());
            return bench.take(Command.Release.class);
        }

        @Test
        void answered_isTheEnd() {
            queue.onReleased(sent, true, bench.now());
            assertThat(callers.released).containsExactly(entry);
            assertThat(queue.isIdle()).isTrue();
            assertThat(callers.idle).isPositive();
            assertThat(session.liveKeyCount()).isZero();
        }

        @Test
        void isRetriedUntilDefinite_whateverTheError() {
            for (Failure.Kind kind : Failure.Kind.values()) {
                queue.onReleaseFailed(sent, Workbench.failure(kind), bench.now());
                bench.assertNone(Command.Release.class);
                bench.advance(Duration.ofSeconds(1));
                assertThat(bench.take(Command.Release.class)).isSameAs(sent);
            }
            assertThat(queue.isIdle()).isFalse();
        }

        @Test
        void goneAtARetry_wasDoneByTheFirstTry() {
            queue.onReleaseFailed(sent, Workbench.ambiguous(), bench.now());
            bench.advanceMillis(50);
            queue.onReleased(bench.take(Command.Release.class), false, bench.now());
            assertThat(callers.released).containsExactly(entry);
            assertThat(callers.foundGone).isEmpty();
        }

        @Test
        void goneAtTheFirstTry_isReported() {
            queue.onReleased(sent, false, bench.now());
            assertThat(callers.foundGone).containsExactly(entry);
        }

        /** RELEASE applied after the next ACQUIRE: there is none before the release is definite, nor would it match. */
        @Test
        void nextCaller_waitsUntilTheReleaseIsDefinite() {
            callers.waiting = 1;
            queue.onCaller(bench.now());
            queue.onReleaseFailed(sent, Workbench.ambiguous(), bench.now());
            bench.advanceMillis(50);
            bench.assertNoAttempt();
            queue.onReleased(bench.take(Command.Release.class), true, bench.now());
            Command.Acquire next = bench.take(Command.Acquire.class);
            Entry again = acquired(next, 160);
            assertThat(sent.entry())
                    .as("a release names key and create_revision")
                    .isNotEqualTo(again);
        }

        @Test
        void tryLock_waitsUntilTheReleaseIsDefinite() {
            Crowd.Attempt attempt = new Crowd.Attempt();
            queue.onTrial(attempt, bench.now());
            assertThat(attempt.isBusy).isFalse();
            Crowd.Attempt second = new Crowd.Attempt();
            queue.onTrial(second, bench.now());
            assertThat(second.isBusy).isTrue();
            queue.onReleased(sent, true, bench.now());
            bench.take(Command.TryAcquire.class);
        }
    }

    // ---------------------------------------------------------------------------------------------------- trying

    @Nested
    final class Trying {

        private final Crowd.Attempt attempt = new Crowd.Attempt();

        Trying() {
            callers.waiting = 0;
        }

        private Command.TryAcquire attempt() {
            queue.onTrial(attempt, bench.now());
            return bench.take(Command.TryAcquire.class);
        }

        @Test
        void then_isOwned_byTheOneWhoTried() {
            Command.TryAcquire sent = attempt();
            assertThat(sent.epoch()).isEqualTo(session.epoch());
            queue.onTried(sent, 110, bench.now());
            assertThat(callers.lentTo).containsExactly(attempt);
            assertThat(callers.tenure().grantRevision()).isEqualTo(110);
        }

        @Test
        void then_butDeletedByForceBeforeTheAnswer_triesAnew() {
            callers.forcedAt = 110;
            Command.TryAcquire sent = attempt();
            queue.onTried(sent, 110, bench.now());
            assertThat(callers.lentTo).isEmpty();
            queue.onReleased(bench.take(Command.Release.class), false, bench.now());
            queue.onTried(bench.take(Command.TryAcquire.class), 120, bench.now());
            assertThat(callers.lentTo).containsExactly(attempt);
        }

        @Test
        void unwantedBeforeItWasSent_sendsNothing() {
            attempt.isWanted = false;
            queue.onTrial(attempt, bench.now());
            bench.assertNoAttempt();
            assertThat(queue.isIdle()).isTrue();
        }

        @Test
        void else_aMember_isBusy_andLeavesNothing() {
            Command.TryAcquire sent = attempt();
            queue.onNotTried(sent, session.epoch(), 0, Workbench.all(120, stranger), bench.now());
            assertThat(attempt.isBusy).isTrue();
            assertThat(queue.isIdle()).isTrue();
            assertThat(session.liveKeyCount()).isZero();
            bench.assertNone(Command.Release.class);
        }

        @Test
        void else_staleEpoch_triesAgain() {
            Command.TryAcquire sent = attempt();
            Command.Bump bump = bumpByAnotherLock();
            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            queue.onNotTried(sent, 130, 0, Workbench.all(131), bench.now());
            assertThat(attempt.isBusy).isFalse();
            assertThat(bench.take(Command.TryAcquire.class).epoch()).isEqualTo(130);
        }

        @Test
        void else_sessionGone_triesInANewSession() {
            queue.onNotTried(attempt(), 0, 0, Workbench.all(131), bench.now());
            SessionMachine next = bench.answerOpening();
            assertThat(bench.take(Command.TryAcquire.class).session()).isSameAs(next);
        }

        /** Perhaps an earlier attempt, delivered again after its entry was released: others may have held the lock since 118. */
        @Test
        void else_keyExists_wasDeliveredTwice_andIsOwnedAsOfNow() {
            Command.TryAcquire sent = attempt();
            Entry own = new Entry(sent.key(), 118);
            queue.onNotTried(sent, session.epoch(), 118, Workbench.all(120, own), bench.now());
            assertThat(callers.lentTo).containsExactly(attempt);
            assertThat(callers.tenure().grantRevision()).isEqualTo(120);
        }

        @Test
        void else_keyExists_butWasKnownToBeGone_isARestore() {
            Command.TryAcquire sent = attempt();
            Entry old = new Entry(sent.key(), 118);
            session.forget(old);
            queue.onNotTried(sent, session.epoch(), 118, Workbench.all(120, old), bench.now());
            assertThat(bench.lost).containsExactly(LossReason.CLUSTER_REGRESSED);
            assertThat(callers.lentTo).isEmpty();
        }

        @Test
        void else_onlyNestedKeys_enqueues_andIsOwnedIfFirst() {
            Command.Acquire sent = nestedOnly();
            queue.onAcquired(sent, 125, Workbench.all(125, new Entry(sent.key(), 125)), bench.now());
            assertThat(callers.lentTo).containsExactly(attempt);
        }

        @Test
        void else_onlyNestedKeys_butSomebodyCameFirst_isReleased_andBusy() {
            Command.Acquire sent = nestedOnly();
            Entry own = new Entry(sent.key(), 125);
            queue.onAcquired(sent, 125, Workbench.all(125, stranger, own), bench.now());
            assertThat(attempt.isBusy).isTrue();
            assertThat(bench.take(Command.Release.class).entry()).isEqualTo(own);
        }

        @Test
        void else_onlyNestedKeys_andARangeCutOff_isReleased_andBusy() {
            Command.Acquire sent = nestedOnly();
            queue.onAcquired(sent, 125, Workbench.some(125), bench.now());
            assertThat(attempt.isBusy).isTrue();
            bench.take(Command.Release.class);
        }

        /** What was taken that way is owned like any other entry, and keeps its place when it yields. */
        @Test
        void takenAmongNestedKeys_thenYielded_waitsAsOthersDo() {
            Command.Acquire sent = nestedOnly();
            queue.onAcquired(sent, 125, Workbench.all(125, new Entry(sent.key(), 125)), bench.now());
            callers.waiting = 1;
            queue.onTenureReturned(callers.tenure(), Tenure.Return.IDLE, bench.now());
            Command.Yield leave = bench.take(Command.Yield.class);
            Entry fresh = new Entry(leave.fresh(), 140);
            queue.onYielded(leave, 140, Workbench.all(140, stranger, fresh), bench.now());
            bench.assertNone(Command.Release.class);
            bench.take(Command.OpenWatch.class);
        }

        @Test
        void ambiguous_absent_triesAgain_whileItIsWanted() {
            Command.Bump bump = doubt();
            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            bench.take(Command.TryAcquire.class);
        }

        @Test
        void ambiguous_absent_andNobodyWantsIt_isTheEnd() {
            Command.Bump bump = doubt();
            attempt.isWanted = false;
            bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
            assertThat(queue.isIdle()).isTrue();
            bench.assertNoAttempt();
        }

        @Test
        void ambiguous_present_isGivenBack() {
            Command.Bump bump = doubt();
            attempt.isWanted = false;
            bump.session().onBumped(bump, 130, true, List.of(121L), bench.now());
            Command.Release release = bench.take(Command.Release.class);
            assertThat(release.entry().createRevision()).isEqualTo(121);
            queue.onReleased(release, true, bench.now());
            assertThat(queue.isIdle()).isTrue();
        }

        @Test
        void definiteError_isToldToTheOneWhoTried() {
            queue.onTryFailed(attempt(), Workbench.failure(Failure.Kind.REFUSED), bench.now());
            assertThat(attempt.refusal).isNotNull();
            assertThat(queue.isIdle()).isTrue();
        }

        @Test
        void callerWhoWaits_isEnqueued_whenTheAttemptFoundTheLockTaken() {
            Command.TryAcquire sent = attempt();
            callers.waiting = 1;
            queue.onCaller(bench.now());
            bench.assertNoAttempt();
            queue.onNotTried(sent, session.epoch(), 0, Workbench.all(120, stranger), bench.now());
            assertThat(attempt.isBusy).isTrue();
            bench.take(Command.Acquire.class);
        }

        @ParameterizedTest
        @EnumSource(names = {"ENQUEUING", "IN_DOUBT", "WAITING", "OWNED", "YIELDING"})
        void machineAtWork_isBusy_withoutEtcd(QueueMachine.Phase phase) {
            bring(phase);
            bench.discardSent();
            queue.onTrial(attempt, bench.now());
            assertThat(attempt.isBusy).isTrue();
            bench.assertNone(Command.class);
        }

        private Command.Acquire nestedOnly() {
            queue.onNotTried(attempt(), session.epoch(), 0, Workbench.all(120), bench.now());
            assertThat(attempt.isBusy).isFalse();
            return bench.take(Command.Acquire.class);
        }

        private Command.Bump doubt() {
            queue.onTryFailed(attempt(), Workbench.ambiguous(), bench.now());
            return bench.take(Command.Bump.class);
        }
    }

    // ---------------------------------------------------------------------------------------------------- session loss

    @ParameterizedTest
    @EnumSource(
            names = {"NONE", "TRYING"},
            mode = EnumSource.Mode.EXCLUDE)
    void sessionLost_whoWaitsIsEnqueuedInANewSession(QueueMachine.Phase phase) {
        bring(phase);
        callers.waiting = 1;
        bench.discardSent();
        session.lose(LossReason.DEADLINE_PASSED, "too late", bench.now());
        bench.assertNoAttempt();
        bench.assertNone(Command.Release.class);
        assertThat(callers.ended).hasSize(phase == QueueMachine.Phase.OWNED ? 1 : 0);

        SessionMachine next = bench.answerOpening();
        Command.Acquire again = bench.take(Command.Acquire.class);
        assertThat(again.session()).isSameAs(next);
        assertThat(again.key().toString()).contains(Long.toHexString(next.leaseId()));
        bench.advance(Duration.ofSeconds(2));
        bench.assertNoAttempt();
    }

    @ParameterizedTest
    @EnumSource(
            names = {"NONE", "TRYING"},
            mode = EnumSource.Mode.EXCLUDE)
    void sessionLost_withNobodyWaiting_isTheEnd(QueueMachine.Phase phase) {
        bring(phase);
        callers.waiting = 0;
        bench.discardSent();
        session.lose(LossReason.DEADLINE_PASSED, "too late", bench.now());
        bench.answerOpening();
        bench.advance(Duration.ofSeconds(2));
        bench.assertNoAttempt();
        bench.assertNone(Command.Release.class);
        assertThat(queue.isIdle()).isTrue();
    }

    @Test
    void sessionLost_answersThatComeLater_areIgnored() {
        Command.Acquire sent = acquire();
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        queue.onAcquired(sent, 110, Workbench.all(110, new Entry(sent.key(), 110)), bench.now());
        assertThat(callers.lent).isEmpty();
    }

    @Test
    void sessionLostWhileTrying_triesInANewOne() {
        callers.waiting = 0;
        Crowd.Attempt attempt = new Crowd.Attempt();
        queue.onTrial(attempt, bench.now());
        bench.take(Command.TryAcquire.class);
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        SessionMachine next = bench.answerOpening();
        assertThat(bench.take(Command.TryAcquire.class).session()).isSameAs(next);
    }

    @Test
    void sessionLostWhileReleasing_theHoldWasOverBefore() {
        bring(QueueMachine.Phase.RELEASING);
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        assertThat(callers.ended).isEmpty();
        assertThat(callers.released).hasSize(1);
    }

    @Test
    void lossOfAnotherSession_changesNothing() {
        Tenure tenure = own();
        bench.sessions.open(bench.now());
        SessionMachine other = bench.answerOpening();
        other.lose(LossReason.LEASE_GONE, "gone", bench.now());
        assertThat(callers.ended).isEmpty();
        assertThat(tenure.deadline().isPassed(bench.now())).isFalse();
    }

    // ---------------------------------------------------------------------------------------------------- ghosts

    /** Two clients, one waiting behind its own ghost: an entry of its session that no machine knows of. */
    @Test
    void entryOfOurSessionThatNobodyKnows_isRemoved_notWaitedFor() {
        Command.Acquire sent = acquire();
        Entry ghost = new Entry(queue.name().entryKey(session.leaseId(), 77), 90);
        Entry own = new Entry(sent.key(), 110);
        queue.onAcquired(sent, 110, Workbench.all(110, ghost, own), bench.now());
        Command.Release removal = bench.take(Command.Release.class);
        assertThat(removal.entry()).isEqualTo(ghost);
        assertThat(removal.queue()).isNull();

        Watch watch = bench.take(Command.OpenWatch.class).watch();
        watch.owner().onWatchCreated(watch, 110, bench.now());
        watch.owner().onWatchEvents(watch, List.of(Workbench.delete(ghost, 120)), false, bench.now());
        assertThat(callers.tenure().entry()).isEqualTo(own);
    }

    @Test
    void tryLock_thatFindsOnlyAGhost_removesIt() {
        callers.waiting = 0;
        Crowd.Attempt attempt = new Crowd.Attempt();
        queue.onTrial(attempt, bench.now());
        Command.TryAcquire sent = bench.take(Command.TryAcquire.class);
        Entry ghost = new Entry(queue.name().entryKey(session.leaseId(), 77), 90);
        queue.onNotTried(sent, session.epoch(), 0, Workbench.all(120, ghost), bench.now());
        assertThat(bench.take(Command.Release.class).entry()).isEqualTo(ghost);
    }

    @Test
    @Tag("F27")
    void strangersEntries_areNeverTouched() {
        Command.Acquire sent = acquire();
        queue.onAcquired(sent, 110, Workbench.all(110, stranger, new Entry(sent.key(), 110)), bench.now());
        bench.assertNone(Command.Release.class);
    }

    // ---------------------------------------------------------------------------------------------------- playing etcd

    private Command.Acquire acquire() {
        queue.onCaller(bench.now());
        return bench.take(Command.Acquire.class);
    }

    /** Alone in the queue. */
    private Entry acquired(Command.Acquire sent, long revision) {
        Entry own = new Entry(sent.key(), revision);
        queue.onAcquired(sent, revision, Workbench.all(revision, own), bench.now());
        return own;
    }

    private Tenure own() {
        acquired(acquire(), 110);
        return callers.tenure();
    }

    private Entry enqueueBehindStranger() {
        Command.Acquire sent = acquire();
        Entry own = new Entry(sent.key(), 110);
        queue.onAcquired(sent, 110, Workbench.all(110, stranger, own), bench.now());
        return own;
    }

    /** Brings the view, which has just opened its watch, to this base. */
    private Watch base(Snapshot snapshot) {
        Watch watch = bench.take(Command.OpenWatch.class).watch();
        watch.owner().onWatchCreated(watch, snapshot.revision(), bench.now());
        Command.ListMembers list = bench.take(Command.ListMembers.class);
        list.lister().onListed(list, snapshot, bench.now());
        return watch;
    }

    private Command.Bump bumpByAnotherLock() {
        Crowd others = new Crowd(1);
        QueueMachine other = bench.machine("another", others);
        other.onCaller(bench.now());
        Command.Acquire sent = bench.take(Command.Acquire.class);
        others.waiting = 0;
        other.onAcquireFailed(sent, Workbench.ambiguous(), bench.now());
        return bench.take(Command.Bump.class);
    }

    /** Brings the machine into that phase, with callers waiting. */
    private void bring(QueueMachine.Phase phase) {
        callers.waiting = 1;
        switch (phase) {
            case NONE, TRYING -> throw new IllegalArgumentException("not by callers who wait");
            case AWAITING_SESSION -> {
                bumpByAnotherLock();
                queue.onCaller(bench.now());
                bench.assertNoAttempt();
            }
            case ENQUEUING -> acquire();
            case IN_DOUBT -> queue.onAcquireFailed(acquire(), Workbench.ambiguous(), bench.now());
            case WAITING -> enqueueBehindStranger();
            case OWNED -> own();
            case YIELDING -> {
                queue.onTenureReturned(own(), Tenure.Return.IDLE, bench.now());
                assertThat(bench.has(Command.Yield.class)).isTrue();
            }
            case RELEASING -> {
                Tenure tenure = own();
                callers.waiting = 0;
                queue.onTenureReturned(tenure, Tenure.Return.IDLE, bench.now());
                assertThat(bench.has(Command.Release.class)).isTrue();
            }
        }
        assertThat(queue.toString()).contains(phase.name());
    }
}
