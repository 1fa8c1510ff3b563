package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.LossReason;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a session remembers for the day it is lost. */
final class ChronicleTest {

    private static final Duration THIRD = Duration.ofSeconds(Workbench.TTL_SECONDS / 3);

    private final Workbench bench = new Workbench();
    private final Moment openedAt = bench.now();
    private final SessionMachine session = bench.openSessionQuietly();
    private final Chronicle chronicle = session.chronicle();

    private static <T> T known(@Nullable T value) {
        return Objects.requireNonNull(value, "unknown");
    }

    @Test
    void grant_countsAsConfirmed_untilARenewalIs() {
        assertThat(chronicle.sentAt()).isNull();
        assertThat(chronicle.answeredAt()).isNull();
        Chronicle.Confirmation granted = known(chronicle.confirmation());
        assertThat(granted.sentAt()).isEqualTo(openedAt);
        assertThat(granted.deadlineWallMillis()).isEqualTo(openedAt.wallMillis() + 28_500);

        bench.advance(THIRD);
        Moment sent = bench.now();
        assertThat(chronicle.sentAt()).isEqualTo(sent);
        bench.advanceMillis(300);
        bench.renew(session);
        assertThat(chronicle.answeredAt()).isEqualTo(bench.now());
        Chronicle.Confirmation confirmed = known(chronicle.confirmation());
        assertThat(confirmed.sentAt()).isEqualTo(sent);
        assertThat(confirmed.at()).isEqualTo(bench.now());
        assertThat(confirmed.deadlineWallMillis()).isEqualTo(sent.wallMillis() + 28_500);
    }

    @Test
    void sessionThatRunsAsItShould_hasNoPauseAndNoJump() {
        for (int i = 0; i < 20; i++) {
            bench.advance(THIRD);
            bench.renew(session);
        }
        assertThat(chronicle.pause()).isNull();
        assertThat(chronicle.clockJump()).isNull();
    }

    @Test
    void stoppedProcess_isAPause_ofAtLeastWhatTheTickWasLate() {
        bench.advance(Duration.ofSeconds(8));
        bench.stop(Duration.ofSeconds(7));
        bench.goOn();
        Chronicle.Pause pause = known(chronicle.pause());
        assertThat(Duration.ofNanos(pause.nanos())).isEqualTo(Duration.ofSeconds(5));
        assertThat(pause.at()).isEqualTo(bench.now());
        assertThat(chronicle.clockJump()).isNull();
    }

    @Test
    void pauseThatCostTheSession_isKnown_evenIfTheLossIsNoticedBeforeTheTick() {
        bench.stop(Duration.ofSeconds(40));
        session.lose(LossReason.LEASE_GONE, "an event that came first", bench.now());
        assertThat(Duration.ofNanos(known(chronicle.pause()).nanos())).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void longestPauseIsKept_untilARenewalIsConfirmed() {
        bench.stop(THIRD.plusSeconds(3));
        bench.goOn();
        bench.stop(Duration.ofSeconds(2));
        bench.goOn();
        assertThat(Duration.ofNanos(known(chronicle.pause()).nanos())).isEqualTo(Duration.ofSeconds(3));
        bench.renew(session);
        bench.stop(Duration.ofMillis(2_500));
        bench.goOn();
        assertThat(known(chronicle.pause()).at()).isEqualTo(bench.now());
        assertThat(known(chronicle.pause()).nanos()).isLessThan(3 * Workbench.SECOND);
    }

    @Test
    void suspendedHost_isAJumpOfTheWallClock() {
        bench.advance(THIRD);
        bench.renew(session);
        bench.stepWallClock(Duration.ofSeconds(12));
        bench.advance(THIRD);
        assertThat(known(chronicle.clockJump()).millis()).isEqualTo(12_000);
        assertThat(chronicle.pause()).isNull();
    }

    @Test
    void clockSetBack_isAJump_too() {
        bench.advance(THIRD);
        bench.renew(session);
        bench.stepWallClock(Duration.ofSeconds(-5));
        bench.advance(THIRD);
        assertThat(known(chronicle.clockJump()).millis()).isEqualTo(-5_000);
    }

    @Test
    void lastError_isKept_whileTheSessionLives() {
        session.onTrouble("first", bench.now());
        bench.advanceMillis(10);
        session.onTrouble("second", bench.now());
        assertThat(chronicle.trouble()).isEqualTo(new Chronicle.Trouble(bench.now(), "second"));
        assertThat(chronicle.recentTrouble()).isEqualTo(chronicle.trouble());
        session.lose(LossReason.CLIENT_CLOSED, "closed", bench.now());
        session.onTrouble("third", bench.now());
        assertThat(known(chronicle.trouble()).text()).isEqualTo("second");
    }

    @Test
    void errorBeforeTheLastConfirmedRenewal_isNotRecent() {
        session.onTrouble("overcome", bench.now());
        bench.advance(THIRD);
        bench.renew(session);
        assertThat(chronicle.trouble()).isNotNull();
        assertThat(chronicle.recentTrouble()).isNull();
    }
}
