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
        assertThat(report.isGood()).isFalse();
        assertThat(report.text()).contains(why).endsWith("BAD\n");
    }

    private static void assertCounted(String claim, RunStory story, String excuse) {
        Finding finding = of(claim, story);
        assertThat(finding.standing()).isEqualTo(Standing.COUNTED);
        assertThat(finding.text()).contains(excuse);
        assertThat(Verdicts.judge(story.told()).isGood()).isTrue();
    }

    @Test
    void aGoodRun_isGood_andEverythingWasKept() {
        Report report = Verdicts.judge(RunStory.good().told());

        assertThat(report.isGood()).isTrue();
        assertThat(report.findings())
                .allSatisfy(finding -> assertThat(finding.standing()).isEqualTo(Standing.KEPT));
        assertThat(report.text())
                .contains("2 holds, 2 of them found in etcd's record")
                .endsWith("GOOD\n");
        assertThat(report.numbers())
                .containsEntry("holds", "2: java 2")
                .containsEntry("stale writes in the open register", "0 of 2, 0.00 %");
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
        RunStory overtaken = new RunStory()
                .hold("java2/0", 11, 12, 15, 100, 200)
                .entry("java1/0", 10, 12, 99)
                .note(new Operation.Requested(50_000_000, "java1/0", RunStory.LOCK))
                .note(new Operation.Granted(
                        400_000_000, "java1/0", RunStory.LOCK, RunStory.token(10), RunStory.key("java1/0", 10)))
                .note(new Operation.Lost(400_000_001, "java1/0", RunStory.LOCK, RunStory.token(10)));

        assertBroken(TOKENS, shrinks, "did not grow from java2/0's 0.12.0 to java1/0's 0.10.0");
        assertCounted(TOKENS, overtaken, "overtaken");
    }

    @Test
    void whatNoOrderExplains_isBroken() {
        RunStory story = RunStory.overlapping("java1/0", "java2/0");

        assertBroken("linearizable as a fenced mutex", story, "no order explains");
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
    void twoBelievers_areCounted_whereTheServerMayEndLeasesEarly() {
        assertCounted(BELIEVER, RunStory.overlapping("java1/0", "java2/0").on("3.4.23"), "may end a lease early");
        assertCounted(BELIEVER, RunStory.overlapping("java1/0", "java2/0").on("3.5.12"), "may end a lease early");
        assertCounted(
                BELIEVER, RunStory.overlapping("java1/0", "java2/0").on("3.6.16,3.4.30"), "may end a lease early");
    }

    @Test
    void aBelieverInGo_isNobodysBreach() {
        assertCounted(BELIEVER, RunStory.overlapping("go1", "java2/0"), "go1 is no client of Holdfast");
        assertCounted(BELIEVER, RunStory.overlapping("etcdctl1", "java2/0"), "etcdctl1 is no client of Holdfast");
    }

    @Test
    void anOperatorExcusesTheHoldThatHeTookAway_andNoOther() {
        String key = RunStory.key("java1/0", 10);
        String lease = JavaWorker.lease(key);

        assertCounted(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0")
                        .fault("entry-deleted", "orders", 120, 121, "key=" + key + " create=10"),
                "entry-deleted of orders");
        assertCounted(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0").fault("lease-revoked", "java1", 120, 121, "lease=" + lease),
                "lease-revoked of java1");
        assertBroken(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0")
                        .fault("entry-deleted", "orders", 120, 121, "key=" + RunStory.key("java2/0", 11))
                        .fault("lease-revoked", "java2", 120, 121, "lease=" + lease + "0"),
                "at the same time");
    }

    @Test
    void aClockExcusesItsOwnClient_whileItRunsWrong() {
        assertCounted(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0").fault("clock-rate", "java1", 0, 150, ""),
                "clock-rate of java1");
        assertBroken(
                BELIEVER,
                RunStory.overlapping("java1/0", "java2/0")
                        .fault("clock-rate", "java1", 0, 50, "")
                        .fault("clock-rate", "java2", 0, 150, ""),
                "at the same time");
    }

    @Test
    void aBeliefEndsAtItsDeadline_thoughItsClientWasStopped() {
        RunStory story = new RunStory()
                .hold("java1/0", 10, 10, 12, 100, 200)
                .claim("java1/0", 10, 110, 140)
                .note(new Operation.Lost(201_000_000, "java1/0", RunStory.LOCK, RunStory.token(10)))
                .hold("java2/0", 11, 12, 15, 150, 250);

        assertThat(of(BELIEVER, story).standing()).isEqualTo(Standing.KEPT);
        assertThat(Verdicts.judge(story.told()).isGood()).isTrue();
    }

    @Test
    void aClaimPastTheOwnDeadline_isNeverExcused() {
        assertBroken(DEADLINE, RunStory.good().claim("java1/0", 10, 150, 149).on("3.4.23"), "past its own deadline");
    }

    @Test
    void aClaimAfterTheServerEndedTheLease_isExcusedLikeS3() {
        RunStory sound = RunStory.good().claim("java1/0", 10, 150, 900).leaseEnded("java1/0", 140);
        RunStory early = RunStory.good()
                .claim("java1/0", 10, 150, 900)
                .leaseEnded("java1/0", 140)
                .on("3.4.23");

        assertBroken(DEADLINE, sound, "after the server had ended lease");
        assertCounted(DEADLINE, early, "may end a lease early");
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
                .element("c", 12);

        assertBroken(SET, story, "c was acknowledged at revision 11, and added at 12");
    }

    @Test
    void aRefusedElementThatIsThere_isBroken() {
        assertBroken(SET, RunStory.good().element("b", 13), "b was refused, and is in the set");
    }

    @Test
    void anElementAddedAfterItsEntryWasDeleted_isBroken() {
        RunStory story = RunStory.good()
                .addition("java1/0", 10, "c", Aside.Outcome.INDETERMINATE, 0)
                .element("c", 13);

        assertBroken(SET, story, "c was added at revision 13, when its entry did not exist");
    }

    @Test
    void anElementOfUnknownFate_mayBeThereOrNot() {
        RunStory there = RunStory.good()
                .addition("java2/0", 12, "c", Aside.Outcome.INDETERMINATE, 0)
                .element("c", 13);
        RunStory notThere = RunStory.good().addition("java2/0", 12, "c", Aside.Outcome.INDETERMINATE, 0);

        assertThat(of(SET, there).standing()).isEqualTo(Standing.KEPT);
        assertThat(of(SET, notThere).standing()).isEqualTo(Standing.KEPT);
        assertThat(of(SET, there).evidence()).contains("1 acknowledged, 1 refused, 1 of unknown fate");
    }

    @Test
    void anElementThatNobodyAdded_orThatWasAddedTwice_isBroken() {
        assertBroken(SET, RunStory.good().element("z", 13), "z is in the set, and nobody added it");
        assertBroken(SET, RunStory.good().rewritten("a"), "a was added twice");
    }

    // ---------------------------------------------------------------------------------------------- the rest

    @Test
    void aWaiterWhoIsNeverGranted_isBroken() {
        RunStory story = RunStory.good()
                .note(new Operation.Requested(100_000_000, "java1/1", RunStory.LOCK))
                .fault("partition", "m1", 150, 400, "");

        assertBroken("everybody gets his turn", story, "java1/1 waited");
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
