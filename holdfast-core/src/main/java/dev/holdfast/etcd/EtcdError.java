package dev.holdfast.etcd;

import io.grpc.Status;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Why a request has no usable answer, and what may have happened. Immutable.
 *
 * @param code the gRPC code as it came over the wire, or as the transport made it
 * @param text etcd's own text where there is one, for a person to read
 * @param meaning whether the request may have been applied, now or later
 */
public record EtcdError(Status.Code code, String text, Meaning meaning) {

    /** Whether a failed request can have had an effect. */
    public enum Meaning {
        /** Nothing was applied, and nothing will be. */
        DEFINITE,
        /** The request may have been applied, or may still be. */
        AMBIGUOUS
    }

    /* The text of an error that a watch carries in its cancel reason: Go prints code and description. */
    private static final Pattern GO_STATUS = Pattern.compile("rpc error: code = (\\w+) desc = (.*)", Pattern.DOTALL);

    /** Looks a status that is not OK up in the error table. */
    public static EtcdError of(Status status) {
        String description = status.getDescription();
        if (description == null || description.isEmpty()) {
            description = status.getCode().name();
        }
        EtcdError error = of(status.getCode(), description);
        Throwable cause = rootOf(status.getCause());
        return cause == null || cause.getMessage() == null || description.contains(cause.getMessage())
                ? error
                : new EtcdError(error.code, description + ": " + cause.getMessage(), error.meaning);
    }

    static EtcdError of(Status.Code code, String description) {
        return new EtcdError(code, description, ErrorTable.meaning(code, description));
    }

    /** The error a cancelled watch names as its reason; UNKNOWN if the text is not one of etcd's. */
    static EtcdError ofCancelReason(String reason) {
        Matcher go = GO_STATUS.matcher(reason);
        String text = go.matches() ? go.group(2) : reason;
        return of(ErrorTable.codeOf(text), text);
    }

    /** The same error with the endpoint named, unless the text is etcd's own and says enough. */
    EtcdError at(String endpoint) {
        return ErrorTable.isKnown(text) || text.contains(endpoint)
                ? this
                : new EtcdError(code, text + " (endpoint " + endpoint + ")", meaning);
    }

    /** The same error for a request whose fate it does not tell, such as one of many on a stream that broke. */
    EtcdError ambiguous() {
        return new EtcdError(code, text, Meaning.AMBIGUOUS);
    }

    /** True if nothing was applied and nothing will be. */
    public boolean isDefinite() {
        return meaning == Meaning.DEFINITE;
    }

    /** The lease named by the request does not exist: it expired, was revoked, or never was. */
    public boolean isLeaseNotFound() {
        return text.equals(ErrorTable.LEASE_NOT_FOUND);
    }

    /** A lease with the id asked for exists already. */
    public boolean isLeaseExists() {
        return text.equals(ErrorTable.LEASE_EXISTS);
    }

    /** The server's database is full; deletes and keep-alives still work. */
    public boolean isNoSpace() {
        return text.equals(ErrorTable.NO_SPACE);
    }

    /** The revision asked for has been compacted away. */
    public boolean isCompacted() {
        return text.equals(ErrorTable.COMPACTED);
    }

    /** Who asks is not known there: a wrong password, a token that is missing or rejected, or a gateway that says so. */
    public boolean isUnauthenticated() {
        return code == Status.Code.UNAUTHENTICATED || isTokenRejected();
    }

    /**
     * The auth token is missing, expired or older than the last change of users and roles: get a new one. Nothing was
     * applied: etcd looks at the token before it proposes a request, and at the token's revision before it applies one.
     * That holds for etcd's own texts; it is not known of others that come with {@code UNAUTHENTICATED}.
     */
    boolean isTokenRejected() {
        return text.equals(ErrorTable.INVALID_AUTH_TOKEN)
                || text.equals(ErrorTable.USER_EMPTY)
                || text.equals(ErrorTable.AUTH_OLD_REVISION);
    }

    /** There are no users at this etcd. */
    boolean isAuthNotEnabled() {
        return text.equals(ErrorTable.AUTH_NOT_ENABLED);
    }

    /** Users or roles were changed since the token, or the request, was made. */
    boolean isAuthOld() {
        return text.equals(ErrorTable.AUTH_OLD_REVISION);
    }

    /** The user may not do this. */
    public boolean isPermissionDenied() {
        return code == Status.Code.PERMISSION_DENIED || text.equals(ErrorTable.PERMISSION_DENIED_TEXT);
    }

    /** The server knows no leader. */
    public boolean isNoLeader() {
        return text.equals(ErrorTable.NO_LEADER);
    }

    /** Nothing was applied, and the same request may succeed a little later. */
    public boolean isTransient() {
        return isDefinite() && (isEndpointTrouble() || text.equals(ErrorTable.TOO_MANY_REQUESTS));
    }

    /** What answers there does not speak etcd's v3 API, or not without TLS. */
    public boolean isNotEtcd() {
        return ErrorTable.isNotEtcd(code, text);
    }

    /** The answer contradicts an earlier one: the revision went back, or another cluster answered. */
    public boolean isRegression() {
        return text.startsWith(Revisions.REGRESSED);
    }

    /** True if another endpoint may do better. */
    boolean isEndpointTrouble() {
        return ErrorTable.isEndpointTrouble(code, text);
    }

    /** What a person should do about it, in one sentence. */
    public String advice() {
        return ErrorTable.advice(code, text);
    }

    @Override
    public String toString() {
        return code + " \"" + text + "\" (" + (isDefinite() ? "not applied" : "may have been applied") + ")";
    }

    private static @Nullable Throwable rootOf(@Nullable Throwable cause) {
        Throwable root = cause;
        for (int depth = 0; root != null && root.getCause() != null && depth < 20; depth++) {
            root = root.getCause();
        }
        return root;
    }
}
