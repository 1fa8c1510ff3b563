package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Hold;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A user of Holdfast who tries his own code in virtual time: a job that runs on one of several processes. */
@ExtendWith(Silence.class)
class SimulatedClusterTest {

    private static final Duration SESSION = Duration.ofSeconds(5);

    /** Runs its job over and over for as long as it is the leader. */
    private static final class Worker {
        private final SimulatedProcess process;
        private final List<String> journal;

        Worker(SimulatedProcess process, List<String> journal) {
            this.process = process;
            this.journal = journal;
            var unused = process.lock("jobs/leader").acquireAsync().thenAccept(this::lead);
        }

        private void lead(Hold hold) {
            process.watch(hold);
            journal.add(process.name() + " leads");
            hold.onLost(loss -> journal.add(process.name() + " lost it: " + loss.reason()));
            work(hold);
        }

        private void work(Hold hold) {
            if (hold.state() != Hold.State.LOST) {
                process.later(Duration.ofMillis(500), () -> work(hold));
            }
        }
    }

    private final SimulatedCluster cluster = new SimulatedCluster(7);
    private final List<String> journal = new ArrayList<>();

    @Test
    void leaderThatIsPaused_isFollowedByAnother_andKnowsIt() {
        SimulatedProcess a = cluster.start("a");
        new Worker(a, journal);
        assertThat(cluster.runUntil(() -> journal.contains("a leads"), SESSION)).isTrue();
        SimulatedProcess b = cluster.start("b");
        new Worker(b, journal);

        cluster.strike(Drawn.PAUSE, a, Duration.ofSeconds(20));
        assertThat(cluster.runUntil(() -> journal.contains("b leads"), SESSION.multipliedBy(3)))
                .isTrue();
        cluster.runFor(Duration.ofSeconds(20));
        assertThat(journal).containsExactly("a leads", "b leads", "a lost it: DEADLINE_PASSED");
        cluster.assertKept();
    }

    @Test
    void leaderThatCrashes_isFollowedByAnother_thoughAnswersAreLost() {
        cluster.setChance(Drawn.ANSWER_LOST, 0.2);
        SimulatedProcess a = cluster.start("a");
        new Worker(a, journal);
        assertThat(cluster.runUntil(() -> journal.contains("a leads"), Duration.ofMinutes(1)))
                .isTrue();
        new Worker(cluster.start("b"), journal);
        a.crash();
        assertThat(a.isDown()).isTrue();
        assertThat(cluster.runUntil(() -> journal.contains("b leads"), Duration.ofMinutes(1)))
                .isTrue();
        assertThat(cluster.drawn().of(Drawn.ANSWER_LOST)).isPositive();
        cluster.assertKept();
    }

    @Test
    void sameSeedAndSameCalls_sameTrace() {
        long[] traces = new long[2];
        for (int i = 0; i < 2; i++) {
            SimulatedCluster again = new SimulatedCluster(11);
            again.setChance(Drawn.REQUEST_LOST, 0.1);
            new Worker(again.start("a"), journal);
            new Worker(again.start("b"), journal);
            again.runFor(Duration.ofSeconds(30));
            traces[i] = again.trace();
        }
        assertThat(traces[0]).isEqualTo(traces[1]);
    }

    @Test
    void brokenPromise_isTold() {
        SimulatedProcess a = cluster.start("a");
        SimulatedProcess impostor = cluster.start("b");
        var unused = a.lock("orders").acquireAsync().thenAccept(hold -> {
            a.watch(hold);
            // One hold, claimed by two.
            impostor.watch(hold);
        });
        cluster.runFor(SESSION);
        assertThatThrownBy(cluster::assertKept)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("is by an entry of a");
    }

    @Test
    void holdThatIsWatchedWhenItIsOver_isNoHold() {
        SimulatedProcess a = cluster.start("a");
        List<Hold> holds = new ArrayList<>();
        var unused = a.lock("orders").acquireAsync().thenAccept(holds::add);
        assertThat(cluster.runUntil(() -> !holds.isEmpty(), SESSION)).isTrue();
        holds.get(0).close();
        a.watch(holds.get(0));
        cluster.runFor(SESSION);
        cluster.assertKept();
    }

