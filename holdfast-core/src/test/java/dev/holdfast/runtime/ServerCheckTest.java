package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.CapturedLog;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.Member;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is asked, waited for, refused and said, without a network. */
class ServerCheckTest {

    private static final long GIBIBYTE = 1L << 30;

    private final ManualScheduler scheduler = new ManualScheduler();
    private final Servers servers = new Servers();
    private final CapturedLog log = new CapturedLog();
    private final List<String> outcome = new ArrayList<>();
    private ServerCheck check = checkAllowing(false);

    @AfterEach
    void stopListening() {
        log.close();
    }

    @Test
    void aSoundServer_letsPass_andNothingIsSaid() {
        connect("3.5.13");

        assertThat(outcome).containsExactly("passed");
        assertThat(log.warnings()).isEmpty();
    }

    @Test
    void aServerThatBreaksLocks_isRefused_withReasonCureAndOverride() {
        connect("3.5.1");

        assertThat(outcome)
                .singleElement()
                .asString()
                .startsWith("refused: etcd 3.5.1 at a ")
                .contains("issue 13766", "upgrade to 3.5.13 or later", "allowUnsafeServers(true)");
    }

    @Test
    void aServerThatBreaksLocks_isOnlyWarnedOf_whenThatIsAllowed() {
        check = checkAllowing(true);

        connect("3.5.1");

        assertThat(outcome).containsExactly("passed");
        assertThat(log.warnings())
                .singleElement()
                .asString()
                .startsWith("WARNING etcd 3.5.1 at a ")
                .contains("issue 13766");
    }

    @Test
    void aDoubtfulServer_isWarnedOf_inOneLineForAllMembers() {
        connect("3.4.23");
        servers.answer("b", "3.4.23");
        scheduler.run();

        assertThat(outcome).containsExactly("passed");
        assertThat(log.warnings())
                .singleElement()
                .asString()
                .startsWith("WARNING etcd 3.4.23 at a ")
                .contains("issue 15247", "upgrade to 3.4.31 or later", "allowUnsafeServers(true)");
    }

    @Test
    void aDoubtfulServer_isNotWarnedOf_whenThatIsAllowed() {
        check = checkAllowing(true);

        connect("3.4.23");

        assertThat(outcome).containsExactly("passed");
        assertThat(log.warnings()).isEmpty();
    }

    @Test
    void aFailure_letsPass_andIsAskedAgainAMinuteLater() {
        check.start();
        check.whenPassed(() -> outcome.add("passed"), outcome::add);
        servers.fail("a", Status.Code.UNIMPLEMENTED);
        scheduler.run();
        assertThat(outcome).containsExactly("passed");

        scheduler.advance(Duration.ofSeconds(61));
        servers.answer("a", "3.5.1");
        scheduler.run();

        assertThat(log.warnings())
                .singleElement()
                .asString()
                .startsWith("SEVERE etcd 3.5.1 at a ")
                .contains("this client would not have connected to it");
    }

    @Test
    void noAnswer_isWaitedFor_butNotForLong() {
        check.start();
        check.whenPassed(() -> outcome.add("passed"), outcome::add);

        scheduler.advance(Duration.ofMillis(1_990));
        assertThat(outcome).isEmpty();
        scheduler.advance(Duration.ofMillis(20));
        assertThat(outcome).containsExactly("passed");
    }

    @Test
    void otherEndpoints_areNotWaitedFor_andRefusedOnlyBeforeTheConnection() {
        check.start();
        servers.answer("b", "3.5.0");
        scheduler.run();
        check.whenPassed(() -> outcome.add("passed"), reason -> outcome.add("refused: " + reason));

        assertThat(outcome).singleElement().asString().startsWith("refused: etcd 3.5.0 at b ");
    }

    @Test
    void aClosedCheck_asksNobodyAnyMore() {
        check.start();
        check.close();
        servers.fail("a", Status.Code.UNAVAILABLE);
        servers.fail("b", Status.Code.UNAVAILABLE);

        scheduler.advance(Duration.ofHours(1));

        assertThat(servers.asked).containsExactly("a", "b");
    }

    @Test
    void aNearlyFullDatabase_isWarnedOf_withNumbersAndCure_onceUntilItIsBetter() {
        connect("3.6.5", status -> status.setDbSize(7 * GIBIBYTE)
                .setDbSizeInUse(GIBIBYTE)
                .setDbSizeQuota(8 * GIBIBYTE));
        again("3.6.5", status -> status.setDbSize(7 * GIBIBYTE).setDbSizeQuota(8 * GIBIBYTE));
        assertThat(log.warnings())
                .singleElement()
                .asString()
                .startsWith("WARNING etcd at a is nearly full")
                .contains("7168 MiB, of which 1024 MiB are in use, of a quota of 8192 MiB")
                .contains("Compact and defragment", "--auto-compaction-retention", "--quota-backend-bytes");

        again("3.6.5", status -> status.setDbSize(GIBIBYTE).setDbSizeQuota(8 * GIBIBYTE));
        again("3.6.5", status -> status.setDbSize(7 * GIBIBYTE).setDbSizeQuota(8 * GIBIBYTE));
        assertThat(log.warnings()).hasSize(2);
    }

    @Test
    void anOldServersQuota_isTakenToBeTheDefault() {
        connect("3.5.20", status -> status.setDbSize(GIBIBYTE * 9 / 5));

        assertThat(log.warnings()).singleElement().asString().contains("1843 MiB", "of the default quota, 2048 MiB");
    }

