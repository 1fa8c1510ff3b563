package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.holdfast.CommitResult;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The callers of one process who share an entry: who gets it when, and what becomes of the others. */
final class LocalQueueTest {

    private static final String OTHER_CLIENT = "orders/7fff000000000001.0";

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bugs::add);
    private final DistributedLock lock = client.lock("orders", LockOptions.defaults());

    LocalQueueTest() {
        client.start();
        loop.run();
    }

    @AfterEach
    void noInvariantWasBroken() {
        assertThat(bugs).isEmpty();
    }

    private Ticket enqueue() {
        return enqueue(LockOptions.defaults());
    }

    private Ticket enqueue(LockOptions options) {
        Ticket ticket = client.lock("orders", options).enqueue();
        loop.run();
        return ticket;
    }

    private static boolean isGranted(Ticket ticket) {
        return ticket.grant().isDone() && !ticket.grant().isCompletedExceptionally();
    }

    private static Hold holdOf(Ticket ticket) {
        assertThat(isGranted(ticket)).isTrue();
        return ticket.grant().join();
    }

    private static void assertRefused(Ticket ticket) {
        assertThat(ticket.grant()).isCompletedExceptionally();
        assertThatExceptionOfType(java.util.concurrent.CompletionException.class)
                .isThrownBy(ticket.grant()::join)
                .withCauseInstanceOf(LockException.Refused.class);
    }

    private static List<Loss> lossesOf(Hold hold) {
        List<Loss> losses = new ArrayList<>();
        hold.onLost(losses::add);
        return losses;
    }

    // ---------------------------------------------------------------------------------------------------- trials

    @Test
    void trialThatIsAnswered_leavesNoTimer() {
        enqueue();
        int before = loop.timers();
        CompletableFuture<Optional<Hold>> taken = Threadless.tryAcquire(lock);
        loop.run();
        assertThat(taken).isCompletedWithValue(Optional.empty());
        assertThat(loop.timers()).isEqualTo(before);
    }

    @Test
    void trialThatIsCancelled_andGrantedAllTheSame_holdsNothing() {
        etcd.withholdsAnswers = true;
        CompletableFuture<Optional<Hold>> taken = Threadless.tryAcquire(lock);
        loop.run();
        assertThat(etcd.keys("orders/")).as("its answer is on the way").hasSize(1);
        taken.cancel(false);
        etcd.letGo();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
        assertThat(isGranted(enqueue())).isTrue();
    }

    /** Its turn came, but nobody has told the future yet. */
    @Test
    void trialThatIsCancelled_betweenItsTurnAndTheNews_holdsNothing() {
        Deque<Runnable> completions = new ArrayDeque<>();
        LockClient slow = new LockClient(
                ClientSettings.of(10, 2_000_000_000L, ""),
                loop,
                etcd,
                completions::add,
                Runnable::run,
                () -> {},
                bugs::add);
        slow.start();
        loop.run();
        CompletableFuture<Optional<Hold>> taken = Threadless.tryAcquire(slow.lock("orders", LockOptions.defaults()));
        loop.run();
        assertThat(completions).hasSize(1);
        taken.cancel(false);
        completions.remove().run();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    // ---------------------------------------------------------------------------------------------------- hand-over

    @Test
    void handOver_isInOrder_andWithoutEtcd() {
        List<Ticket> tickets = List.of(enqueue(), enqueue(), enqueue());
        int sent = etcd.transactions.size();
        List<Hold> holds = new ArrayList<>();
        for (Ticket ticket : tickets) {
            Hold hold = holdOf(ticket);
            holds.add(hold);
            assertThat(tickets.stream().filter(LocalQueueTest::isGranted)).hasSize(holds.size());
            if (holds.size() < 3) {
                hold.close();
            }
        }
        loop.run();
        assertThat(etcd.transactions).hasSize(sent);
        assertThat(holds).extracting(hold -> hold.token().sequence()).containsExactly(0, 1, 2);
        assertThat(holds)
                .extracting(hold -> hold.token().grantRevision())
                .containsOnly(holds.get(0).token().grantRevision());
    }

    @Test
    void lastOneOut_releasesTheEntry() {
        Hold hold = holdOf(enqueue());
        assertThat(etcd.keys("orders/")).containsExactly(hold.key());
        hold.close();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
        assertThat(hold.state()).isEqualTo(Hold.State.RELEASED);
    }

    @Test
    void closingTwice_releasesOnce() {
        Hold hold = holdOf(enqueue());
        Ticket second = enqueue();
        Ticket third = enqueue();
        hold.close();
        hold.close();
        assertThat(isGranted(second)).isTrue();
        assertThat(isGranted(third)).isFalse();
    }

    @Test
    void localPosition_countsWhoIsBefore() {
        enqueue();
        Ticket second = enqueue();
        Ticket third = enqueue();
        assertThat(second.localPosition()).isZero();
        assertThat(third.localPosition()).isEqualTo(1);
    }

    // ---------------------------------------------------------------------------------------------------- budget

    @Test
    void budgetOver_whileAnotherClientWaits_goesToTheEndOfTheQueue() {
        LockOptions two = LockOptions.defaults().withHandOverBudget(2);
        List<Ticket> tickets = List.of(enqueue(two), enqueue(two), enqueue(two), enqueue(two));
        etcd.put(OTHER_CLIENT);
        Hold first = holdOf(tickets.get(0));
        first.close();
        Hold second = holdOf(tickets.get(1));
        second.close();
        loop.run();
        assertThat(isGranted(tickets.get(2))).isFalse();

        etcd.delete(OTHER_CLIENT);
        loop.run();
        Hold third = holdOf(tickets.get(2));
        assertThat(third.token()).isGreaterThan(second.token());
        assertThat(third.token().grantRevision()).isGreaterThan(second.token().grantRevision());
        assertThat(third.key()).isNotEqualTo(second.key());
    }

    @Test
    void budgetOver_withNobodyElseInTheQueue_beginsAnew() {
        LockOptions one = LockOptions.defaults().withHandOverBudget(1);
        List<Ticket> tickets = List.of(enqueue(one), enqueue(one), enqueue(one));
        Hold first = holdOf(tickets.get(0));
        first.close();
        loop.run();
        Hold second = holdOf(tickets.get(1));
        assertThat(second.token().grantRevision()).isEqualTo(first.token().grantRevision());
        second.close();
        loop.run();
        assertThat(holdOf(tickets.get(2)).token()).isGreaterThan(second.token());
    }

    @Test
    void strictOrder_givesEachCallerAnEntryOfItsOwn() {
        LockOptions strict = LockOptions.defaults().strictFifo();
        Ticket first = enqueue(strict);
        Ticket second = enqueue(strict);
        assertThat(etcd.keys("orders/")).hasSize(2);
        Hold held = holdOf(first);
        assertThat(isGranted(second)).isFalse();
        held.close();
        loop.run();
        assertThat(holdOf(second).token().revision()).isGreaterThan(held.token().revision());
    }

    // ---------------------------------------------------------------------------------------------------- leaving

    @Test
    @Tag("F17")
    void cancelled_isPassedOver() {
        Hold first = holdOf(enqueue());
        Ticket second = enqueue();
        Ticket third = enqueue();
        assertThat(second.cancel()).isTrue();
        assertThat(second.cancel()).isFalse();
        first.close();
        assertThat(isGranted(second)).isFalse();
        assertThat(isGranted(third)).isTrue();
    }

    @Test
    void cancelAfterTheGrant_changesNothing() {
        Ticket ticket = enqueue();
        assertThat(ticket.cancel()).isFalse();
        assertThat(holdOf(ticket).state()).isEqualTo(Hold.State.HELD);
    }

    @Test
    @Tag("F17")
    void allLeftWhileTheAcquireWasUnderWay_leavesNothingBehind() {
        etcd.withholdsAnswers = true;
        Ticket ticket = enqueue();
        assertThat(ticket.cancel()).isTrue();
        etcd.letGo();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    // ---------------------------------------------------------------------------------------------------- stalled

    private Ticket stalled() {
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(5));
        return enqueue(LockOptions.defaults().withMinHold(Duration.ofSeconds(5)));
    }

    @Test
    void tooLittleTimeLeft_theGrantWaitsForTheRenewal() {
        Ticket ticket = stalled();
        assertThat(etcd.keys("orders/")).as("the entry is there").hasSize(1);
        assertThat(isGranted(ticket)).isFalse();
        etcd.renewsLeases = true;
        loop.advance(Duration.ofSeconds(1));
        assertThat(holdOf(ticket).remaining()).isGreaterThan(Duration.ofSeconds(5));
    }

    @Test
    void stalledGrant_whoseCallerLeaves_isGivenBackAtOnce() {
        Ticket ticket = stalled();
        assertThat(ticket.cancel()).isTrue();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void stalledGrant_whoseCallerLeaves_passesToTheNextWhoIsContentWithLess() {
        Ticket ticket = stalled();
        Ticket modest = enqueue();
        assertThat(isGranted(modest)).as("in order").isFalse();
        assertThat(ticket.cancel()).isTrue();
        loop.run();
        assertThat(isGranted(modest)).isTrue();
    }

    @Test
    void neverRenewed_theStalledCallerIsServedByTheNextSession() {
        Ticket ticket = stalled();
        loop.advance(Duration.ofSeconds(5));
        etcd.renewsLeases = true;
        loop.run();
        assertThat(holdOf(ticket).state()).isEqualTo(Hold.State.HELD);
    }

    // ---------------------------------------------------------------------------------------------------- loss

    @Test
    void deadlinePassed_theHoldIsLost_itsListenersAreTold_andTheNextWaitsInANewSession() {
        Hold hold = holdOf(enqueue());
        List<Loss> losses = lossesOf(hold);
        Ticket next = enqueue();
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(9));
        assertThat(hold.state()).isEqualTo(Hold.State.AT_RISK);
        loop.advance(Duration.ofMillis(500));
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(losses).extracting(Loss::reason).containsExactly(LossReason.DEADLINE_PASSED);
        assertThat(holdOf(next).token()).isGreaterThan(hold.token());
    }

    @Test
    @Tag("F15")
    void release_afterLoss_throwsLost_andSendsNothing() {
        Hold hold = holdOf(enqueue());
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        int sent = etcd.transactions.size();
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(hold::close);
        loop.run();
        assertThat(etcd.transactions).hasSize(sent);
    }

    @Test
    void releaseThatFindsItsEntryGone_isReported() {
        Hold hold = holdOf(enqueue());
        List<Loss> losses = lossesOf(hold);
        etcd.delete(hold.key());
        hold.close();
        loop.run();
        assertThat(losses).extracting(Loss::reason).containsExactly(LossReason.ENTRY_DELETED);
    }

    @Test
    void listenerOfALostHold_isToldAtOnce() {
        Hold hold = holdOf(enqueue());
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));
        assertThat(lossesOf(hold)).hasSize(1);
    }

    @Test
    void longestHold_ends_andPassesOn() {
        Ticket first = enqueue(LockOptions.defaults().withMaxHold(Duration.ofSeconds(2)));
        Hold hold = holdOf(first);
        List<Loss> losses = lossesOf(hold);
        Ticket next = enqueue();
        loop.advance(Duration.ofSeconds(2));
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(losses).extracting(Loss::reason).containsExactly(LossReason.MAX_HOLD_REACHED);
        assertThat(holdOf(next).token()).isGreaterThan(hold.token());
        assertThatExceptionOfType(LockException.Lost.class).isThrownBy(hold::close);
        assertThat(holdOf(next).state()).isEqualTo(Hold.State.HELD);
    }

    // ---------------------------------------------------------------------------------------------------- guards

    /** Two local holds share an entry, so a late write of the first would pass for the second's. */
    @Test
    void undecidedGuardedWrite_forbidsTheLocalHandOver() {
        Hold hold = holdOf(enqueue());
        Ticket next = enqueue();
        etcd.withholdsAnswers = true;
        CompletableFuture<CommitResult> commit = hold.commit(Transaction.of().put("stock", "1"));
        loop.run();
        hold.close();
        loop.run();
        assertThat(isGranted(next)).isFalse();
        etcd.letGo();
        loop.run();
        assertThat(commit).isCompleted();
        assertThat(holdOf(next).key()).isNotEqualTo(hold.key());
        assertThat(holdOf(next).token().grantRevision())
                .isGreaterThan(hold.token().grantRevision());
    }

    @Test
    void decidedGuardedWrite_allowsTheLocalHandOver() {
        Hold hold = holdOf(enqueue());
        Ticket next = enqueue();
        CompletableFuture<CommitResult> commit = hold.commit(Transaction.of().put("stock", "1"));
        loop.run();
        assertThat(commit.join().applied()).isTrue();
        hold.close();
        assertThat(holdOf(next).key()).isEqualTo(hold.key());
    }

    // ---------------------------------------------------------------------------------------------------- close

    @Test
    @Tag("F18")
    void close_endsHolds_refusesWhoWaits_andLeavesNoKey() {
        Hold hold = holdOf(enqueue());
        List<Loss> losses = lossesOf(hold);
        Ticket waiting = enqueue();
        client.beginClose();
        loop.run();
        assertRefused(waiting);
        assertThat(losses).extracting(Loss::reason).containsExactly(LossReason.CLIENT_CLOSED);
        assertThat(client.revoked()).isCompleted();
        assertThat(etcd.keys("")).isEmpty();
    }

    @Test
    @Tag("F18")
    void close_racingTheAcquiresAnswer_grantsNothing() {
        etcd.withholdsAnswers = true;
        Ticket ticket = enqueue();
        client.beginClose();
        loop.run();
        etcd.letGo();
        loop.run();
        assertRefused(ticket);
        assertThat(etcd.keys("")).isEmpty();
    }

    @Test
    @Tag("F18")
    void close_racingARelease_reportsNoLoss() {
        Hold hold = holdOf(enqueue());
        List<Loss> losses = lossesOf(hold);
        etcd.withholdsAnswers = true;
        hold.close();
        client.beginClose();
        loop.run();
        etcd.letGo();
        loop.run();
        assertThat(losses).isEmpty();
    }

    @Test
    @Tag("F18")
    void enteringAClosedClient_isRefused() {
        client.beginClose();
        loop.run();
        assertRefused(lock.enqueue());
    }
}
