package dev.holdfast.benchmarks.compare;

import dev.holdfast.benchmarks.compare.Kind.Store;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Starts what contenders need, on loopback, with data in folders of its own that are gone afterwards. etcd is new for each
 * cell. The others stay, as ZooKeeper's server is a JVM that would be cold each time, and PostgreSQL takes long to make.
 */
final class Servers implements AutoCloseable {

    private static final String LOOPBACK = "127.0.0.1";
    private static final int INITDB_SECONDS = 60;

    private final Path etcd;
    private final Programs programs;
    private final Map<String, Server> kept = new HashMap<>();
    private final Set<Server> running = ConcurrentHashMap.newKeySet();
    private final Thread stopAtExit = new Thread(() -> running.forEach(Server::stop));

    /** @param etcd the program */
    Servers(Path etcd, Programs programs) {
        this.etcd = etcd;
        this.programs = programs;
        Runtime.getRuntime().addShutdownHook(stopAtExit);
    }

    /** A server of this kind with its data below a folder. To be given back by {@link #giveBack}. */
    Server take(Store store, int members, Path data) throws IOException, InterruptedException {
        if (store == Store.NONE) {
            return new Server("", List.of(), List.of(), null);
        }
        if (store == Store.ETCD) {
            Server fresh = startEtcd(members, folder(data));
            running.add(fresh);
            return fresh;
        }
        String name = store + " in " + data;
        Server before = kept.get(name);
        if (before == null) {
            Path folder = folder(data);
            before = switch (store) {
                case ZOOKEEPER -> startZookeeper(folder);
                case POSTGRES -> startPostgres(folder);
                default -> startRedis(folder, store == Store.REDIS_AOF);
            };
            kept.put(name, before);
            running.add(before);
        }
        return before;
    }

    void giveBack(Server server) {
        if (!kept.containsValue(server)) {
            server.close();
            running.remove(server);
        }
    }

    private static Path folder(Path data) throws IOException {
        Path folder = Files.createTempDirectory(data, "holdfast-compare-");
        // PostgreSQL runs as another user, and must come through.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        return folder;
    }

    private Server startEtcd(int members, Path folder) throws IOException, InterruptedException {
        StringJoiner cluster = new StringJoiner(",");
        StringJoiner clients = new StringJoiner(",");
        List<String> peers = new ArrayList<>();
        for (int i = 0; i < members; i++) {
            peers.add("http://" + LOOPBACK + ":" + ServerProcess.freePort());
            cluster.add("m" + i + "=" + peers.get(i));
        }
        List<ServerProcess> started = new ArrayList<>();
        List<String> metrics = new ArrayList<>();
        try {
            for (int i = 0; i < members; i++) {
                String client = "http://" + LOOPBACK + ":" + ServerProcess.freePort();
                clients.add(client);
                metrics.add(client + "/metrics");
                started.add(ServerProcess.start(
                        List.of(
                                etcd.toString(),
                                "--name=m" + i,
                                "--data-dir=" + folder.resolve("m" + i),
                                "--listen-client-urls=" + client,
                                "--advertise-client-urls=" + client,
                                "--listen-peer-urls=" + peers.get(i),
                                "--initial-advertise-peer-urls=" + peers.get(i),
                                "--initial-cluster=" + cluster),
                        folder.resolve("log-" + i)));
            }
            for (int i = 0; i < members; i++) {
                String health = metrics.get(i).replace("/metrics", "/health");
                started.get(i).await(() -> isHealthy(health));
            }
            return new Server(clients.toString(), started, metrics, folder);
        } catch (IOException | InterruptedException e) {
            started.forEach(ServerProcess::close);
            throw e;
        }
    }

    private static boolean isHealthy(String url) {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(url).toURL().openConnection();
            connection.setConnectTimeout(1_000);
            connection.setReadTimeout(2_000);
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (IOException e) {
            return false;
        }
    }

    private Server startZookeeper(Path folder) throws IOException, InterruptedException {
        int port = ServerProcess.freePort();
        Path settings = folder.resolve("zoo.cfg");
        Files.writeString(
                settings,
                String.join(
                        "\n",
                        "dataDir=" + folder.resolve("data"),
                        "clientPort=" + port,
                        "clientPortAddress=" + LOOPBACK,
                        // A session of 5 s must be allowed: twice this is the least.
                        "tickTime=2000",
                        "maxClientCnxns=0",
                        "admin.enableServer=false",
                        ""));
        return ready(
                port,
                folder,
                ServerProcess.start(
                        List.of(
                                java(),
                                "-Xmx1g",
                                "-cp",
                                programs.get("curator"),
                                "org.apache.zookeeper.server.ZooKeeperServerMain",
                                settings.toString()),
                        folder.resolve("log")));
    }

    private Server startRedis(Path folder, boolean isAppending) throws IOException, InterruptedException {
        int port = ServerProcess.freePort();
        List<String> command = new ArrayList<>(List.of(
                programs.ofStore(Store.REDIS).toString(),
                "--bind",
                LOOPBACK,
                "--port",
                Integer.toString(port),
                "--dir",
                folder.toString(),
                "--save",
                ""));
        if (isAppending) {
            command.addAll(List.of("--appendonly", "yes", "--appendfsync", "always"));
        }
        return ready(port, folder, ServerProcess.start(command, folder.resolve("log")));
    }

    private Server startPostgres(Path folder) throws IOException, InterruptedException {
        int port = ServerProcess.freePort();
        Path programs = this.programs.ofStore(Store.POSTGRES).toAbsolutePath();
        Path data = Files.createDirectory(folder.resolve("data"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
        List<String> as = List.of();
        if (System.getProperty("user.name").equals("root")) {
            // It refuses to run as root.
            String user = this.programs.get("postgres-user");
            as = List.of("setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups");
            Files.setOwner(
                    data, data.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(user));
        }
        Path log = folder.resolve("log");
        List<String> make = new ArrayList<>(as);
        make.addAll(List.of(
                programs.resolveSibling("initdb").toString(),
                "--pgdata=" + data,
                "--auth=trust",
                "--username=postgres",
                "--locale=C"));
        Process making = new ProcessBuilder(make)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (!making.waitFor(INITDB_SECONDS, TimeUnit.SECONDS) || making.exitValue() != 0) {
            making.destroyForcibly();
            throw new IOException("initdb failed: " + Files.readString(log));
        }
        List<String> run = new ArrayList<>(as);
        run.addAll(List.of(
                programs.toString(),
                "-D",
                data.toString(),
                "-p",
                Integer.toString(port),
                "-c",
                "listen_addresses=" + LOOPBACK,
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=200"));
        return ready(port, folder, ServerProcess.start(run, log));
    }

    private static Server ready(int port, Path folder, ServerProcess process) throws IOException, InterruptedException {
        try {
            process.await(() -> ServerProcess.listens(port));
            return new Server(LOOPBACK + ":" + port, List.of(process), List.of(), folder);
        } catch (IOException | InterruptedException e) {
            process.close();
            throw e;
        }
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The counters that a server of etcd keeps of itself, summed over its members, by name and labels. */
    static Map<String, Double> counters(Server server) throws IOException {
        Map<String, Double> sums = new HashMap<>();
        for (String url : server.metrics()) {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(url).toURL().openConnection();
            connection.setReadTimeout(5_000);
            String text = new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Counters.parse(text).forEach((name, value) -> sums.merge(name, value, Double::sum));
        }
        return sums;
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(stopAtExit);
        running.forEach(Server::close);
        running.clear();
        kept.clear();
    }
}
