package dev.holdfast.benchmarks.compare;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;

/** Curator's InterProcessMutex; one connection and one mutex of each name for all threads of the process. */
final class CuratorLock implements Contender {

    private static final int CONNECT_MILLIS = 15_000;
    private static final int RETRY_MILLIS = 1_000;

    private final CuratorFramework client;
    private final Map<String, InterProcessMutex> mutexes = new ConcurrentHashMap<>();

    CuratorLock(String way, String endpoints, int ttlSeconds) throws InterruptedException {
        if (!way.isEmpty()) {
            throw new IllegalArgumentException("no such way: " + way);
        }
        client = CuratorFrameworkFactory.newClient(
                endpoints, ttlSeconds * 1_000, CONNECT_MILLIS, new RetryOneTime(RETRY_MILLIS));
        client.start();
        client.blockUntilConnected();
    }

    @Override
    public Seat seat(List<String> names) {
        List<InterProcessMutex> mine = names.stream()
                .map(name -> mutexes.computeIfAbsent("/" + name, path -> new InterProcessMutex(client, path)))
                .toList();
        return new Seat() {
            @Override
            public void lock(int name) throws Exception {
                mine.get(name).acquire();
            }

            @Override
            public void unlock(int name) throws Exception {
                mine.get(name).release();
            }
        };
    }

    @Override
    public void close() {
        client.close();
    }
}
