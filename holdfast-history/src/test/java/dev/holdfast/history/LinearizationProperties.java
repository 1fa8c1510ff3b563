package dev.holdfast.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Linearization.Found;
import dev.holdfast.history.Linearization.GaveUp;
import dev.holdfast.history.Linearization.Impossible;
import dev.holdfast.history.Linearization.Limits;
import dev.holdfast.history.Linearization.Result;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Released;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;

/** The search for an order, compared with trying every order, and with executions whose answer is known. */
class LinearizationProperties {

    private static Result search(MutexModel model, List<Call> calls) {
        return new Linearization(model, calls, Limits.DEFAULT).search();
    }

    @Property(tries = 4_000)
    void anyCalls_haveAnOrder_exactlyIfTryingAllOrdersFindsOne(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int size, @ForAll MutexModel model) {
        List<Call> calls = Executions.any(new Random(seed), size);

        boolean isLinearizable = BruteForce.isLinearizable(model, calls);
        Result result = search(model, calls);

        assertThat(result).isInstanceOf(isLinearizable ? Found.class : Impossible.class);
        Statistics.label("any").collect(size < 3 ? "small" : isLinearizable ? "linearizable" : "not");
        Statistics.label("any").coverage(coverage -> {
            coverage.check("linearizable").percentage(p -> p > 2);
            coverage.check("not").percentage(p -> p > 15);
        });
        assertSound(model, calls, result);
    }

    /** Nearly right: a call of an answered execution is changed, or is missing. */
    @Property(tries = 4_000)
    void aChangedExecution_hasAnOrder_exactlyIfTryingAllOrdersFindsOne(
            @ForAll long seed, @ForAll @IntRange(min = 3, max = 6) int size, @ForAll MutexModel model) {
        Random random = new Random(seed);
        List<Call> calls = new ArrayList<>(Executions.answered(random, model, 3, size));
        Call call = calls.remove(random.nextInt(size));
        if (random.nextInt(4) > 0) {
            Call other = calls.get(random.nextInt(calls.size()));
            long called = Math.min(other.calledNanos(), call.returnedNanos());
            calls.add(new Call(
                    call.kind(),
                    random.nextBoolean() ? call.owner() : other.owner(),
                    random.nextBoolean() ? call.token() : other.token(),
                    random.nextBoolean() ? call.calledNanos() : called,
                    call.returnedNanos(),
                    call.hold(),
                    List.of()));
        }

        boolean isLinearizable = BruteForce.isLinearizable(model, calls);
        Result result = search(model, calls);

        assertThat(result).isInstanceOf(isLinearizable ? Found.class : Impossible.class);
        Statistics.label("changed").collect(isLinearizable);
        Statistics.label("changed").coverage(coverage -> {
            coverage.check(true).percentage(p -> p > 10);
            coverage.check(false).percentage(p -> p > 10);
        });
        assertSound(model, calls, result);
    }

    /** An order that was found is one; a prefix that was found stops where trying all orders stops, too. */
    private static void assertSound(MutexModel model, List<Call> calls, Result result) {
        if (result instanceof Found found) {
            assertThat(Executions.problem(model, calls, found.order())).isNull();
        } else if (result instanceof Impossible impossible) {
            long stuck = impossible.blocked().returnedNanos();
            List<Call> until = new ArrayList<>();
            List<Call> before = new ArrayList<>();
            for (Call call : calls) {
                if (call.calledNanos() <= stuck) {
                    until.add(call.returnedNanos() <= stuck ? call : call.neverReturned());
                    before.add(call.returnedNanos() < stuck ? call : call.neverReturned());
                }
            }
            assertThat(BruteForce.isLinearizable(model, until)).isFalse();
            assertThat(BruteForce.isLinearizable(model, before)).isTrue();
            CounterExample least = CounterExample.of(model, calls, impossible, Limits.DEFAULT);
            assertThat(BruteForce.isLinearizable(model, least.calls())).isFalse();
        }
    }

