package dev.holdfast.testkit.contract;

import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchGrpc;
import dev.holdfast.etcdapi.WatchRequest;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A way to a store on which a chosen transaction comes late, comes twice or is answered late, and on which watch events
 * are lost, repeated or replaced. Thread-safe.
 */
final class Mischief implements Transport {

    /** What happens to one transaction. */
    enum Trick {
        /** Its sender is told that it failed; it arrives when it is {@linkplain #letGo let go}. */
        REQUEST_LATE,
        /** It arrives twice in a row; its sender gets the second answer. */
        REQUEST_TWICE,
        /** It arrives; its answer comes when it is {@linkplain #letGo let go}. */
        ANSWER_LATE,
        /** It arrives, and its sender is told that it failed; it arrives once more when it is {@linkplain #letGo let go}. */
        ANSWER_LOST_AND_REQUEST_AGAIN
    }

    private record Plan(Trick trick, Predicate<RequestOp> victim) {
        boolean hits(Object request) {
            return request instanceof TxnRequest txn
                    && txn.getSuccessList().stream().anyMatch(victim);
        }
    }

    private final Transport transport;
    private final AtomicReference<@Nullable Plan> plan = new AtomicReference<>();
    private final AtomicReference<@Nullable Runnable> held = new AtomicReference<>();
    private final AtomicReference<@Nullable TxnRequest> request = new AtomicReference<>();
    private final AtomicInteger watchesAskedFor = new AtomicInteger();
    private volatile Function<WatchResponse, List<WatchResponse>> events = List::of;

    Mischief(Transport transport) {
        this.transport = transport;
    }

    /** Writing an entry of that lock. */
    static Predicate<RequestOp> entering(String lockName) {
        return operation -> operation.hasRequestPut()
                && operation.getRequestPut().getKey().toStringUtf8().startsWith(lockName + "/");
    }

    /** Deleting an entry of that lock. */
    static Predicate<RequestOp> leaving(String lockName) {
        return operation -> operation.hasRequestDeleteRange()
                && operation.getRequestDeleteRange().getKey().toStringUtf8().startsWith(lockName + "/");
    }

    /** Plays the trick on the next transaction that may do this, once. */
    void play(Trick trick, Predicate<RequestOp> victim) {
        plan.set(new Plan(trick, victim));
    }

    /** Whether the trick was played. */
    boolean isPlayed() {
        return plan.get() == null;
    }

    /** Whether something is held back. */
    boolean isHolding() {
        return held.get() != null;
    }

    /** Lets go what is held back: the answer to its sender. */
    void letGo() {
        Runnable release = held.getAndSet(null);
        if (release == null) {
            throw new IllegalStateException("nothing is held back");
        }
        release.run();
    }

    /** The transaction on which the trick was played arrives now; returns whether its conditions held. */
    boolean arrives() {
        TxnRequest late = request.getAndSet(null);
        if (late == null) {
            throw new IllegalStateException("no transaction was kept");
        }
        CompletableFuture<TxnResponse> answer = new CompletableFuture<>();
        transport.unary(
                transport.endpoints().get(0),
                KVGrpc.getTxnMethod(),
                new Metadata(),
                late,
                Eventually.PATIENCE.toNanos(),
                new UnaryListener<>() {
                    @Override
                    public void onAnswer(TxnResponse message) {
                        answer.complete(message);
                    }

                    @Override
                    public void onFailure(Status status) {
                        answer.completeExceptionally(status.asRuntimeException());
                    }
                });
        return answer.join().getSucceeded();
    }

    /** What becomes of each watch message from now on; it must not wait for anything. */
    void onEvents(Function<WatchResponse, List<WatchResponse>> change) {
        events = change;
    }

    /** The message without the deletes of entries of that lock. */
    static WatchResponse withoutDeletes(WatchResponse message, String lockName) {
        WatchResponse.Builder rest = message.toBuilder().clearEvents();
        message.getEventsList().stream()
                .filter(event -> event.getType() != Event.EventType.DELETE
                        || !event.getKv().getKey().toStringUtf8().startsWith(lockName + "/"))
                .forEach(rest::addEvents);
        return rest.build();
    }

    int watchesAskedFor() {
        return watchesAskedFor.get();
    }

    // ---------------------------------------------------------------------------------------------------- Transport

    @Override
    public List<String> endpoints() {
        return transport.endpoints();
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q message,
            long timeoutNanos,
            UnaryListener<R> listener) {
        Plan planned = plan.get();
        if (planned == null || !planned.hits(message) || !plan.compareAndSet(planned, null)) {
            return transport.unary(endpoint, method, headers, message, timeoutNanos, listener);
        }
        request.set((TxnRequest) message);
        switch (planned.trick()) {
            case REQUEST_LATE -> listener.onFailure(Status.UNAVAILABLE.withDescription("it is late"));
            case REQUEST_TWICE ->
                transport.unary(endpoint, method, headers, message, timeoutNanos, new UnaryListener<>() {
                    @Override
                    public void onAnswer(R answer) {
                        transport.unary(endpoint, method, headers, message, timeoutNanos, listener);
                    }

                    @Override
                    public void onFailure(Status status) {
                        listener.onFailure(status);
                    }
                });
            case ANSWER_LATE ->
                transport.unary(endpoint, method, headers, message, timeoutNanos, new UnaryListener<>() {
                    @Override
                    public void onAnswer(R answer) {
                        held.set(() -> listener.onAnswer(answer));
                    }

                    @Override
                    public void onFailure(Status status) {
                        listener.onFailure(status);
                    }
                });
            case ANSWER_LOST_AND_REQUEST_AGAIN ->
                transport.unary(endpoint, method, headers, message, timeoutNanos, new UnaryListener<>() {
                    @Override
                    public void onAnswer(R answer) {
                        listener.onFailure(Status.UNAVAILABLE.withDescription("the answer was lost"));
                    }

                    @Override
                    public void onFailure(Status status) {
                        listener.onFailure(status);
                    }
                });
        }
        return () -> {};
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        if (!method.getFullMethodName().equals(WatchGrpc.getWatchMethod().getFullMethodName())) {
            return transport.stream(endpoint, method, headers, listener);
        }
        Outbound<Q> outbound = transport.stream(endpoint, method, headers, new StreamListener<R>() {
            @Override
            @SuppressWarnings("unchecked") // A watch answers with nothing else.
            public void onMessage(R message) {
                for (WatchResponse each : events.apply((WatchResponse) message)) {
                    listener.onMessage((R) each);
                }
            }

            @Override
            public void onClosed(Status status) {
                listener.onClosed(status);
            }
        });
        return new Outbound<>() {
            @Override
            public void send(Q message) {
                if (message instanceof WatchRequest watch && watch.hasCreateRequest()) {
                    watchesAskedFor.incrementAndGet();
                }
                outbound.send(message);
            }

            @Override
            public void cancel() {
                outbound.cancel();
            }
        };
    }

    @Override
    public void close() {
        transport.close();
    }
}
