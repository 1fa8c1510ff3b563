package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.etcd.EtcdError.Meaning;
import io.grpc.Status;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorTableTest {

    /*
     * Written down from etcd's api/v3rpc/rpctypes, not from the table: A ambiguous, D definite; + if another endpoint may
     * do better; then the code or codes the versions from 3.4 to 3.7 use.
     */
    private static final String EXPECTED =
            """
            D  INVALID_ARGUMENT                | key is not provided
            D  INVALID_ARGUMENT                | key not found
            D  INVALID_ARGUMENT                | value is provided
            D  INVALID_ARGUMENT                | lease is provided
            D  INVALID_ARGUMENT                | too many operations in txn request
            D  INVALID_ARGUMENT                | duplicate key given in txn request
            D  INVALID_ARGUMENT                | invalid client api version
            D  INVALID_ARGUMENT                | invalid sort option
            D  OUT_OF_RANGE                    | mvcc: required revision has been compacted
            D  OUT_OF_RANGE                    | mvcc: required revision is a future revision
            A  RESOURCE_EXHAUSTED              | mvcc: database space exceeded
            D  NOT_FOUND                       | requested lease not found
            D  FAILED_PRECONDITION             | lease already exists
            D  OUT_OF_RANGE                    | too large lease TTL
            A  CANCELLED                       | watch canceled
            A  FAILED_PRECONDITION             | member ID already exist
            A  FAILED_PRECONDITION             | Peer URLs already exists
            A  FAILED_PRECONDITION,UNKNOWN     | re-configuration failed due to not enough started members
            D  INVALID_ARGUMENT                | given member URLs are invalid
            A  NOT_FOUND                       | member not found
            A  FAILED_PRECONDITION             | can only promote a learner member
            A  FAILED_PRECONDITION             | can only promote a learner member which is in sync with leader
            A  FAILED_PRECONDITION             | too many learner members in cluster
            A+ FAILED_PRECONDITION             | cluster ID mismatch
            D  INVALID_ARGUMENT                | request is too large
            D  RESOURCE_EXHAUSTED,UNKNOWN      | too many requests
            D  FAILED_PRECONDITION             | root user does not exist
            D  FAILED_PRECONDITION             | root user does not have root role
            D  FAILED_PRECONDITION             | user name already exists
            D  INVALID_ARGUMENT                | user name is empty
            D  FAILED_PRECONDITION             | user name not found
            D  FAILED_PRECONDITION             | role name already exists
            D  FAILED_PRECONDITION             | role name not found
            D  INVALID_ARGUMENT                | role name is empty
            D  INVALID_ARGUMENT                | authentication failed, invalid user ID or password
            D  INVALID_ARGUMENT                | permission not given
            D  PERMISSION_DENIED               | permission denied
            D  FAILED_PRECONDITION             | role is not granted to the user
            D  FAILED_PRECONDITION             | permission is not granted to the role
            D  FAILED_PRECONDITION             | authentication is not enabled
            D  UNAUTHENTICATED                 | invalid auth token
            D  INVALID_ARGUMENT                | invalid auth management
            D  INVALID_ARGUMENT                | revision of auth store is old
            D+ UNAVAILABLE                     | no leader
            A+ FAILED_PRECONDITION             | not leader
            A+ UNAVAILABLE                     | leader changed
            A+ UNAVAILABLE,FAILED_PRECONDITION | not capable
            A+ UNAVAILABLE                     | server stopped
            A+ UNAVAILABLE                     | request timed out
            A+ UNAVAILABLE                     | request timed out, possibly due to previous leader failure
            A+ UNAVAILABLE                     | request timed out, possibly due to connection lost
            A+ UNAVAILABLE                     | request timed out, waiting for the applied index took too long
            A+ UNAVAILABLE                     | unhealthy cluster
            A  DATA_LOSS                       | corrupt cluster
            A+ UNAVAILABLE,FAILED_PRECONDITION | rpc not supported for learner
            A  FAILED_PRECONDITION             | bad leader transferee
            A  FAILED_PRECONDITION             | cluster version not found during downgrade
            D  INVALID_ARGUMENT                | wrong downgrade target version format
            D  INVALID_ARGUMENT                | invalid downgrade target version
            A  FAILED_PRECONDITION             | cluster has a downgrade job in progress
            A  FAILED_PRECONDITION             | no inflight downgrade job
            A  CANCELLED                       | request canceled
            A+ DEADLINE_EXCEEDED               | context deadline exceeded
            """;

    record Expected(Status.Code code, String text, Meaning meaning, boolean isEndpointTrouble) {}

    static List<Expected> expected() {
        List<Expected> rows = new ArrayList<>();
        EXPECTED.lines().forEach(line -> {
            String[] halves = line.split("\\|", 2);
            String marks = halves[0].substring(0, 3);
            for (String code : halves[0].substring(3).strip().split(",", -1)) {
                rows.add(new Expected(
                        Status.Code.valueOf(code),
                        "etcdserver: " + halves[1].strip(),
                        marks.charAt(0) == 'D' ? Meaning.DEFINITE : Meaning.AMBIGUOUS,
                        marks.charAt(1) == '+'));
            }
        });
        return rows;
    }

    @ParameterizedTest
    @MethodSource("expected")
    void everyErrorOfEtcdHasItsMeaning(Expected row) {
        EtcdError error = EtcdError.of(row.code.toStatus().withDescription(row.text));
        assertThat(error.meaning()).isEqualTo(row.meaning);
        assertThat(error.isEndpointTrouble()).isEqualTo(row.isEndpointTrouble);
        assertThat(error.code()).isEqualTo(row.code);
        assertThat(error.text()).isEqualTo(row.text);
        assertThat(error.advice()).endsWith(".");
    }

    @Test
    void theTableHasNoRowThatIsNotClaimedHere() {
        assertThat(ErrorTable.rows())
                .extracting(ErrorTable.Row::text)
                .containsExactlyInAnyOrderElementsOf(
                        expected().stream().map(Expected::text).distinct().toList());
    }

    @ParameterizedTest
    @EnumSource(Status.Code.class)
    void anUnknownTextIsAmbiguousUnlessItsCodeIsARefusal(Status.Code code) {
        EtcdError error = EtcdError.of(code.toStatus().withDescription("never heard of"));
        boolean isRefusal =
                switch (code) {
                    case INVALID_ARGUMENT, PERMISSION_DENIED -> true;
                    default -> false;
                };
        assertThat(error.isDefinite()).isEqualTo(isRefusal);
        assertThat(error.advice()).endsWith(".");
    }

    @Test
    void questionsAboutAnErrorAreAnsweredByItsText() {
        assertThat(error("requested lease not found").isLeaseNotFound()).isTrue();
        assertThat(error("lease already exists").isLeaseExists()).isTrue();
        assertThat(error("mvcc: database space exceeded").isNoSpace()).isTrue();
        assertThat(error("mvcc: required revision has been compacted").isCompacted())
                .isTrue();
        assertThat(error("invalid auth token").isUnauthenticated()).isTrue();
        assertThat(error("revision of auth store is old").isUnauthenticated()).isTrue();
        assertThat(error("permission denied").isPermissionDenied()).isTrue();
        assertThat(error("no leader").isNoLeader()).isTrue();

        EtcdError other = error("leader changed");
        assertThat(other.isLeaseNotFound()).isFalse();
        assertThat(other.isLeaseExists()).isFalse();
        assertThat(other.isNoSpace()).isFalse();
        assertThat(other.isCompacted()).isFalse();
        assertThat(other.isUnauthenticated()).isFalse();
        assertThat(other.isPermissionDenied()).isFalse();
        assertThat(other.isNoLeader()).isFalse();
        assertThat(other.isNotEtcd()).isFalse();
        assertThat(other.isRegression()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            rpc error: code = PermissionDenied desc = etcdserver: permission denied | PERMISSION_DENIED | DEFINITE
            etcdserver: mvcc: required revision has been compacted                  | OUT_OF_RANGE      | DEFINITE
            rpc error: code = Unauthenticated desc = etcdserver: invalid auth token | UNAUTHENTICATED   | DEFINITE
            mvcc: watcher duplicate ID                                              | UNKNOWN           | AMBIGUOUS
            """)
    void cancelReasonOfAWatchIsLookedUpToo(String reason, Status.Code code, Meaning meaning) {
        EtcdError error = EtcdError.ofCancelReason(reason);
        assertThat(error.code()).isEqualTo(code);
        assertThat(error.meaning()).isEqualTo(meaning);
        assertThat(error.text()).doesNotContain("rpc error");
    }

    @Test
    void theTextNamesTheRootCause() {
        Exception cause = new RuntimeException("outer", new ConnectException("Connection refused: /127.0.0.1:1"));
        EtcdError error =
                EtcdError.of(Status.UNAVAILABLE.withDescription("io exception").withCause(cause));
        assertThat(error.text()).isEqualTo("io exception: Connection refused: /127.0.0.1:1");
        assertThat(EtcdError.of(Status.UNAVAILABLE).text()).isEqualTo("UNAVAILABLE");
    }

    private static EtcdError error(String text) {
        return EtcdError.of(Status.Code.UNKNOWN, "etcdserver: " + text);
    }
}
