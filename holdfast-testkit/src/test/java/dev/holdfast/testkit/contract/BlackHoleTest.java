package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.history.Verdict;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.contract.BlackHole.Cut;
import dev.holdfast.testkit.contract.BlackHole.Result;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that are cut off from etcd say "held" no longer than they may. By properties: {@code
 * holdfast.blackhole.etcd=3.5.35} (or {@code all}; 3.6 unless given), {@code .clients=100}, {@code .rounds=10}, {@code
 * .seed}.
 */
@Timeout(600)
class BlackHoleTest {

    private static final int CLIENTS = Integer.getInteger("holdfast.blackhole.clients", 100);
    private static final int ROUNDS = Integer.getInteger("holdfast.blackhole.rounds", 10);

    /* A warning for each loss would be thousands of lines. */
    private static final Logger LOG = Logger.getLogger("dev.holdfast");

    @BeforeAll
    static void sayNothing() {
        LOG.setUseParentHandlers(false);
    }

    @AfterAll
    static void sayAgain() {
        LOG.setUseParentHandlers(true);
    }

    @Test
    @Tag("F06")
    @Tag("F42")
    void noClientSaysHeld_pastItsDeadlineOrTheServersExpiry_inAThousandCuts() throws Exception {
        for (EtcdProgram program : programs()) {
            RealEtcd.Binary binary = program.orSkip("black hole");
            long seed = Long.getLong("holdfast.blackhole.seed", System.nanoTime());
            try (RealEtcd etcd = RealEtcd.start(binary)) {
                Result result = new BlackHole(etcd.endpoint(), CLIENTS, ROUNDS, seed, UnaryOperator.identity()).run();

                String line = "ran: black hole on " + binary + ": " + result;
                EtcdProgram.report(line);
                System.out.println(line);
                for (Verdict verdict : List.of(result.byMonotonicClock(), result.byWallClock())) {
                    assertThat(verdict.isKept())
                            .as("%s; seed %s", verdict, seed)
                            .isTrue();
                }
                assertThat(result.totalCuts()).isEqualTo(CLIENTS * ROUNDS);
                assertThat(result.cuts().keySet()).containsExactlyInAnyOrder(Cut.values());
                assertThat(result.latenesses()).hasSizeGreaterThanOrEqualTo(result.totalCuts());
                try (Operator operator = new Operator(new GrpcTransport(List.of(etcd.endpoint())))) {
                    Eventually.that(
                            () -> "nothing is left over, but there are " + operator.keys(""),
                            () -> operator.keys("").isEmpty());
                }
            }
        }
    }

    @Test
    void aHoldThatGoesOnSayingHeld_isCaught() throws Exception {
        RealEtcd.Binary binary = programs().get(0).orSkip("black hole");
        try (RealEtcd etcd = RealEtcd.start(binary)) {
            Result result = new BlackHole(etcd.endpoint(), 1, 1, 1, BlackHoleTest::lying).run();
            assertThat(result.byWallClock().isBroken()).isTrue();
            assertThat(result.byWallClock().toString()).contains("past its own deadline");
            // Its deadline by this clock is a bound, which comes somewhat later than the loss.
            assertThat(result.byMonotonicClock().isBroken()).isTrue();
        }
    }

    /** It believes in itself whatever happens. */
    private static Hold lying(Hold hold) {
        return (Hold) Proxy.newProxyInstance(
                Hold.class.getClassLoader(), new Class<?>[] {Hold.class}, (self, method, arguments) -> {
                    if (method.getName().equals("state")) {
                        return Hold.State.HELD;
                    }
                    if (method.getName().equals("remaining")) {
                        return Duration.ofSeconds(1);
                    }
                    try {
                        return method.invoke(hold, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static List<EtcdProgram> programs() {
        List<EtcdProgram> all = EtcdProgram.all();
        String wanted = System.getProperty("holdfast.blackhole.etcd", "3.6.");
        List<EtcdProgram> chosen = wanted.equals("all")
                ? all
                : all.stream()
                        .filter(each -> each.toString().startsWith("etcd " + wanted))
                        .toList();
        return chosen.isEmpty() ? List.of(all.get(all.size() - 1)) : chosen;
    }
}
