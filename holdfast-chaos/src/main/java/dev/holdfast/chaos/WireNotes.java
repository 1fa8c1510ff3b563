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
import java.util.Deque;
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

    /** Renewals that may still be confirmed. */
    private static final int MOST_RENEWALS = 16;

    /**
     * What is known of a lease. Guarded by itself.
     *
     * <p>Whoever does not look for so long that the deadline he knew has passed cannot say how it moved meanwhile. From there
     * on it is noted as another session, which the last renewal that was confirmed has opened.
     */
    private static final class Lease {
        final String id;
        final Deque<Operation.KeptAlive> renewals = new ArrayDeque<>();
        boolean isGranted;
        long openedNanos;
        long ttlMillis;
        int stretch;

        @Nullable
        Long deadlineNanos;

        Operation.@Nullable Confirmed confirmation;

        Lease(String id, long sentNanos) {
            this.id = id;
            openedNanos = sentNanos;
        }

        String name() {
            return stretch < 2 ? id : id + "#" + stretch;
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
        String id = claim.lease();
        Lease lease = id == null ? null : leases.get(id);
        if (lease == null) {
            return;
        }
        synchronized (lease) {
            // Not the time of the claim, after which a renewal may have been confirmed before the deadline was read.
            long now = System.nanoTime();
            Long before = lease.deadlineNanos;
            long deadlineNanos = claim.deadlineNanos();
            if (!lease.isGranted) {
                return;
            }
            if (before == null || now >= before) {
                lease.stretch++;
                lease.deadlineNanos = deadlineNanos;
                notes.add(new Operation.Opened(
                        now, who, lease.name(), lease.openedNanos, lease.ttlMillis, deadlineNanos));
                lease.renewals.forEach(renewal -> notes.add(named(lease, renewal)));
                Operation.Confirmed confirmation = lease.confirmation;
                if (confirmation != null) {
                    notes.add(named(lease, confirmation));
                }
            } else if (deadlineNanos - before > LEAST_MOVE_NANOS) {
                lease.deadlineNanos = deadlineNanos;
                notes.add(new Operation.DeadlineMoved(now, who, lease.name(), deadlineNanos));
            }
        }
    }

    private static Operation.KeptAlive named(Lease lease, Operation.KeptAlive renewal) {
        return new Operation.KeptAlive(
                renewal.atNanos(),
                renewal.who(),
                lease.name(),
                renewal.sentNanos(),
                renewal.ttlMillis(),
                renewal.term());
    }

    private static Operation.Confirmed named(Lease lease, Operation.Confirmed confirmation) {
        return new Operation.Confirmed(
                confirmation.atNanos(),
                confirmation.who(),
                lease.name(),
                confirmation.sentNanos(),
                confirmation.term());
    }

    private void renewed(Lease lease, Operation.KeptAlive renewal) {
        synchronized (lease) {
            lease.renewals.add(renewal);
            if (lease.renewals.size() > MOST_RENEWALS) {
                lease.renewals.remove();
            }
            notes.add(named(lease, renewal));
        }
    }

    private void confirmed(Lease lease, Operation.Confirmed confirmation) {
        synchronized (lease) {
            for (Operation.KeptAlive renewal : lease.renewals) {
                boolean isConfirmed =
                        renewal.term() == confirmation.term() && renewal.atNanos() <= confirmation.sentNanos();
                if (isConfirmed && renewal.sentNanos() > lease.openedNanos) {
                    lease.openedNanos = renewal.sentNanos();
                    lease.ttlMillis = renewal.ttlMillis();
                    lease.confirmation = confirmation;
                }
            }
            notes.add(named(lease, confirmation));
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
            String id = Long.toHexString(grant.getID());
            leases.putIfAbsent(id, new Lease(id, sentNanos));
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
                    lease.isGranted = true;
                    lease.ttlMillis = granted.getTTL() * 1_000;
                }
            }
        } else if (request instanceof TxnRequest asked && answer instanceof TxnResponse said) {
            for (Compare compare : asked.getCompareList()) {
                String key = compare.getKey().toString(StandardCharsets.UTF_8);
                String id = key.startsWith(sessions) ? key.substring(sessions.length()) : "";
                Lease lease = leases.get(id);
                if (lease != null && shows(said, compare)) {
                    confirmed(
                            lease,
                            new Operation.Confirmed(
                                    System.nanoTime(),
                                    who,
                                    id,
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

    private static void renewing(Map<Long, Queue<Long>> sent, long id) {
        synchronized (sent) {
            sent.computeIfAbsent(id, each -> new ArrayDeque<>()).add(System.nanoTime());
        }
    }

    private void keptAlive(Map<Long, Queue<Long>> sent, LeaseKeepAliveResponse answer) {
        Long sentNanos;
        synchronized (sent) {
            Queue<Long> renewals = sent.get(answer.getID());
            sentNanos = renewals == null ? null : renewals.poll();
        }
        String id = Long.toHexString(answer.getID());
        Lease lease = leases.get(id);
        if (sentNanos != null && lease != null && answer.getTTL() > 0) {
            renewed(
                    lease,
                    new Operation.KeptAlive(
                            System.nanoTime(),
                            who,
                            id,
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
