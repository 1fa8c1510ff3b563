package dev.holdfast.etcd;

import static dev.holdfast.etcd.EtcdError.Meaning.AMBIGUOUS;
import static dev.holdfast.etcd.EtcdError.Meaning.DEFINITE;
import static io.grpc.Status.Code.CANCELLED;
import static io.grpc.Status.Code.DATA_LOSS;
import static io.grpc.Status.Code.DEADLINE_EXCEEDED;
import static io.grpc.Status.Code.FAILED_PRECONDITION;
import static io.grpc.Status.Code.INTERNAL;
import static io.grpc.Status.Code.INVALID_ARGUMENT;
import static io.grpc.Status.Code.NOT_FOUND;
import static io.grpc.Status.Code.OUT_OF_RANGE;
import static io.grpc.Status.Code.PERMISSION_DENIED;
import static io.grpc.Status.Code.RESOURCE_EXHAUSTED;
import static io.grpc.Status.Code.UNAUTHENTICATED;
import static io.grpc.Status.Code.UNAVAILABLE;
import static io.grpc.Status.Code.UNIMPLEMENTED;
import static io.grpc.Status.Code.UNKNOWN;

import dev.holdfast.etcd.EtcdError.Meaning;
import io.grpc.Status;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every error of etcd 3.4 to 3.7, what it means for the request, and what a person should do about it. An error that is
 * not listed is judged by its code, and is ambiguous unless that code surely means a refusal. Immutable.
 */
final class ErrorTable {

    /*
     * The key is the text alone, because the same error travels under different codes: "too many requests" leaves the
     * server as UNKNOWN (it puts the client's error value into its table), and "not capable", "rpc not supported for
     * learner" and the downgrade errors changed from UNAVAILABLE to FAILED_PRECONDITION in 3.6.
     *
     * DEFINITE needs a proof that the server gives this text only before proposing, or when the entry is applied as a
     * refusal. NO_SPACE has no such proof: the applier returns it after it has carried out the transaction.
     */

    static final String LEASE_NOT_FOUND = "etcdserver: requested lease not found";
    static final String LEASE_EXISTS = "etcdserver: lease already exists";
    static final String NO_SPACE = "etcdserver: mvcc: database space exceeded";
    static final String COMPACTED = "etcdserver: mvcc: required revision has been compacted";
    static final String NO_LEADER = "etcdserver: no leader";
    static final String INVALID_AUTH_TOKEN = "etcdserver: invalid auth token";
    static final String USER_EMPTY = "etcdserver: user name is empty";
    static final String AUTH_NOT_ENABLED = "etcdserver: authentication is not enabled";
    static final String AUTH_OLD_REVISION = "etcdserver: revision of auth store is old";
    static final String PERMISSION_DENIED_TEXT = "etcdserver: permission denied";

    /** How a transport begins what it says about certificates and handshakes. */
    private static final String TLS = "TLS: ";

    static final String TOO_MANY_REQUESTS = "etcdserver: too many requests";

    /** One error: its code in the newest version that has it, its text, its meaning, and whether to go elsewhere. */
    record Row(Status.Code code, String text, Meaning meaning, boolean isEndpointTrouble, String advice) {}

    private static final String OUR_BUG = "This request should never have been sent: please report it as a bug.";
    private static final String NOT_OURS =
            "Not an answer to anything this library asks: check what stands at the endpoint.";
    private static final String CREDENTIALS = "Check the user name, the password and the roles of the user.";
    private static final String TRANSIENT = "Usually passes by itself; if not, look at the health of the etcd cluster.";
    private static final String STOPPED = "The server is shutting down: another endpoint is tried.";
    private static final String OTHER_ENDPOINT = "This member cannot serve clients: another endpoint is tried.";

    private static final Map<String, Row> ROWS = new LinkedHashMap<>();

