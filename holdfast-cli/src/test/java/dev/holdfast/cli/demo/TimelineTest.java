package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.cli.demo.Happening.Mood;
import dev.holdfast.cli.demo.Happening.Noted;
import dev.holdfast.cli.demo.Happening.Said;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimelineTest {

    private static final String LOCK = "l";
    private static final Token TOKEN = new Token(0, 1, 0);
    private static final Timeline.Look PLAIN = Timeline.Look.ASCII.withoutColors();

    @Test
    void bars_showWhoHoldsAndWhoWaits() {
        Timeline timeline = new Timeline(0, 3, PLAIN);
        timeline.add(new Noted(new Operation.Requested(0, "w1", LOCK)));
        timeline.add(new Noted(new Operation.Requested(0, "w2", LOCK)));
        timeline.add(new Noted(new Operation.Granted(10, "w1", LOCK, TOKEN, null)));
        timeline.add(new Said(20, "w2", Mood.PAUSES, "pauses"));
        timeline.add(new Said(30, "w2", Mood.WAITS, "waits"));
        timeline.add(new Noted(new Operation.Released(50, "w1", LOCK, TOKEN)));
        timeline.add(new Noted(new Operation.Granted(60, "w2", LOCK, TOKEN, null)));

        assertThat(timeline.render(100, 26, 10))
                .containsExactly("w1   -####      ", "w2   --.---#### holds", "w3              ", "             0.0 s");
    }

    @Test
    void aShortHold_isSeenInAWideColumn() {
        Timeline timeline = new Timeline(0, 1, PLAIN);
        timeline.add(new Noted(new Operation.Granted(501, "w1", LOCK, TOKEN, null)));
        timeline.add(new Noted(new Operation.Released(502, "w1", LOCK, TOKEN)));

        assertThat(timeline.render(1_000, 26, 10).get(0)).isEqualTo("w1        #     ");
    }

    @Test
    void aKilledWorker_isMarkedToTheEnd() {
        Timeline timeline = new Timeline(0, 1, PLAIN);
        timeline.add(new Noted(new Operation.Granted(0, "w1", LOCK, TOKEN, null)));
        timeline.add(new Noted(new Operation.Killed(50, "w1")));

        assertThat(timeline.render(100, 26, 10).get(0)).isEqualTo("w1   #####xxxxx killed");
    }

    @Test
    void moreWorkersThanRows_areCounted() {
        List<String> rows = new Timeline(0, 100, PLAIN).render(100, 80, 10);

        assertThat(rows).hasSize(11).element(9).asString().isEqualTo("  ... and 91 more");
    }

    @Test
    void colors_areThoseOfTheWorkersState() {
        Timeline timeline = new Timeline(0, 1, Timeline.Look.UNICODE);
        timeline.add(new Noted(new Operation.Granted(0, "w1", LOCK, TOKEN, null)));

        assertThat(timeline.render(100, 26, 10).get(0))
                .isEqualTo("w1   \u001b[32m" + "█".repeat(10) + "\u001b[0m holds");
    }
}
