package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.NameMode;
import dev.holdfast.embedded.EmbeddedEtcd;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names, settings and endpoints that cannot be used: one clear error each, and nothing is left behind. */
@Timeout(60)
class BadInputTest {

    private static final Duration CONNECT_TIMEOUT = Duration.ofMillis(1_500);

    @AfterEach
    void noThreadIsLeft() {
        Eventually.that(() -> "no thread is left, but there are " + threads(), () -> threads()
                .isEmpty());
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("holdfast-"))
                .toList();
    }

    // ---------------------------------------------------------------------------------------------------- names

    static Map<String, String> reasonsByName() {
        return Map.ofEntries(
                Map.entry("", "empty"),
                Map.entry("a".repeat(513), "512"),
                Map.entry("\u00e9".repeat(257), "512"),
                Map.entry("\ud83d\udd11".repeat(129), "512"),
                Map.entry("a\0b", "U+0000"),
                Map.entry("a\nb", "U+000A"),
                Map.entry("a\u007f", "U+007F"),
                Map.entry("a\u0085", "U+0085"),
                Map.entry("a\ud83d", "surrogate"),
                Map.entry("\udd11a", "surrogate"),
                Map.entry("_holdfast", "reserved"),
                Map.entry("_holdfast/sess", "reserved"),
                Map.entry("_holdfast/", "reserved"));
    }

    static List<Map.Entry<String, String>> badNames() {
        return List.copyOf(reasonsByName().entrySet());
    }

    @ParameterizedTest
    @Tag("F39")
    @MethodSource("badNames")
    void aNameThatCannotBeALocks_isRefusedWithTheReason(Map.Entry<String, String> bad) {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            for (NameMode mode : NameMode.values()) {
                try (Holdfast holdfast = Holdfast.builder()
                        .transport(etcd.transport())
                        .nameMode(mode)
                        .build()) {
                    assertThatThrownBy(() -> holdfast.lock(bad.getKey()))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessageContaining(bad.getValue());
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- settings

    static List<Map.Entry<String, UnaryOperator<HoldfastBuilder>>> badSettings() {
        return List.of(
                Map.entry("sessionTtl", builder -> builder.sessionTtl(Duration.ofMillis(1_999))),
                Map.entry("sessionTtl", builder -> builder.sessionTtl(Duration.ofMillis(2_500))),
                Map.entry("sessionTtl", builder -> builder.sessionTtl(Duration.ofSeconds(61))),
                Map.entry("sessionTtl", builder -> builder.sessionTtl(Duration.ofSeconds(-5))),
                Map.entry("sessionTtl", builder -> builder.sessionTtl(Duration.ofSeconds(Long.MAX_VALUE))),
                Map.entry("connectTimeout", builder -> builder.connectTimeout(Duration.ZERO)),
                Map.entry("connectTimeout", builder -> builder.connectTimeout(Duration.ofSeconds(-1))),
                Map.entry("requestTimeout", builder -> builder.requestTimeout(Duration.ZERO)),
                Map.entry("requestTimeout", builder -> builder.requestTimeout(Duration.ofSeconds(-1))),
                Map.entry("clusterEpoch", builder -> builder.clusterEpoch(-1)),
                Map.entry("namespace", builder -> builder.namespace("team\0/")),
                Map.entry("namespace", builder -> builder.namespace("team\ud800/")),
                Map.entry("namespace", builder -> builder.namespace("n".repeat(513))));
    }

    @ParameterizedTest
    @MethodSource("badSettings")
    void aSettingOutOfRange_isRefusedByItsName(Map.Entry<String, UnaryOperator<HoldfastBuilder>> bad) {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            HoldfastBuilder builder = bad.getValue().apply(Holdfast.builder().transport(etcd.transport()));
            assertThatThrownBy(builder::build)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bad.getKey());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 60})
    void theShortestAndTheLongestSession_areOpened(int seconds) throws InterruptedException {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                Holdfast holdfast = Holdfast.builder()
                        .transport(etcd.transport())
                        .sessionTtl(Duration.ofSeconds(seconds))
                        .build()) {
            holdfast.lock("a").acquire().close();
        }
    }

    @Test
    void optionsOutOfRange_areRefusedByTheirNames() {
        LockOptions options = LockOptions.defaults();
        Map<String, Caller.Action> bad = Map.of(
                "minHold", () -> options.withMinHold(Duration.ofNanos(-1)),
                "maxHold", () -> options.withMaxHold(Duration.ZERO),
                "handOverBudget", () -> options.withHandOverBudget(-1),
                "purpose", () -> options.withPurpose("p".repeat(257)));
        bad.forEach((setting, action) -> assertThatThrownBy(action::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(setting));
    }

    // ---------------------------------------------------------------------------------------------------- endpoints

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "localhost",
                "http://",
                "http://localhost",
                "ftp://localhost:2379",
                "https://localhost",
                "localhost:0",
                "localhost:65536",
                "localhost:http",
                "localhost:-1",
                "::1:2379",
                "[::1]",
                "[::1:2379",
                ":2379",
                "localhost:2379,localhost:2380",
                "http://localhost:2379/v3",
                "local host:2379"
            })
    void anEndpointThatDoesNotParse_isQuotedInTheError(String endpoint) {
        assertThatThrownBy(() -> Holdfast.connect(endpoint))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + endpoint + "\"");
    }

    @Test
    void anEndpointWithAPassword_isRefusedWithoutShowingIt() {
        assertThatThrownBy(() -> Holdfast.connect("http://user:secret@localhost:2379"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("localhost:2379")
                .hasMessageNotContaining("secret");
    }

    @Test
    void noEndpointAtAll_isRefused() {
        assertThatThrownBy(() -> Holdfast.builder().build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("endpoint");
        assertThatThrownBy(Holdfast::connect)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("endpoint");
        assertThatThrownBy(() -> Holdfast.connect("127.0.0.1:2379", "http://127.0.0.1:2379"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("twice");
    }

    @Test
    void aPortWhereNobodyListens_isNamed_withinTheConnectTimeout() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        assertNoEtcd(port);
    }

    @Test
    void aServerThatSaysNothing_isNoEtcd() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            assertNoEtcd(silent.getLocalPort());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SSH-2.0-OpenSSH\r\n",
                "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nwhat"
            })
    void aServerOfAnotherProtocol_isNoEtcd(String answer) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread greeter = new Thread(() -> {
                while (!server.isClosed()) {
                    try (Socket socket = server.accept()) {
                        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                        socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                    } catch (IOException e) {
                        // The client has left, or the test is over.
                    }
                }
            });
            greeter.setDaemon(true);
            greeter.start();
            assertNoEtcd(server.getLocalPort());
        }
    }

    private static void assertNoEtcd(int port) {
        long start = System.nanoTime();
        assertThatThrownBy(() -> Holdfast.builder()
                        .endpoints("http://127.0.0.1:" + port)
                        .connectTimeout(CONNECT_TIMEOUT)
                        .build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("no etcd at 127.0.0.1:" + port)
                .hasMessageNotContaining("\n")
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(400));
        // The margin is for a busy machine, and well below what waiting for a revocation would take.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(CONNECT_TIMEOUT.plusMillis(2_500));
    }
}
