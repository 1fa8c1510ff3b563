package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.chaos.Finding.Standing;
import dev.holdfast.history.Operation;
import org.junit.jupiter.api.Test;

/** Each judge, failing once, and each excuse. */
class VerdictsTest {

    private static final String OWNER = "one owner at a time";
    private static final String BELIEVER = "one believer at a time";
    private static final String TOKENS = "tokens grow";
    private static final String FENCED = "no stale write in the fenced register";
    private static final String OPEN = "no stale write in the open register";
    private static final String SET = "the guarded set has what was acknowledged";
    private static final String ORDER = "linearizable as a fenced mutex";
    private static final String MOVES = "deadlines move only when confirmed";
    private static final String SERVED = "everybody gets his turn";
    private static final String DEADLINE = "no claim past the deadline";

    private static Finding of(String claim, RunStory story) {
        return Verdicts.judge(story.told()).findings().stream()
                .filter(finding -> finding.claim().equals(claim))
                .findFirst()
                .orElseThrow();
    }

    private static void assertBroken(String claim, RunStory story, String why) {
        assertThat(of(claim, story).standing()).isEqualTo(Standing.BROKEN);
        assertThat(of(claim, story).text()).contains(why);
        Report report = Verdicts.judge(story.told());
        assertThat(report.sum()).isEqualTo(Report.Sum.BAD);
        assertThat(report.text()).contains(why).endsWith("BAD\n");
    }

    private static void assertCounted(String claim, RunStory story, String excuse) {
        Finding finding = of(claim, story);
        assertThat(finding.standing()).isEqualTo(Standing.COUNTED);
        assertThat(finding.text()).contains(excuse);
        assertThat(Verdicts.judge(story.told()).count(Standing.BROKEN)).isZero();
    }

    private static void assertKept(String claim, RunStory story) {
        assertThat(of(claim, story).text()).startsWith("kept");
    }

    @Test
    void aGoodRun_isGood_andEverythingWasKept() {
        Report report = Verdicts.judge(RunStory.good().told());

        assertThat(report.sum()).isEqualTo(Report.Sum.GOOD);
        assertThat(report.findings())
                .allSatisfy(finding -> assertThat(finding.standing()).isEqualTo(Standing.KEPT));
        assertThat(report.text())
                .contains("2 holds, 2 of them found in etcd's record")
                .endsWith("GOOD\n");
        assertThat(report.numbers())
                .containsEntry("holds", "2: java 2")
                .containsEntry("stale writes in the open register", "0 of 2, 0.00 %");
    }

    @Test
    void anOrderThatIsNotFoundInTime_isUndecided_andSoIsTheRun() {
        Report report = Verdicts.judge(RunStory.good().told(), 1);

        assertThat(report.sum()).isEqualTo(Report.Sum.UNDECIDED);
        assertThat(report.text())
                .contains("undecided linearizable as a fenced mutex: gave up after")
                .endsWith("UNDECIDED\n");
    }

    @Test
    void whatIsBroken_weighsMoreThanWhatIsUndecided() {
        assertThat(Verdicts.judge(RunStory.good().left("go1", 20).told(), 1).sum())
                .isEqualTo(Report.Sum.BAD);
    }

    // ---------------------------------------------------------------------------------------------- S1 and S2

