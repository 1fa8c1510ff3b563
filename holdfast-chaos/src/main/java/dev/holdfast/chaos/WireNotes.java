package dev.holdfast.chaos;

import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.history.Operation;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Notes what goes over the connections of a client about its leases, and how its deadlines move: what was renewed, what
 * confirmed that, under which terms. Whatever passes, passes unchanged. Thread-safe.
 *
 * <p>A request is noted before it is passed on, and an answer before anybody hears of it. So a client that keeps the rules
 * keeps them in these notes, too.
 */
final class WireNotes implements Transport {

    /** A deadline is read by adding what is left to a clock, which is never exact: a smaller move is none. */
    private static final long LEAST_MOVE_NANOS = 20_000_000;

    /**
     * What is known of a lease. Guarded by itself.
     *
     * <p>A deadline can be followed only if it was read before the first renewal, and again before it passed.
     */
    private static final class Lease {
        final long sentNanos;
        long ttlMillis;
        boolean isRenewed;
        boolean isLeft;

        @Nullable
        Long deadlineNanos;

        Lease(long sentNanos) {
            this.sentNanos = sentNanos;
        }
    }

    private final Transport way;
    private final String who;
    private final String sessions;
    private final Notes notes;
    private final Map<String, Lease> leases = new ConcurrentHashMap<>();

    /**
     * @param way carries everything
     * @param who the process
     * @param sessions what the keys of sessions begin with
     */
    WireNotes(Transport way, String who, String sessions, Notes notes) {
        this.way = way;
        this.who = who;
        this.sessions = sessions;
        this.notes = notes;
    }

    /** A hold said until when it believes in itself: as is the deadline of its lease. */
    void moved(Operation.Claimed claim) {
        String name = claim.lease();
        Lease lease = name == null ? null : leases.get(name);
        if (name == null || lease == null) {
            return;
        }
        synchronized (lease) {
            Long before = lease.deadlineNanos;
            long deadlineNanos = claim.deadlineNanos();
            if (lease.isLeft || lease.ttlMillis == 0 || (before == null && lease.isRenewed)) {
                lease.isLeft = true;
            } else if (before == null) {
                lease.deadlineNanos = deadlineNanos;
                notes.add(new Operation.Opened(
                        claim.atNanos(), who, name, lease.sentNanos, lease.ttlMillis, deadlineNanos));
            } else if (claim.atNanos() >= before) {
                // Nobody looked for a while, and what it was in between is not known.
                lease.isLeft = true;
            } else if (deadlineNanos - before > LEAST_MOVE_NANOS) {
                lease.deadlineNanos = deadlineNanos;
                notes.add(new Operation.DeadlineMoved(claim.atNanos(), who, name, deadlineNanos));
            }
        }
    }

    @Override
    public List<String> endpoints() {
        return way.endpoints();
    }

    @Override
    public <Q, R> Cancellable unary(
            String endpoint,
            MethodDescriptor<Q, R> method,
            Metadata headers,
            Q request,
            long timeoutNanos,
            UnaryListener<R> listener) {
        long sentNanos = System.nanoTime();
        if (request instanceof LeaseGrantRequest grant) {
            leases.putIfAbsent(Long.toHexString(grant.getID()), new Lease(sentNanos));
        }
        return way.unary(endpoint, method, headers, request, timeoutNanos, new UnaryListener<>() {
            @Override
            public void onAnswer(R answer) {
                answered(request, sentNanos, answer);
                listener.onAnswer(answer);
            }

            @Override
            public void onFailure(Status status) {
                listener.onFailure(status);
            }
        });
    }

    private void answered(Object request, long sentNanos, Object answer) {
        if (answer instanceof LeaseGrantResponse granted) {
            Lease lease = leases.get(Long.toHexString(granted.getID()));
            if (lease != null) {
                synchronized (lease) {
                    lease.ttlMillis = granted.getTTL() * 1_000;
                }
            }
        } else if (request instanceof TxnRequest asked && answer instanceof TxnResponse said) {
            for (Compare compare : asked.getCompareList()) {
                String key = compare.getKey().toString(StandardCharsets.UTF_8);
                if (key.startsWith(sessions) && shows(said, compare)) {
                    notes.add(new Operation.Confirmed(
                            System.nanoTime(),
                            who,
                            key.substring(sessions.length()),
                            sentNanos,
                            said.getHeader().getRaftTerm()));
                }
            }
        }
    }

    /** Whether the key is there: it has the revision that it was compared with, or a range found it. */
    private static boolean shows(TxnResponse said, Compare compare) {
        return said.getSucceeded()
                || said.getResponsesList().stream()
                        .flatMap(part -> part.getResponseRange().getKvsList().stream())
                        .anyMatch(found -> found.getKey().equals(compare.getKey()));
    }

    @Override
    public <Q, R> Outbound<Q> stream(
            String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
        // The answers to one lease come in the order of its renewals.
        Map<Long, Queue<Long>> sent = new HashMap<>();
        Outbound<Q> out = way.stream(endpoint, method, headers, new StreamListener<>() {
            @Override
            public void onMessage(R message) {
                if (message instanceof LeaseKeepAliveResponse answer) {
                    keptAlive(sent, answer);
                }
                listener.onMessage(message);
            }

            @Override
            public void onClosed(Status status) {
                listener.onClosed(status);
            }
        });
        return new Outbound<>() {
            @Override
            public void send(Q message) {
                if (message instanceof LeaseKeepAliveRequest renewal) {
                    renewing(sent, renewal.getID());
                }
                out.send(message);
            }

            @Override
            public void cancel() {
                out.cancel();
            }
        };
    }

    private void renewing(Map<Long, Queue<Long>> sent, long id) {
        synchronized (sent) {
            sent.computeIfAbsent(id, each -> new ArrayDeque<>()).add(System.nanoTime());
        }
        Lease lease = leases.get(Long.toHexString(id));
        if (lease != null) {
            synchronized (lease) {
                lease.isRenewed = true;
            }
        }
    }

    private void keptAlive(Map<Long, Queue<Long>> sent, LeaseKeepAliveResponse answer) {
        Long sentNanos;
        synchronized (sent) {
            Queue<Long> renewals = sent.get(answer.getID());
            sentNanos = renewals == null ? null : renewals.poll();
        }
        if (sentNanos != null && answer.getTTL() > 0) {
            notes.add(new Operation.KeptAlive(
                    System.nanoTime(),
                    who,
                    Long.toHexString(answer.getID()),
                    sentNanos,
                    answer.getTTL() * 1_000,
                    answer.getHeader().getRaftTerm()));
        }
    }

    @Override
    public void close() {
        way.close();
    }
}
