package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a Flight Recorder shows of waits, holds and losses. */
final class FlightTest {

    private static final String OTHER_CLIENT = "orders/7fff000000000001.0";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bug -> {});

    FlightTest() {
        client.start();
        loop.run();
    }

    private Ticket enqueue() {
        Ticket ticket = client.lock("orders", LockOptions.defaults()).enqueue();
        loop.run();
        return ticket;
    }

    private List<RecordedEvent> recorded(String event, Runnable what) throws IOException {
        Path file = folder.resolve(event + ".jfr");
        try (Recording recording = new Recording()) {
            recording.enable(event).withThreshold(Duration.ZERO);
            recording.start();
            what.run();
            recording.stop();
            recording.dump(file);
        }
        assertThat(Files.size(file)).isPositive();
        return RecordingFile.readAllEvents(file).stream()
                .filter(each -> each.getEventType().getName().equals(event))
                .toList();
    }

    @Test
    void wait_hasItsOutcome_andWhoWasAhead() throws IOException {
        List<RecordedEvent> waits = recorded("dev.holdfast.Wait", () -> {
            Hold hold = enqueue().grant().join();
            Ticket second = enqueue();
            enqueue().cancel();
            hold.close();
            loop.run();
            second.grant().join().close();
            loop.run();
        });
        assertThat(waits).extracting(each -> each.getString("lock")).containsOnly("orders");
        assertThat(waits)
                .extracting(each -> each.getString("outcome") + " " + each.getInt("ahead"))
                .containsExactlyInAnyOrder("granted 0", "cancelled 2", "granted 1");
        assertThat(waits)
                .filteredOn(each -> each.getString("outcome").equals("granted"))
                .extracting(each -> each.getString("token"))
                .doesNotContain("")
                .doesNotHaveDuplicates();
    }

    @Test
    void hold_hasItsToken_andHowItEnded() throws IOException {
        Hold[] holds = new Hold[3];
        List<RecordedEvent> recorded = recorded("dev.holdfast.Hold", () -> {
            holds[0] = enqueue().grant().join();
            Ticket second = enqueue();
            holds[0].close();
            loop.run();
            holds[1] = second.grant().join();
            holds[1].close();
            loop.run();
            holds[2] = enqueue().grant().join();
            etcd.force(holds[2].key(), "eve", "stuck");
            loop.run();
        });
        assertThat(recorded)
                .extracting(each ->
                        each.getString("token") + " " + each.getBoolean("localHandOver") + " " + each.getString("end"))
                .containsExactly(
                        holds[0].token() + " false released",
                        holds[1].token() + " true released",
                        holds[2].token() + " false FORCED");
        assertThat(recorded).allMatch(each -> !each.getDuration().isNegative());
    }

    @Test
    void loss_hasItsReason() throws IOException {
        Hold[] hold = new Hold[1];
        List<RecordedEvent> losses = recorded("dev.holdfast.Loss", () -> {
            hold[0] = enqueue().grant().join();
            etcd.force(hold[0].key(), "eve", "stuck");
            loop.run();
        });
        assertThat(losses).singleElement().satisfies(loss -> {
            assertThat(loss.getString("lock")).isEqualTo("orders");
            assertThat(loss.getString("token")).isEqualTo(hold[0].token().toString());
            assertThat(loss.getString("reason")).isEqualTo("FORCED");
            assertThat(loss.getString("detail")).contains("eve", "stuck");
        });
    }

    @Test
    void withoutARecording_nothingIsMade() {
        assertThat(Flight.waiting()).isNull();
        assertThat(Flight.holding()).isNull();
    }

    @Test
    void timedOutAndBusy_areToldApart() throws IOException {
        List<RecordedEvent> waits = recorded("dev.holdfast.Wait", () -> {
            etcd.put(OTHER_CLIENT);
            Waiter waiter = new Waiter(
                    new NamedLock(dev.holdfast.protocol.LockName.of("orders", "", LockClient.ROOT, false), client)
                            .queueFor(LockOptions.defaults()),
                    LockOptions.defaults(),
                    new Parking(),
                    null);
            waiter.queue.enter(waiter);
            loop.run();
            assertThat(waiter.timeOut()).isTrue();
        });
        assertThat(waits).extracting(each -> each.getString("outcome")).containsExactly("timeout");
    }
}
