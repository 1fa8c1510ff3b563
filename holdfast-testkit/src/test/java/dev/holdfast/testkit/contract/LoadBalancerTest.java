package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.Loss;
import dev.holdfast.testkit.RealCluster;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A cluster behind one address: every connection may meet another member, also one that lags behind the others. */
@Timeout(180)
class LoadBalancerTest {

    private static final Duration TTL = Duration.ofSeconds(3);
    private static final Duration LENGTH = Duration.ofSeconds(15);

    static List<EtcdProgram> programs() {
        return EtcdProgram.oldestAndNewest();
    }

    @ParameterizedTest
    @Tag("F23")
    @MethodSource("programs")
    void connectionsThatBreakEverySecond_loseNoSession_andLookLikeNoOtherCluster(EtcdProgram program) throws Exception {
        RealEtcd.Binary binary = program.orSkip("load balancer");
        ExecutorService threads = Executors.newCachedThreadPool();
        AtomicBoolean isOver = new AtomicBoolean();
        List<Loss> losses = new CopyOnWriteArrayList<>();
        try (RealCluster cluster = RealCluster.start(binary, 3);
                TcpProxy balancer = TcpProxy.before(cluster.endpoints());
                CapturedLog log = new CapturedLog();
                Holdfast owner = connect(balancer);
                Holdfast one = connect(balancer);
                Holdfast two = connect(balancer)) {
            Hold held = owner.lock("held").acquire();
            held.onLost(losses::add);
            List<Future<List<FencingToken>>> contenders = new ArrayList<>();
            contenders.add(threads.submit(contend(one, isOver, losses)));
            contenders.add(threads.submit(contend(two, isOver, losses)));

            long start = System.nanoTime();
            for (int second = 1; second <= LENGTH.toSeconds(); second++) {
                RealEtcd slow = cluster.members().get(second % 3);
                signal("STOP", slow);
                pauseUntil(start + Duration.ofSeconds(second).minusMillis(700).toNanos());
                signal("CONT", slow);
                pauseUntil(start + Duration.ofSeconds(second).toNanos());
                assertThat(held.state()).isEqualTo(Hold.State.HELD);
                balancer.cut();
            }
            isOver.set(true);

            List<FencingToken> tokens = new ArrayList<>();
            for (Future<List<FencingToken>> contender : contenders) {
                List<FencingToken> seen = Eventually.get(contender);
                assertThat(seen).as("tokens of one contender").isSorted().doesNotHaveDuplicates();
                tokens.addAll(seen);
            }
            assertThat(tokens).doesNotHaveDuplicates().hasSizeGreaterThan(20);
            assertThat(losses).isEmpty();
            assertThat(log.lines()).noneMatch(line -> line.contains("LOST") || line.contains("not what it was"));
            assertThat(balancer.accepted()).isGreaterThan((int) LENGTH.toSeconds());
            held.close();
        } finally {
            isOver.set(true);
            threads.shutdownNow();
        }
    }

    private static Holdfast connect(TcpProxy balancer) {
        return Holdfast.builder()
                .endpoints(balancer.address())
                .sessionTtl(TTL)
                .requestTimeout(Duration.ofSeconds(1))
                .connectTimeout(Eventually.PATIENCE)
                .build();
    }

    private static Callable<List<FencingToken>> contend(Holdfast client, AtomicBoolean isOver, List<Loss> losses) {
        return () -> {
            List<FencingToken> tokens = new ArrayList<>();
            while (!isOver.get()) {
                try (Hold hold = client.lock("contended").acquire()) {
                    hold.onLost(losses::add);
                    tokens.add(hold.token());
                    LockSupport.parkNanos(20_000_000);
                }
            }
            return tokens;
        };
    }

    /** A member that stands still for a moment lags behind when it goes on. */
    private static void signal(String name, RealEtcd member) throws Exception {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(member.pid())).start();
        assertThat(kill.waitFor()).isZero();
    }

    private static void pauseUntil(long nanos) {
        while (System.nanoTime() - nanos < 0) {
            LockSupport.parkNanos(nanos - System.nanoTime());
        }
    }
}
