package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.ManualScheduler;
import dev.holdfast.Ticket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What operators read: one line for each change of state. */
final class ClientLogTest {

    private static final Logger LOGGER = Logger.getLogger("dev.holdfast");
    private static final String OTHER_CLIENT = "orders of \"today\"/7fff000000000001.0";
    private static final String NAME = "orders of \"today\"";

    private final List<LogRecord> records = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord said) {
            // The check of the server says something there, too.
            if (said.getMessage().startsWith("event=")) {
                records.add(said);
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final LockClient client = new LockClient(
            ClientSettings.of(10, 2_000_000_000L, ""), loop, etcd, Runnable::run, Runnable::run, () -> {}, bug -> {});

    @BeforeEach
    void listen() {
        LOGGER.setUseParentHandlers(false);
        LOGGER.addHandler(handler);
        handler.setLevel(Level.ALL);
        LOGGER.setLevel(Level.ALL);
    }

    @AfterEach
    void stopListening() {
        LOGGER.removeHandler(handler);
        LOGGER.setUseParentHandlers(true);
        LOGGER.setLevel(null);
    }

    private Ticket enqueue() {
        Ticket ticket = client.lock(NAME, LockOptions.defaults()).enqueue();
        loop.run();
        return ticket;
    }

    private void start() {
        client.start();
        loop.run();
    }

    private List<String> lines(Level level) {
        return records.stream()
                .filter(said -> said.getLevel().equals(level))
                .map(LogRecord::getMessage)
                .toList();
    }

    private List<String> events() {
        return records.stream()
                .filter(said -> !said.getLevel().equals(Level.FINER))
                .map(said -> said.getMessage().substring("event=".length()).split(" ", -1)[0])
                .toList();
    }

    @Test
    void wayOfALock_isToldInOneLineForEachChange() {
        start();
        etcd.put(OTHER_CLIENT);
        Ticket ticket = enqueue();
        etcd.delete(OTHER_CLIENT);
        loop.run();
        Hold hold = ticket.grant().join();
        hold.close();
        loop.run();

        assertThat(events())
                .containsExactly("session-opened", "enqueuing", "waiting", "owned", "releasing", "released");
        String lease = hold.key().replaceAll(".*/|\\..*", "");
        assertThat(lines(Level.FINE))
                .allSatisfy(line -> assertThat(line).contains(" lease=" + lease).matches(".* client=\\d+"));
        assertThat(lines(Level.FINE).get(2))
                .contains(" lock=\"orders of \\\"today\\\"\" phase=WAITING ")
                .contains(" ahead=1 ")
                .contains("behind=\"orders of \\\"today\\\"/7fff000000000001.0@");
        assertThat(lines(Level.FINE).get(3)).contains(" token=" + hold.token() + " waited_ms=");
    }

    @Test
    void loss_isAWarning_withItsTimeline() {
        start();
        Hold hold = enqueue().grant().join();
        loop.advance(Duration.ofSeconds(4));
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));

        assertThat(lines(Level.WARNING)).hasSize(2);
        assertThat(lines(Level.WARNING).get(0))
                .startsWith("event=session-lost ")
                .contains(" reason=DEADLINE_PASSED locks=1 ");
        assertThat(lines(Level.WARNING).get(1))
                .startsWith("event=lost lock=\"orders of \\\"today\\\"\" token=" + hold.token() + " lease=")
                .contains(" reason=DEADLINE_PASSED ")
                .contains(" sent_ms=-")
                .contains(" confirmed_ms=-")
                .contains(" deadline_ms=0 ");
        assertThat(lines(Level.INFO))
                .anyMatch(line -> line.startsWith("event=session-at-risk "))
                .anyMatch(line -> line.startsWith("event=session-reopened "));
        assertThat(events().stream().filter("session-at-risk"::equals)).hasSize(1);
    }

    /** Each session looks at its lease now and then; nothing is lost by its not seeing it. */
    @Test
    void leaseThatMayNotBeLookedAt_isNamedAsTheCauseOfNoLoss() {
        etcd.hidesLeases = true;
        start();
        Hold hold = enqueue().grant().join();
        for (int i = 0; i < 1_000 && etcd.leasesAsked == 0; i++) {
            loop.advance(Duration.ofMillis(100));
        }
        assertThat(etcd.leasesAsked).isEqualTo(1);
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(10));

        assertThat(hold.state()).isEqualTo(Hold.State.LOST);
        assertThat(lines(Level.WARNING)).hasSize(2).noneMatch(line -> line.contains("permission denied"));
    }

    @Test
    void manyLosses_areNotToldOneByOne() {
        start();
        int holds = ClientLog.MOST_LOSSES + 50;
        for (int i = 0; i < holds; i++) {
            client.lock("lock-" + i, LockOptions.defaults()).enqueue();
        }
        loop.run();
        etcd.renewsLeases = false;
        loop.advance(Duration.ofSeconds(9));
        etcd.renewsLeases = true;
        loop.advance(Duration.ofSeconds(20));
        assertThat(events().stream().filter("lost"::equals)).hasSize(ClientLog.MOST_LOSSES);

        Hold next = enqueue().grant().join();
        etcd.delete(next.key());
        next.close();
        loop.advance(Duration.ofSeconds(1));
        assertThat(lines(Level.WARNING))
                .anyMatch(line -> line.startsWith("event=lost lock=\"orders") && line.endsWith(" held_back=50"));
    }

    @Test
    void renewals_areTraced() {
        start();
        loop.advance(Duration.ofSeconds(4));
        assertThat(lines(Level.FINER))
                .anyMatch(line -> line.startsWith("event=renewal-sent lease="))
                .anyMatch(line -> line.startsWith("event=renewal-confirmed lease="));
    }

    @Test
    void levelThatNobodyReads_costsNoLine() {
        LOGGER.setLevel(Level.WARNING);
        start();
        enqueue().grant().join().close();
        loop.advance(Duration.ofSeconds(30));
        assertThat(records).isEmpty();
    }

    @Test
    void forcedRelease_isTold_withWhatAStrangerWroteMadeHarmless() {
        start();
        Hold hold = enqueue().grant().join();
        etcd.force(hold.key(), "eve\u001b[2J", "x\" event=fake\n");
        loop.run();
        assertThat(lines(Level.WARNING)).singleElement().satisfies(line -> assertThat(line)
                .contains(" reason=FORCED ")
                .contains(" forced_by=\"eve\\\\u001b[2J\"")
                .contains(" forced_reason=\"x\\\" event=fake\\\\u000a\""));
        assertThat(records).noneMatch(said -> said.getMessage().matches("(?s).*[\\x00-\\x1f].*"));
    }
}
