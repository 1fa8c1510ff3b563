package dev.holdfast.runtime;

import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.MemberListResponse;
import dev.holdfast.etcdapi.StatusResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks every endpoint for its release and its health, and says what an operator must know: releases that break locks, a
 * database that is nearly full, alarms, endpoints of different clusters, a proxy that nobody declared. Confined to the event loop.
 *
 * <p>All endpoints are asked at the start and every ten minutes, one that gave no answer every minute. Only the one that
 * opened the first session is waited for, and not for long. Nobody has to answer: whoever may not be asked, or is no etcd
 * that knows the question, is taken as it is.
 */
final class ServerCheck {

    /*
     * A refusal is for a client that is not connected yet. Once it is, locks may be held, and to drop them all because a
     * member was found to run a bad release would cost more than that member is likely to: it is said as an error then.
     */

    private static final Logger LOG = System.getLogger("dev.holdfast");

    /** How long connecting waits for this answer when everything else is ready. */
    private static final long PATIENCE_NANOS = 2_000_000_000L;

    private static final long RETRY_NANOS = 60_000_000_000L;
    private static final long REPEAT_NANOS = 600_000_000_000L;

    /** etcd's own, when it is told none; releases before 3.6 do not tell what they were told. */
    private static final long DEFAULT_QUOTA_BYTES = 2L << 30;

    private static final ServerRelease TELLS_ITS_QUOTA = new ServerRelease(3, 6, 0);

    private static final double NEARLY_FULL = 0.8;

    /** What connecting waits for: this endpoint's answer. */
    private record Gate(String endpoint, Runnable onPassed, Consumer<String> onRefused) {}

    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final List<String> endpoints;
    private final boolean allowsUnsafe;
    private final boolean isBehindProxy;

    private final Set<String> asked = new HashSet<>();
    private final Set<String> knownVersions = new HashSet<>();
    private final Set<String> nearlyFull = new HashSet<>();
    private final Set<String> alarms = new HashSet<>();
    private final Set<String> suspected = new HashSet<>();
    private final Map<String, Long> clusters = new LinkedHashMap<>();
    private boolean isOddClusterSaid;
    private boolean isProxySaid;
    private @Nullable String refusal;
    private @Nullable Gate gate;
    private boolean isConnected;
    private boolean isClosed;

    /**
     * Asks nobody yet.
     *
     * @param allowsUnsafe whether each finding about a release counts one step less: a refusal is a warning, a warning is
     *     for debugging
     * @param isBehindProxy whether etcd's own proxy is expected there
     */
    ServerCheck(
            EtcdClient etcd, Scheduler scheduler, List<String> endpoints, boolean allowsUnsafe, boolean isBehindProxy) {
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.endpoints = endpoints;
        this.allowsUnsafe = allowsUnsafe;
        this.isBehindProxy = isBehindProxy;
    }

    /** Asks everybody, and again and again until {@link #close}. */
    void start() {
        if (isBehindProxy) {
            log(
                    Level.INFO,
                    "behind etcd's grpc-proxy, as declared: deadlines and the state of a hold are estimates and promise"
                            + " nothing; only fencing tokens, checked at the resource, keep a late holder out");
        }
        endpoints.forEach(this::ask);
    }

    void close() {
        isClosed = true;
        gate = null;
    }

    /**
     * Lets a client that is otherwise ready pass, or not: at once if the preferred endpoint has answered, else when it does,
     * but after two seconds in any case. Later calls pass.
     *
     * @param onRefused gets the reason
     */
    void whenPassed(Runnable onPassed, Consumer<String> onRefused) {
        if (isConnected) {
            onPassed.run();
        } else if (gate == null) {
            gate = new Gate(etcd.preferredEndpoint(), onPassed, onRefused);
            scheduler.schedule(PATIENCE_NANOS, () -> tryGate(true));
            tryGate(false);
        }
    }

    private void tryGate(boolean isPatienceOver) {
        Gate waiting = gate;
        String reason = refusal;
        if (waiting == null) {
            return;
        }
        if (reason != null) {
            gate = null;
            waiting.onRefused.accept(reason);
        } else if (isPatienceOver || asked.contains(waiting.endpoint)) {
            gate = null;
            isConnected = true;
            waiting.onPassed.run();
        }
    }

    private void ask(String endpoint) {
        if (isClosed) {
            return;
        }
        Cancellable unused = etcd.status(endpoint, outcome -> {
            if (isClosed) {
                return;
            }
            asked.add(endpoint);
            if (outcome instanceof Outcome.Answer<StatusResponse> answer) {
                judge(endpoint, answer.value());
                scheduler.schedule(REPEAT_NANOS, () -> ask(endpoint));
            } else if (outcome instanceof Outcome.Failure<StatusResponse> failed) {
                LOG.log(
                        Level.DEBUG,
                        "etcd at {0} does not tell its release and health: {1}",
                        endpoint,
                        failed.error().text());
                scheduler.schedule(RETRY_NANOS, () -> ask(endpoint));
            }
            tryGate(false);
        });
    }

    private void judge(String endpoint, StatusResponse status) {
        judgeRelease(endpoint, status.getVersion());
        judgeAlarms(endpoint, status);
        judgeSpace(endpoint, status);
        judgeCluster(endpoint, status.getHeader().getClusterId());
        if (!isBehindProxy && suspected.add(endpoint)) {
            lookForProxy(endpoint);
        }
    }

    // ---------------------------------------------------------------------------------------------------- release

