package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.op;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.then;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.PutResponse;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A request that fails in a way nobody foresaw ends alone, unless it has left half a change behind. */
@Timeout(60)
class UnforeseenFailureTest {
    /** Kept, or its handler is forgotten. */
    private static final Logger LOG = Logger.getLogger("dev.holdfast");

    private final List<LogRecord> logged = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord message) {
            if (message.getLevel().equals(Level.SEVERE)) {
                logged.add(message);
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        LOG.setUseParentHandlers(false);
        LOG.addHandler(handler);
    }

    @AfterEach
    void othersPrintAgain() {
        LOG.removeHandler(handler);
        LOG.setUseParentHandlers(true);
    }

    @Test
    void aRequestNestedTooDeep_endsAlone_andIsLoggedOnce() throws Exception {
        TxnRequest deep = then(op(put("deep", "v")));
        for (int i = 0; i < 100_000; i++) {
            deep = then(op(deep));
        }
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            for (int i = 0; i < 3; i++) {
                assertThat(failure(etcd, KVGrpc.getTxnMethod(), deep).getCode()).isEqualTo(Status.Code.INTERNAL);
            }
            assertThat(outcome(etcd, KVGrpc.getPutMethod(), put("a", "1"))).isInstanceOf(PutResponse.class);
        }
        assertThat(logged).hasSize(1);
        assertThat(logged.get(0).getThrown()).isInstanceOf(StackOverflowError.class);
    }

    @Test
    @Tag("F45")
    void aRequestWithoutMemory_isRefused() {
        List<Status> ends = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        Services.Method<PutRequest, PutResponse> method = new Services.Method<>(
                KVGrpc.getPutMethod(),
                answers -> message -> {
                    throw new OutOfMemoryError("made by the test");
                },
                failures::add);
        method.open(new ServerCall.Answers<>() {
                    @Override
                    public void send(PutResponse message) {
                        throw new AssertionError("answered: " + message);
                    }

                    @Override
                    public void close(Status status) {
                        ends.add(status);
                    }
                })
                .onMessage(put("a", "1"));
        assertThat(ends).extracting(Status::getCode).containsExactly(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(failures).hasSize(1);
    }

    @Test
    @Tag("F45")
    void aChangeThatIsBrokenOff_inMemory_isTheLastOne() throws Exception {
        Engine engine = new Engine(7, 8);
        engine.recordIn(new BreakingOff(Journal.NONE));
        try (EmbeddedEtcd etcd = new EmbeddedEtcd(engine, null, () -> 0)) {
            assertThat(outcome(etcd, KVGrpc.getPutMethod(), put("a", "1"))).isInstanceOf(PutResponse.class);
            assertThat(outcome(etcd, KVGrpc.getPutMethod(), put("a", "2"))).isInstanceOf(Status.class);
            // What is there now nobody can say.
            assertThat(failure(etcd, KVGrpc.getRangeMethod(), get("a")).getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
        }
    }

    @Test
    @Tag("F45")
    void aChangeThatIsBrokenOff_onDisk_isTakenBack() throws Exception {
        SimulatedDisk disk = new SimulatedDisk();
        CommandLog log = CommandLog.open(disk, LIMITS, () -> 0, 7, 8);
        log.engine().recordIn(new BreakingOff(log));
        try (EmbeddedEtcd etcd = new EmbeddedEtcd(log.engine(), log, () -> 0)) {
            assertThat(outcome(etcd, KVGrpc.getPutMethod(), put("a", "1"))).isInstanceOf(PutResponse.class);
            assertThat(outcome(etcd, KVGrpc.getPutMethod(), put("a", "2"))).isInstanceOf(Status.class);
            assertThat(valueOfA(etcd)).isEqualTo("1");
            assertThat(failure(etcd, KVGrpc.getPutMethod(), put("a", "3")).getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
        }
        try (EmbeddedEtcd again = EmbeddedEtcd.on(disk, LIMITS)) {
            assertThat(valueOfA(again)).isEqualTo("1");
            assertThat(outcome(again, KVGrpc.getPutMethod(), put("a", "3"))).isInstanceOf(PutResponse.class);
        }
    }

    private static final CommandLog.Limits LIMITS = new CommandLog.Limits(4_096, 4_096, 1 << 20);

    /** Has no memory left for the second change, in the middle of it. */
    private static final class BreakingOff implements Journal {
        private final Journal journal;
        private int appended;

        BreakingOff(Journal journal) {
            this.journal = journal;
        }

        @Override
        public void reserve(int bytes, Purpose purpose) {
            journal.reserve(bytes, purpose);
        }

        @Override
        public void append(Command command, long revision) {
            if (++appended == 2) {
                throw new OutOfMemoryError("made by the test");
            }
            journal.append(command, revision);
        }
    }

    private static String valueOfA(EmbeddedEtcd etcd) throws InterruptedException {
        RangeResponse range = (RangeResponse) outcome(etcd, KVGrpc.getRangeMethod(), get("a"));
        return range.getKvs(0).getValue().toStringUtf8();
    }

    private static <Q, R> Status failure(EmbeddedEtcd etcd, MethodDescriptor<Q, R> method, Q request)
            throws InterruptedException {
        return (Status) outcome(etcd, method, request);
    }

    /** The answer, or the status of the refusal. */
    private static <Q, R> Object outcome(EmbeddedEtcd etcd, MethodDescriptor<Q, R> method, Q request)
            throws InterruptedException {
        BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
        etcd.transport()
                .unary(
                        "embedded",
                        method,
                        new Metadata(),
                        request,
                        TimeUnit.MINUTES.toNanos(1),
                        new Transport.UnaryListener<R>() {
                            @Override
                            public void onAnswer(R answer) {
                                outcomes.add(answer);
                            }

                            @Override
                            public void onFailure(Status status) {
                                outcomes.add(status);
                            }
                        });
        return outcomes.take();
    }
}
