package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.TlsSettings;
import dev.holdfast.testkit.RealEtcd;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Users, roles and tokens, with the oldest and the newest real etcd that are here. */
@ParameterizedClass(name = "{0}")
@MethodSource("programs")
class AuthTest {

    private static final String NAMESPACE = "team-a/";
    private static final String PASSWORD = "correct horse";
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Parameter
    @Nullable
    EtcdProgram program;

    @TempDir
    Path directory = Path.of("");

    private final List<AutoCloseable> open = new ArrayList<>();
    private RealEtcd.@Nullable Binary binary;

    static List<EtcdProgram> programs() {
        List<EtcdProgram> all = EtcdProgram.all();
        return all.size() < 3 ? all : List.of(all.get(0), all.get(all.size() - 1));
    }

    @BeforeEach
    void needAProgram() {
        binary = Objects.requireNonNull(program).orSkip("users and roles");
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    // ---------------------------------------------------------------------------------------------------- roles

    @Test
    void aRoleWithTheNamespaceAlone_isEnough_andNoOtherNamespaceIsOpenToIt() throws Exception {
        RealEtcd etcd = start();
        admin(etcd);
        try (Holdfast one = builder(etcd).build();
                Holdfast two = builder(etcd).build()) {
            Hold first = one.lock("orders/42").acquire();
            assertThat(two.lock("orders/42").tryAcquire()).isEmpty();
            CompletableFuture<Hold> waiting = two.lock("orders/42").acquireAsync();
            Eventually.that("it waits", () -> !waiting.isDone());
            first.close();
            try (Hold second = Eventually.get(waiting)) {
                assertThat(second.token()).isGreaterThan(first.token());
            }
        }
        assertThatThrownBy(() -> builder(etcd).namespace("team-b/").build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("permission denied")
                .hasMessageContaining("etcdctl role grant-permission ROLE readwrite --prefix=true team-b/");
        assertThatThrownBy(() -> builder(etcd).namespace("").build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("--prefix=true _holdfast/");
    }

    @Test
    @Tag("F40")
    void aRoleRevokedMidHold_costsTheHold_beforeItsLeaseCanEnd_andTheReasonIsSaid() throws Exception {
        RealEtcd etcd = start();
        EtcdAdmin admin = admin(etcd);
        try (Holdfast holdfast = builder(etcd).sessionTtl(Duration.ofSeconds(4)).build();
                Holdfast waiting =
                        builder(etcd).sessionTtl(Duration.ofSeconds(4)).build()) {
            Hold hold = holdfast.lock("revoked").acquire();
            CompletableFuture<Hold> waiter = waiting.lock("revoked").acquireAsync();
            CompletableFuture<Loss> lost = new CompletableFuture<>();
            hold.onLost(lost::complete);
            long start = System.nanoTime();
            admin.run("user", "revoke-role", "app", "app");
            Loss loss = Eventually.get(lost);
            long tookMillis = (System.nanoTime() - start) / 1_000_000;
            assertThat(loss.reason()).isEqualTo(LossReason.DEADLINE_PASSED);
            assertThat(loss.detail()).contains("permission denied", "grant-permission");
            assertThat(hold.state()).isEqualTo(Hold.State.LOST);
            // The last renewal was confirmed at the latest when etcdctl was started, which takes its time.
            assertThat(tookMillis).isLessThan(4_000 + 1_500);
            assertThatThrownBy(() -> Eventually.get(waiter))
                    .isInstanceOf(LockException.Refused.class)
                    .hasMessageContaining("permission denied");

            admin.run("user", "grant-role", "app", "app");
            try (Hold again = holdfast.lock("revoked").acquire()) {
                assertThat(again.token()).isGreaterThan(hold.token());
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- tokens

    @Test
    @Tag("F40")
    void tokensThatExpire_costNeitherHoldNorWaiter() throws Exception {
        RealEtcd etcd = start("--auth-token-ttl=2");
        admin(etcd);
        surviveWithTokens(etcd, () -> {});
    }

    @Test
    void tokensThatEndWithEachChangeOfRoles_costNeitherHoldNorWaiter() throws Exception {
        Path privateKey = directory.resolve("jwt-private.pem");
        Path publicKey = directory.resolve("jwt-public.pem");
        Certificates.writePair(Certificates.rsa(), privateKey, publicKey);
        RealEtcd etcd = start(
                "--auth-token=jwt,pub-key=" + publicKey + ",priv-key=" + privateKey + ",sign-method=RS256,ttl=3s");
        EtcdAdmin admin = admin(etcd);
        AtomicInteger changes = new AtomicInteger();
        surviveWithTokens(etcd, () -> {
            admin.run("role", "add", "role-" + changes.incrementAndGet());
            admin.run("role", "grant-permission", "app", "read", "another-key-" + changes.get());
        });
        assertThat(changes.get()).isGreaterThan(3);
    }

    private void surviveWithTokens(RealEtcd etcd, Runnable meanwhile) throws Exception {
        AtomicInteger asked = new AtomicInteger();
        try (Holdfast one = builder(etcd)
                        .sessionTtl(Duration.ofSeconds(10))
                        .user("app", () -> {
                            asked.incrementAndGet();
                            return PASSWORD.toCharArray();
                        })
                        .build();
                Holdfast two = builder(etcd).build()) {
            CompletableFuture<Loss> lost = new CompletableFuture<>();
            Hold hold = one.lock("long").acquire();
            hold.onLost(lost::complete);
            CompletableFuture<Hold> waiter = two.lock("long").acquireAsync();
            long until = System.nanoTime() + Duration.ofSeconds(7).toNanos();
            while (System.nanoTime() - until < 0) {
                meanwhile.run();
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
                assertThat(lost).isNotDone();
                assertThat(waiter).isNotDone();
            }
            assertThat(asked.get()).as("logins").isGreaterThan(1);
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            hold.close();
            try (Hold next = Eventually.get(waiter)) {
                assertThat(next.token()).isGreaterThan(hold.token());
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- logging in

    @Test
    void aWrongPassword_isRefusedAtOnce_namingTheUserAndNotThePassword() throws Exception {
        RealEtcd etcd = start();
        admin(etcd);
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> builder(etcd)
                        .user("app", () -> {
                            asked.incrementAndGet();
                            return "wrong-one".toCharArray();
                        })
                        .build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("user 'app' cannot log in")
                .hasMessageContaining("invalid user ID or password")
                .hasMessageNotContaining("wrong-one");
        assertThat(asked).hasValue(1);
        assertThatThrownBy(() -> Holdfast.builder()
                        .endpoints(etcd.endpoint())
                        .connectTimeout(PATIENCE)
                        .build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("give a user and a password");
    }

    @Test
    void anEtcdWithoutAuthentication_isUsedAllTheSame_andStaysUsableWhenItIsEnabled() throws Exception {
        RealEtcd etcd = start();
        EtcdAdmin admin = new EtcdAdmin(here(), etcd.endpoint());
        admin.addUser("app", PASSWORD);
        admin.grant("app", NAMESPACE);
        try (Holdfast holdfast = builder(etcd).build();
                Hold hold = holdfast.lock("before").acquire()) {
            admin.enable();
            try (Hold second = holdfast.lock("after").acquire()) {
                assertThat(second.state()).isEqualTo(Hold.State.HELD);
            }
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void theNameInAClientCertificate_isAUserToo() throws Exception {
        Certificates authority = Certificates.authority(directory, "authority");
        Certificates.Identity server = authority.server("server");
        Certificates.Identity app = authority.client("app", "app");
        Certificates.Identity operator = authority.client("operator", "root");
        RealEtcd etcd = RealEtcd.start(
                here(),
                "https",
                "--cert-file=" + server.certificate(),
                "--key-file=" + server.key(),
                "--client-cert-auth",
                "--trusted-ca-file=" + authority.file());
        open.add(etcd);
        EtcdAdmin admin = new EtcdAdmin(
                here(),
                etcd.endpoint(),
                "--cacert=" + authority.file(),
                "--cert=" + operator.certificate(),
                "--key=" + operator.key());
        admin.addUser("app", PASSWORD);
        admin.grant("app", NAMESPACE);
        admin.enable();
        HoldfastBuilder builder = Holdfast.builder()
                .endpoints(etcd.endpoint())
                .tls(TlsSettings.ofSystem().trusting(authority.file()).showing(app.certificate(), app.key()))
                .connectTimeout(PATIENCE);
        try (Holdfast holdfast = builder.namespace(NAMESPACE).build();
                Hold hold = holdfast.lock("by-certificate").acquire()) {
            admin.run("role", "add", "another");
            try (Hold second = holdfast.lock("another").acquire()) {
                assertThat(second.state()).isEqualTo(Hold.State.HELD);
            }
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
        assertThatThrownBy(() -> builder.namespace("team-b/").build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("permission denied");
    }

    // ---------------------------------------------------------------------------------------------------- tools

    private RealEtcd.Binary here() {
        return Objects.requireNonNull(binary);
    }

    private RealEtcd start(String... arguments) throws Exception {
        RealEtcd etcd = RealEtcd.start(here(), "http", arguments);
        open.add(etcd);
        return etcd;
    }

    private EtcdAdmin admin(RealEtcd etcd) {
        EtcdAdmin admin = new EtcdAdmin(here(), etcd.endpoint());
        admin.addUser("app", PASSWORD);
        admin.grant("app", NAMESPACE);
        admin.enable();
        return admin;
    }

    private static HoldfastBuilder builder(RealEtcd etcd) {
        return Holdfast.builder()
                .endpoints(etcd.endpoint())
                .namespace(NAMESPACE)
                .user("app", PASSWORD::toCharArray)
                .connectTimeout(PATIENCE);
    }
}
