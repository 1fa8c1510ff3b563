package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthenticateResponse;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The user's token: one login at a time, nothing lost when it is not accepted any more, and an end to every wait. */
class LoginTest {

    private static final TxnRequest TXN = TxnRequest.getDefaultInstance();
    private static final ByteString KEY = ByteString.copyFromUtf8("k");
    private static final Duration NOT_YOUNG = Duration.ofSeconds(1);
    private static final long LONG_NANOS = Duration.ofSeconds(60).toNanos();
    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

    private final ManualScheduler scheduler = new ManualScheduler();
    private final ScriptedTransport transport = new ScriptedTransport("a", "b");
    private final List<char[]> given = new ArrayList<>();
    private final EtcdClient client = new EtcdClient(
            transport,
            scheduler,
            EtcdClient.Settings.defaults(),
            new Credentials("app", this::password, Runnable::run));

    private char[] password() {
        char[] secret = "s3cret".toCharArray();
        given.add(secret);
        return secret;
    }

    // ---------------------------------------------------------------------------------------------------- one login

    @Test
    void manyRequestsAtOnce_shareOneLogin() {
        List<Recorded<TxnResponse>> replies = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            Recorded<TxnResponse> reply = new Recorded<>();
            client.txn(TXN, reply);
            replies.add(reply);
        }
        client.keepAlive(7, 0, LONG_NANOS, new Recorded<>());
        client.watch(KEY, ByteString.EMPTY, 0, new RecordedWatch());
        scheduler.run();
        logIn("t1");
        for (Recorded<TxnResponse> reply : replies) {
            var call = transport.nextCall(KVGrpc.getTxnMethod());
            assertThat(call.headers.get(TOKEN)).isEqualTo("t1");
            call.answer(Answers.txn(3));
            scheduler.run();
            assertThat(reply.answer()).isNotNull();
        }
        assertThat(transport.hasNewCall()).isFalse();
        assertThat(transport
                        .nextStream(LeaseGrpc.getLeaseKeepAliveMethod())
                        .headers
                        .get(TOKEN))
                .isEqualTo("t1");
        assertThat(transport.nextStream(WatchGrpc.getWatchMethod()).headers.get(TOKEN))
                .isEqualTo("t1");
    }

    @Test
    void thePassword_isOverwrittenEverywhere_onceItWasSent() {
        client.txn(TXN, new Recorded<>());
        scheduler.run();
        assertThat(given).hasSize(1);
        assertThat(given.get(0)).containsOnly('\0');
        var call = transport.nextCall(AuthGrpc.getAuthenticateMethod());
        assertThat(call.request.getPasswordBytes().toStringUtf8()).isEqualTo("s3cret");
        call.answer(token("t"));
        assertThat(call.request.getPasswordBytes().toByteArray()).containsOnly((byte) 0);
    }

    // ---------------------------------------------------------------------------------------------------- refused
    // tokens

    @Test
    void requestsRefusedForTheirToken_areSentAgainWithAFreshOne_unseenByTheCaller() {
        ready("t1");
        for (String refusal :
                List.of(ErrorTable.INVALID_AUTH_TOKEN, ErrorTable.AUTH_OLD_REVISION, ErrorTable.USER_EMPTY)) {
            scheduler.advance(NOT_YOUNG);
            Recorded<TxnResponse> one = new Recorded<>();
            Recorded<TxnResponse> two = new Recorded<>();
            client.txn(TXN, one);
            client.txn(TXN, two);
            transport.nextCall(KVGrpc.getTxnMethod()).fail(ErrorTable.codeOf(refusal), refusal);
            transport.nextCall(KVGrpc.getTxnMethod()).fail(ErrorTable.codeOf(refusal), refusal);
            scheduler.run();
            logIn("fresh");
            for (Recorded<TxnResponse> reply : List.of(one, two)) {
                var again = transport.nextCall(KVGrpc.getTxnMethod());
                assertThat(again.headers.get(TOKEN)).isEqualTo("fresh");
                again.answer(Answers.txn(4));
                scheduler.run();
                assertThat(reply.answer()).isNotNull();
            }
            assertThat(transport.hasNewCall()).isFalse();
        }
    }

    @Test
    void aRefusalThatComesAfterTheNextLogin_bringsNoSecondOne() {
        ready("t1");
        Recorded<TxnResponse> late = new Recorded<>();
        client.txn(TXN, new Recorded<>());
        client.txn(TXN, late);
        var first = transport.nextCall(KVGrpc.getTxnMethod());
        var second = transport.nextCall(KVGrpc.getTxnMethod());
        first.fail(Status.Code.UNAUTHENTICATED, ErrorTable.INVALID_AUTH_TOKEN);
        scheduler.run();
        logIn("t2");
        transport.nextCall(KVGrpc.getTxnMethod());
        second.fail(Status.Code.UNAUTHENTICATED, ErrorTable.INVALID_AUTH_TOKEN);
        scheduler.run();
        assertThat(transport.nextCall(KVGrpc.getTxnMethod()).headers.get(TOKEN)).isEqualTo("t2");
        assertThat(late.isEmpty()).isTrue();
    }

    @Test
    void aServerThatRefusesEveryToken_isGivenUpOn() {
        ready("t");
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        for (String token : List.of("t1", "t2", "t3")) {
            rejectTxn();
            if (!token.equals("t1")) {
                assertThat(transport.hasNewCall()).as("a login at once").isFalse();
                scheduler.advance(Duration.ofSeconds(2));
            }
            logIn(token);
        }
        rejectTxn();
        scheduler.advance(Duration.ofSeconds(2));
        assertThat(reply.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(reply.error().text()).contains("user 'app' has no token yet", "a token just given was not accepted");
        assertThat(reply.error().isDefinite()).isTrue();
    }

    @Test
    void aMemberThatRejectsATokenJustGiven_isLeftForAnother() {
        ready("t1");
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        rejectTxn();
        assertThat(client.preferredEndpoint()).as("after an old token").isEqualTo("a");
        logIn("t2");
        rejectTxn();
        assertThat(client.preferredEndpoint()).as("after a young token").isEqualTo("b");
        scheduler.advance(Duration.ofSeconds(1));
        logIn("t3");
        var elsewhere = transport.nextCall(KVGrpc.getTxnMethod());
        assertThat(elsewhere.endpoint).isEqualTo("b");
        elsewhere.answer(Answers.txn(5));
        scheduler.run();
        assertThat(reply.answer()).isNotNull();
    }

    @Test
    void aServerThatRefusesEveryStream_isAskedInLongIntervals() {
        ready("t");
        client.keepAlive(7, 0, LONG_NANOS, new Recorded<>());
        int logins = 0;
        for (int i = 0; i < 100; i++) {
            while (transport.hasNewStream()) {
                transport
                        .nextStream(LeaseGrpc.getLeaseKeepAliveMethod())
                        .end(Status.UNAUTHENTICATED.withDescription(ErrorTable.INVALID_AUTH_TOKEN));
                scheduler.run();
            }
            if (transport.hasNewCall()) {
                logIn("t" + ++logins);
            }
            scheduler.advance(Duration.ofMillis(100));
        }
        assertThat(logins).isBetween(5, 7);
    }

    @Test
    void aRefusalInOtherWordsThanEtcds_isNotKnownToBeForTheToken_andNothingIsSentAgain() {
        ready("t");
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAUTHENTICATED, "the gateway says no");
        scheduler.run();
        assertThat(reply.error().isUnauthenticated()).isTrue();
        assertThat(reply.error().isDefinite()).isFalse();
        assertThat(transport.hasNewCall()).isFalse();
    }

    @Test
    void otherRefusals_areNobodysTokenProblem() {
        ready("t");
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        transport
                .nextCall(KVGrpc.getTxnMethod())
                .fail(Status.Code.PERMISSION_DENIED, ErrorTable.PERMISSION_DENIED_TEXT);
        scheduler.run();
        assertThat(reply.error().isPermissionDenied()).isTrue();
        assertThat(transport.hasNewCall()).isFalse();
    }

    @Test
    void withoutAUser_aChangeOfRoles_isSurvivedToo() {
        EtcdClient anonymous = new EtcdClient(transport, scheduler, EtcdClient.Settings.defaults());
        Recorded<TxnResponse> reply = new Recorded<>();
        anonymous.txn(TXN, reply);
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.INVALID_ARGUMENT, ErrorTable.AUTH_OLD_REVISION);
        scheduler.run();
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
        scheduler.run();
        assertThat(reply.answer()).isNotNull();
        Recorded<TxnResponse> nobody = new Recorded<>();
        anonymous.txn(TXN, nobody);
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.INVALID_ARGUMENT, ErrorTable.USER_EMPTY);
        scheduler.run();
        assertThat(nobody.error().advice()).contains("give a user and a password");
    }

    // ---------------------------------------------------------------------------------------------------- streams

    @Test
    void aFreshToken_reopensTheStreams_andLosesNoKeepAlive() {
        ready("t1");
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        client.keepAlive(7, 0, LONG_NANOS, keepAlive);
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        var oldKeep = transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod());
        var oldWatch = transport.nextStream(WatchGrpc.getWatchMethod());
        oldWatch.answer(Answers.created(0, 5));
        scheduler.run();
        client.txn(TXN, new Recorded<>());
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAUTHENTICATED, ErrorTable.INVALID_AUTH_TOKEN);
        scheduler.run();
        logIn("t2");

        assertThat(oldKeep.isCancelled()).isTrue();
        assertThat(oldWatch.isCancelled()).isTrue();
        var freshKeep = transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod());
        assertThat(freshKeep.headers.get(TOKEN)).isEqualTo("t2");
        assertThat(freshKeep.next().getID()).isEqualTo(7);
        freshKeep.answer(Answers.keepAlive(7, 10));
        scheduler.run();
        assertThat(keepAlive.answer().getTTL()).isEqualTo(10);
        assertThat(watch.trace).contains("ended");
        client.watch(KEY, ByteString.EMPTY, 0, new RecordedWatch());
        assertThat(transport.nextStream(WatchGrpc.getWatchMethod()).headers.get(TOKEN))
                .isEqualTo("t2");
    }

    @Test
    void aKeepAliveStreamEndedForItsToken_isReopened_andAsksAgain() {
        ready("t1");
        Recorded<LeaseKeepAliveResponse> seven = new Recorded<>();
        Recorded<LeaseKeepAliveResponse> eight = new Recorded<>();
        client.keepAlive(7, 0, LONG_NANOS, seven);
        client.keepAlive(8, 0, LONG_NANOS, eight);
        transport
                .nextStream(LeaseGrpc.getLeaseKeepAliveMethod())
                .end(Status.INVALID_ARGUMENT.withDescription(ErrorTable.AUTH_OLD_REVISION));
        scheduler.run();
        logIn("t2");
        var fresh = transport.nextStream(LeaseGrpc.getLeaseKeepAliveMethod());
        assertThat(fresh.endpoint).isEqualTo("a");
        assertThat(fresh.rest()).extracting(each -> each.getID()).containsExactly(7L, 8L);
        fresh.answer(Answers.keepAlive(8, 10));
        fresh.answer(Answers.keepAlive(7, 10));
        scheduler.run();
        assertThat(seven.answer().getID()).isEqualTo(7);
        assertThat(eight.answer().getID()).isEqualTo(8);
    }

    @Test
    void aWatchRefusedForTheStreamsToken_isCreatedOnAFreshStream_unseenByItsOwner() {
        ready("t1");
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 9, watch);
        transport
                .nextStream(WatchGrpc.getWatchMethod())
                .answer(Answers.refused("rpc error: code = Unauthenticated desc = " + ErrorTable.INVALID_AUTH_TOKEN));
        scheduler.advance(Duration.ofMillis(50));
        logIn("t2");
        var fresh = transport.nextStream(WatchGrpc.getWatchMethod());
        assertThat(fresh.headers.get(TOKEN)).isEqualTo("t2");
        assertThat(fresh.next().getCreateRequest().getStartRevision()).isEqualTo(9);
        fresh.answer(Answers.created(0, 12));
        scheduler.run();
        assertThat(watch.trace).doesNotContain("ended");
        assertThat(watch.trace).containsExactly("created 12");
    }

    @Test
    void aWatchDeniedWithAnOldToken_isAskedForWithAFreshOne() {
        ready("t1");
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 9, watch);
        deny();
        scheduler.advance(Duration.ofMillis(50));
        logIn("t2");
        var fresh = transport.nextStream(WatchGrpc.getWatchMethod());
        assertThat(fresh.headers.get(TOKEN)).isEqualTo("t2");
        fresh.answer(Answers.created(0, 12));
        scheduler.run();
        assertThat(watch.trace).containsExactly("created 12");
    }

    @Test
    void aWatchDeniedWithAFreshTokenToo_isDenied_andTheNextOnesAreBelievedForAWhile() {
        ready("t1");
        RecordedWatch watch = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 9, watch);
        deny();
        scheduler.advance(Duration.ofMillis(50));
        logIn("t2");
        deny();
        assertThat(watch.trace).containsExactly("ended");
        assertThat(watch.error).isNotNull().matches(EtcdError::isPermissionDenied);

        scheduler.advance(Duration.ofSeconds(15)); // the stream has been idle for too long
        RecordedWatch next = new RecordedWatch();
        client.watch(KEY, ByteString.EMPTY, 9, next);
        deny();
        assertThat(next.trace).containsExactly("ended");
        assertThat(transport.hasNewCall()).isFalse();

        scheduler.advance(Duration.ofSeconds(30));
        client.watch(KEY, ByteString.EMPTY, 9, new RecordedWatch());
        deny();
        scheduler.advance(Duration.ofMillis(100));
        assertThat(transport.hasNewCall()).as("a login").isTrue();
    }

    // ---------------------------------------------------------------------------------------------------- no token

    @Test
    void theWaitForATokenAndARefusedLogin_sayNothingAgainstTheEndpoint() {
        List<String> moves = new ArrayList<>();
        client.onFailOver((from, to) -> moves.add(from + to));
        Recorded<LeaseKeepAliveResponse> early = new Recorded<>();
        Recorded<LeaseKeepAliveResponse> late = new Recorded<>();
        Recorded<TxnResponse> txn = new Recorded<>();
        client.keepAlive(7, 0, Duration.ofSeconds(2).toNanos(), early);
        client.keepAlive(7, 0, LONG_NANOS, late);
        client.txn(TXN, txn);
        scheduler.advance(Duration.ofSeconds(5)); // the login is not answered
        assertThat(early.error().text()).contains("user 'app' has no token yet");
        assertThat(txn.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(late.isEmpty()).isTrue();
        refuseLogin();
        assertThat(late.error().text()).contains("user 'app' cannot log in");
        assertThat(moves).isEmpty();
    }

    @Test
    void whileThePasswordIsNotDelivered_theErrorSaysSo() {
        EtcdClient patient = new EtcdClient(
                transport,
                scheduler,
                EtcdClient.Settings.defaults(),
                new Credentials("app", this::password, task -> {}));
        Recorded<TxnResponse> reply = new Recorded<>();
        patient.txn(TXN, reply);
        scheduler.advance(Duration.ofSeconds(5));
        assertThat(reply.error().text()).contains("its password was asked for and is not delivered yet");
    }

    @Test
    void aSupplierThatFailsWithAnError_isReported_andAskedAgainLater() {
        List<Integer> asked = new ArrayList<>();
        EtcdClient careless = new EtcdClient(
                transport,
                scheduler,
                EtcdClient.Settings.defaults(),
                new Credentials(
                        "app",
                        () -> {
                            asked.add(asked.size());
                            throw new NoClassDefFoundError("the vault says s3cret");
                        },
                        Runnable::run));
        for (int i = 0; i < 4; i++) {
            Recorded<TxnResponse> reply = new Recorded<>();
            careless.txn(TXN, reply);
            scheduler.run();
            assertThat(reply.error().text()).contains("NoClassDefFoundError").doesNotContain("s3cret");
            scheduler.advance(Duration.ofSeconds(2));
        }
        assertThat(asked).as("no refusal stands for longer than 2 s").hasSize(4);
    }

    @Test
    void aWrongPassword_failsAllWhoWait_namesTheUser_andIsNotTriedAgainAtOnce() {
        Recorded<TxnResponse> one = new Recorded<>();
        Recorded<TxnResponse> two = new Recorded<>();
        client.txn(TXN, one);
        client.txn(TXN, two);
        scheduler.run();
        refuseLogin();
        assertThat(one.error().text()).contains("user 'app' cannot log in", "invalid user ID or password");
        assertThat(one.error().isDefinite()).isTrue();
        assertThat(one.error().isTransient()).isFalse();
        assertThat(two.error().text()).contains("user 'app' cannot log in");
        for (int i = 0; i < 20; i++) {
            Recorded<TxnResponse> hasty = new Recorded<>();
            client.txn(TXN, hasty);
            scheduler.run();
            assertThat(hasty.error().isDefinite()).isTrue();
        }
        assertThat(given).hasSize(1);
        scheduler.advance(Duration.ofSeconds(1));
        Recorded<TxnResponse> later = new Recorded<>();
        client.txn(TXN, later);
        scheduler.run();
        logIn("t");
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
        scheduler.run();
        assertThat(later.answer()).isNotNull();
    }

    @Test
    void whileNoEndpointAnswers_requestsWaitForTheirTimeLimit_andAreDefinite() {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        scheduler.run();
        List<String> asked = new ArrayList<>();
        for (int i = 0; i < 100 && reply.isEmpty(); i++) {
            while (transport.hasNewCall()) {
                var call = transport.nextCall(AuthGrpc.getAuthenticateMethod());
                asked.add(call.endpoint);
                call.fail(Status.Code.UNAVAILABLE, "nobody there");
            }
            scheduler.advance(Duration.ofMillis(100));
        }
        assertThat(reply.error().code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(reply.error().isDefinite()).isTrue();
        assertThat(reply.error().isTransient()).isTrue();
        assertThat(reply.error().text()).contains("user 'app' has no token yet", "nobody there");
        assertThat(asked).contains("a", "b").hasSizeLessThan(12);
        int before = asked.size();
        scheduler.advance(Duration.ofMinutes(1));
        assertThat(transport.hasNewCall())
                .as("nobody waits any more, after " + before)
                .isFalse();
    }

    @Test
    void anEtcdWithoutAuthentication_isUsedWithoutAToken() {
        Recorded<TxnResponse> reply = new Recorded<>();
        client.txn(TXN, reply);
        scheduler.run();
        transport
                .nextCall(AuthGrpc.getAuthenticateMethod())
                .fail(Status.Code.FAILED_PRECONDITION, ErrorTable.AUTH_NOT_ENABLED);
        scheduler.run();
        var call = transport.nextCall(KVGrpc.getTxnMethod());
        assertThat(call.headers.keys()).isEmpty();
        call.answer(Answers.txn(1));
        scheduler.run();
        assertThat(reply.answer()).isNotNull();
    }

    @Test
    void aSupplierThatThrows_isNotQuoted() {
        EtcdClient careless = new EtcdClient(
                transport,
                scheduler,
                EtcdClient.Settings.defaults(),
                new Credentials(
                        "app",
                        () -> {
                            throw new IllegalStateException("the vault says s3cret");
                        },
                        Runnable::run));
        Recorded<TxnResponse> reply = new Recorded<>();
        careless.txn(TXN, reply);
        scheduler.run();
        assertThat(reply.error().text()).contains("IllegalStateException").doesNotContain("s3cret");
    }

    @Test
    void cancelAndClose_endWhatWaitsForAToken() {
        Recorded<TxnResponse> cancelled = new Recorded<>();
        Recorded<TxnResponse> closed = new Recorded<>();
        Recorded<LeaseKeepAliveResponse> keepAlive = new Recorded<>();
        RecordedWatch watch = new RecordedWatch();
        var handle = client.txn(TXN, cancelled);
        client.txn(TXN, closed);
        client.keepAlive(7, 0, LONG_NANOS, keepAlive);
        client.watch(KEY, ByteString.EMPTY, 0, watch);
        scheduler.run();
        handle.cancel();
        scheduler.run();
        assertThat(cancelled.error().code()).isEqualTo(Status.Code.CANCELLED);
        client.close();
        scheduler.run();
        assertThat(closed.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(keepAlive.error().code()).isEqualTo(Status.Code.CANCELLED);
        assertThat(watch.trace).contains("ended");
    }

    // ---------------------------------------------------------------------------------------------------- tools

    private void ready(String token) {
        Recorded<TxnResponse> first = new Recorded<>();
        client.txn(TXN, first);
        scheduler.run();
        logIn(token);
        transport.nextCall(KVGrpc.getTxnMethod()).answer(Answers.txn(1));
        scheduler.advance(NOT_YOUNG);
    }

    private void rejectTxn() {
        transport.nextCall(KVGrpc.getTxnMethod()).fail(Status.Code.UNAUTHENTICATED, ErrorTable.INVALID_AUTH_TOKEN);
        scheduler.run();
    }

    private void deny() {
        transport
                .nextStream(WatchGrpc.getWatchMethod())
                .answer(Answers.refused("rpc error: code = PermissionDenied desc = etcdserver: permission denied"));
        scheduler.run();
    }

    private void logIn(String token) {
        var call = transport.nextCall(AuthGrpc.getAuthenticateMethod());
        assertThat(call.headers.keys()).isEmpty();
        assertThat(call.request.getName()).isEqualTo("app");
        call.answer(token(token));
        scheduler.run();
    }

    private void refuseLogin() {
        transport
                .nextCall(AuthGrpc.getAuthenticateMethod())
                .fail(Status.Code.INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password");
        scheduler.run();
    }

    private static AuthenticateResponse token(String token) {
        return AuthenticateResponse.newBuilder()
                .setHeader(Answers.header(1))
                .setToken(token)
                .build();
    }
}
