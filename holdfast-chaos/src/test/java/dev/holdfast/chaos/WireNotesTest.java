package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseGrpc;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.ResponseHeader;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.history.DeadlineOnlyConfirmed;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import dev.holdfast.history.Verdict;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client on a server that answers at once, as it is told; the client keeps the rules, or does not. */
class WireNotesTest {

    private static final String SESSIONS = "chaos/_holdfast/sess/";
    private static final long LEASE = 0x5c;
    private static final long SECOND = 1_000_000_000;

    /** Answers each request by a function of it. */
    private record Answering(Function<Object, Object> answers) implements Transport {
        @Override
        public List<String> endpoints() {
            return List.of("http://here");
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            listener.onAnswer(answer(method, request));
            return () -> {};
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            return new Outbound<>() {
                @Override
                public void send(Q message) {
                    listener.onMessage(answer(method, message));
                }

                @Override
                public void cancel() {}
            };
        }

        private <R> R answer(MethodDescriptor<?, R> method, Object request) {
            return ((MethodDescriptor.ReflectableMarshaller<R>) method.getResponseMarshaller())
                    .getMessageClass()
                    .cast(answers.apply(request));
        }

        @Override
        public void close() {}
    }

    private final Path file;
    private Notes notes;
    private WireNotes wire;
    private long term = 2;

    WireNotesTest(@TempDir Path directory) {
        file = directory.resolve("java1.history");
    }

    @BeforeEach
    void open() throws IOException {
        notes = Notes.open(file);
        wire = new WireNotes(new Answering(this::answer), "java1", SESSIONS, notes);
    }

    @AfterEach
    void close() throws IOException {
        notes.close();
    }

    private Object answer(Object request) {
        ResponseHeader header = ResponseHeader.newBuilder().setRaftTerm(term).build();
        if (request instanceof LeaseGrantRequest grant) {
            return LeaseGrantResponse.newBuilder()
                    .setID(grant.getID())
                    .setTTL(4)
                    .build();
        }
        return request instanceof LeaseKeepAliveRequest renewal
                ? LeaseKeepAliveResponse.newBuilder()
                        .setHeader(header)
                        .setID(renewal.getID())
                        .setTTL(4)
                        .build()
                : TxnResponse.newBuilder().setHeader(header).setSucceeded(true).build();
    }

    private void grant() {
        LeaseGrantRequest request =
                LeaseGrantRequest.newBuilder().setID(LEASE).setTTL(4).build();
        wire.unary("here", LeaseGrpc.getLeaseGrantMethod(), new Metadata(), request, SECOND, new Heard<>());
    }

    private void renew() {
        wire.stream("here", LeaseGrpc.getLeaseKeepAliveMethod(), new Metadata(), new Heard<>())
                .send(LeaseKeepAliveRequest.newBuilder().setID(LEASE).build());
    }

    private void confirm() {
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder().setKey(ByteString.copyFromUtf8(SESSIONS + "5c")))
                .build();
        wire.unary("here", KVGrpc.getTxnMethod(), new Metadata(), request, SECOND, new Heard<>());
    }

    private void claim(long deadlineNanos) {
        wire.moved(
                new Operation.Claimed(System.nanoTime(), "java1/0", "orders", new Token(0, 5, 0), deadlineNanos, "5c"));
    }

    private static final class Heard<R> implements Transport.UnaryListener<R>, Transport.StreamListener<R> {
        @Override
        public void onAnswer(R answer) {}

        @Override
        public void onFailure(Status status) {}

        @Override
        public void onMessage(R message) {}

        @Override
        public void onClosed(Status status) {}
    }

    private List<Operation> noted() throws IOException {
        return Notes.read(file).history().operations();
    }

    private Verdict verdict() throws IOException {
        return new DeadlineOnlyConfirmed().check(Notes.read(file).history());
    }

    @Test
    void aDeadlineMovedByAConfirmedRenewal_isInOrder() throws IOException {
        long openedNanos = System.nanoTime();
        grant();
        claim(openedNanos + 3 * SECOND);
        long renewedNanos = System.nanoTime();
        renew();
        confirm();
        claim(renewedNanos + 3_400_000_000L);

        assertThat(noted())
                .extracting(Object::getClass)
                .containsExactly(
                        Operation.Opened.class,
                        Operation.KeptAlive.class,
                        Operation.Confirmed.class,
                        Operation.DeadlineMoved.class);
        assertThat(verdict().isKept()).isTrue();
    }

    @Test
    void aDeadlineMovedByARenewalThatNothingConfirmed_isFound() throws IOException {
        grant();
        claim(System.nanoTime() + 3 * SECOND);
        renew();
        claim(System.nanoTime() + 3_400_000_000L);

        assertThat(verdict().toString()).contains("by a keep-alive that nothing confirmed");
    }

    @Test
    void aDeadlineMovedByAConfirmationOfAnotherTerm_isFound() throws IOException {
        grant();
        claim(System.nanoTime() + 3 * SECOND);
        renew();
        term = 3;
        confirm();
        claim(System.nanoTime() + 3_400_000_000L);

        assertThat(verdict().toString()).contains("the last confirmation is of term 3, the keep-alive of term 2");
    }

    @Test
    void aDeadlineBeyondWhatARenewalAllows_isFound() throws IOException {
        grant();
        claim(System.nanoTime() + 3 * SECOND);
        renew();
        confirm();
        claim(System.nanoTime() + 4 * SECOND);

        assertThat(verdict().toString()).contains("later than any answered keep-alive allows");
    }

    @Test
    void aDeadlineThatIsReadLate_isHeldAgainstWhatWasConfirmedByThen() throws IOException {
        grant();
        long renewedNanos = System.nanoTime();
        renew();
        confirm();
        claim(renewedNanos + 3_400_000_000L);

        assertThat(noted()).hasAtLeastOneElementOfType(Operation.Opened.class);
        assertThat(verdict().isKept()).isTrue();
    }

    @Test
    void aDeadlineThatIsReadLate_andThatNothingConfirmed_isFound() throws IOException {
        long grantedNanos = System.nanoTime();
        grant();
        renew();
        claim(grantedNanos + 5 * SECOND);

        assertThat(verdict().toString()).contains("later than its TTL less the margin allows");
    }

    @Test
    void aDeadlineThatNobodyLookedAtUntilItHadPassed_isAnotherSessions() throws IOException {
        grant();
        claim(System.nanoTime());
        renew();
        confirm();
        claim(System.nanoTime() + 2 * SECOND);
        long renewedNanos = System.nanoTime();
        renew();
        confirm();
        claim(renewedNanos + 3_400_000_000L);

        assertThat(noted())
                .filteredOn(Operation.OnSession.class::isInstance)
                .extracting(note -> ((Operation.OnSession) note).lease())
                .contains("5c", "5c#2");
        assertThat(noted()).hasAtLeastOneElementOfType(Operation.DeadlineMoved.class);
        assertThat(verdict().isKept()).isTrue();
    }
}
