package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.testkit.contract.GarblingServer.Garbage;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever a server answers: the client says so or asks again, believes in no hold that nobody granted, and locks as ever
 * once the answers make sense. More rounds with {@code -Dholdfast.garbage.rounds}, another seed with
 * {@code -Dholdfast.garbage.seed}.
 */
@Timeout(300)
class GarbageTest {

    private static final int ROUNDS = Integer.getInteger("holdfast.garbage.rounds", 150);
    private static final long SEED = Long.getLong("holdfast.garbage.seed", 1);
    private static final Duration SHORT = Duration.ofMillis(100);
    private static final LockOptions SYNCHRONOUS = LockOptions.defaults().withSynchronousRelease();

    @ParameterizedTest
    @EnumSource
    void garbledAnswers_endInErrors_grantNothing_andAreOvercome(Garbage how) throws Exception {
        try (CapturedLog log = new CapturedLog();
                EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer good = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                GarblingServer garbling = new GarblingServer(good.endpoint(), SEED);
                Operator operator = new Operator(new GrpcTransport(List.of(good.endpoint())));
                Holdfast other = client(good.endpoint());
                Holdfast here = client(garbling.endpoint())) {
            Hold held = other.lock("held", SYNCHRONOUS).acquire();
            garbling.garble(how);
            int granted = lockAmongGarbage(here, operator, how == Garbage.FLIPPED);
            garbling.garble(null);
            assertThat(garbling.garbled()).as("garbled answers").isGreaterThan(ROUNDS);
            assertOvercome(held, here, operator, log);
            System.out.println(how + ": " + garbling.garbled() + " answers garbled, " + granted + " grants");
        }
    }

    @Test
    void bytesThatAreNoFrames_endInErrors_grantNothing_andAreOvercome() throws Exception {
        try (CapturedLog log = new CapturedLog();
                EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer good = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                NoisyLine line = new NoisyLine(good.endpoint(), SEED);
                Operator operator = new Operator(new GrpcTransport(List.of(good.endpoint())));
                Holdfast other = client(good.endpoint());
                Holdfast here = client(line.endpoint())) {
            Hold held = other.lock("held", SYNCHRONOUS).acquire();
            line.makeNoise(true);
            int granted = lockAmongGarbage(here, operator, false);
            line.makeNoise(false);
            assertThat(line.spoilt()).as("pieces of noise").isGreaterThan(5);
            assertOvercome(held, here, operator, log);
            System.out.println("noise: " + line.spoilt() + " pieces, " + granted + " grants");
        }
    }

    /**
     * Wants one free lock after the other, and in between one that somebody else holds all the time.
     *
     * @param mayLie whether the garbage may say something that can be believed
     * @return how often a free one was granted
     */
    private static int lockAmongGarbage(Holdfast here, Operator operator, boolean mayLie) throws InterruptedException {
        int granted = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Hold free = tryFor(here.lock("free-" + round % 7));
            if (free != null) {
                granted++;
                if (!mayLie) {
                    assertBacked(free, operator);
                }
                closeQuietly(free);
            }
            Hold stolen = tryFor(here.lock("held"));
            if (stolen != null) {
                assertThat(mayLie).as("%s was granted to two", stolen).isTrue();
                closeQuietly(stolen);
            }
        }
        return granted;
    }

    private static void assertOvercome(Hold held, Holdfast here, Operator operator, CapturedLog log) throws Exception {
        assertThat(held.state()).isEqualTo(Hold.State.HELD);
        held.close();
        Hold last =
                here.lock("held", SYNCHRONOUS).tryAcquire(Eventually.PATIENCE).orElseThrow();
        assertThat(operator.queue("held").get(0).getKey().toStringUtf8()).isEqualTo(last.key());
        // The session may not have been renewed for long: at risk until it is.
        Eventually.that("renewed", () -> last.state() == Hold.State.HELD);
        last.close();
        assertThat(log.lines()).as("no invariant was broken").noneMatch(line -> line.contains("event=bug"));
    }

    private static Holdfast client(String endpoint) {
        return Holdfast.builder()
                .endpoints(endpoint)
                .sessionTtl(Duration.ofSeconds(20))
                .requestTimeout(Duration.ofMillis(500))
                .connectTimeout(Eventually.PATIENCE)
                .build();
    }

    /** Null if it was not granted; how that is said, is up to the client, as long as it is one of its own errors. */
    private static @Nullable Hold tryFor(DistributedLock lock) throws InterruptedException {
        try {
            Optional<Hold> taken = lock.tryAcquire(SHORT);
            return taken.orElse(null);
        } catch (LockException said) {
            return null;
        }
    }

    /** Its entry is the first of its queue, or it was lost: nobody else ends a session here. */
    private static void assertBacked(Hold hold, Operator operator) {
        List<String> queue = operator.queue(hold.lockName()).stream()
                .map(entry -> entry.getKey().toStringUtf8())
                .toList();
        boolean isFirst = !queue.isEmpty() && queue.get(0).equals(hold.key());
        assertThat(isFirst || hold.state() == Hold.State.LOST)
                .as("%s is believed in, and the queue is %s", hold, queue)
                .isTrue();
    }

    private static void closeQuietly(Hold hold) {
        try {
            hold.close();
        } catch (LockException.Lost lost) {
            // So the garbage has ended it.
        }
    }
}
