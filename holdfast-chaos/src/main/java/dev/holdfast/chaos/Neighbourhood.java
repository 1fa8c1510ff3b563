package dev.holdfast.chaos;

import dev.holdfast.testkit.TcpProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The places of clients: each with a link of its own where there are namespaces, every other one behind proxies, and every
 * other Java process with a wall clock that can be set. Thread-safe.
 */
final class Neighbourhood implements Places, AutoCloseable {

    /** How many links there are; with more clients than that, some share one. */
    static final int LINKS = 8;

    private static final List<String> FAKETIME = List.of(
            "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib64/faketime/libfaketimeMT.so.1",
            "/usr/local/lib/faketime/libfaketimeMT.so.1");

    /**
     * Where a client was started.
     *
     * @param link the name of its link, or null where there are no namespaces
     * @param clock the file that its wall clock follows, or null if that cannot be set
     */
    record Home(@Nullable String link, boolean isBehindProxy, @Nullable Path clock) {}

    private final @Nullable Namespaces namespaces;
    private final List<String> direct;
    private final List<TcpProxy> proxies = new ArrayList<>();
    private final Path directory;
    private final Map<String, Home> homes = new ConcurrentHashMap<>();
    private final AtomicInteger counter = new AtomicInteger();
    private final AtomicInteger javaCounter = new AtomicInteger();

    private Neighbourhood(@Nullable Namespaces namespaces, List<String> direct, Path directory) {
        this.namespaces = namespaces;
        this.direct = List.copyOf(direct);
        this.directory = directory;
    }

    /** @param directory for the files that clocks follow; it exists */
    static Neighbourhood before(Cluster cluster, Net net, Path directory) {
        Namespaces namespaces = net instanceof Namespaces made ? made : null;
        Neighbourhood places = new Neighbourhood(namespaces, cluster.addresses(), directory);
        try {
            InetAddress at = namespaces == null
                    ? InetAddress.getLoopbackAddress()
                    : InetAddress.getByName(namespaces.hostAddress());
            for (String address : cluster.addresses()) {
                String[] parts = address.split(":", -1);
                places.proxies.add(
                        TcpProxy.start(at, List.of(new InetSocketAddress(parts[0], Integer.parseInt(parts[1])))));
            }
            return places;
        } catch (UnknownHostException e) {
            places.close();
            throw new UncheckedIOException(e);
        }
    }

    /** The library that fakes clocks, if it is installed. */
    static Optional<String> faketime() {
        return FAKETIME.stream().filter(file -> Files.exists(Path.of(file))).findFirst();
    }

    @Override
    public Place of(String client, String kind) {
        int number = counter.getAndIncrement();
        boolean isBehindProxy = namespaces == null || number % 2 == 1;
        List<String> prefix = new ArrayList<>();
        String link = null;
        if (namespaces != null) {
            link = Namespaces.place(number % LINKS);
            prefix.addAll(namespaces.prefix(link));
        }
        Path clock = null;
        Optional<String> faketime = faketime();
        if (kind.equals("java") && javaCounter.getAndIncrement() % 2 == 0 && faketime.isPresent()) {
            clock = directory.resolve("clock-" + client);
            setClock(clock, 0);
            prefix.addAll(List.of(
                    "env",
                    "LD_PRELOAD=" + faketime.get(),
                    "FAKETIME_TIMESTAMP_FILE=" + clock,
                    "FAKETIME_NO_CACHE=1",
                    "FAKETIME_DONT_FAKE_MONOTONIC=1",
                    // Its own guess, made for other releases of libc, ends timed waits of a JVM too early.
                    "FAKETIME_FORCE_MONOTONIC_FIX=0"));
        }
        homes.put(client, new Home(link, isBehindProxy, clock));
        return new Place(
                prefix, isBehindProxy ? proxies.stream().map(TcpProxy::address).toList() : direct);
    }

    /** Sets a wall clock off by so much. */
    static void setClock(Path clock, long offMillis) {
        try {
            // In one step: it may be read at any moment.
            Path next = Path.of(clock + ".next");
            long millis = Math.abs(offMillis);
            Files.writeString(
                    next, String.format("%s%d.%03d%n", offMillis < 0 ? "-" : "+", millis / 1_000, millis % 1_000));
            Files.move(next, clock, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where a client was started; empty for one that was not. */
    Optional<Home> home(String client) {
        return Optional.ofNullable(homes.get(client));
    }

    /** In front of each member, for some clients. */
    List<TcpProxy> proxies() {
        return proxies;
    }

    @Override
    public void close() {
        proxies.forEach(TcpProxy::close);
    }
}
