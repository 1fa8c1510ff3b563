package dev.holdfast;

import dev.holdfast.inspect.Inspector;
import dev.holdfast.protocol.LockName;
import dev.holdfast.runtime.Account;
import dev.holdfast.runtime.ClientSettings;
import dev.holdfast.runtime.LockClient;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.Endpoint;
import dev.holdfast.transport.grpc.ChannelTransport;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Channel;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Settings of a {@link Holdfast}; every one has a default but the endpoints. Not thread-safe. */
public final class HoldfastBuilder {

    private static final Logger LOG = System.getLogger("dev.holdfast");

    private List<String> endpoints = List.of();
    private @Nullable Transport transport;
    private @Nullable Channel channel;
    private @Nullable Executor callbackExecutor;
    private String namespace = "";
    private Duration sessionTtl = Duration.ofSeconds(10);
    private Duration connectTimeout = Duration.ofSeconds(5);
    private Duration requestTimeout = Duration.ofSeconds(5);
    private NameMode nameMode = NameMode.RAW;
    private long clusterEpoch;
    private String application = "";
    private String instance = "";
    private Supplier<String> traceId = () -> "";
    private @Nullable TlsSettings tls;
    private @Nullable String user;
    private Supplier<char[]> password = () -> new char[0];
    private boolean isBehindProxy;
    private boolean allowsUnsafeServers;
    private boolean releasesAtShutdown;

    HoldfastBuilder() {}

    /**
     * Where etcd listens, one or more members of one cluster: {@code https://host:port} with TLS, {@code http://host:port}
     * without, {@code host:port} with TLS if there are {@linkplain #tls settings} for it. All with TLS or all without.
     */
    public HoldfastBuilder endpoints(String... addresses) {
        endpoints = List.of(addresses);
        return this;
    }

    /**
     * How servers are told from impostors, and what certificate this client shows. Then every endpoint must be {@code
     * https://} or without a scheme. An {@code https://} endpoint without this setting means {@link TlsSettings#ofSystem()};
     * nothing ever falls back to plain text.
     */
    public HoldfastBuilder tls(TlsSettings settings) {
        tls = Objects.requireNonNull(settings, "settings");
        return this;
    }

