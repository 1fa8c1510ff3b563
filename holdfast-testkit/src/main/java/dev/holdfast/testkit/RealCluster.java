package dev.holdfast.testkit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** A cluster of several members of real etcd on loopback ports. Closing it stops them and deletes their data. */
public final class RealCluster implements AutoCloseable {

    private static final int ATTEMPTS = 3;

    private final List<RealEtcd> members;

    private RealCluster(List<RealEtcd> members) {
        this.members = List.copyOf(members);
    }

    /**
     * Starts an empty cluster and returns once every member answers that it is healthy.
     *
     * @param size how many members, such as 3
     * @param more arguments of every member
     */
    public static RealCluster start(RealEtcd.Binary binary, int size, String... more)
            throws IOException, InterruptedException {
        // Another process may take a port between our looking and a member's listening.
        for (int attempt = 1; ; attempt++) {
            RealCluster cluster = launch(binary, size, List.of(more));
            RealEtcd unhealthy = cluster.awaitHealthy();
            if (unhealthy == null) {
                return cluster;
            }
            String log = unhealthy.log();
            cluster.close();
            if (attempt == ATTEMPTS) {
                throw new IOException("a member of " + binary + " did not become healthy:\n" + log);
            }
        }
    }

    private static RealCluster launch(RealEtcd.Binary binary, int size, List<String> more) throws IOException {
        List<String> peers = new ArrayList<>();
        StringJoiner initial = new StringJoiner(",");
        for (int i = 0; i < size; i++) {
            peers.add("http://127.0.0.1:" + RealEtcd.freePort());
            initial.add("m" + i + "=" + peers.get(i));
        }
        List<RealEtcd> started = new ArrayList<>();
        try {
            for (int i = 0; i < size; i++) {
                started.add(RealEtcd.launch(binary, "http", "m" + i, peers.get(i), initial.toString(), more));
            }
        } catch (IOException e) {
            started.forEach(RealEtcd::close);
            throw e;
        }
        return new RealCluster(started);
    }

    private @Nullable RealEtcd awaitHealthy() throws InterruptedException {
        for (RealEtcd member : members) {
            if (!member.awaitHealthy()) {
                return member;
            }
        }
        return null;
    }

    /** The members, in no particular order. */
    public List<RealEtcd> members() {
        return members;
    }

    /** Where clients reach each of them. */
    public List<String> endpoints() {
        return members.stream().map(RealEtcd::endpoint).toList();
    }

    @Override
    public void close() {
        members.forEach(RealEtcd::close);
    }
}
