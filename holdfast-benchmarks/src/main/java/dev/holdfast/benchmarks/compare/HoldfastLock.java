package dev.holdfast.benchmarks.compare;

import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import java.time.Duration;
import java.util.List;

/** Holdfast; one client for all threads of the process. */
final class HoldfastLock implements Contender {

    /* Many JVMs that begin at once are slow. */
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);

    private final Holdfast holdfast;
    private final LockOptions options;
    private final boolean isLookedUp;

    /**
     * @param way empty for the defaults, {@code uncached}, {@code synchronous} or {@code strict}; or {@code named} for the
     *     defaults, with locks that are looked up by their names each time
     */
    HoldfastLock(String way, String endpoints, int ttlSeconds) {
        isLookedUp = way.equals("named");
        options = options(way);
        holdfast = connect(endpoints, ttlSeconds);
    }

    static Holdfast connect(String endpoints, int ttlSeconds) {
        return Holdfast.builder()
                .endpoints(endpoints.split(",", -1))
                .sessionTtl(Duration.ofSeconds(ttlSeconds))
                .connectTimeout(CONNECT_TIMEOUT)
                .releaseAtShutdown(true)
                .build();
    }

    private static LockOptions options(String way) {
        return switch (way) {
            case "", "named" -> LockOptions.defaults();
            case "uncached" -> LockOptions.defaults().withoutCaching();
            case "synchronous" -> LockOptions.defaults().withSynchronousRelease();
            case "strict" -> LockOptions.defaults().strictFifo();
            default -> throw new IllegalArgumentException("no such way: " + way);
        };
    }

    @Override
    public Seat seat(List<String> names) {
        if (isLookedUp) {
            return new Seat() {
                @Override
                public void lock(int name) {
                    holdfast.lock(names.get(name), options).lock();
                }

                @Override
                public void unlock(int name) {
                    holdfast.lock(names.get(name), options).unlock();
                }
            };
        }
        return seat(names, options);
    }

    @Override
    public Seat warmUpSeat(Seat seat, List<String> names) {
        return seat(names, options.withoutCaching());
    }

    private Seat seat(List<String> names, LockOptions how) {
        return Seat.of(names.stream().map(name -> holdfast.lock(name, how)).toList());
    }

    @Override
    public void close() {
        holdfast.close();
    }
}
