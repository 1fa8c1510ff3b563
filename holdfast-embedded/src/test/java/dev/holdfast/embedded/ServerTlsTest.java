package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.put;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.etcdapi.KVGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The engine's server with TLS: who gets in, and what is said about files that are of no use. */
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
@Timeout(60)
class ServerTlsTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir
    private static Path folder;

    private final EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
    private final List<ManagedChannel> channels = new ArrayList<>();

    @BeforeAll
    static void makeCertificates() throws Exception {
        assumeTrue(isThere("openssl"), "no openssl to make certificates with");
        for (String authority : List.of("ca", "other-ca")) {
            openssl(
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=" + authority,
                    "-keyout",
                    file(authority + "-key.pem"),
                    "-out",
                    file(authority + ".pem"));
        }
        issue("server", "ca");
        issue("client", "ca");
        issue("stranger", "other-ca");
    }

    private static void issue(String name, String authority) throws Exception {
        Files.writeString(folder.resolve("names.cnf"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
        openssl(
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-keyout",
                file(name + "-key.pem"),
                "-out",
                file(name + ".csr"));
        openssl(
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                file(name + ".csr"),
                "-CA",
                file(authority + ".pem"),
                "-CAkey",
                file(authority + "-key.pem"),
                "-CAcreateserial",
                "-extfile",
                file("names.cnf"),
                "-out",
                file(name + ".pem"));
    }

    @AfterEach
    void close() throws InterruptedException {
        for (ManagedChannel channel : channels) {
            channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
        etcd.close();
    }

    private static ServerTls tls() {
        return new ServerTls(folder.resolve("server.pem"), folder.resolve("server-key.pem"));
    }

    @Test
    void aClientThatTrustsTheServer_getsIn_andPlainTextDoesNot() throws Exception {
        EngineServer server = etcd.serve(ANY_PORT, tls());
        assertThat(server.endpoint()).startsWith("https://127.0.0.1:");
        assertThat(client(server, "ca", null).put(put("a", "1")).getHeader().getRevision())
                .isEqualTo(2);
        assertUnavailable(client(server, "other-ca", null));
        URI uri = URI.create(server.endpoint());
        ManagedChannel plain = NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
                .usePlaintext()
                .build();
        channels.add(plain);
        assertUnavailable(KVGrpc.newBlockingStub(plain));
    }

    @Test
    void whereClientsNeedACertificate_nobodyElseGetsIn() throws Exception {
        EngineServer server = etcd.serve(ANY_PORT, tls().requiringClients(folder.resolve("ca.pem")));
        assertThat(client(server, "ca", "client").put(put("a", "1")).getHeader().getRevision())
                .isEqualTo(2);
        assertUnavailable(client(server, "ca", null));
        assertUnavailable(client(server, "ca", "stranger"));
    }

    @Test
    void anAddressThatOthersReach_isServed() throws Exception {
        try (EngineServer server = etcd.serve(new InetSocketAddress(0), tls())) {
            assertThat(server.endpoint()).startsWith("https://0.0.0.0:");
        }
    }

    @Test
    void etcdctlAndOpenssl_agree() throws Exception {
        EngineServer server = etcd.serve(ANY_PORT, tls().requiringClients(folder.resolve("ca.pem")));
        URI uri = URI.create(server.endpoint());
        String handshake = run(
                "openssl",
                "s_client",
                "-connect",
                uri.getHost() + ":" + uri.getPort(),
                "-CAfile",
                file("ca.pem"),
                "-cert",
                file("client.pem"),
                "-key",
                file("client-key.pem"),
                "-alpn",
                "h2",
                "-verify_return_error");
        assertThat(handshake).contains("Verify return code: 0 (ok)", "ALPN protocol: h2");
        for (RealEtcd.Binary binary : RealEtcd.found()) {
            if (binary.etcdctl() != null) {
                String etcdctl = binary.etcdctl().toString();
                assertThat(run(
                                etcdctl,
                                "--endpoints=" + server.endpoint(),
                                "--cacert=" + file("ca.pem"),
                                "--cert=" + file("client.pem"),
                                "--key=" + file("client-key.pem"),
                                "put",
                                "foo",
                                "bar"))
                        .isEqualTo("OK\n");
                assertThat(run(
                                etcdctl,
                                "--endpoints=" + server.endpoint(),
                                "--cacert=" + file("ca.pem"),
                                "--command-timeout=2s",
                                "get",
                                "foo"))
                        .doesNotContain("bar");
            }
        }
    }

    @Test
    void filesThatAreOfNoUse_areNamed() throws Exception {
        Path none = folder.resolve("none.pem");
        refused(new ServerTls(none, folder.resolve("server-key.pem")), "cannot read the certificate " + none);
        refused(new ServerTls(folder.resolve("server.pem"), none), "cannot read the key " + none);
        refused(
                new ServerTls(folder.resolve("server.pem"), folder.resolve("ca.pem")),
                "the key " + file("ca.pem")
                        + " is not an unencrypted PKCS#8 key in PEM; convert it with: openssl pkcs8");
        refused(
                tls().requiringClients(folder.resolve("server-key.pem")),
                "the trusted certificates " + file("server-key.pem") + " is not a PEM file of certificates");
        refused(
                new ServerTls(folder.resolve("server.pem"), folder.resolve("client-key.pem")),
                "the key " + file("client-key.pem") + " does not belong to the certificate " + file("server.pem"));
    }

    private void refused(ServerTls tls, String message) {
        assertThatThrownBy(() -> etcd.serve(ANY_PORT, tls))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message);
    }

    private KVGrpc.KVBlockingStub client(EngineServer server, String authority, @Nullable String name)
            throws IOException {
        SslContextBuilder context = GrpcSslContexts.forClient()
                .trustManager(folder.resolve(authority + ".pem").toFile());
        if (name != null) {
            context.keyManager(
                    folder.resolve(name + ".pem").toFile(),
                    folder.resolve(name + "-key.pem").toFile());
        }
        URI uri = URI.create(server.endpoint());
        ManagedChannel channel = NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
                .sslContext(context.build())
                .build();
        channels.add(channel);
        return KVGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    private static void assertUnavailable(KVGrpc.KVBlockingStub client) {
        assertThatThrownBy(() -> client.range(get("a")))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }

    private static String file(String name) {
        return folder.resolve(name).toString();
    }

    private static boolean isThere(String program) {
        try {
            run(program, "version");
            return true;
        } catch (IOException | InterruptedException e) {
            return false;
        }
    }

    private static void openssl(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(args));
        String output = run(command.toArray(String[]::new));
        assertThat(Path.of(args[List.of(args).indexOf("-out") + 1])).as(output).isNotEmptyFile();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return output;
    }
}
