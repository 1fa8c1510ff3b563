package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.Loss;
import dev.holdfast.LossEvent;
import dev.holdfast.LossReason;
import dev.holdfast.testkit.RealEtcd;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a loss tells after a real etcd, or the process that holds a lock, was stopped for a while. */
@Timeout(120)
class StoppedTest {

    private static RealEtcd etcd() throws Exception {
        return RealEtcd.start(newest());
    }

    private static RealEtcd.Binary newest() {
        return EtcdProgram.newest().orSkip("stopped");
    }

    @Test
    void stoppedEtcd_isALossByTheDeadline_withRenewalsThatNobodyAnswered() throws Exception {
        try (RealEtcd etcd = etcd();
                Holdfast here = Holdfast.builder()
                        .endpoints(etcd.endpoint())
                        .sessionTtl(Duration.ofSeconds(3))
                        .requestTimeout(Duration.ofMillis(500))
                        .connectTimeout(Eventually.PATIENCE)
                        .build()) {
            Hold hold = here.lock("orders").acquire();
            CompletableFuture<Loss> told = new CompletableFuture<>();
            hold.onLost(told::complete);
            Program.signal(etcd.pid(), "STOP");
            Loss loss;
            try {
                loss = Eventually.get(told);
            } finally {
                Program.signal(etcd.pid(), "CONT");
            }
            assertThat(loss.reason()).isEqualTo(LossReason.DEADLINE_PASSED);
            LossEvent.RenewalConfirmed confirmed =
                    loss.event(LossEvent.RenewalConfirmed.class).orElseThrow();
            assertThat(loss.at()).isAfterOrEqualTo(confirmed.deadline().minusMillis(5));
            assertThat(loss.event(LossEvent.RenewalSent.class).orElseThrow().at())
                    .isAfter(confirmed.sentAt());
            assertThat(loss.event(LossEvent.RenewalAnswered.class)
                            .map(LossEvent::at)
                            .orElse(confirmed.at()))
                    .isBefore(loss.event(LossEvent.RenewalSent.class)
                            .orElseThrow()
                            .at());
        }
    }

    @Test
    @Tag("F01")
    void stoppedProcess_learnsThatItWasPaused() throws Exception {
        try (RealEtcd etcd = etcd();
                Program service = Program.java(ServiceProcess.class, etcd.endpoint(), "3", "false", "orders")) {
            assertThat(service.line()).isEqualTo("ready");
            service.signal("STOP");
            // Nothing to wait for: this is how long it is stopped.
            LockSupport.parkNanos(Duration.ofSeconds(6).toNanos());
            service.signal("CONT");
            String line = service.line();
            assertThat(line).startsWith("lost hold ").contains("of lock 'orders'");
            Matcher pause =
                    Pattern.compile("went on after a pause of (\\d+) ms").matcher(line);
            assertThat(pause.find()).as("a pause in %s", line).isTrue();
            // Stopped for six seconds; a tick was due in the first of them, a third of the TTL.
            assertThat(Long.parseLong(pause.group(1))).isBetween(4_000L, 60_000L);
        }
    }
}
