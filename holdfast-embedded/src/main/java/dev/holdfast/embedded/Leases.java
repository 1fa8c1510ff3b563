package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The leases of an engine, by id and by expiry. Time is an argument. Confined to its engine. */
final class Leases {

    /** A lease: keys live while it does. */
    static final class Lease {
        private final long id;
        private final long ttlSeconds;
        private final TreeSet<ByteString> keys = new TreeSet<>(KeyRange.ORDER);
        private long expiryNanos;

        private Lease(long id, long ttlSeconds) {
            this.id = id;
            this.ttlSeconds = ttlSeconds;
        }

        long id() {
            return id;
        }

        long ttlSeconds() {
            return ttlSeconds;
        }

        long expiryNanos() {
            return expiryNanos;
        }

        /** The keys attached to it, sorted. */
        SortedSet<ByteString> keys() {
            return keys;
        }
    }

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Map<Long, Lease> byId = new HashMap<>();
    private final TreeSet<Lease> byExpiry =
            new TreeSet<>(Comparator.comparingLong(Lease::expiryNanos).thenComparingLong(Lease::id));

    Leases() {}

    Leases(Leases other) {
        for (Lease lease : other.byExpiry) {
            Lease copy = new Lease(lease.id, lease.ttlSeconds);
            copy.keys.addAll(lease.keys);
            copy.expiryNanos = lease.expiryNanos;
            byId.put(copy.id, copy);
            byExpiry.add(copy);
        }
    }

    @Nullable
    Lease get(long id) {
        return byId.get(id);
    }

    /** All leases, the next to expire first. */
    Collection<Lease> all() {
        return byExpiry;
    }

    /** The lease that expires next, or null when there is none. */
    @Nullable
    Lease next() {
        return byExpiry.isEmpty() ? null : byExpiry.first();
    }

    Lease grant(long id, long ttlSeconds, long nowNanos) {
        Lease lease = new Lease(id, ttlSeconds);
        if (byId.putIfAbsent(id, lease) != null) {
            throw EtcdError.LEASE_EXISTS.exception();
        }
        restart(lease, nowNanos);
        return lease;
    }

    /** Gives the lease its full TTL from now. */
    void restart(Lease lease, long nowNanos) {
        byExpiry.remove(lease);
        long ttlNanos = lease.ttlSeconds * NANOS_PER_SECOND;
        // The largest TTL is 285 years: it must not wrap around into the past.
        lease.expiryNanos = nowNanos > Long.MAX_VALUE - ttlNanos ? Long.MAX_VALUE : nowNanos + ttlNanos;
        byExpiry.add(lease);
    }

    void remove(Lease lease) {
        byExpiry.remove(lease);
        byId.remove(lease.id);
    }

    /** Moves a key from the lease it had to the one it gets; zero means none. */
    void move(ByteString key, long fromLease, long toLease) {
        if (fromLease == toLease) {
            return;
        }
        if (fromLease != 0) {
            existing(fromLease).keys.remove(key);
        }
        if (toLease != 0) {
            existing(toLease).keys.add(key);
        }
    }

    private Lease existing(long id) {
        Lease lease = byId.get(id);
        if (lease == null) {
            throw new IllegalStateException("a key is attached to lease " + id + ", which does not exist");
        }
        return lease;
    }
}
