package dev.holdfast.benchmarks.compare;

/**
 * How long things are done.
 *
 * @param warmUpSeconds before anything counts, of a process alone: half of it on locks that nobody else wants
 * @param seconds that count
 * @param rounds of every cell
 * @param ttlSeconds of the leases of holders that are killed
 */
record Pace(double warmUpSeconds, double seconds, int rounds, int ttlSeconds) {

    /** What a whole run does. */
    static final Pace FULL = new Pace(3, 2, 5, 5);

    /** What a quick run does. */
    static final Pace QUICK = new Pace(1.2, 1, 1, 5);

    private static final double START_SECONDS = 1.2;
    private static final double START_SECONDS_A_PROCESS = 0.7;
    private static final double JVM_SECONDS = 3;

    /** How much longer each further process makes the warm-up: they share the cores, and compile the same. */
    private static final double WARM_UP_SHARE = 0.2;

    /** Before anything counts, in every process of the workload. */
    double warmUpSeconds(Workload workload) {
        return warmUpSeconds * (1 + WARM_UP_SHARE * (workload.processes() - 1));
    }

    /** What a cell is thought to take. */
    double seconds(Workload workload) {
        return START_SECONDS
                + START_SECONDS_A_PROCESS * workload.processes()
                + switch (workload.shape()) {
                    case PAIRS, AGAIN, RECALL, EVENT -> warmUpSeconds(workload) + seconds;
                    case KILL, TERMINATE -> Crash.SETTLE_SECONDS + ttlSeconds;
                    case KEPT -> JVM_SECONDS + workload.names() / 1_000.0 + Measurement.IDLE_SECONDS;
                    case HELD -> JVM_SECONDS + workload.names() / 8_000.0;
                    case WAITERS -> JVM_SECONDS + workload.names() / 70.0;
                };
    }

    /** Workloads that take long, or whose answer is a limit and not a rate, are repeated less often. */
    int rounds(Workload workload) {
        return switch (workload.shape()) {
            case PAIRS, AGAIN, RECALL, EVENT -> workload.isOnCluster() ? Math.min(rounds, 3) : rounds;
            case KILL, TERMINATE, HELD, KEPT -> Math.min(rounds, 3);
            case WAITERS -> 1;
        };
    }
}
