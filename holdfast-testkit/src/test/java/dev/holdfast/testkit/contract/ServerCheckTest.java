package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Holdfast;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What connecting to real servers says about them. */
@Timeout(120)
class ServerCheckTest {

    static List<EtcdProgram> programs() {
        return EtcdProgram.all();
    }

    /** Those that say what their quota is. */
    static Stream<EtcdProgram> newPrograms() {
        return EtcdProgram.all().stream()
                .filter(program ->
                        program.binary() == null || !program.binary().version().isBefore(3, 6));
    }

    @ParameterizedTest
    @Tag("F08")
    @MethodSource("programs")
    void aReleaseThatEndsLeasesEarly_isWarnedOf_andNoOther(EtcdProgram program) throws Exception {
        RealEtcd.Binary binary = program.orSkip("server check");
        boolean isDoubtful = isBelow(binary, 4, 31) || isBelow(binary, 5, 13);
        try (RealEtcd etcd = RealEtcd.start(binary);
                CapturedLog log = new CapturedLog()) {
            Holdfast.connect(etcd.endpoint()).close();

            if (isDoubtful) {
                assertThat(log.lines())
                        .singleElement()
                        .asString()
                        .startsWith("WARNING " + binary + " at ")
                        .contains("issue 15247");
            } else {
                assertThat(log.lines()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("newPrograms")
    void aNearlyFullDatabase_isWarnedOf(EtcdProgram program) throws Exception {
        RealEtcd.Binary binary = program.orSkip("server check");
        try (RealEtcd etcd = RealEtcd.start(binary, "http", "--quota-backend-bytes=8000000");
                Operator operator = new Operator(new GrpcTransport(List.of(etcd.endpoint())));
                CapturedLog log = new CapturedLog()) {
            Holdfast.connect(etcd.endpoint()).close();
            assertThat(log.lines()).isEmpty();

            // In small pieces: a large one is copied once more when its neighbour in the tree is written.
            for (int i = 0; i < 850; i++) {
                operator.put("fill-" + i, "x".repeat(8_000));
            }
            // etcd says how large it is as of its last commit to the disk, which may be 100 ms old.
            Eventually.that("it is warned of", () -> {
                Holdfast.connect(etcd.endpoint()).close();
                return !log.lines().isEmpty();
            });
            assertThat(log.lines()).allMatch(line -> line.contains("is nearly full"));
        }
    }

    private static boolean isBelow(RealEtcd.Binary binary, int minor, int patch) {
        RealEtcd.Version version = binary.version();
        return version.major() == 3 && version.minor() == minor && version.patch() < patch;
    }
}
