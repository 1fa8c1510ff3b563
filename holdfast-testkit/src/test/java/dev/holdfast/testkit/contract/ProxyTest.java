package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.testkit.GrpcProxy;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is particular about etcd's own proxy; what is not, the contract classes show. */
@Timeout(120)
class ProxyTest {

    private static final Duration TTL = Duration.ofSeconds(2);

    static List<EtcdProgram> programs() {
        return EtcdProgram.all();
    }

    @ParameterizedTest
    @MethodSource("programs")
    void aProxy_isAnnouncedWhenItIsDeclared_andWarnedOfWhenItIsNot(EtcdProgram program) throws Exception {
        RealEtcd.Binary binary = program.orSkip("grpc-proxy");
        try (RealEtcd etcd = RealEtcd.start(binary);
                GrpcProxy proxy = GrpcProxy.start(binary, etcd.endpoint());
                CapturedLog log = new CapturedLog()) {
            Holdfast.builder()
                    .endpoints(proxy.endpoint())
                    .behindGrpcProxy(true)
                    .build()
                    .close();
            assertThat(proxyLines(log))
                    .singleElement()
                    .asString()
                    .startsWith("INFO behind etcd's grpc-proxy, as declared")
                    .contains("fencing tokens");

            try (Holdfast undeclared = Holdfast.connect(proxy.endpoint())) {
                undeclared.lock("x").acquire().close();
                Eventually.that(
                        () -> "a warning, but there is " + log.lines(),
                        () -> proxyLines(log).size() == 2);
                assertThat(proxyLines(log).get(1))
                        .startsWith("WARNING what answers at ")
                        .contains("behindGrpcProxy(true)");
            }
            try (Holdfast direct = Holdfast.connect(etcd.endpoint())) {
                direct.lock("x").acquire().close();
                assertThat(proxyLines(log)).hasSize(2);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("programs")
    void aHold_outlivesItsTtlManyTimes_andADeadHolderIsCleanedUp(EtcdProgram program) throws Exception {
        RealEtcd.Binary binary = program.orSkip("grpc-proxy");
        try (RealEtcd etcd = RealEtcd.start(binary);
                GrpcProxy proxy = GrpcProxy.start(binary, etcd.endpoint())) {
            Gate gate = new Gate(new GrpcTransport(List.of(proxy.endpoint())));
            try (Holdfast doomed = Holdfast.builder()
                            .transport(gate)
                            .behindGrpcProxy(true)
                            .sessionTtl(TTL)
                            .build();
                    Holdfast next = Holdfast.builder()
                            .endpoints(proxy.endpoint())
                            .behindGrpcProxy(true)
                            .sessionTtl(TTL)
                            .build()) {
                Hold first = doomed.lock("orders").acquire();
                FencingToken token = first.token();
                long end = System.nanoTime() + TTL.multipliedBy(2).toNanos();
                while (System.nanoTime() - end < 0) {
                    assertThat(first.state()).isNotIn(Hold.State.LOST, Hold.State.RELEASED);
                    LockSupport.parkNanos(50_000_000);
                }

                gate.set(Gate.Passage.SHUT);
                Hold second =
                        next.lock("orders").tryAcquire(Duration.ofSeconds(30)).orElseThrow();
                assertThat(second.token()).isGreaterThan(token);
                assertThat(first.state()).isEqualTo(Hold.State.LOST);
                gate.set(Gate.Passage.OPEN);
            }
        }
    }

    private static List<String> proxyLines(CapturedLog log) {
        return log.lines().stream().filter(line -> line.contains("proxy")).toList();
    }
}