    @Test
    void twoOwners_areNeverExcused() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 14, 100, 200)
                .hold("java2/0", 11, 12, 15, 210, 300)
                .fault("entry-deleted", "orders", 0, 1, "key=" + RunStory.key("java1/0", 10))
                .on("3.4.23");

        assertBroken(OWNER, story, "two entries owned orders at revision 12");
    }

    @Test
    void aGrantWithoutAnEntry_breaksTheOrder() {
        RunStory story = RunStory.good()
                .note(new Operation.Granted(
                        400_000_000, "java3/0", RunStory.LOCK, RunStory.token(20), "chaos/orders/x"))
                .note(new Operation.Released(410_000_000, "java3/0", RunStory.LOCK, RunStory.token(20)));

        assertBroken("first come, first served", story, "where etcd has no entry of it");
    }

    @Test
    void aTokenThatShrinks_isBroken_unlessItsOwnerWasOvertakenWhileStopped() {
        RunStory shrinks = new RunStory()
                .hold("java2/0", 11, 12, 15, 100, 200)
                .entry("java1/0", 10, 12, 99)
                .note(new Operation.Requested(300_000_000, "java1/0", RunStory.LOCK))
                .note(new Operation.Granted(
                        400_000_000, "java1/0", RunStory.LOCK, RunStory.token(10), RunStory.key("java1/0", 10)))
                .note(new Operation.Released(410_000_000, "java1/0", RunStory.LOCK, RunStory.token(10)));
        RunStory overtaken = overtaken(50).leaseEnded("java1/0", 12, 130);

        assertBroken(TOKENS, shrinks, "did not grow from java2/0's 0.12.0 to java1/0's 0.10.0");
        assertCounted(TOKENS, overtaken, "overtaken when its entry was gone");
    }

    /** java1 is granted the lock first, and notes it last. */
    private static RunStory overtaken(long askedMillis) {
        return new RunStory()
                .hold("java2/0", 11, 12, 15, 100, 200)
                .entry("java1/0", 10, 12, 99)
                .note(new Operation.Requested(askedMillis * 1_000_000, "java1/0", RunStory.LOCK))
                .note(new Operation.Granted(
                        400_000_000, "java1/0", RunStory.LOCK, RunStory.token(10), RunStory.key("java1/0", 10)))
                .note(new Operation.Lost(400_000_001, "java1/0", RunStory.LOCK, RunStory.token(10)));
    }

    @Test
    void nobodyIsOvertaken_whoseEntryWasNotTaken_orStillThere_orWhoAskedLater() {
        RunStory released = overtaken(50).leaseEnded("java1/0", 14, 150);
        RunStory askedLater = overtaken(300).leaseEnded("java1/0", 12, 130);
        RunStory stillThere = new RunStory()
                .hold("java2/0", 11, 12, 15, 100, 200)
                .entry("java1/0", 10, 13, 99)
                .leaseEnded("java1/0", 13, 130)
                .note(new Operation.Requested(50_000_000, "java1/0", RunStory.LOCK))
                .note(new Operation.Granted(
                        400_000_000, "java1/0", RunStory.LOCK, RunStory.token(10), RunStory.key("java1/0", 10)))
                .note(new Operation.Lost(400_000_001, "java1/0", RunStory.LOCK, RunStory.token(10)));

        assertBroken(TOKENS, released, "did not grow");
        assertBroken(TOKENS, askedLater, "did not grow");
        assertBroken(TOKENS, stillThere, "did not grow");
    }

    @Test
    void anOperatorWhoDeletesTheEntry_letsItsOwnerBeOvertaken() {
        assertCounted(
                TOKENS,
                overtaken(50)
                        .fault("entry-deleted", "cluster", 60, 61, "key=" + RunStory.key("java1/0", 10) + " create=10"),
                "overtaken");
    }

    @Test
    void whatNoOrderExplains_isBroken() {
        RunStory story = RunStory.overlapping("java1/0", "java2/0");

        assertBroken(ORDER, story, "no order explains");
    }

    @Test
    void aHoldThatHadEndedUnnoticed_mayBeEnteredAgain_andNoOther() {
        RunStory entered = overtaken(50)
                .note(new Operation.Reentered(400_000_001, "java1/0", RunStory.LOCK, RunStory.token(10), 2));

        assertBroken(ORDER, entered.leaseEnded("java1/0", 12, 130), "enters again with 0.10.0");
        assertKept(ORDER, entered.on("3.4.23"));
    }

    // ---------------------------------------------------------------------------------------------- S3

    @Test
    void twoBelievers_areBroken_whereS3IsPromised() {
        assertBroken(BELIEVER, RunStory.overlapping("java1/0", "java2/0"), "held orders at the same time");
        assertBroken(BELIEVER, RunStory.overlapping("java1/0", "go1"), "held orders at the same time");
        assertBroken(BELIEVER, RunStory.overlapping("java1/0", "java2/0").on("3.4.31"), "at the same time");
        assertBroken(BELIEVER, RunStory.overlapping("java1/0", "java2/0").on("3.5.13"), "at the same time");
    }

    @Test
    void twoBelievers_areCounted_whereTheServerMayEndLeasesEarly_andDid() {
        for (String release : new String[] {"3.4.23", "3.5.12", "3.6.16,3.4.30"}) {
            RunStory ended =
                    RunStory.overlapping("java1/0", "java2/0").on(release).leaseEnded("java1/0", 12, 140);
            RunStory endedLater =
                    RunStory.overlapping("java1/0", "java2/0").on(release).leaseEnded("java1/0", 20, 900);

            assertCounted(BELIEVER, ended, "may end a lease early, and ended that of java1/0");
            assertBroken(BELIEVER, endedLater, "at the same time");
            assertBroken(BELIEVER, RunStory.overlapping("java1/0", "java2/0").on(release), "at the same time");
        }
    }

    @Test
    void aBelieverInGo_isNobodysBreach() {
        assertCounted(BELIEVER, RunStory.overlapping("go1", "java2/0"), "go1 is no client of Holdfast");
        assertCounted(BELIEVER, RunStory.overlapping("etcdctl1", "java2/0"), "etcdctl1 is no client of Holdfast");
    }

    private static RunStory withOperator(String kind, long fromMillis, long untilMillis, String detail) {
        return RunStory.overlapping("java1/0", "java2/0").fault(kind, "cluster", fromMillis, untilMillis, detail);
    }

    @Test
    void anOperatorExcusesTheHoldThatHeTookAway_andNoOther() {
        String entry = "key=" + RunStory.key("java1/0", 10) + " create=10";
        String lease = "lease=" + RunStory.lease("java1/0");

        assertCounted(BELIEVER, withOperator("entry-deleted", 120, 121, entry), "entry-deleted of cluster, " + entry);
        assertCounted(BELIEVER, withOperator("lease-revoked", 120, 121, lease), "lease-revoked of cluster, " + lease);
        assertBroken(BELIEVER, withOperator("lease-revoked", 120, 121, lease + "0"), "at the same time");
        assertBroken(
                BELIEVER,
                withOperator("entry-deleted", 120, 121, "key=" + RunStory.key("java2/0", 11) + " create=11"),
                "at the same time");
        assertBroken(
                BELIEVER,
                withOperator("entry-deleted", 120, 121, "key=" + RunStory.key("java1/0", 10) + " create=9"),
                "at the same time");
    }

    @Test
    void anOperatorExcusesNothingBeforeHeDidIt_norWhenItMustHaveBeenNoticed() {
        String lease = "lease=" + RunStory.lease("java1/0");
        RunStory late = new RunStory()
                .hold("java1/0", 10, 10, 12, 100, 12_000)
                .claim("java1/0", 10, 11_990, 13_000)
                .hold("java2/0", 11, 12, 15, 150, 11_500)
                .claim("java2/0", 12, 11_400, 13_000)
                .fault("lease-revoked", "cluster", 120, 121, lease);

        assertBroken(BELIEVER, withOperator("lease-revoked", 160, 161, lease), "at the same time");
        assertBroken(BELIEVER, late, "at the same time");
        assertThat(Verdicts.judge(late.told()).text()).contains("may be believed in for 10 s more");
    }

    @Test
    void aWallClockThatRunsWrong_excusesNobody() {
        assertBroken(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0").fault("clock-rate", "java1", 0, 150, "x0.5, and back"),
                "at the same time");
    }

    @Test
    void aBeliefEndsAtItsDeadline_thoughItsClientWasStopped() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 12, 100, 200)
                .claim("java1/0", 10, 110, 140)
                .note(new Operation.Lost(201_000_000, "java1/0", RunStory.LOCK, RunStory.token(10)))
                .hold("java2/0", 11, 12, 15, 150, 250);

        assertKept(BELIEVER, story);
    }

    @Test
    void aClaimPastTheOwnDeadline_isNeverExcused() {
        assertBroken(DEADLINE, RunStory.good().claim("java1/0", 10, 150, 149).on("3.4.23"), "past its own deadline");
    }

    @Test
    void aClaimAfterTheServerEndedTheLease_isExcusedWhereItMayEndEarly_orWasRevoked() {
        RunStory sound = RunStory.good().claim("java1/0", 10, 150, 900).leaseEnded("java1/0", 12, 140);
        RunStory early = RunStory.good()
                .claim("java1/0", 10, 150, 900)
                .leaseEnded("java1/0", 12, 140)
                .on("3.4.23");
        RunStory revoked = RunStory.good()
                .claim("java1/0", 10, 150, 900)
                .leaseEnded("java1/0", 12, 140)
                .fault("lease-revoked", "cluster", 138, 139, "lease=" + RunStory.lease("java1/0"));
        RunStory deleted = RunStory.good()
                .claim("java1/0", 10, 150, 900)
                .leaseEnded("java1/0", 12, 140)
                .fault("entry-deleted", "cluster", 138, 139, "key=" + RunStory.key("java1/0", 10) + " create=10");

        assertBroken(DEADLINE, sound, "after the server had ended lease");
        assertCounted(DEADLINE, early, "may end a lease early");
        assertCounted(DEADLINE, revoked, "lease-revoked of cluster");
        assertBroken(DEADLINE, deleted, "after the server had ended lease");
    }

    @Test
    void aDeadlineThatMovedUnconfirmed_isBroken_andNoneAtAllIsUndecided() {
        RunStory unconfirmed = RunStory.good()
                .note(new Operation.KeptAlive(2_010_000_000, "java1", "lease", 2_000_000_000, 4_000, 2))
                .note(new Operation.DeadlineMoved(2_020_000_000, "java1", "lease", 5_500_000_000L));

        assertBroken(MOVES, unconfirmed, "by a keep-alive that nothing confirmed");
        assertThat(of(MOVES, RunStory.overlapping("java1/0", "java2/0")).standing())
                .isEqualTo(Standing.UNDECIDED);
    }

    // ---------------------------------------------------------------------------------------------- resources

    @Test
    void aStaleWriteInTheFencedRegister_isBroken() {
        RunStory story = RunStory.good().write(Registers.Kind.FENCED, 295, "java1/0", 10, 2);

        assertBroken(FENCED, story, "java1/0 wrote 3 of orders with token 0.10.0 after java2/0 wrote 2");
    }

    @Test
    void aLostUpdateInTheFencedRegister_isBroken() {
        RunStory story = RunStory.good().write(Registers.Kind.FENCED, 295, "java2/0", 12, 1);

        assertBroken(FENCED, story, "an update was lost");
    }

    @Test
    void aTokenInTheFencedRegisterThatNobodyWasGranted_isBroken() {
        RunStory story = RunStory.good().write(Registers.Kind.FENCED, 295, "java2/0", 13, 2);

        assertBroken(FENCED, story, "which was never granted to it");
    }

    @Test
    void aStaleReadThatTheFencedRegisterAnswered_isBroken() {
        assertBroken(
                FENCED, RunStory.good().read(295, 10, 2, true), "somebody read 2 of orders with token 0.10.0 after");
    }

    @Test
    void aWriteSmallerThanAReadBefore_isBroken() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 12, 100, 200)
                .hold("java2/0", 11, 12, 15, 210, 300)
                .read(215, 12, 0, true)
                .write(Registers.Kind.FENCED, 220, "java1/0", 10, 0);

        assertBroken(FENCED, story, "java1/0 wrote 1 of orders with token 0.10.0 after somebody read 0");
    }

    @Test
    void whoIsRefused_mustHaveBeenOvertaken() {
        RunStory overtaken = RunStory.good().refused(295, "java1/0", 10, 1).read(296, 10, 1, false);
        RunStory newest = RunStory.good().refused(295, "java2/0", 12, 2);
        RunStory owner = new RunStory()
                .hold("java1/0", 10, 10, 14, 100, 200)
                .hold("java2/0", 11, 12, 15, 150, 300)
                .read(160, 12, 0, true)
                .refused(190, "java1/0", 10, 0);

        assertKept(FENCED, overtaken);
        assertThat(of(FENCED, overtaken).evidence()).isEqualTo("0 reads and 2 writes, 1 and 1 refused");
        assertBroken(FENCED, newest, "was refused though nothing greater had been seen");
        assertBroken(FENCED, owner, "was refused though it owned the lock at revision 12");
    }

    @Test
    void staleWritesInTheOpenRegister_areCounted() {
        RunStory afterTheNext = RunStory.good().write(Registers.Kind.OPEN, 295, "java1/0", 10, 2);
        RunStory afterTheEnd = RunStory.good().write(Registers.Kind.OPEN, 301, "java2/0", 12, 2);
        RunStory overAnUnreadNumber = RunStory.good().write(Registers.Kind.OPEN, 295, "java2/0", 12, 1);

        assertCounted(OPEN, afterTheNext, "after the holder of 0.12.0 had");
        assertCounted(OPEN, afterTheEnd, "when its entry was gone");
        assertCounted(OPEN, overAnUnreadNumber, "over a number that it had not read");
        assertThat(Verdicts.judge(afterTheNext.told()).numbers())
                .containsEntry("stale writes in the open register", "1 of 3, 33.33 %");
    }

    @Test
    void anAcknowledgedElementThatIsMissing_isBroken() {
        RunStory story = RunStory.good().addition("java1/0", 10, "c", Aside.Outcome.ACKNOWLEDGED, 11);

        assertBroken(SET, story, "c was acknowledged, and is not in the set");
    }

    @Test
    void anElementAtAnotherRevisionThanWasTold_isBroken() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 14, 100, 200)
                .addition("java1/0", 10, "c", Aside.Outcome.ACKNOWLEDGED, 11)
                .element("c", 10, 12);

        assertBroken(SET, story, "c was acknowledged at revision 11, and added at 12");
    }

    @Test
    void aRefusedElementThatIsThere_isBroken() {
        assertBroken(SET, RunStory.good().element("b", 12, 13), "b was refused, and is in the set");
    }

    @Test
    void anElementAddedAfterItsEntryWasDeleted_isBroken() {
        RunStory story = RunStory.good()
                .addition("java1/0", 10, "c", Aside.Outcome.INDETERMINATE, 0)
                .element("c", 10, 13);

        assertBroken(SET, story, "c was added at revision 13, when its entry did not exist");
    }

    @Test
    void anElementOfUnknownFate_mayBeThereOrNot() {
        RunStory there = RunStory.good()
                .addition("java2/0", 12, "c", Aside.Outcome.INDETERMINATE, 0)
                .element("c", 12, 13);
        RunStory notThere = RunStory.good().addition("java2/0", 12, "c", Aside.Outcome.INDETERMINATE, 0);

        assertThat(of(SET, there).standing()).isEqualTo(Standing.KEPT);
        assertThat(of(SET, notThere).standing()).isEqualTo(Standing.KEPT);
        assertThat(of(SET, there).evidence()).contains("1 acknowledged, 1 refused, 1 of unknown fate");
    }

    @Test
    void anElementThatNobodyAdded_orThatWasAddedTwice_isBroken() {
        assertBroken(SET, RunStory.good().element("z", 12, 13), "z is in the set, and nobody added it");
        assertBroken(SET, RunStory.good().rewritten("a"), "a was added twice");
    }

    @Test
    void anElementThatWasTakenOut_isBroken() {
        assertBroken(SET, RunStory.good().removed("a"), "a was taken out of the set");
    }

    @Test
    void anElementWithATokenThatIsNotItsWriters_isBroken() {
        RunStory another = RunStory.good()
                .addition("java2/0", 12, "c", Aside.Outcome.ACKNOWLEDGED, 13)
                .element("c", 11, 13);
        RunStory notGranted = RunStory.good()
                .addition("java2/0", 13, "c", Aside.Outcome.ACKNOWLEDGED, 14)
                .element("c", 13, 14);

        assertBroken(SET, another, "c has the token 0.11.0, and was added with 0.12.0");
        assertBroken(SET, notGranted, "c was added with token 0.13.0, which was never granted to java2/0");
    }

    @Test
    void anElementWithASmallerTokenThanTheOneBefore_isBroken() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 16, 100, 200)
                .hold("java2/0", 11, 12, 15, 150, 250)
                .addition("java2/0", 12, "c", Aside.Outcome.ACKNOWLEDGED, 13)
                .element("c", 12, 13)
                .addition("java1/0", 10, "d", Aside.Outcome.ACKNOWLEDGED, 14)
                .element("d", 10, 14);

        assertBroken(SET, story, "d was added with token 0.10.0 after c with 0.12.0");
    }

    // ---------------------------------------------------------------------------------------------- the rest

    @Test
    void aWaiterWhoIsNeverGranted_isBroken() {
        RunStory story = RunStory.good()
                .note(new Operation.Requested(100_000_000, "java1/1", RunStory.LOCK))
                .fault("partition", "m1", 150, 400, "");

        assertBroken(SERVED, story, "java1/1 waited");
    }

    @Test
    void theKillOfWhoeverHungAtTheEnd_excusesNobody() {
        long killedNanos = (RunStory.WATCHED_MILLIS + 5) * 1_000_000;
        RunStory hung = RunStory.good()
                .note(new Operation.Requested(100_000_000, "java1/1", RunStory.LOCK))
                .note(new Operation.Killed(killedNanos, "java1/1"));
        RunStory anotherHung = RunStory.good()
                .note(new Operation.Requested(100_000_000, "java1/1", RunStory.LOCK))
                .note(new Operation.Killed(killedNanos, "java2/1"));
        RunStory killedWhileWatched = RunStory.good()
                .note(new Operation.Requested(100_000_000, "java1/1", RunStory.LOCK))
                .note(new Operation.Killed(120_000_000, "java1/1"))
                .note(new Operation.Requested(500_000_000, "java1~2/1", RunStory.LOCK))
                .note(new Operation.GaveUp(510_000_000, "java1~2/1", RunStory.LOCK));

        assertBroken(SERVED, hung, "java1/1 waited");
        assertBroken(SERVED, anotherHung, "java1/1 waited");
        assertKept(SERVED, killedWhileWatched);
    }

    @Test
    void whoIsServedTooLateInTheCalm_isBroken_andInTimeIsNot() {
        RunStory late = RunStory.good()
                .fault("partition", "m1", 150, 1_000, "")
                .entry("java1/1", 16, 17, 32_000)
                .note(new Operation.Requested(200_000_000, "java1/1", RunStory.LOCK))
                .note(new Operation.GaveUp(31_100_000_000L, "java1/1", RunStory.LOCK));
        RunStory inTime = RunStory.good()
                .fault("partition", "m1", 150, 1_000, "")
                .note(new Operation.Requested(2_000_000_000, "java1/1", RunStory.LOCK))
                .note(new Operation.GaveUp(30_900_000_000L, "java1/1", RunStory.LOCK));

        assertBroken(SERVED, late, "waited 30.100 s");
        assertKept(SERVED, inTime);
        assertThat(of(SERVED, inTime).evidence()).contains("1 asked after the last fault");
    }

    @Test
    void aRunInWhichNobodyAskedInTheCalm_showsNothing() {
        RunStory story = RunStory.good().fault("partition", "m1", 150, 99_000, "");

        assertThat(of(SERVED, story).standing()).isEqualTo(Standing.UNDECIDED);
    }

    @Test
    void anEntryThatIsLeft_isBroken_whoeverWroteIt() {
        assertBroken("nothing is left behind", RunStory.good().left("go1", 20), "was left at the end");
    }

    @Test
    void aClientWithAProblem_isBroken() {
        assertBroken("clients behave", RunStory.good().problem("java1 ended by itself"), "java1 ended by itself");
    }

    @Test
    void aRunWithoutAHold_isBroken() {
        assertBroken("clients behave", new RunStory(), "nothing was shown");
    }

    @Test
    void onLost_isMeasuredFromTheDeadline_orFromTheEndOfAStop() {
        RunStory told = RunStory.good()
                .aside(new Aside.LossHeard(
                        205_000_000, "java1/0", RunStory.LOCK, RunStory.token(10), "DEADLINE_PASSED", 200_000_000))
                .aside(new Aside.LossHeard(
                        900_000_000, "java2/0", RunStory.LOCK, RunStory.token(12), "DEADLINE_PASSED", 300_000_000))
                .fault("stop-client", "java2", 250, 898, "");

        assertThat(Verdicts.judge(told.told()).numbers())
                .containsEntry(
                        "onLost after the deadline, or after the client could go on",
                        "p50 5.0 ms, p99 5.0 ms, max 5.0 ms, of 2")
                .containsEntry("losses told", "DEADLINE_PASSED 2");
    }
}
