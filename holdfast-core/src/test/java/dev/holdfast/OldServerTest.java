package dev.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.etcd.Answers;
import dev.holdfast.etcd.FakeEtcd;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.StatusResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connecting to servers of releases that are not to be had here: a scripted one that says it is one of them. */
@Timeout(60)
class OldServerTest {

    private final FakeEtcd etcd = FakeEtcd.start();
    private final CapturedLog log = new CapturedLog();
    private final AtomicInteger revoked = new AtomicInteger();

    @BeforeEach
    void openSessions() {
        etcd.always(LeaseGrpc.getLeaseGrantMethod(), request -> LeaseGrantResponse.newBuilder()
                .setHeader(Answers.header(1))
                .setID(request.getID())
                .setTTL(request.getTTL())
                .build());
        etcd.always(KVGrpc.getTxnMethod(), request -> Answers.txn(request, 7));
        etcd.always(LeaseGrpc.getLeaseRevokeMethod(), request -> {
            revoked.incrementAndGet();
            return LeaseRevokeResponse.newBuilder().setHeader(Answers.header(8)).build();
        });
    }

    @AfterEach
    void stop() {
        etcd.close();
        log.close();
    }

    @Test
    void release351_isRefused_andItsLeaseIsGivenBack() {
        runs("3.5.1");

        assertThatThrownBy(() -> client().build())
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("etcd 3.5.1 at " + etcd.endpoint())
                .hasMessageContaining("upgrade to 3.5.13 or later")
                .hasMessageContaining("allowUnsafeServers(true)");
        assertThat(log.warnings()).isEmpty();
        assertThat(revoked).hasValue(1);
    }

    @Test
    void release351_isWarnedOf_whenAllowed() throws Exception {
        runs("3.5.1");

        connectUntilWarned(client().allowUnsafeServers(true));

        assertThat(log.warnings()).singleElement().asString().contains("etcd 3.5.1", "issue 13766");
    }

    @Test
    void release3512_isWarnedOf() throws Exception {
        runs("3.5.12");

        connectUntilWarned(client());

        assertThat(log.warnings()).singleElement().asString().contains("etcd 3.5.12", "issue 15247");
    }

    @Test
    void release3513_isNot() {
        runs("3.5.13");

        client().build().close();

        assertThat(log.warnings()).isEmpty();
    }

    @Test
    void whoMayNotAsk_connectsNevertheless() throws Exception {
        CompletableFuture<Holdfast> connected = CompletableFuture.supplyAsync(() -> client().build());

        etcd.next(MaintenanceGrpc.getStatusMethod())
                .end(Status.PERMISSION_DENIED.withDescription("etcdserver: permission denied"));

        connected.get().close();
        assertThat(log.warnings()).isEmpty();
    }

    private void runs(String version) {
        etcd.always(MaintenanceGrpc.getStatusMethod(), request -> StatusResponse.newBuilder()
                .setHeader(Answers.header(1))
                .setVersion(version)
                .build());
    }

    /** On a busy machine the client may be connected before the server has told its release: it waits for that two seconds. */
    private void connectUntilWarned(HoldfastBuilder builder) throws Exception {
        try (Holdfast connected = builder.build()) {
            assertThat(connected).isNotNull();
            log.firstWarning().get(30, TimeUnit.SECONDS);
        }
    }

    private HoldfastBuilder client() {
        return Holdfast.builder().endpoints("http://" + etcd.endpoint()).connectTimeout(Duration.ofSeconds(30));
    }
}
