package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class BatchTest {

    private final Workbench bench = new Workbench();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Batch<Command> batch = new Batch<>();

    private Command.Acquire acquire(String name) {
        return new Command.Acquire(bench.machine(name, new Crowd(0)), session, session.freshKey(Workbench.name(name)));
    }

    @Test
    void nothingInFlight_sendsAtOnce() {
        Command.Acquire only = acquire("a");
        batch.add(only);
        assertThat(batch.take()).containsExactly(only);
    }

    @Test
    void gathers_whileOneIsInFlight() {
        batch.add(acquire("a"));
        batch.take();
        List<Command.Acquire> gathered = List.of(acquire("b"), acquire("c"), acquire("d"));
        gathered.forEach(batch::add);
        assertThat(batch.take()).isEmpty();
        batch.onAnswered();
        assertThat(batch.take()).containsExactlyElementsOf(gathered);
        assertThat(batch.take()).isEmpty();
    }

    @Test
    void enoughGathered_areSentBesideTheOneInFlight_butNoThird() {
        batch.add(acquire("a"));
        batch.take();
        List<Command.Acquire> gathered = acquires("gathered-", Batch.ENOUGH_FOR_ANOTHER);
        for (Command.Acquire each : gathered) {
            assertThat(batch.take()).isEmpty();
            batch.add(each);
        }
        assertThat(batch.take()).containsExactlyElementsOf(gathered);
        acquires("more-", Batch.MAX_SIZE).forEach(batch::add);
        assertThat(batch.take()).isEmpty();
        batch.onAnswered();
        assertThat(batch.take()).hasSize(Batch.MAX_SIZE);
        batch.add(acquire("last"));
        batch.onAnswered();
        assertThat(batch.take()).as("few, and one is in flight").isEmpty();
        batch.onAnswered();
        assertThat(batch.take()).hasSize(1);
    }

    private List<Command.Acquire> acquires(String prefix, int count) {
        List<Command.Acquire> all = new java.util.ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(acquire(prefix + i));
        }
        return all;
    }

    @Test
    void answeredWithNothingGathered_sendsNothing() {
        batch.add(acquire("a"));
        batch.take();
        batch.onAnswered();
        assertThat(batch.take()).isEmpty();
        batch.add(acquire("b"));
        assertThat(batch.take()).as("an empty batch is not in flight").hasSize(1);
    }

    /** Equal create_revisions would make two owners. */
    @Test
    void neverTwoEntriesOfOneQueue() {
        Command.Acquire first = acquire("a");
        Command.Acquire second = acquire("a");
        Command.Acquire other = acquire("b");
        Command.Acquire third = acquire("a");
        List.of(first, second, other, third).forEach(batch::add);
        assertThat(batch.take()).containsExactly(first, other);
        answered(first, other);
        assertThat(batch.take()).containsExactly(second);
        answered(second);
        assertThat(batch.take()).containsExactly(third);
        answered(third);
        assertThat(batch.take()).isEmpty();
        batch.add(first);
        assertThat(batch.take()).containsExactly(first);
    }

    private void answered(Command... commands) {
        batch.onAnswered();
        List.of(commands).forEach(batch::onSettled);
    }

    @Test
    void theNextEntryOfAQueue_waitsUntilTheOneBeforeIsSettled_otherLocksDoNot() {
        Command.Acquire first = acquire("a");
        Command.Acquire second = acquire("a");
        Command.Acquire other = acquire("b");
        batch.add(first);
        assertThat(batch.take()).containsExactly(first);
        List.of(second, other).forEach(batch::add);
        batch.onAnswered();
        assertThat(batch.take()).as("waited for long enough, but not settled").containsExactly(other);
        answered(other);
        assertThat(batch.take()).isEmpty();
        batch.onSettled(first);
        assertThat(batch.take()).containsExactly(second);
    }

    @Test
    void takesAtMostSixtyThree_theRestKeepsItsOrder() {
        List<Command.Acquire> all = acquires("lock-", 100);
        all.forEach(batch::add);
        assertThat(batch.take()).containsExactlyElementsOf(all.subList(0, 63));
        assertThat(batch.take()).containsExactlyElementsOf(all.subList(63, 100));
    }

    private Command.Yield leave(String name) {
        return new Command.Yield(
                bench.machine(name, new Crowd(0)),
                session,
                Workbench.stranger(name, 1, 5),
                session.freshKey(Workbench.name(name)));
    }

    @Test
    void yieldsGoFirst_butOnlyHalfOfATransactionIsTheirs() {
        List<Command> leaving = new java.util.ArrayList<>();
        List<Command> entering = new java.util.ArrayList<>();
        for (int i = 0; i < 60; i++) {
            entering.add(acquire("lock-" + i));
            leaving.add(leave("left-" + i));
            batch.add(entering.get(i));
            batch.add(leaving.get(i));
        }
        assertThat(batch.take())
                .as("126 operations: 21 of 3, 31 of 2")
                .hasSize(52)
                .containsAll(leaving.subList(0, 21))
                .containsAll(entering.subList(0, 31));
        assertThat(batch.take())
                .as("21 of 3, 29 of 2, one more of 3")
                .hasSize(51)
                .containsAll(leaving.subList(21, 43))
                .containsAll(entering.subList(31, 60));
        batch.onAnswered();
        assertThat(batch.take()).containsExactlyElementsOf(leaving.subList(43, 60));
        batch.onAnswered();
        assertThat(batch.take()).isEmpty();
    }

    @Test
    void yieldsAlone_haveTheWholeTransaction() {
        List<Command> leaving = new java.util.ArrayList<>();
        for (int i = 0; i < 60; i++) {
            leaving.add(leave("left-" + i));
            batch.add(leaving.get(i));
        }
        assertThat(batch.take()).containsExactlyElementsOf(leaving.subList(0, 42));
        batch.onAnswered();
        assertThat(batch.take()).containsExactlyElementsOf(leaving.subList(42, 60));
    }

    /** It would wait for as long as an answer may take, and others wait for it. */
    @Test
    void yieldOfABusyLock_isNotTaken() {
        Command.Acquire first = acquire("a");
        assertThat(batch.add(first)).isTrue();
        assertThat(batch.add(leave("a"))).isFalse();
        assertThat(batch.take()).containsExactly(first);
        assertThat(batch.add(leave("a"))).isFalse();
        answered(first);
        assertThat(batch.add(leave("a"))).isTrue();
    }

    @Test
    void withdrawn_theNextOfItsLockIsReady_andAcquiresStay() {
        Command.Yield leave = leave("a");
        Command.Acquire second = acquire("a");
        Command.Acquire other = acquire("b");
        List.of(leave, second, other).forEach(batch::add);
        assertThat(batch.withdrawYields()).containsExactly(leave);
        assertThat(batch.take()).containsExactly(other, second);
        answered(other, second);
        assertThat(batch.add(leave)).isTrue();
        assertThat(batch.take()).containsExactly(leave);
    }

    @Test
    void withdrawn_doesNotTakeBackWhatWasSent() {
        Command.Yield leave = leave("a");
        batch.add(leave);
        assertThat(batch.take()).containsExactly(leave);
        assertThat(batch.withdrawYields()).isEmpty();
    }

    @Test
    void releasesOfOneQueue_mayTravelTogether() {
        Command.Release one = new Command.Release(null, session, Workbench.stranger("a", 1, 5));
        Command.Release two = new Command.Release(null, session, Workbench.stranger("a", 2, 6));
        batch.add(one);
        batch.add(two);
        assertThat(batch.take()).containsExactly(one, two);
    }
}
