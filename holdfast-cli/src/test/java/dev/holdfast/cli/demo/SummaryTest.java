package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Entry;
import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class SummaryTest {

    private static final String LOCK = "l";
    private static final long SECOND_NANOS = 1_000_000_000L;
    private static final Token FIRST = new Token(0, 10, 0);
    private static final Token SECOND = new Token(0, 12, 0);

    @Test
    void theTable_showsGrantsInOrder_thenWhoGaveUp() {
        Summary summary = Summary.of(History.of(
                new Operation.Requested(0, "w2", LOCK),
                new Operation.Requested(0, "w1", LOCK),
                new Operation.Requested(0, "w3", LOCK),
                new Operation.Granted(4 * SECOND_NANOS, "w1", LOCK, SECOND, null),
                new Operation.Granted(SECOND_NANOS, "w2", LOCK, FIRST, null),
                new Operation.Killed(3 * SECOND_NANOS, "w2"),
                new Operation.Released(6 * SECOND_NANOS, "w1", LOCK, SECOND),
                new Operation.GaveUp(5 * SECOND_NANOS, "w3", LOCK)));

        assertThat(printed(summary).lines())
                .contains(
                        "  #  worker    waited  token               held  end",
                        "  1  w2         1.0 s  0.10.0             2.0 s  killed",
                        "  2  w1         4.0 s  0.12.0             2.0 s  released",
                        "  -  w3         5.0 s  -                      -  gave up",
                        "keys left in etcd: 0",
                        "verdict: every promise was kept");
        assertThat(summary.isKept()).isTrue();
    }

    @Test
    void whatIsLeft_violatesTheVerdict() {
        Summary summary = Summary.of(History.of(
                new Operation.Requested(0, "w1", LOCK), new Operation.Left(LOCK, new Entry("l/1", 3), 9, "w1")));

        assertThat(summary.isKept()).isFalse();
        assertThat(printed(summary)).contains("entry l/1@3 was left at the end", "verdict: VIOLATED");
    }

    private static String printed(Summary summary) {
        StringWriter out = new StringWriter();
        summary.print(new PrintWriter(out), 0);
        return out.toString();
    }
}
