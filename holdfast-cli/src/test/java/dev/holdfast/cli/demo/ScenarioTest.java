package dev.holdfast.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.cli.DurationRange;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScenarioTest {

    static Scenario scenario(double speed, long seed, int victim) {
        return new Scenario(
                5,
                3,
                Duration.ofSeconds(5),
                Duration.ofSeconds(3),
                DurationRange.parse("2s..8s"),
                "/tmp/go/lock",
                Retry.KEEP,
                speed,
                Duration.ofSeconds(victim > 0 ? 2 : 10),
                seed,
                victim);
    }

    @Test
    void theSameSeed_drawsTheSameWork_withinTheRange() {
        assertThat(work(scenario(1, 42, 0))).isEqualTo(work(scenario(1, 42, 0))).isNotEqualTo(work(scenario(1, 43, 0)));
        assertThat(work(scenario(1, 42, 0)))
                .allSatisfy(time -> assertThat(time).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(8)))
                .doesNotHaveDuplicates();
    }

    @Test
    void speed_dividesWorkAndWaits_butNotTheTtl() {
        Scenario fast = scenario(10, 42, 0);

        assertThat(fast.tryFor()).isEqualTo(Duration.ofMillis(500));
        assertThat(fast.pauseFor()).isEqualTo(Duration.ofMillis(300));
        assertThat(fast.ttl()).isEqualTo(Duration.ofSeconds(10));
        assertThat(fast.workOf(1).multipliedBy(10))
                .isBetween(
                        scenario(1, 42, 0).workOf(1).minusNanos(10),
                        scenario(1, 42, 0).workOf(1));
    }

    @Test
    void aVictim_worksUntilItIsKilled_andTheOthersAsUsual() {
        assertThat(scenario(1, 42, 2).workOf(2)).isGreaterThan(Duration.ofMinutes(30));
        assertThat(scenario(1, 42, 2).workOf(1)).isEqualTo(scenario(1, 42, 0).workOf(1));
    }

    @Test
    void outlastingTheVictim_isPatientEnoughForItsLease_atEverySpeed() {
        for (double speed : new double[] {0.5, 1, 10, 1_000}) {
            Scenario patient = scenario(speed, 42, 2).outlastingTheVictim();
            long patienceNanos =
                    patient.tries() * patient.tryFor().plus(patient.pauseFor()).toNanos();

            assertThat(Duration.ofNanos(patienceNanos))
                    .isGreaterThan(patient.ttl().multipliedBy(speed < 1_000 ? 2 : 1));
            assertThat(patient.tries()).isBetween(3, 1_000);
        }
    }

    private static List<Duration> work(Scenario scenario) {
        return IntStream.rangeClosed(1, 5).mapToObj(scenario::workOf).toList();
    }
}
