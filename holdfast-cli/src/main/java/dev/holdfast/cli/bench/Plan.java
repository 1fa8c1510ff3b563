package dev.holdfast.cli.bench;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;

/**
 * What runs, and for how long. Immutable.
 *
 * @param workloads without repetition, in the order in which they run
 * @param workers threads of the workloads with many, 1 to 1000
 * @param seconds how long each is measured, 0.1 to 3600
 * @param warmUpSeconds how long each runs before that, 0 to 600
 * @param ttlSeconds of the sessions
 */
public record Plan(List<Workload> workloads, int workers, double seconds, double warmUpSeconds, int ttlSeconds) {

    private static final int MOST_WORKERS = 1_000;
    private static final double LEAST_SECONDS = 0.1;
    private static final double MOST_SECONDS = 3_600;
    private static final double MOST_WARM_UP_SECONDS = 600;

    /**
     * Checks what was asked for.
     *
     * @throws IllegalArgumentException if something is out of range, naming its option
     */
    public Plan {
        workloads = List.copyOf(workloads);
        if (workers < 1 || workers > MOST_WORKERS) {
            throw new IllegalArgumentException("--workers must be 1 to " + MOST_WORKERS + ", but is " + workers);
        }
        if (!(seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS)) { // so that NaN is refused, too
            throw new IllegalArgumentException("--seconds must be 0.1 to 3600, but is " + seconds);
        }
        if (!(warmUpSeconds >= 0 && warmUpSeconds <= MOST_WARM_UP_SECONDS)) {
            throw new IllegalArgumentException("--warm-up must be 0 to 600 seconds, but is " + warmUpSeconds);
        }
    }

    /** Those that are named, or all if none is; always in the same order. */
    public static List<Workload> chosen(Collection<Workload> named) {
        return List.copyOf(named.isEmpty() ? EnumSet.allOf(Workload.class) : EnumSet.copyOf(named));
    }
}