    static {
        definite(INVALID_ARGUMENT, "etcdserver: key is not provided", OUR_BUG);
        definite(INVALID_ARGUMENT, "etcdserver: key not found", OUR_BUG);
        definite(INVALID_ARGUMENT, "etcdserver: value is provided", OUR_BUG);
        definite(INVALID_ARGUMENT, "etcdserver: lease is provided", OUR_BUG);
        definite(
                INVALID_ARGUMENT,
                "etcdserver: too many operations in txn request",
                "Leave etcd's --max-txn-ops at its default of 128 or above.");
        definite(INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request", OUR_BUG);
        definite(INVALID_ARGUMENT, "etcdserver: invalid sort option", OUR_BUG);
        definite(INVALID_ARGUMENT, "etcdserver: invalid client api version", OUR_BUG);
        definite(
                INVALID_ARGUMENT,
                "etcdserver: request is too large",
                "Make names and descriptions shorter, or raise etcd's --max-request-bytes.");
        definite(OUT_OF_RANGE, COMPACTED, "The revision asked for is gone: read anew.");
        definite(OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", OUR_BUG);
        ambiguous(
                RESOURCE_EXHAUSTED,
                NO_SPACE,
                "etcd's database is full: compact and defragment it, then run 'etcdctl alarm disarm'.");
        definite(
                RESOURCE_EXHAUSTED,
                TOO_MANY_REQUESTS,
                "etcd is overloaded: it applies more slowly than it is asked to; look at its disk.");

        definite(NOT_FOUND, LEASE_NOT_FOUND, "The lease expired or was revoked: open a new session.");
        definite(FAILED_PRECONDITION, LEASE_EXISTS, "The lease id is taken: read it, or use another id.");
        definite(OUT_OF_RANGE, "etcdserver: too large lease TTL", "Use a shorter session TTL.");

        definite(FAILED_PRECONDITION, "etcdserver: root user does not exist", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: root user does not have root role", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: user name already exists", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: user name not found", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: role name already exists", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: role name not found", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: role is not granted to the user", CREDENTIALS);
        definite(FAILED_PRECONDITION, "etcdserver: permission is not granted to the role", CREDENTIALS);
        definite(
                FAILED_PRECONDITION,
                AUTH_NOT_ENABLED,
                "The cluster does not use authentication: leave user and password out.");
        definite(INVALID_ARGUMENT, USER_EMPTY, "This etcd has authentication enabled: give a user and a password.");
        definite(INVALID_ARGUMENT, "etcdserver: role name is empty", CREDENTIALS);
        definite(INVALID_ARGUMENT, "etcdserver: permission not given", CREDENTIALS);
        definite(INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password", CREDENTIALS);
        definite(INVALID_ARGUMENT, "etcdserver: invalid auth management", CREDENTIALS);
        definite(INVALID_ARGUMENT, AUTH_OLD_REVISION, "Users or roles were changed: log in again.");
        definite(UNAUTHENTICATED, INVALID_AUTH_TOKEN, "The token expired: log in again.");
        definite(
                PERMISSION_DENIED,
                PERMISSION_DENIED_TEXT,
                "Grant the user read and write access to the lock names and to the library's own prefix.");

        elsewhere(DEFINITE, UNAVAILABLE, NO_LEADER, "The cluster has no quorum, or this member is cut off from it.");
        elsewhere(AMBIGUOUS, UNAVAILABLE, "etcdserver: leader changed", TRANSIENT);
        elsewhere(AMBIGUOUS, UNAVAILABLE, "etcdserver: server stopped", STOPPED);
        elsewhere(AMBIGUOUS, UNAVAILABLE, "etcdserver: request timed out", TRANSIENT);
        elsewhere(
                AMBIGUOUS,
                UNAVAILABLE,
                "etcdserver: request timed out, possibly due to previous leader failure",
                TRANSIENT);
        elsewhere(AMBIGUOUS, UNAVAILABLE, "etcdserver: request timed out, possibly due to connection lost", TRANSIENT);
        elsewhere(
                AMBIGUOUS,
                UNAVAILABLE,
                "etcdserver: request timed out, waiting for the applied index took too long",
                TRANSIENT);
        elsewhere(AMBIGUOUS, UNAVAILABLE, "etcdserver: unhealthy cluster", TRANSIENT);
        elsewhere(AMBIGUOUS, FAILED_PRECONDITION, "etcdserver: not capable", OTHER_ENDPOINT);
        elsewhere(AMBIGUOUS, FAILED_PRECONDITION, "etcdserver: rpc not supported for learner", OTHER_ENDPOINT);
        elsewhere(AMBIGUOUS, FAILED_PRECONDITION, "etcdserver: not leader", TRANSIENT);
        elsewhere(
                AMBIGUOUS,
                FAILED_PRECONDITION,
                "etcdserver: cluster ID mismatch",
                "The endpoints belong to different clusters: check the list.");
        elsewhere(AMBIGUOUS, DEADLINE_EXCEEDED, "etcdserver: context deadline exceeded", TRANSIENT);
        ambiguous(CANCELLED, "etcdserver: request canceled", TRANSIENT);
        ambiguous(CANCELLED, "etcdserver: watch canceled", TRANSIENT);
        ambiguous(
                DATA_LOSS,
                "etcdserver: corrupt cluster",
                "The members of the cluster disagree about their data: follow etcd's page on data corruption now.");

        ambiguous(FAILED_PRECONDITION, "etcdserver: member ID already exist", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: Peer URLs already exists", NOT_OURS);
        ambiguous(
                FAILED_PRECONDITION, "etcdserver: re-configuration failed due to not enough started members", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: can only promote a learner member", NOT_OURS);
        ambiguous(
                FAILED_PRECONDITION,
                "etcdserver: can only promote a learner member which is in sync with leader",
                NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: too many learner members in cluster", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: bad leader transferee", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: cluster version not found during downgrade", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: cluster has a downgrade job in progress", NOT_OURS);
        ambiguous(FAILED_PRECONDITION, "etcdserver: no inflight downgrade job", NOT_OURS);
        ambiguous(NOT_FOUND, "etcdserver: member not found", NOT_OURS);
        definite(INVALID_ARGUMENT, "etcdserver: given member URLs are invalid", NOT_OURS);
        definite(INVALID_ARGUMENT, "etcdserver: wrong downgrade target version format", NOT_OURS);
        definite(INVALID_ARGUMENT, "etcdserver: invalid downgrade target version", NOT_OURS);
    }

    private ErrorTable() {}

    /** All rows, in the order of the table. */
    static List<Row> rows() {
        return List.copyOf(ROWS.values());
    }

    static boolean isKnown(String text) {
        return ROWS.containsKey(text);
    }

    static Meaning meaning(Status.Code code, String text) {
        Row row = ROWS.get(text);
        if (row != null) {
            return row.meaning;
        }
        // Not UNAUTHENTICATED: what a gateway means by it is not known, and etcd's own texts are listed.
        return switch (code) {
            case INVALID_ARGUMENT, PERMISSION_DENIED -> DEFINITE;
            default -> AMBIGUOUS;
        };
    }

    static boolean isEndpointTrouble(Status.Code code, String text) {
        Row row = ROWS.get(text);
        return (row != null && row.isEndpointTrouble)
                || code == UNAVAILABLE
                || code == DEADLINE_EXCEEDED
                || isNotEtcd(code, text);
    }

    /* Netty's words for an HTTP/1 server, and for one that wanted TLS. */
    static boolean isNotEtcd(Status.Code code, String text) {
        return code == UNIMPLEMENTED || (code == INTERNAL && text.contains("First received frame was not SETTINGS"));
    }

    static Status.Code codeOf(String text) {
        Row row = ROWS.get(text);
        return row == null ? UNKNOWN : row.code;
    }

    static String advice(Status.Code code, String text) {
        Row row = ROWS.get(text);
        if (row != null) {
            return row.advice;
        }
        if (text.startsWith(TLS)) {
            return "No connection was made: the certificates or the TLS settings of one of the two sides must change.";
        }
        if (isNotEtcd(code, text)) {
            return "What answers there is not an etcd server with the v3 API, or it wants TLS: check the endpoint.";
        }
        return switch (code) {
            case UNAVAILABLE -> "Check that etcd is running and reachable at the endpoint.";
            case DEADLINE_EXCEEDED -> "The server did not answer in time: look at its load and at the network.";
            case PERMISSION_DENIED, UNAUTHENTICATED -> CREDENTIALS;
            case RESOURCE_EXHAUSTED ->
                "A message was too large, or the server is overloaded; see etcd's --max-request-bytes.";
            case CANCELLED -> "The request was called off.";
            default -> "Check that the endpoint is an etcd server, and look at its log.";
        };
    }

    private static void definite(Status.Code code, String text, String advice) {
        add(new Row(code, text, DEFINITE, false, advice));
    }

    private static void ambiguous(Status.Code code, String text, String advice) {
        add(new Row(code, text, AMBIGUOUS, false, advice));
    }

    private static void elsewhere(Meaning meaning, Status.Code code, String text, String advice) {
        add(new Row(code, text, meaning, true, advice));
    }

    private static void add(Row row) {
        if (ROWS.put(row.text, row) != null) {
            throw new AssertionError("listed twice: " + row.text);
        }
    }
}
