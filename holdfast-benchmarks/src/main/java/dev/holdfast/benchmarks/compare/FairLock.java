package dev.holdfast.benchmarks.compare;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/** The fair lock of the JDK, which knows nothing of other processes: what handing over inside one process costs at least. */
final class FairLock implements Contender {

    private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();

    FairLock(String way, String endpoints, int ttlSeconds) {
        if (!way.isEmpty() || !endpoints.isEmpty() || ttlSeconds <= 0) {
            throw new IllegalArgumentException("a local lock has no ways and no server");
        }
    }

    @Override
    public Seat seat(List<String> names) {
        return Seat.of(names.stream()
                .map(name -> locks.computeIfAbsent(name, absent -> new ReentrantLock(true)))
                .toList());
    }

    @Override
    public void close() {}
}
