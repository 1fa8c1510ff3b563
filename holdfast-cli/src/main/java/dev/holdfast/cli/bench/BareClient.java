package dev.holdfast.cli.bench;

import com.google.protobuf.ByteString;
import dev.holdfast.cli.Answer;
import dev.holdfast.cli.CommandFailure;
import dev.holdfast.cli.Credentials;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthenticateRequest;
import dev.holdfast.etcdapi.ClusterGrpc;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.MaintenanceGrpc;
import dev.holdfast.etcdapi.Member;
import dev.holdfast.etcdapi.MemberListRequest;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.StatusRequest;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The bare requests that a lock is made of, and a few questions, to the first endpoint that answers. One at a time. */
final class BareClient implements AutoCloseable {

    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final String NOT_ENABLED = "authentication is not enabled";

    private final Transport transport;
    private final String endpoint;
    private final String token;

    private BareClient(Transport transport, String endpoint, String token) {
        this.transport = transport;
        this.endpoint = endpoint;
        this.token = token;
    }

    /**
     * Connects, and logs in if there is somebody to log in as.
     *
     * @throws CommandFailure if no endpoint answers, or the login is refused
     */
    static BareClient open(Target target) throws InterruptedException {
        Transport transport = target.transport();
        boolean isOpen = false;
        try {
            BareClient client = open(transport, target.credentials());
            isOpen = true;
            return client;
        } finally {
            if (!isOpen) {
                transport.close();
            }
        }
    }

    private static BareClient open(Transport transport, Optional<Credentials> who) throws InterruptedException {
        Status why = Status.UNAVAILABLE;
        for (String endpoint : transport.endpoints()) {
            BareClient nobody = new BareClient(transport, endpoint, "");
            try {
                BareClient client =
                        who.isEmpty() ? nobody : new BareClient(transport, endpoint, nobody.logIn(who.get()));
                client.requireAnswer();
                return client;
            } catch (StatusRuntimeException e) {
                why = e.getStatus();
            }
        }
        throw CommandFailure.unreachable("no etcd answers at " + String.join(",", transport.endpoints())
                + " as it should (" + words(why)
                + "): start one with `holdfast serve`, pass --endpoints, or measure the engine with --embedded");
    }

    /** That it may not tell its status to everybody is an answer, too. */
    private void requireAnswer() throws InterruptedException {
        try {
            ask(MaintenanceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance());
        } catch (StatusRuntimeException e) {
            if (!isRefusal(e.getStatus())) {
                throw e;
            }
        }
    }

    private static boolean isRefusal(Status status) {
        return switch (status.getCode()) {
            case INVALID_ARGUMENT, PERMISSION_DENIED, UNAUTHENTICATED -> true;
            default -> false;
        };
    }

    private String logIn(Credentials who) throws InterruptedException {
        char[] password = who.password().get();
        try {
            return ask(
                            AuthGrpc.getAuthenticateMethod(),
                            AuthenticateRequest.newBuilder()
                                    .setName(who.name())
                                    .setPassword(new String(password))
                                    .build())
                    .getToken();
        } catch (StatusRuntimeException e) {
            String said = String.valueOf(e.getStatus().getDescription());
            if (said.contains(NOT_ENABLED)) {
                return "";
            }
            if (isRefusal(e.getStatus())) {
                throw CommandFailure.unreachable("etcd at " + endpoint + " refuses user '" + who.name() + "': " + said
                        + "; check --user and the password");
            }
            throw e;
        } finally {
            Arrays.fill(password, '\0');
        }
    }

    /** A lease that nobody renews: what is put on it vanishes by itself if this process is killed. */
    long grantLease(long seconds) throws InterruptedException {
        return required(
                        LeaseGrpc.getLeaseGrantMethod(),
                        LeaseGrantRequest.newBuilder().setTTL(seconds).build())
                .getID();
    }

    void revokeLease(long lease) throws InterruptedException {
        required(
                LeaseGrpc.getLeaseRevokeMethod(),
                LeaseRevokeRequest.newBuilder().setID(lease).build());
    }

    /** Whether it was absent. */
    boolean putIfAbsent(ByteString key, long lease) throws InterruptedException {
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(key)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setCreateRevision(0))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder().setKey(key).setLease(lease)))
                .build();
        return required(KVGrpc.getTxnMethod(), request).getSucceeded();
    }

    /** Whether it was there. */
    boolean delete(ByteString key) throws InterruptedException {
        return required(
                                KVGrpc.getDeleteRangeMethod(),
                                DeleteRangeRequest.newBuilder().setKey(key).build())
                        .getDeleted()
                == 1;
    }

    /**
     * Deletes all keys that begin so.
     *
     * @return how many there were
     */
    long deleteAll(String prefix) throws InterruptedException {
        // Prefixes end in '/', after which '0' follows.
        if (!prefix.endsWith("/")) {
            throw new IllegalArgumentException("'" + prefix + "' does not end with a slash");
        }
        return required(
                        KVGrpc.getDeleteRangeMethod(),
                        DeleteRangeRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8(prefix))
                                .setRangeEnd(ByteString.copyFromUtf8(prefix.substring(0, prefix.length() - 1) + "0"))
                                .build())
                .getDeleted();
    }

    /** What the cluster says of itself; what is not told is left open. */
    ServerInfo servers() throws InterruptedException {
        List<String> members = new ArrayList<>();
        try {
            MemberListResponse list = ask(ClusterGrpc.getMemberListMethod(), MemberListRequest.getDefaultInstance());
            list.getMembersList().stream().map(Member::getName).forEach(members::add);
        } catch (StatusRuntimeException e) {
            // Whoever may not ask does without.
        }
        List<ServerInfo.Server> servers = new ArrayList<>();
        for (String each : transport.endpoints()) {
            try {
                StatusResponse status = new BareClient(transport, each, token)
                        .ask(MaintenanceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance());
                servers.add(new ServerInfo.Server(
                        each,
                        status.getVersion(),
                        status.getLeader() == status.getHeader().getMemberId(),
                        status.getDbSize()));
            } catch (StatusRuntimeException e) {
                servers.add(new ServerInfo.Server(each, "", false, 0));
            }
        }
        return new ServerInfo(members, servers);
    }

    private <Q, R> R required(MethodDescriptor<Q, R> method, Q request) throws InterruptedException {
        try {
            return ask(method, request);
        } catch (StatusRuntimeException e) {
            throw CommandFailure.failed("etcd at " + endpoint + " did not do " + method.getBareMethodName() + ": "
                    + words(e.getStatus())
                    + (isRefusal(e.getStatus()) ? "; check --user, --namespace and what that user may do" : ""));
        }
    }

    private <Q, R> R ask(MethodDescriptor<Q, R> method, Q request) throws InterruptedException {
        Metadata headers = new Metadata();
        if (!token.isEmpty()) {
            headers.put(TOKEN, token);
        }
        Answer<R> answer = new Answer<>();
        transport.unary(endpoint, method, headers, request, PATIENCE_NANOS, answer);
        return answer.await();
    }

    private static String words(Status status) {
        String said = status.getDescription();
        return said == null ? status.getCode().toString() : said;
    }

    @Override
    public void close() {
        transport.close();
    }
}
