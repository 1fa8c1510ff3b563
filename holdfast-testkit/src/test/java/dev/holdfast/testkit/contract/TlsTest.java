package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.TlsSettings;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.spi.Transport;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.TcpProxy;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS with every real etcd that is here: what works, and what is said when it does not. */
@ParameterizedClass(name = "{0}")
@MethodSource("programs")
class TlsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Parameter
    @Nullable
    EtcdProgram program;

    @TempDir
    Path directory = Path.of("");

    private final List<AutoCloseable> open = new ArrayList<>();
    private RealEtcd.@Nullable Binary binary;
    private @Nullable Certificates authority;
    private @Nullable Certificates stranger;

    static List<EtcdProgram> programs() {
        return EtcdProgram.all();
    }

    @BeforeEach
    void makeAuthorities() throws Exception {
        binary = Objects.requireNonNull(program).orSkip("TLS");
        authority = Certificates.authority(directory, "authority");
        stranger = Certificates.authority(directory, "stranger");
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    // ---------------------------------------------------------------------------------------------------- the server

    @Test
    void aServerVouchedForByTheNamedAuthority_isLockedAt() throws Exception {
        RealEtcd etcd = start(authority().server("server"));
        try (Holdfast holdfast = builder(etcd.endpoint(), trusting()).build();
                Holdfast other = builder(withoutScheme(etcd), trusting()).build();
                Hold hold = holdfast.lock("over-tls").acquire()) {
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            assertThat(other.lock("over-tls").tryAcquire()).isEmpty();
        }
    }

    @Test
    void aServerThatIsNotWhatItShouldBe_isNotSpokenTo_andTheReasonIsSaid() throws Exception {
        RealEtcd good = start(authority().server("server"));
        assertThat(said(good.endpoint(), null))
                .contains("TLS: ", "not vouched for by an authority that this JVM trusts", "name the file");
        assertThat(said(
                        good.endpoint(),
                        TlsSettings.ofSystem().trusting(stranger().file())))
                .contains(
                        "TLS: ",
                        "not vouched for by an authority in " + stranger().file());
        assertThat(said(
                        "http://127.0.0.1"
                                + good.endpoint().substring(good.endpoint().lastIndexOf(':')),
                        null))
                .contains("TLS: ", "wants TLS", "write https://127.0.0.1");

        RealEtcd expired = start(authority().expiredServer("expired"));
        assertThat(said(expired.endpoint(), trusting())).contains("TLS: ", "has expired", "renew it");

        RealEtcd elsewhere = start(authority().serverElsewhere("elsewhere"));
        assertThat(said(elsewhere.endpoint(), trusting())).contains("TLS: ", "for another host", "127.0.0.1");

        RealEtcd plain = RealEtcd.start(binary());
        open.add(plain);
        assertThat(said(plain.endpoint().replace("http:", "https:"), trusting()))
                .contains("TLS: ", "does not speak TLS");
    }

    @Test
    @Tag("F40")
    void build_saysItToo_andLeavesNothingBehind() throws Exception {
        RealEtcd expired = start(authority().expiredServer("expired"));
        assertThatThrownBy(() -> builder(expired.endpoint(), trusting())
                        .connectTimeout(Duration.ofSeconds(3))
                        .build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("TLS: the certificate of the server at")
                .hasMessageContaining("has expired");
    }

    @Test
    @Tag("F40")
    void aRenewedCertificate_countsFromTheNextConnectionOn_andTheHoldSurvives() throws Exception {
        Certificates.Identity server = authority().server("server");
        RealEtcd etcd = start(server);
        try (TcpProxy proxy = TcpProxy.before(List.of(etcd.endpoint()))) {
            Path trust = directory.resolve("trust.pem");
            Files.copy(authority().file(), trust);
            TlsSettings settings = TlsSettings.ofSystem().trusting(trust);
            GrpcTransport probe = new GrpcTransport(List.of(proxy.endpoint("https")), settings);
            open.add(probe);
            assertThat(said(probe)).isEqualTo("OK");
            try (Holdfast holdfast = builder(proxy.endpoint("https"), settings)
                            .sessionTtl(Duration.ofSeconds(60))
                            .build();
                    Hold hold = holdfast.lock("renewed").acquire()) {
                // etcd reads its own certificate at each handshake.
                Certificates.Identity fresh = stranger().server("fresh");
                replace(fresh.key(), server.key());
                replace(fresh.certificate(), server.certificate());
                assertThat(said(probe)).as("over the old connection").isEqualTo("OK");
                proxy.cut();
                Eventually.that(
                        "the new certificate is refused", () -> said(probe).contains("not vouched for"));

                Files.writeString(trust, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
                Eventually.that("the damage is named", () -> said(probe).contains(trust + " holds a certificate that"));

                replace(stranger().file(), trust);
                Eventually.that(
                        "the new authority is believed", () -> said(probe).equals("OK"));
                try (Hold second = holdfast.lock("renewed-too").acquire()) {
                    assertThat(second.token()).isGreaterThan(hold.token());
                }
                assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- the client

    @Test
    void aClientWithACertificate_isLetIn_withKeysOfEveryForm() throws Exception {
        RealEtcd etcd = startMutual();
        Certificates.Identity elliptic = authority().client("elliptic", "app");
        Certificates.Identity rsa = authority().client("rsa", "app", Certificates.rsa());
        Path oldElliptic = Certificates.writeOldFashioned(elliptic.pair().getPrivate(), directory.resolve("sec1.pem"));
        Path oldRsa = Certificates.writeOldFashioned(rsa.pair().getPrivate(), directory.resolve("pkcs1.pem"));
        assertThat(Files.readString(oldElliptic)).contains("BEGIN EC PRIVATE KEY");
        assertThat(Files.readString(oldRsa)).contains("BEGIN RSA PRIVATE KEY");
        for (TlsSettings settings : List.of(
                trusting().showing(elliptic.certificate(), elliptic.key()),
                trusting().showing(elliptic.certificate(), oldElliptic),
                trusting().showing(rsa.certificate(), rsa.key()),
                trusting().showing(rsa.certificate(), oldRsa))) {
            assertThat(said(etcd.endpoint(), settings)).isEqualTo("OK");
        }
        try (Holdfast holdfast = builder(etcd.endpoint(), trusting().showing(rsa.certificate(), oldRsa))
                        .build();
                Hold hold = holdfast.lock("mutual").acquire()) {
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void aClientWithoutAGoodCertificate_isToldSo() throws Exception {
        RealEtcd etcd = startMutual();
        // The refusal comes after the handshake: now and then the end of the connection overtakes it.
        Eventually.that("no certificate", () -> said(etcd.endpoint(), trusting())
                .contains("wants a certificate of the client, and there is none"));

        Certificates.Identity foreign = stranger().client("foreign", "app");
        Eventually.that("foreign certificate", () -> said(
                        etcd.endpoint(), trusting().showing(foreign.certificate(), foreign.key()))
                .contains("refuses this client's certificate " + foreign.certificate() + " (CN=app, valid until"));

        Certificates.Identity expired = authority().expiredClient("expired", "app");
        Eventually.that("expired certificate", () -> {
            String said = said(etcd.endpoint(), trusting().showing(expired.certificate(), expired.key()));
            return said.contains("(CN=app, expired on") && said.contains("renew it");
        });
    }

    @Test
    void aChannelOfTheUsersOwn_isUsed_andStaysOpen() throws Exception {
        RealEtcd etcd = startMutual();
        Certificates.Identity app = authority().client("app", "app");
        ChannelCredentials credentials = TlsChannelCredentials.newBuilder()
                .trustManager(authority().file().toFile())
                .keyManager(app.certificate().toFile(), app.key().toFile())
                .build();
        ManagedChannel channel =
                Grpc.newChannelBuilder(withoutScheme(etcd), credentials).build();
        open.add(channel::shutdownNow);
        for (int i = 0; i < 2; i++) {
            try (Holdfast holdfast = Holdfast.builder().channel(channel).build();
                    Hold hold = holdfast.lock("own-channel").acquire()) {
                assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            }
            assertThat(channel.isShutdown()).isFalse();
        }
        assertThatThrownBy(() -> Holdfast.builder()
                        .channel(channel)
                        .endpoints(etcd.endpoint())
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("more than one of endpoints, channel and transport");
    }

    // ---------------------------------------------------------------------------------------------------- tools

    private RealEtcd.Binary binary() {
        return Objects.requireNonNull(binary);
    }

    private Certificates authority() {
        return Objects.requireNonNull(authority);
    }

    private Certificates stranger() {
        return Objects.requireNonNull(stranger);
    }

    private RealEtcd start(Certificates.Identity server, String... more) throws Exception {
        List<String> arguments =
                new ArrayList<>(List.of("--cert-file=" + server.certificate(), "--key-file=" + server.key()));
        arguments.addAll(List.of(more));
        RealEtcd etcd = RealEtcd.start(binary(), "https", arguments.toArray(String[]::new));
        open.add(etcd);
        return etcd;
    }

    private RealEtcd startMutual() throws Exception {
        return start(
                authority().server("server"),
                "--client-cert-auth",
                "--trusted-ca-file=" + authority().file());
    }

    private TlsSettings trusting() {
        return TlsSettings.ofSystem().trusting(authority().file());
    }

    private static String withoutScheme(RealEtcd etcd) {
        return etcd.endpoint().replace("https://", "");
    }

    private static HoldfastBuilder builder(String endpoint, TlsSettings settings) {
        return Holdfast.builder().endpoints(endpoint).tls(settings).connectTimeout(PATIENCE);
    }

    private static void replace(Path with, Path what) throws Exception {
        Path beside = what.resolveSibling(what.getFileName() + ".new");
        Files.copy(with, beside, StandardCopyOption.REPLACE_EXISTING);
        Files.move(beside, what, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** What a fresh client is told by its first request. */
    private static String said(String endpoint, @Nullable TlsSettings settings) {
        try (GrpcTransport transport = new GrpcTransport(List.of(endpoint), settings)) {
            return said(transport);
        }
    }

    private static String said(GrpcTransport transport) {
        CompletableFuture<String> said = new CompletableFuture<>();
        transport.unary(
                transport.endpoints().get(0),
                MaintenanceGrpc.getStatusMethod(),
                new Metadata(),
                StatusRequest.getDefaultInstance(),
                PATIENCE.toNanos(),
                new Transport.UnaryListener<StatusResponse>() {
                    @Override
                    public void onAnswer(StatusResponse answer) {
                        said.complete("OK");
                    }

                    @Override
                    public void onFailure(Status status) {
                        said.complete(status.getCode() + " " + status.getDescription() + " " + status.getCause());
                    }
                });
        return said.orTimeout(PATIENCE.toSeconds() + 5, TimeUnit.SECONDS).join();
    }
}