    @Property(tries = 30)
    void whatALockAnswered_hasAnOrder_howeverLong(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int clients,
            @ForAll @IntRange(min = 1_000, max = 4_000) int size,
            @ForAll MutexModel model) {
        List<Call> calls = new ArrayList<>(Executions.answered(new Random(seed), model, clients, size));
        Collections.shuffle(calls, new Random(seed));

        Result result = search(model, calls);

        assertThat(result).isInstanceOfSatisfying(Found.class, found -> assertThat(
                        Executions.problem(model, calls, found.order()))
                .isNull());
    }

    /** What can be done to the notes of clients who took turns, so that no lock can have answered them. */
    enum Damage {
        TOKENS_SWAPPED,
        TOKEN_GIVEN_TWICE,
        GRANTED_DURING_THE_HOLD_BEFORE,
        NEVER_RELEASED
    }

    @Property(tries = 60)
    void turnsThatWereDamaged_haveNoOrder_andTheCounterExampleIsSmall(
            @ForAll long seed, @ForAll @IntRange(min = 2, max = 1_500) int holds, @ForAll Damage damage) {
        Random random = new Random(seed);
        List<Operation> told = Executions.turns(random, 10, holds);
        assertThat(Linearizable.fencedMutex().check(new History(told)).isKept()).isTrue();
        int i = random.nextInt(holds - 1);
        int j = i + 1;
        Granted first = (Granted) told.get(3 * i + 1);
        Granted second = (Granted) told.get(3 * j + 1);
        switch (damage) {
            case TOKENS_SWAPPED -> {
                retoken(told, i, second.token());
                retoken(told, j, first.token());
            }
            case TOKEN_GIVEN_TWICE -> retoken(told, j, first.token());
            case GRANTED_DURING_THE_HOLD_BEFORE -> {
                told.set(3 * j, new Operation.Requested(first.atNanos(), "other", Story.LOCK));
                told.set(3 * j + 1, new Granted(first.atNanos(), "other", Story.LOCK, second.token(), null));
                told.set(3 * j + 2, new Released(first.atNanos() + 20, "other", Story.LOCK, second.token()));
            }
            case NEVER_RELEASED -> told.remove(3 * i + 2);
        }

        Verdict verdict = Linearizable.fencedMutex().check(new History(told));

        assertThat(verdict).isInstanceOfSatisfying(Verdict.Violated.class, violated -> assertThat(
                        violated.violations().get(0).operations())
                .hasSizeLessThanOrEqualTo(6)
                .containsAnyOf(told.get(3 * i + 1), told.get(3 * j + 1)));
    }

    private static void retoken(List<Operation> told, int hold, Token token) {
        Granted granted = (Granted) told.get(3 * hold + 1);
        Released released = (Released) told.get(3 * hold + 2);
        told.set(3 * hold + 1, new Granted(granted.atNanos(), granted.who(), granted.lock(), token, null));
        told.set(3 * hold + 2, new Released(released.atNanos(), released.who(), released.lock(), token));
    }

    /** Crashed acquires of clients that were never seen to release: each could be anywhere. */
    @Property(tries = 5)
    void whatIsTooHard_isGivenUp_withinTheLimit(@ForAll long seed) {
        Random random = new Random(seed);
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            calls.add(new Call(Call.Kind.ACQUIRE, "w" + i, null, random.nextInt(10), Call.NEVER, i, List.of()));
            calls.add(new Call(Call.Kind.EXPIRE, "w" + i, null, random.nextInt(10), Call.NEVER, i, List.of()));
        }
        calls.add(new Call(Call.Kind.RELEASE, "nobody", null, 20, 30, 99, List.of()));

        Limits limits = new Limits(5_000, 1_000_000, 10_000_000);
        assertThat(new Linearization(MutexModel.FENCED_MUTEX, calls, limits).search())
                .isInstanceOfSatisfying(
                        GaveUp.class, gaveUp -> assertThat(gaveUp.states()).isBetween(5_000, 5_002));
    }
}