    /** What the checkers of histories say counts, too. */
    @Test
    void claimPastItsOwnDeadline_isTold() {
        SimulatedProcess a = cluster.start("a");
        List<Hold> holds = new ArrayList<>();
        var unused = a.lock("orders").acquireAsync().thenAccept(hold -> {
            a.watch(hold);
            holds.add(hold);
        });
        assertThat(cluster.runUntil(() -> !holds.isEmpty(), SESSION)).isTrue();
        cluster.assertKept();
        Hold hold = holds.get(0);
        Claim claim = new Claim("a", "orders", hold.key(), hold.token(), () -> true, () -> 0);
        cluster.notes().claimed("a#0", claim, -1);
        assertThatThrownBy(cluster::assertKept)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no claim past the deadline");
    }

    @Test
    void holdsOfACrashedProcess_endWithIt() {
        SimulatedProcess a = cluster.start("a");
        new Worker(a, journal);
        assertThat(cluster.runUntil(() -> journal.contains("a leads"), SESSION)).isTrue();
        a.crash();
        new Worker(cluster.start("b"), journal);
        assertThat(cluster.runUntil(() -> journal.contains("b leads"), SESSION.multipliedBy(3)))
                .isTrue();
        cluster.assertKept();
    }

    @Test
    void restoredCluster_losesEveryHold_andGoesOn() {
        SimulatedProcess a = cluster.start("a");
        new Worker(a, journal);
        assertThat(cluster.runUntil(() -> journal.contains("a leads"), SESSION)).isTrue();
        cluster.strike(Drawn.RESTORE, a, Duration.ofSeconds(3));
        // What a is told of it, the snapshot does not have.
        var unused = a.lock("orders").acquireAsync();
        assertThat(cluster.runUntil(() -> journal.contains("a lost it: CLUSTER_REGRESSED"), SESSION.multipliedBy(3)))
                .isTrue();
        new Worker(a, journal);
        assertThat(cluster.runUntil(() -> journal.size() == 3, SESSION.multipliedBy(3)))
                .isTrue();
        cluster.runFor(SESSION);
        cluster.assertKept();
    }

    @Test
    void holdsThatAreClosed_areFollowedByOthers_forHours() {
        SimulatedProcess a = cluster.start("a");
        SimulatedProcess b = cluster.start("b");
        int[] holds = new int[1];
        repeat(a, holds);
        repeat(b, holds);
        int most = 0;
        for (int minute = 0; minute < 60; minute++) {
            cluster.runFor(Duration.ofMinutes(1));
            most = Math.max(most, cluster.notes().size());
        }
        cluster.assertKept();
        assertThat(holds[0]).isGreaterThan(5_000);
        assertThat(most).isBetween(5_000, 20_100);
        assertThat(cluster.notes().size()).isLessThan(20_100);
    }

    /* Takes the lock, works, and closes it, over and over. */
    private static void repeat(SimulatedProcess process, int[] holds) {
        var unused = process.lock("orders").acquireAsync().thenAccept(hold -> {
            process.watch(hold);
            holds[0]++;
            process.later(Duration.ofMillis(500), () -> {
                hold.close();
                repeat(process, holds);
            });
        });
    }

    @Test
    void blockingCall_isRefused() {
        SimulatedProcess a = cluster.start("a");
        List<Throwable> refused = new ArrayList<>();
        a.later(Duration.ZERO, () -> {
            try {
                a.lock("orders").lock();
            } catch (IllegalStateException e) {
                refused.add(e);
            }
        });
        cluster.runFor(Duration.ofSeconds(1));
        assertThat(refused).hasSize(1);
    }

    @Test
    void faultOfAnotherKind_isRefused() {
        SimulatedProcess a = cluster.start("a");
        assertThatThrownBy(() -> cluster.strike(Drawn.GRANTED, a, SESSION))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cluster.setChance(Drawn.PAUSE, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
