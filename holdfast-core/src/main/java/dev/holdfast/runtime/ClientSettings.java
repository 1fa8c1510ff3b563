package dev.holdfast.runtime;

import dev.holdfast.NameMode;
import dev.holdfast.protocol.Sessions;
import java.util.function.Supplier;

/**
 * What a client was configured with; {@link dev.holdfast.HoldfastBuilder} checks and documents each.
 *
 * @param namespace what every key starts with
 * @param sessionTtlSeconds 2 to 60
 * @param requestTimeoutNanos above 0
 * @param nameMode how names become keys
 * @param clusterEpoch the first component of tokens
 * @param locksPerLease the most locks on one lease, at least 1
 * @param isBehindProxy keep-alives are answered by etcd's own proxy and prove nothing
 * @param allowsUnsafeServers servers that are known to break the promises are warned of, not refused
 * @param releasesAtShutdown the client is closed when the JVM is shut down
 * @param application for people
 * @param instance for people
 * @param traceId for people; asked for each attempt, on the caller's thread
 */
public record ClientSettings(
        String namespace,
        int sessionTtlSeconds,
        long requestTimeoutNanos,
        NameMode nameMode,
        long clusterEpoch,
        int locksPerLease,
        boolean isBehindProxy,
        boolean allowsUnsafeServers,
        boolean releasesAtShutdown,
        String application,
        String instance,
        Supplier<String> traceId) {

    /** The most locks on one lease, unless a test wants fewer. */
    public static final int LOCKS_PER_LEASE = Sessions.MAX_KEYS;

    /** Those of a builder that was told nothing, with these limits. */
    public static ClientSettings of(int sessionTtlSeconds, long requestTimeoutNanos, String application) {
        return new ClientSettings(
                "",
                sessionTtlSeconds,
                requestTimeoutNanos,
                NameMode.RAW,
                0,
                LOCKS_PER_LEASE,
                false,
                false,
                false,
                application,
                "",
                () -> "");
    }

    /** The same with so many locks on one lease. */
    public ClientSettings withLocksPerLease(int most) {
        return new ClientSettings(
                namespace,
                sessionTtlSeconds,
                requestTimeoutNanos,
                nameMode,
                clusterEpoch,
                most,
                isBehindProxy,
                allowsUnsafeServers,
                releasesAtShutdown,
                application,
                instance,
                traceId);
    }
}
