package dev.holdfast.runtime;

import dev.holdfast.NameMode;

/**
 * What a client was configured with; {@link dev.holdfast.HoldfastBuilder} checks and documents each.
 *
 * @param namespace what every key starts with
 * @param sessionTtlSeconds 2 to 60
 * @param requestTimeoutNanos above 0
 * @param nameMode how names become keys
 * @param clusterEpoch the first component of tokens
 * @param application for people
 * @param instance for people
 */
public record ClientSettings(
        String namespace,
        int sessionTtlSeconds,
        long requestTimeoutNanos,
        NameMode nameMode,
        long clusterEpoch,
        String application,
        String instance) {}
