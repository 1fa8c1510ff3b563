package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.cli.demo.Happening.Mood;
import dev.holdfast.cli.demo.Happening.Noted;
import dev.holdfast.cli.demo.Happening.Said;
import dev.holdfast.cli.demo.Happening.Seen;
import dev.holdfast.history.Entry;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import org.junit.jupiter.api.Test;

class NarratorTest {

    private static final String LOCK = "/tmp/go/lock";
    private static final Token TOKEN = new Token(0, 17, 0);
    private static final Entry ENTRY = new Entry(LOCK + "/5c1.1", 12);
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final Narrator narrator = new Narrator(0);

    @Test
    void eachHappening_isALineWithTimeWorkerAndToken() {
        assertThat(narrator.line(new Noted(new Operation.Requested(0, "w1", LOCK))))
                .isNull();
        assertThat(narrator.line(new Said(1_000_000, "w1", Mood.WAITS, "waits, try 1 of 3")))
                .isEqualTo("   0.001  w1    waits, try 1 of 3");
        assertThat(narrator.line(new Seen(2_000_000, new Operation.Put(LOCK, ENTRY, 12, "w1"))))
                .isEqualTo("   0.002  etcd  PUT    /tmp/go/lock/5c1.1  revision 12  owner w1");
        assertThat(narrator.line(new Noted(new Operation.Granted(3 * SECOND_NANOS, "w1", LOCK, TOKEN, null))))
                .isEqualTo("   3.000  w1    HOLDS the lock, token 0.17.0, after 3.0 s");
        assertThat(narrator.line(new Noted(new Operation.Released(5 * SECOND_NANOS, "w1", LOCK, TOKEN))))
                .isEqualTo("   5.000  w1    releases after 2.0 s, token 0.17.0");
        assertThat(narrator.line(new Seen(5 * SECOND_NANOS, new Operation.Deleted(LOCK, ENTRY, 18))))
                .isEqualTo("   5.000  etcd  DELETE /tmp/go/lock/5c1.1  revision 18  owner w1");
    }

    @Test
    void aKill_isTold_withTheEndOfTheLease_andTheTakeOver() {
        narrator.line(new Noted(new Operation.Requested(0, "w2", LOCK)));
        narrator.line(new Seen(0, new Operation.Put(LOCK, ENTRY, 12, "w1")));
        narrator.line(new Noted(new Operation.Granted(0, "w1", LOCK, TOKEN, null)));

        assertThat(narrator.line(new Noted(new Operation.Killed(SECOND_NANOS, "w1"))))
                .contains("w1    KILLED (SIGKILL) while it held the lock");
        assertThat(narrator.line(new Seen(3 * SECOND_NANOS, new Operation.Deleted(LOCK, ENTRY, 18))))
                .endsWith("owner w1  (its lease ran out)");
        assertThat(narrator.line(
                        new Noted(new Operation.Granted(3 * SECOND_NANOS, "w2", LOCK, new Token(0, 18, 0), null))))
                .endsWith("w2    HOLDS the lock, token 0.18.0, after 3.0 s, 2.0 s after the kill");
    }

    @Test
    void anEntryOfSomebodyElse_isShownAsSuch() {
        assertThat(narrator.line(new Seen(0, new Operation.Put(LOCK, ENTRY, 12, null))))
                .endsWith("owner unknown");
    }
}
