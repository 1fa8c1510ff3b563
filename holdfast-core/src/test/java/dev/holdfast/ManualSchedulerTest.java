package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ManualSchedulerTest {

    private final ManualScheduler scheduler = new ManualScheduler();
    private final List<String> trace = new ArrayList<>();

    @Test
    void runsNothingByItself_andTasksInOrder() {
        scheduler.execute(() -> {
            trace.add("first");
            scheduler.execute(() -> trace.add("third"));
        });
        scheduler.execute(() -> trace.add("second"));
        assertThat(trace).isEmpty();
        scheduler.run();
        assertThat(trace).containsExactly("first", "second", "third");
    }

    @Test
    void timersRunInOrderOfTime_andSeeTheirTime() {
        long start = scheduler.nanoTime();
        scheduler.schedule(2_000, () -> trace.add("late at " + (scheduler.nanoTime() - start)));
        scheduler.schedule(1_000, () -> trace.add("early at " + (scheduler.nanoTime() - start)));
        scheduler.schedule(1_000, () -> trace.add("cancelled")).cancel();
        scheduler.advance(Duration.ofNanos(1_999));
        assertThat(trace).containsExactly("early at 1000");
        scheduler.advance(Duration.ofNanos(1));
        assertThat(trace).containsExactly("early at 1000", "late at 2000");
    }

    @Test
    void clockOverflowsWithoutHarmToDifferences() {
        long start = scheduler.nanoTime();
        scheduler.advance(Duration.ofSeconds(5));
        assertThat(scheduler.nanoTime()).isLessThan(start);
        assertThat(scheduler.nanoTime() - start).isEqualTo(Duration.ofSeconds(5).toNanos());
    }

    @Test
    void closeDropsWhatIsPending() {
        scheduler.execute(() -> trace.add("task"));
        scheduler.schedule(0, () -> trace.add("timer"));
        scheduler.close();
        scheduler.execute(() -> trace.add("after"));
        scheduler.advance(Duration.ofSeconds(1));
        assertThat(trace).isEmpty();
    }
}
