package dev.holdfast.benchmarks.compare;

import java.util.List;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Redisson's RLock, renewed by its watchdog; one client for all threads of the process. */
final class RedissonLock implements Contender {

    private final RedissonClient client;

    RedissonLock(String way, String endpoints, int ttlSeconds) {
        if (!way.isEmpty()) {
            throw new IllegalArgumentException("no such way: " + way);
        }
        Config config = new Config();
        config.setLockWatchdogTimeout(ttlSeconds * 1_000L);
        config.useSingleServer().setAddress("redis://" + endpoints);
        client = Redisson.create(config);
    }

    @Override
    public Seat seat(List<String> names) {
        return Seat.of(names.stream().map(client::getLock).toList());
    }

    @Override
    public void close() {
        client.shutdown();
    }
}