    private void judgeRelease(String endpoint, String version) {
        if (!knownVersions.add(version)) {
            return;
        }
        Optional<ServerRelease> release = ServerRelease.parse(version);
        if (release.isEmpty()) {
            LOG.log(Level.DEBUG, "the server at {0} calls its release \"{1}\", which says nothing", endpoint, version);
            return;
        }
        String complaint = "etcd " + release.get() + " at " + endpoint + " "
                + release.get().complaint();
        switch (release.get().standing()) {
            case SOUND -> LOG.log(Level.DEBUG, "etcd {0} at {1}", release.get(), endpoint);
            case DOUBTFUL ->
                log(
                        allowsUnsafe ? Level.DEBUG : Level.WARNING,
                        complaint + ", or silence this with allowUnsafeServers(true)");
            case UNSAFE -> {
                if (allowsUnsafe) {
                    log(Level.WARNING, complaint);
                } else if (isConnected) {
                    log(Level.ERROR, complaint + "; this client would not have connected to it");
                } else {
                    refusal = complaint + ", or go on at your own risk with allowUnsafeServers(true)";
                }
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- health

    private void judgeAlarms(String endpoint, StatusResponse status) {
        for (String kind : List.of("NOSPACE", "CORRUPT")) {
            boolean isRaised = status.getErrorsList().stream().anyMatch(error -> error.contains("alarm:" + kind));
            if (!isRaised) {
                alarms.remove(kind + " " + endpoint);
            } else if (isFirst(alarms, kind + " ", endpoint)) {
                log(
                        Level.WARNING,
                        kind.equals("NOSPACE")
                                ? "etcd at " + endpoint + " is out of space (" + space(status)
                                        + ", alarm NOSPACE): locks"
                                        + " can be released but not taken; compact and defragment it, then disarm the alarm"
                                : "etcd at " + endpoint + " has found that its members disagree about their data (alarm"
                                        + " CORRUPT): no promise holds; replace the damaged member, then disarm the alarm");
            }
        }
    }

    private void judgeSpace(String endpoint, StatusResponse status) {
        long quota = quotaBytes(status);
        double share = quota <= 0 ? 0 : (double) status.getDbSize() / quota;
        boolean isFull = status.getErrorsList().stream().anyMatch(error -> error.contains("alarm:NOSPACE"));
        // Beyond the default and still writable: then the default is not what this server was told.
        boolean isBeyondGuess = status.getDbSizeQuota() == 0 && share >= 1;
        if (share < NEARLY_FULL || isBeyondGuess || isFull) {
            nearlyFull.remove(endpoint);
        } else if (isFirst(nearlyFull, "", endpoint)) {
            log(
                    Level.WARNING,
                    "etcd at " + endpoint + " is nearly full: " + space(status) + "; no lock can be taken once it is."
                            + " Compact and defragment it, and switch --auto-compaction-retention on, or raise"
                            + " --quota-backend-bytes");
        }
    }

    /* Members of a cluster are alike in this: who says it first says it for all. */
    private static boolean isFirst(Set<String> said, String kind, String endpoint) {
        boolean isNew = said.stream().noneMatch(each -> each.startsWith(kind));
        said.add(kind + endpoint);
        return isNew;
    }

    /* Zero or less if there is none, or it is not known. */
    private static long quotaBytes(StatusResponse status) {
        boolean isGuess = status.getDbSizeQuota() == 0
                && ServerRelease.parse(status.getVersion())
                        .filter(release -> release.compareTo(TELLS_ITS_QUOTA) < 0)
                        .isPresent();
        return isGuess ? DEFAULT_QUOTA_BYTES : status.getDbSizeQuota();
    }

    private static String space(StatusResponse status) {
        long quota = quotaBytes(status);
        String sizes = "its database has " + mebibytes(status.getDbSize()) + " MiB, of which "
                + mebibytes(status.getDbSizeInUse()) + " MiB are in use";
        if (quota <= 0) {
            return sizes;
        }
        return sizes + ", of " + (status.getDbSizeQuota() == 0 ? "the default quota, " : "a quota of ")
                + mebibytes(quota) + " MiB";
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.0f", bytes / (double) (1 << 20));
    }

    // ---------------------------------------------------------------------------------------------------- cluster

    private void judgeCluster(String endpoint, long clusterId) {
        if (clusterId == 0) {
            return;
        }
        clusters.put(endpoint, clusterId);
        if (isOddClusterSaid || Set.copyOf(clusters.values()).size() == 1) {
            return;
        }
        isOddClusterSaid = true;
        List<String> named = new ArrayList<>();
        clusters.forEach((each, id) -> named.add(each + " to " + Long.toHexString(id)));
        log(
                Level.WARNING,
                "the endpoints belong to different etcd clusters (" + String.join(", ", named) + "): every lock is lost"
                        + " when this client has to change from one to another; name the members of one cluster only");
    }

    /*
     * A member's answer names its cluster, and every member has an id. The proxy makes its answer up of addresses alone;
     * only one that was started with an empty --advertise-client-url passes the question on, and is not recognised.
     */
    private void lookForProxy(String endpoint) {
        Cancellable unused = etcd.members(endpoint, outcome -> {
            if (!isClosed
                    && !isProxySaid
                    && outcome instanceof Outcome.Answer<MemberListResponse> answer
                    && answer.value().getHeader().getClusterId() == 0
                    && answer.value().getMembersList().stream().anyMatch(member -> member.getID() == 0)) {
                isProxySaid = true;
                log(
                        Level.WARNING,
                        "what answers at " + endpoint + " is etcd's grpc-proxy, which answers keep-alives by itself:"
                                + " deadlines prove nothing there; connect to the members, or declare it with"
                                + " behindGrpcProxy(true) and rely on fencing tokens alone");
            }
        });
    }

    private static void log(Level level, String line) {
        LOG.log(level, () -> line);
    }
}
