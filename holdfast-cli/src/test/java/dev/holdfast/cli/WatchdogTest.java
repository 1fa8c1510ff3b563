package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The script beside a command, without a lock. */
@Timeout(60)
class WatchdogTest {

    private static final long PATIENCE_SECONDS = 30;

    @Test
    void aSignalThatComesBeforeTheCommandIsKnown_reachesItAllTheSame() throws Exception {
        try (Watchdog watchdog = Watchdog.start()) {
            watchdog.signal("TERM");

            Process process = start(watchdog);

            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(128 + 15);
        }
    }

    @Test
    void aTimeThatCameBeforeTheCommandIsKnown_killsIt() throws Exception {
        try (Watchdog watchdog = Watchdog.start()) {
            watchdog.until(Watchdog.uptimeCentis() - 1);

            Process process = start(watchdog);

            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(128 + 9);
        }
    }

    @Test
    void theLastTimeCounts_howeverOftenItWasMovedOn() throws Exception {
        try (Watchdog watchdog = Watchdog.start()) {
            Process process = start(watchdog);
            for (int i = 1; i <= 20; i++) {
                watchdog.until(Watchdog.uptimeCentis() + 6_000 + i);
            }
            assertThat(process.isAlive()).isTrue();
            watchdog.until(Watchdog.uptimeCentis() + 20);

            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(128 + 9);
        }
    }

    private static Process start(Watchdog watchdog) throws IOException {
        Process process = new ProcessBuilder(watchdog.guarded(List.of("sleep", "1000"))).start();
        watchdog.guards(process);
        return process;
    }
}
