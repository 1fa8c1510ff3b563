package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class SessionsTest {

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();

    private final List<Crowd> crowds = new ArrayList<>();
    private final List<QueueMachine> machines = new ArrayList<>();

    /** That many more locks are wanted. */
    private void want(int count) {
        for (int i = 0; i < count; i++) {
            Crowd callers = new Crowd(1);
            QueueMachine machine = bench.machine("lock-" + machines.size(), callers);
            crowds.add(callers);
            machines.add(machine);
            machine.onCaller(bench.now());
        }
    }

    private List<Command.Acquire> grantAll() {
        List<Command.Acquire> sent = bench.takeAll(Command.Acquire.class);
        for (Command.Acquire each : sent) {
            long revision = ++bench.revision;
            Entry own = new Entry(each.key(), revision);
            each.queue().onAcquired(each, revision, Workbench.all(revision, own), bench.now());
        }
        return sent;
    }

    private void release(int index) {
        crowds.get(index).waiting = 0;
        machines.get(index).onTenureReturned(crowds.get(index).tenure(), Tenure.Return.IDLE, bench.now());
        Command.Release sent = bench.take(Command.Release.class);
        machines.get(index).onReleased(sent, true, bench.now());
    }

    // ---------------------------------------------------------------------------------------------------- leases

    @Test
    void oneLeaseCarriesTwoThousandKeys_thenAnotherIsOpened() {
        want(Sessions.MAX_KEYS);
        assertThat(grantAll()).hasSize(2_000).allMatch(sent -> sent.session() == session);
        bench.assertNone(Command.GrantLease.class);

        want(3);
        bench.assertNoAttempt();
        assertThat(bench.takeAll(Command.GrantLease.class)).hasSize(1);
    }

    /** The number of leases grows while a name is held: it keeps its lease until it has no entry. */
    @Test
    void leasesGrowWhileANameIsHeld_itKeepsItsOwn() {
        want(Sessions.MAX_KEYS);
        grantAll();
        want(1);
        SessionMachine second = bench.answerOpening();
        assertThat(grantAll()).singleElement().matches(sent -> sent.session() == second);

        crowds.get(0).waiting = 1;
        machines.get(0).onTenureReturned(crowds.get(0).tenure(), Tenure.Return.IDLE, bench.now());
        assertThat(bench.take(Command.Yield.class).session())
                .as("yields in its own session")
                .isSameAs(session);

        release(1);
        crowds.get(1).waiting = 1;
        machines.get(1).onCaller(bench.now());
        assertThat(bench.take(Command.Acquire.class).session())
                .as("chosen anew once it had no entry")
                .isSameAs(second);
    }

    @Test
    void locksThatWaitForABump_countAsWell() {
        want(1);
        Command.Acquire doubtful = bench.take(Command.Acquire.class);
        machines.get(0).onAcquireFailed(doubtful, Workbench.ambiguous(), bench.now());
        want(Sessions.MAX_KEYS + 10);
        bench.assertNoAttempt();
        Command.Bump bump = bench.take(Command.Bump.class);
        bump.session().onBumped(bump, 130, true, List.of(0L), bench.now());
        assertThat(session.liveKeyCount()).isLessThanOrEqualTo(Sessions.MAX_KEYS);
        bench.answerOpening();
        assertThat(bench.takeAll(Command.Acquire.class)).hasSize(Sessions.MAX_KEYS + 11);
    }

    @Test
    void lossOfOneLease_takesOnlyItsOwnLocks() {
        want(Sessions.MAX_KEYS);
        grantAll();
        want(1);
        bench.answerOpening();
        grantAll();
        crowds.forEach(each -> each.waiting = 0);
        Crowd onSecond = crowds.get(Sessions.MAX_KEYS);
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        assertThat(onSecond.ended).isEmpty();
        assertThat(crowds.subList(0, Sessions.MAX_KEYS)).allMatch(each -> each.ended.size() == 1);
        bench.assertNone(Command.GrantLease.class);
    }

    @Test
    void sessionLostWhileOpening_isReplaced_forThoseWhoWaitForIt() {
        want(Sessions.MAX_KEYS);
        grantAll();
        want(1);
        Command.GrantLease grant = bench.take(Command.GrantLease.class);
        grant.session().onGranted(grant.leaseId(), 2, bench.now());
        bench.advance(Duration.ofSeconds(10));
        bench.renew(session);
        Command.WriteSessionKey write = bench.take(Command.WriteSessionKey.class);
        write.session().onKeyWritten(write.leaseId(), 140, bench.now());
        assertThat(bench.lost).containsExactly(LossReason.DEADLINE_PASSED);
        bench.answerOpening();
        assertThat(bench.takeAll(Command.Acquire.class)).hasSize(1);
    }

    @Test
    void lastSessionLost_isReplacedAtOnce() {
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        assertThat(bench.answerOpening().isAlive()).isTrue();
        assertThat(bench.opened).hasSize(2);
    }

    @Test
    @Tag("F24")
    void regression_losesAll_andStartsAnew() {
        want(1);
        grantAll();
        bench.sessions.loseAll(LossReason.CLUSTER_REGRESSED, "restored", bench.now());
        assertThat(crowds.get(0).reasons).containsExactly(LossReason.CLUSTER_REGRESSED);
        assertThat(bench.answerOpening()).isNotSameAs(session);
        assertThat(bench.sessions.alive()).hasSize(1).doesNotContain(session);
    }

    /** Its key may be as old as the snapshot, so that it sees nothing; its entries need not be. */
    @Test
    @Tag("F24")
    void regressionThatOneSessionSees_losesTheOthersToo() {
        want(Sessions.MAX_KEYS);
        grantAll();
        want(1);
        SessionMachine second = bench.answerOpening();
        grantAll();
        Crowd onFirst = crowds.get(0);
        second.onSeen(second.epoch() - 1, second.epoch(), bench.now());
        assertThat(session.isAlive()).isFalse();
        assertThat(onFirst.reasons).containsExactly(LossReason.CLUSTER_REGRESSED);
        assertThat(bench.answerOpening()).isNotIn(session, second);
        assertThat(bench.sessions.alive()).hasSize(1);
    }

    @Test
    void regressionWhileOpening_leavesNothingHalfOpen() {
        session.lose(LossReason.LEASE_GONE, "gone", bench.now());
        Command.GrantLease half = bench.take(Command.GrantLease.class);
        bench.sessions.loseAll(LossReason.CLUSTER_REGRESSED, "restored", bench.now());
        assertThat(bench.takeAll(Command.RevokeLease.class))
                .extracting(Command.RevokeLease::leaseId)
                .contains(half.leaseId());
        half.session().onGranted(half.leaseId(), Workbench.TTL_SECONDS, bench.now());
        bench.assertNone(Command.WriteSessionKey.class);
        bench.answerOpening();
    }

    // ---------------------------------------------------------------------------------------------------- close

    @Test
    void close_revokesAllLeases_andOpensNoMore() {
        want(1);
        grantAll();
        crowds.get(0).waiting = 0;
        bench.sessions.close(bench.now());
        assertThat(bench.take(Command.RevokeLease.class).leaseId()).isEqualTo(session.leaseId());
        assertThat(crowds.get(0).reasons).containsExactly(LossReason.CLIENT_CLOSED);
        bench.advance(Duration.ofMinutes(1));
        bench.assertNone(Command.GrantLease.class, Command.KeepAlive.class, Command.Acquire.class);
    }

    /** Whoever got into the queue while it was being emptied must not wait for ever. */
    @Test
    void close_refusesWhoStillWaits() {
        want(1);
        grantAll();
        Crowd.Attempt attempt = new Crowd.Attempt();
        Crowd none = new Crowd(0);
        QueueMachine trying = bench.machine("tried", none);
        trying.onTrial(attempt, bench.now());
        bench.sessions.close(bench.now());
        assertThat(crowds.get(0).refusals).hasSize(1);
        assertThat(machines.get(0).isIdle()).isTrue();
        assertThat(attempt.refusal).isNotNull();
        assertThat(trying.isIdle()).isTrue();
    }

    // ---------------------------------------------------------------------------------------------------- ghosts

    /** Whether a session takes the entry for a ghost, and so deletes it. */
    private boolean isDeletedWhenSeen(Key key, long createRevision) {
        bench.sessions.onEntrySeen(Workbench.name("lock-0"), new Entry(key, createRevision));
        return bench.takeAll(Command.Release.class).stream().anyMatch(release -> release.queue() == null);
    }

    @Test
    void ghost_isAnEntryOfALivingSessionOfOurs_thatItDoesNotKnow() {
        LockName name = Workbench.name("lock-0");
        want(1);
        Command.Acquire sent = grantAll().get(0);
        assertThat(isDeletedWhenSeen(sent.key(), 900)).isFalse();
        assertThat(isDeletedWhenSeen(name.entryKey(session.leaseId() + 1, 0), 900))
                .isFalse();
        assertThat(isDeletedWhenSeen(Key.ofText("lock-0/zebra"), 900)).isFalse();
        assertThat(isDeletedWhenSeen(name.entryKey(session.leaseId(), 99), 900)).isTrue();
    }

    @Test
    void ghost_isDeletedOnce_andAgainOnlyIfThatIsInDoubt() {
        Key key = Workbench.name("lock-0").entryKey(session.leaseId(), 99);
        assertThat(isDeletedWhenSeen(key, 900)).isTrue();
        assertThat(isDeletedWhenSeen(key, 900)).isFalse();
        session.onGhostReleased(new Entry(key, 900), false);
        assertThat(isDeletedWhenSeen(key, 900)).isTrue();
    }

    /** Events come on another stream than answers: of an entry that is gone they may still tell. */
    @Test
    void lateNewsOfAReleasedEntry_isNoGhost_butANewerEntryOfItsNameIs() {
        Key key = session.freshKey(Workbench.name("lock-0"));
        session.forget(new Entry(key, 800));
        assertThat(isDeletedWhenSeen(key, 800)).isFalse();
        assertThat(isDeletedWhenSeen(key, 801)).isTrue();
    }

    @Test
    void doubtfulKeys_areNoGhosts() {
        want(1);
        Command.Acquire sent = bench.take(Command.Acquire.class);
        machines.get(0).onAcquireFailed(sent, Workbench.ambiguous(), bench.now());
        assertThat(isDeletedWhenSeen(sent.key(), 900)).isFalse();
    }

    @Test
    void keyNames_areUsedAgainOnlyWhenTheirEntryIsGone() {
        LockName name = Workbench.name("lock-0");
        Key one = session.freshKey(name);
        Key two = session.freshKey(name);
        assertThat(two).isNotEqualTo(one);
        session.forget(one);
        assertThat(session.freshKey(name)).isEqualTo(one);
        assertThat(session.freshKey(name)).isNotIn(one, two);
    }
}
