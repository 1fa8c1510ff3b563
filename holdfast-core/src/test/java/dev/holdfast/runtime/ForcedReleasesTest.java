package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.inspect.ForceResult;
import dev.holdfast.inspect.QueueEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of holds and waiters whose entries an operator deletes, in whichever order they hear of it. */
final class ForcedReleasesTest {

    private static final String OTHER_CLIENT = "orders/7fff000000000001.0";

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final List<Throwable> bugs = new ArrayList<>();
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bugs::add);

    ForcedReleasesTest() {
        client.start();
        loop.run();
    }

    @AfterEach
    void noInvariantWasBroken() {
        assertThat(bugs).isEmpty();
    }

    private Ticket enqueue(LockOptions options) {
        Ticket ticket = client.lock("orders", options).enqueue();
        loop.run();
        return ticket;
    }

    private Hold acquire() {
        return enqueue(LockOptions.defaults()).grant().join();
    }

    private static List<Loss> lossesOf(Hold hold) {
        List<Loss> losses = new ArrayList<>();
        hold.onLost(losses::add);
        return losses;
    }

    private static void assertForced(List<Loss> losses) {
        assertThat(losses).singleElement().satisfies(loss -> {
            assertThat(loss.reason()).isEqualTo(LossReason.FORCED);
            assertThat(loss.forced()).hasValueSatisfying(forced -> {
                assertThat(forced.by()).isEqualTo("eve@ops");
                assertThat(forced.reason()).isEqualTo("stuck");
                assertThat(forced.at()).isEqualTo(ToyEtcd.FORCED_AT);
            });
        });
    }

    private long forcedRanges() {
        return etcd.ranges.stream()
                .filter(range -> range.getKey().toStringUtf8().startsWith(ToyEtcd.FORCED))
                .count();
    }

    @Test
    void start_watchesTheRecords_andReadsNothing() {
        acquire().close();
        loop.run();
        assertThat(etcd.ranges).isEmpty();
    }

    @Test
    void forcedRelease_ofAnUncontendedHold_isHeardOf_withoutAView() {
        Hold hold = acquire();
        List<Loss> losses = lossesOf(hold);
        etcd.force(hold.key(), "eve@ops", "stuck");
        loop.run();
        assertForced(losses);
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThatExceptionOfType(LockException.Lost.class)
                .isThrownBy(hold::close)
                .satisfies(lost -> assertThat(lost.loss().reason()).isEqualTo(LossReason.FORCED));
        assertThat(forcedRanges()).isZero();

        Hold next = acquire();
        assertThat(next.token()).isGreaterThan(hold.token());
        next.close();
        loop.run();
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void forcedRelease_leavesTheCallersOfTheSameClient_waitingForANewEntry() {
        Hold hold = acquire();
        Ticket next = enqueue(LockOptions.defaults());
        etcd.force(hold.key(), "eve@ops", "stuck");
        loop.run();
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(next.grant()).isCompleted();
        assertThat(next.grant().join().token()).isGreaterThan(hold.token());
    }

    @Test
    void forcedRelease_ofAWaiter_enqueuesItAnew() {
        etcd.put(OTHER_CLIENT);
        Ticket ticket = enqueue(LockOptions.defaults());
        String entry = etcd.keys("orders/").stream()
                .filter(key -> !key.equals(OTHER_CLIENT))
                .findFirst()
                .orElseThrow();
        etcd.force(entry, "eve@ops", "stuck");
        loop.run();
        assertThat(ticket.grant()).isNotDone();
        assertThat(etcd.keys("orders/")).hasSize(2);
        etcd.delete(OTHER_CLIENT);
        loop.run();
        assertThat(ticket.grant()).isCompleted();
    }

    @Test
    void recordOfAnotherEntry_orOfAnEarlierOneOfThatKey_hitsNobody() {
        Hold first = acquire();
        etcd.force(first.key(), "eve@ops", "stuck");
        loop.run();
        Hold second = acquire();
        assertThat(second.key()).as("a name that is used again").isEqualTo(first.key());
        // The watch breaks, and the range that makes up for it shows the old record.
        etcd.breakWatches();
        loop.advance(Duration.ofSeconds(2));
        assertThat(forcedRanges()).isPositive();
        assertThat(second.state()).isEqualTo(Hold.State.HELD);
    }

    @Test
    void recordBesideAnEntryThatIsStillThere_givesTheEntryBack() {
        Hold hold = acquire();
        List<Loss> losses = lossesOf(hold);
        etcd.recordOnly(hold.key(), "eve@ops", "stuck");
        loop.run();
        assertForced(losses);
        assertThat(etcd.keys("orders/")).isEmpty();
    }

    @Test
    void recordWrittenWhileNobodyWatched_isReadOnceTheWatchIsBack() {
        Hold hold = acquire();
        List<Loss> losses = lossesOf(hold);
        etcd.breakWatches();
        etcd.force(hold.key(), "eve@ops", "stuck");
        loop.advance(Duration.ofSeconds(2));
        assertForced(losses);
    }

    @Test
    void deletionSeenFirst_isALossAtOnce_andToldAsForced() {
        etcd.put(OTHER_CLIENT);
        Ticket ticket = enqueue(LockOptions.defaults());
        etcd.delete(OTHER_CLIENT);
        loop.run();
        Hold hold = ticket.grant().join();
        List<Loss> losses = lossesOf(hold);
        etcd.hidesForcedReleases = true;
        etcd.withholdsAnswers = true;
        etcd.force(hold.key(), "eve@ops", "stuck");
        loop.run();
        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        List<Loss> late = lossesOf(hold);
        assertThat(losses).isEmpty();
        assertThat(late).isEmpty();
        etcd.letGo();
        loop.run();
        assertForced(losses);
        assertForced(late);
        assertThatExceptionOfType(LockException.Lost.class)
                .isThrownBy(hold::close)
                .satisfies(lost -> assertThat(lost.loss().reason()).isEqualTo(LossReason.FORCED));
    }

    @Test
    void deletionWithoutARecord_isToldAsSuch_andWithinASecond_whateverTheAnswer() {
        for (boolean isAnswering : List.of(true, false)) {
            etcd.put(OTHER_CLIENT);
            Ticket ticket = enqueue(LockOptions.defaults());
            etcd.delete(OTHER_CLIENT);
            loop.run();
            Hold hold = ticket.grant().join();
            List<Loss> losses = lossesOf(hold);
            etcd.withholdsAnswers = !isAnswering;
            etcd.delete(hold.key());
            loop.run();
            assertThat(losses).hasSize(isAnswering ? 1 : 0);
            loop.advance(Duration.ofSeconds(1));
            assertThat(losses).extracting(Loss::reason).containsExactly(LossReason.ENTRY_DELETED);
            etcd.letGo();
            loop.advance(Duration.ofSeconds(1));
            assertThat(losses).hasSize(1);
        }
    }

    @Test
    void releaseThatFindsTheEntryGone_isToldAsForced() {
        etcd.hidesForcedReleases = true;
        Hold hold = acquire();
        List<Loss> losses = lossesOf(hold);
        etcd.force(hold.key(), "eve@ops", "stuck");
        hold.close();
        loop.run();
        assertForced(losses);
        assertThat(hold.state()).isEqualTo(Hold.State.RELEASED);
    }

    @Test
    void commitThatFindsTheEntryGone_failsAsForced_afterOneLook() {
        etcd.hidesForcedReleases = true;
        Hold hold = acquire();
        List<Loss> losses = lossesOf(hold);
        etcd.force(hold.key(), "eve@ops", "stuck");
        CompletableFuture<?> result = hold.commit(Transaction.of().put("a", "b"));
        loop.run();
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(result::join)
                .havingCause()
                .isInstanceOfSatisfying(
                        LockException.Lost.class,
                        lost -> assertThat(lost.loss().reason()).isEqualTo(LossReason.FORCED));
        assertForced(losses);
        assertThat(forcedRanges()).isEqualTo(1);
    }

    private void assertHeldWithANewEntry(Ticket ticket) {
        assertThat(ticket.grant()).isCompleted();
        Hold hold = ticket.grant().join();
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        assertThat(etcd.keys("orders/")).containsExactly(hold.key());
    }

    @Test
    void recordHeardOf_beforeTheEntryIsKnownToBeOurs_isNotLost() {
        etcd.withholdsAnswers = true;
        Ticket ticket = enqueue(LockOptions.defaults());
        etcd.force(etcd.keys("orders/").get(0), "eve@ops", "stuck");
        loop.run();
        etcd.letGo();
        loop.run();
        assertHeldWithANewEntry(ticket);
    }

    @Test
    void recordWrittenWhileNobodyWatched_ofAnEntryNotKnownYet_isNotLost() {
        etcd.withholdsAnswers = true;
        Ticket ticket = enqueue(LockOptions.defaults());
        etcd.withholdsAnswers = false;
        etcd.breakWatches();
        etcd.force(etcd.keys("orders/").get(0), "eve@ops", "stuck");
        loop.advance(Duration.ofMillis(1_500));
        assertThat(forcedRanges()).isPositive();
        assertThat(ticket.grant()).isNotDone();
        etcd.letGo();
        loop.run();
        assertHeldWithANewEntry(ticket);
    }

    private CompletableFuture<ForceResult> releaseByForce(String key) {
        etcd.put(key);
        etcd.withholdsAnswers = true;
        QueueEntry entry = new QueueEntry(key, etcd.revision(), 0x7fff000000000001L, null);
        CompletableFuture<ForceResult> result = client.inspect().forceReleaseAsync("orders", entry, "eve@ops", "stuck");
        loop.run();
        return result;
    }

    @Test
    void close_beforeTheDeleteWasSent_meansThatNothingWillBeDeleted() {
        CompletableFuture<ForceResult> result = releaseByForce(OTHER_CLIENT);
        client.beginClose();
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(result::join)
                .withCauseInstanceOf(LockException.Refused.class);
        etcd.letGo();
        loop.run();
        assertThat(etcd.keys("orders/")).containsExactly(OTHER_CLIENT);
    }

    @Test
    void close_afterTheDeleteWasSent_leavesItUnknown() {
        CompletableFuture<ForceResult> result = releaseByForce(OTHER_CLIENT);
        etcd.letGo();
        etcd.withholdsAnswers = true;
        loop.run();
        assertThat(etcd.keys("orders/")).as("deleted, but not answered").isEmpty();
        assertThat(result).isNotDone();
        client.beginClose();
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(result::join)
                .withCauseInstanceOf(LockException.Indeterminate.class);
    }
}