    /**
     * Who this client is to an etcd with authentication. If that is not enabled there, the client goes on without, and warns.
     *
     * @param name not empty
     * @param secret asked on a thread of the client's own whenever it logs in, at the start and again when etcd does not
     *     accept the token any more; the array is filled with zeros after use, so give a fresh one each time
     */
    public HoldfastBuilder user(String name, Supplier<char[]> secret) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("the user name is empty");
        }
        user = Objects.requireNonNull(name, "name");
        password = Objects.requireNonNull(secret, "secret");
        return this;
    }

    /**
     * Declares that the endpoints are etcd's own {@code grpc-proxy}, which answers keep-alives with renewals it sent
     * earlier: deadlines then promise nothing, and {@link Hold#state()}, {@link Hold#remaining()} and {@link Hold#ensure}
     * are estimates. Who is next, and the fencing tokens, are as right as without it. Said in the log at the start; a proxy
     * that is not declared is warned of. Default false.
     */
    public HoldfastBuilder behindGrpcProxy(boolean is) {
        isBehindProxy = is;
        return this;
    }

    /**
     * Goes on with a server whose release is known to break locks, with a warning instead of a refusal: etcd 3.5.0 to
     * 3.5.2, and all before 3.4. The warning about a release that may end leases early, etcd below 3.4.31 and 3.5.13, is
     * then not given. Default false.
     */
    public HoldfastBuilder allowUnsafeServers(boolean allow) {
        allowsUnsafeServers = allow;
        return this;
    }

    /**
     * Closes the client when the JVM is shut down, by SIGTERM for example: what is held is released within a few seconds
     * instead of when the lease runs out. Default false: threads of the application may still be at work under a lock then.
     */
    public HoldfastBuilder releaseAtShutdown(boolean release) {
        releasesAtShutdown = release;
        return this;
    }

    /** The trace that a lock is taken for, shown to operators; asked on the caller's thread for each attempt. */
    public HoldfastBuilder traceId(Supplier<String> current) {
        traceId = Objects.requireNonNull(current, "current");
        return this;
    }

    /** Reaches etcd through this instead of gRPC to {@link #endpoints}. It is closed with the client. */
    public HoldfastBuilder transport(Transport way) {
        transport = way;
        return this;
    }

    /**
     * Reaches etcd through this channel instead of {@link #endpoints}: with the security, the interceptors and the name
     * resolution that it was made with. It stays open when the client is closed; it must stay open until then. It must not
     * repeat requests by a service config (retries or hedging), nor end streams by a deadline of its own.
     */
    public HoldfastBuilder channel(Channel given) {
        channel = given;
        return this;
    }

    /**
     * A prefix of every key this client writes, for sharing an etcd; default empty, at most 512 bytes of UTF-8 without
     * control characters. For example {@code team-a/}.
     */
    public HoldfastBuilder namespace(String prefix) {
        namespace = prefix;
        return this;
    }

    /**
     * How long locks outlive a client that died: 2 to 60 s in whole seconds, default 10 s. Shorter means a quicker
     * take-over, and a pause or partition of less than that loses the locks.
     */
    public HoldfastBuilder sessionTtl(Duration ttl) {
        sessionTtl = ttl;
        return this;
    }

    /** How long {@link #build()} waits for an answer; default 5 s. */
    public HoldfastBuilder connectTimeout(Duration limit) {
        connectTimeout = limit;
        return this;
    }

    /** After how long a request without an answer counts as lost; default 5 s. */
    public HoldfastBuilder requestTimeout(Duration limit) {
        requestTimeout = limit;
        return this;
    }

    /** How names become keys; default {@link NameMode#RAW}. */
    public HoldfastBuilder nameMode(NameMode mode) {
        nameMode = mode;
        return this;
    }

    /** The first component of every token; raise it after restoring etcd from a snapshot. Default 0. */
    public HoldfastBuilder clusterEpoch(long epoch) {
        clusterEpoch = epoch;
        return this;
    }

    /** The application's name, shown to operators. */
    public HoldfastBuilder application(String name) {
        application = name;
        return this;
    }

    /** This instance's name, shown to operators. */
    public HoldfastBuilder instance(String name) {
        instance = name;
        return this;
    }

    /**
     * Completes futures, and so runs their dependents; default a small pool of the client's own. Loss listeners always
     * have threads of their own.
     */
    public HoldfastBuilder callbackExecutor(Executor executor) {
        callbackExecutor = executor;
        return this;
    }

    /**
     * Connects: returns when etcd has answered.
     *
     * @throws IllegalArgumentException if a setting is out of range, naming it
     * @throws LockException.Refused if no endpoint answered as etcd does within {@link #connectTimeout}, or one runs a
     *     release that is known to break locks (see {@link #allowUnsafeServers})
     */
    public Holdfast build() {
        return connect(
                (settings, way) -> LockClient.connect(settings, way, account(), callbackExecutor, connectTimeout));
    }

    /**
     * Connects to look at locks only: no session is opened, no lease taken. Returns when etcd has answered. The servers'
     * releases and health are not checked.
     *
     * @throws IllegalArgumentException if a setting is out of range, naming it
     * @throws LockException.Refused if no endpoint answered as etcd does within {@link #connectTimeout}
     */
    public Inspector inspector() {
        return connect((settings, way) ->
                LockClient.connectToInspect(settings, way, account(), callbackExecutor, connectTimeout));
    }

    private <T> T connect(BiFunction<ClientSettings, Transport, T> start) {
        requireRange("sessionTtl", sessionTtl, Duration.ofSeconds(2), Duration.ofSeconds(60));
        requireRange("connectTimeout", connectTimeout, Duration.ofMillis(1), Duration.ofHours(1));
        requireRange("requestTimeout", requestTimeout, Duration.ofMillis(10), Duration.ofMinutes(5));
        if (!sessionTtl.equals(Duration.ofSeconds(sessionTtl.toSeconds()))) {
            throw new IllegalArgumentException("sessionTtl must be whole seconds, but is " + sessionTtl);
        }
        if (clusterEpoch < 0) {
            throw new IllegalArgumentException("clusterEpoch must not be negative, but is " + clusterEpoch);
        }
        LockName.requireNamespace(namespace);
        Transport way = way();
        ClientSettings settings = new ClientSettings(
                namespace,
                (int) sessionTtl.toSeconds(),
                requestTimeout.toNanos(),
                nameMode,
                clusterEpoch,
                ClientSettings.LOCKS_PER_LEASE,
                isBehindProxy,
                allowsUnsafeServers,
                releasesAtShutdown,
                application,
                instance,
                traceId);
        if (user != null) {
            warnOfPlainText();
        }
        return start.apply(settings, way);
    }

    private @Nullable Account account() {
        String name = user;
        return name == null ? null : new Account(name, password);
    }

    /* A channel or transport of the user's own is his to judge. */
    private void warnOfPlainText() {
        List<Endpoint> exposed = endpoints.stream()
                .map(Endpoint::parse)
                .filter(each -> !each.isLoopback())
                .toList();
        if (!exposed.isEmpty()
                && !Endpoint.wantTls(endpoints.stream().map(Endpoint::parse).toList(), tls != null)) {
            LOG.log(
                    Level.WARNING,
                    "the password of user ''{0}'' goes to {1} in plain text, and so do the tokens it is exchanged for:"
                            + " use https://",
                    user,
                    exposed);
        }
    }

    private Transport way() {
        long ways = Stream.of(transport, channel, endpoints.isEmpty() ? null : endpoints)
                .filter(Objects::nonNull)
                .count();
        if (ways > 1) {
            throw new IllegalArgumentException(
                    "more than one of endpoints, channel and transport is given: give the one to use");
        }
        Transport given = transport;
        if (given == null && channel != null) {
            given = new ChannelTransport(channel);
        }
        if (given == null) {
            if (endpoints.isEmpty()) {
                throw new IllegalArgumentException(
                        "no endpoints given: pass at least one, such as http://127.0.0.1:2379");
            }
            return new GrpcTransport(endpoints, tls);
        }
        if (tls != null) {
            throw new IllegalArgumentException(
                    "TLS settings are for endpoints; a channel or transport of your own brings its own security");
        }
        return given;
    }

    private static void requireRange(String setting, Duration value, Duration least, Duration most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            // Not in milliseconds: what is out of range may not fit.
            throw new IllegalArgumentException(setting + " must be " + least + " to " + most + ", but is " + value);
        }
    }
}