    @Test
    void aQuotaThatCannotBeTheDefault_orIsNotThere_isNotGuessed() {
        connect("3.5.20", status -> status.setDbSize(3 * GIBIBYTE));
        again("3.6.5", status -> status.setDbSize(GIBIBYTE * 9 / 5));
        again("3.6.5", status -> status.setDbSize(9 * GIBIBYTE).setDbSizeQuota(-1));

        assertThat(log.warnings()).isEmpty();
    }

    @Test
    void alarms_areSaid_withTheirCure() {
        connect("3.6.5", status -> status.setDbSize(2 * GIBIBYTE)
                .setDbSizeQuota(2 * GIBIBYTE)
                .addErrors("memberID:7 alarm:NOSPACE ")
                .addErrors("memberID:8 alarm:CORRUPT "));

        assertThat(log.warnings()).hasSize(2);
        assertThat(log.warnings().get(0)).contains("out of space", "2048 MiB", "disarm the alarm");
        assertThat(log.warnings().get(1)).contains("CORRUPT", "replace the damaged member");
    }

    @Test
    void endpointsOfTwoClusters_areSaidOnce() {
        connect("3.6.5", status -> status.setHeader(ResponseHeader.newBuilder().setClusterId(0xA1)));
        servers.answer(
                "b",
                "3.6.5",
                status -> status.setHeader(ResponseHeader.newBuilder().setClusterId(0xB2)));
        scheduler.run();

        assertThat(log.warnings()).singleElement().asString().contains("different etcd clusters (a to a1, b to b2)");
    }

    @Test
    void aProxyThatNobodyDeclared_isWarnedOf() {
        connect("3.6.5");
        servers.answer("b", "3.6.5");
        scheduler.run();

        MemberListResponse.Builder proxy = MemberListResponse.newBuilder()
                .addMembers(Member.newBuilder().setName("host").addClientURLs("127.0.0.1:23790"));
        servers.answerMembers("a", proxy);
        servers.answerMembers("b", proxy);
        scheduler.run();

        assertThat(log.warnings())
                .singleElement()
                .asString()
                .startsWith("WARNING what answers at a is etcd's grpc-proxy")
                .contains("behindGrpcProxy(true)");
    }

    @Test
    void aMember_isNotTakenForAProxy() {
        connect("3.6.5");

        servers.answerMembers(
                "a",
                MemberListResponse.newBuilder()
                        .setHeader(ResponseHeader.newBuilder().setClusterId(7))
                        .addMembers(Member.newBuilder().setID(8)));
        scheduler.run();
        again("3.6.5", status -> status);

        assertThat(log.warnings()).isEmpty();
        assertThat(servers.membersAsked).containsExactly("a");
    }

    @Test
    void aDeclaredProxy_isNotLookedFor() {
        check = new ServerCheck(
                new EtcdClient(servers, scheduler, EtcdClient.Settings.defaults()),
                scheduler,
                servers.endpoints(),
                false,
                true);

        connect("3.6.5");

        assertThat(servers.membersAsked).isEmpty();
    }

    private ServerCheck checkAllowing(boolean allowsUnsafe) {
        EtcdClient etcd = new EtcdClient(servers, scheduler, EtcdClient.Settings.defaults());
        return new ServerCheck(etcd, scheduler, servers.endpoints(), allowsUnsafe, false);
    }

    private void connect(String version) {
        connect(version, status -> status);
    }

    private void connect(String version, UnaryOperator<StatusResponse.Builder> more) {
        check.start();
        check.whenPassed(() -> outcome.add("passed"), reason -> outcome.add("refused: " + reason));
        servers.answer("a", version, more);
        scheduler.run();
    }

    private void again(String version, UnaryOperator<StatusResponse.Builder> more) {
        scheduler.advance(Duration.ofMinutes(10));
        servers.answer("a", version, more);
        scheduler.run();
    }

    /** Two endpoints that answer when the test says so. */
    private static final class Servers implements Transport {
        private final List<String> asked = new ArrayList<>();
        private final List<String> membersAsked = new ArrayList<>();
        private final Map<String, UnaryListener<?>> open = new HashMap<>();

        @Override
        public List<String> endpoints() {
            return List.of("a", "b");
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            if (method == MaintenanceGrpc.getStatusMethod()) {
                asked.add(endpoint);
                open.put(endpoint, listener);
            } else {
                membersAsked.add(endpoint);
                open.put("members of " + endpoint, listener);
            }
            return () -> {};
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            throw new AssertionError("not expected: " + method);
        }

        void answer(String endpoint, String version) {
            answer(endpoint, version, status -> status);
        }

        @SuppressWarnings("unchecked")
        void answer(String endpoint, String version, UnaryOperator<StatusResponse.Builder> more) {
            ((UnaryListener<StatusResponse>) take(endpoint))
                    .onAnswer(more.apply(StatusResponse.newBuilder().setVersion(version))
                            .build());
        }

        @SuppressWarnings("unchecked")
        void answerMembers(String endpoint, MemberListResponse.Builder answer) {
            ((UnaryListener<MemberListResponse>) take("members of " + endpoint)).onAnswer(answer.build());
        }

        void fail(String endpoint, Status.Code code) {
            take(endpoint).onFailure(code.toStatus());
        }

        private UnaryListener<?> take(String endpoint) {
            @Nullable UnaryListener<?> listener = open.remove(endpoint);
            if (listener == null) {
                throw new AssertionError(endpoint + " was not asked");
            }
            return listener;
        }

        @Override
        public void close() {}
    }
}
