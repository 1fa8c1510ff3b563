package dev.holdfast.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Released;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What is true of every history. */
class HistoryProperties {

    private static final String LOCK = "orders/42";

    @Property
    void anyText_comesBackExactly(
            @ForAll String who, @ForAll String lock, @ForAll long atNanos, @ForAll String owner, @ForAll String key) {
        History history = History.of(
                new Operation.Requested(atNanos, who, lock), new Put(lock, new Entry(key, 1), Long.MAX_VALUE, owner));

        assertThat(HistoryCodec.decode(HistoryCodec.encode(history))).isEqualTo(history);
    }

    @Property(tries = 200)
    void aQueueServedInOrder_passesEveryChecker_inWhateverOrderItIsTold(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int holds) {
        List<Operation> told = new ArrayList<>(served(new Random(seed), holds));
        Collections.shuffle(told, new Random(seed));

        for (Checker checker : Checker.all()) {
            assertThat(checker.check(new History(told)).isKept()).isTrue();
        }
    }

    /** A grant moved before the end of the hold before it is seen by somebody, whichever it is. */
    @Property(tries = 200)
    void aGrantBeforeTheReleaseBefore_isFound(
            @ForAll long seed, @ForAll @IntRange(min = 2, max = 12) int holds, @ForAll @IntRange(max = 1000) int pick) {
        List<Operation> told = new ArrayList<>(served(new Random(seed), holds));
        List<Granted> grants = new History(told).of(Granted.class, LOCK);
        Granted moved = grants.get(1 + pick % (grants.size() - 1));
        Granted before = grants.get(grants.indexOf(moved) - 1);

        told.set(told.indexOf(moved), new Granted(before.atNanos() + 1, moved.who(), LOCK, moved.token(), null));
        assertThat(new OneHolder().check(new History(told)).isKept()).isFalse();

        told.removeIf(o -> o instanceof Released);
        told.removeIf(o -> o instanceof Granted granted && granted.who().equals(moved.who()));
        told.add(new Granted(moved.atNanos(), moved.who(), LOCK, before.token(), null));
        assertThat(new TokensGrow().check(new History(told)).isKept()).isFalse();
        assertThat(new Fifo().check(new History(told)).isKept()).isFalse();
    }

    /** Entries come and go as in a queue that is served in order; each hold has a client of its own. */
    private static List<Operation> served(Random random, int holds) {
        List<Operation> told = new ArrayList<>();
        Deque<Put> queue = new ArrayDeque<>();
        long revision = 1L + random.nextInt(100);
        long nowNanos = random.nextInt(1_000);
        int put = 0;
        while (put < holds || !queue.isEmpty()) {
            if (put < holds && (queue.isEmpty() || random.nextBoolean())) {
                revision += 1L + random.nextInt(2);
                Put entry = new Put(LOCK, new Entry(LOCK + "/" + put, revision), revision, "w" + put);
                put++;
                told.add(entry);
                queue.add(entry);
                continue;
            }
            Put head = queue.remove();
            // The grant revision is one at which the entry was seen at the head: anything up to its deletion.
            Token token = new Token(0, revision, 0);
            String who = String.valueOf(head.owner());
            nowNanos += 2L + random.nextInt(50);
            told.add(new Granted(
                    nowNanos,
                    who,
                    LOCK,
                    token,
                    random.nextBoolean() ? head.entry().key() : null));
            nowNanos += 2L + random.nextInt(50);
            told.add(new Released(nowNanos, who, LOCK, token));
            revision += 1L + random.nextInt(2);
            told.add(new Deleted(LOCK, head.entry(), revision));
        }
        return told;
    }
}
