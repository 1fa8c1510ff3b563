package dev.holdfast.benchmarks.compare;

import java.util.Set;

/** Who contends. */
enum Kind {
    HOLDFAST("holdfast", "Holdfast", Store.ETCD, "HoldfastLock", true, ""),
    HOLDFAST_UNCACHED("holdfast-uncached", "Holdfast, caching off", Store.ETCD, "HoldfastLock:uncached", true, ""),
    HOLDFAST_NAMED(
            "holdfast-named", "Holdfast, looked up by name each time", Store.ETCD, "HoldfastLock:named", true, ""),
    HOLDFAST_SYNCHRONOUS(
            "holdfast-sync", "Holdfast, synchronous release", Store.ETCD, "HoldfastLock:synchronous", true, ""),
    HOLDFAST_STRICT("holdfast-strict", "Holdfast, strict FIFO", Store.ETCD, "HoldfastLock:strict", true, ""),
    GO_MUTEX("go", "Go concurrency.Mutex", Store.ETCD, "", true, "it tells the holder no deadline"),
    JETCD("jetcd", "jetcd, Lock RPC", Store.ETCD, "JetcdLock", true, "it tells the holder no deadline"),
    CURATOR(
            "curator",
            "Curator InterProcessMutex",
            Store.ZOOKEEPER,
            "CuratorLock",
            true,
            "it tells the holder no deadline, and gives no token"),
    REDISSON(
            "redisson",
            "Redisson RLock, not durable",
            Store.REDIS,
            "RedissonLock",
            false,
            "nothing is on disk: after a restart of Redis two can hold; one server, with replicas that lag; not first come,"
                    + " first served; this lock of Redisson's gives no token"),
    REDISSON_AOF(
            "redisson-aof",
            "Redisson RLock, appendfsync always",
            Store.REDIS_AOF,
            "RedissonLock",
            true,
            "one server, with replicas that lag behind what was answered; not first come, first served; this lock of"
                    + " Redisson's gives no token"),
    POSTGRES_ADVISORY(
            "pg-advisory",
            "PostgreSQL advisory lock",
            Store.POSTGRES,
            "PostgresLock:advisory",
            false,
            "nothing is on disk and there is no lease: a hold lasts as long as the server believes in its connection; one"
                    + " server, without failover; no token"),
    POSTGRES_ROW(
            "pg-row",
            "PostgreSQL SELECT FOR UPDATE",
            Store.POSTGRES,
            "PostgresLock:row",
            true,
            "there is no lease: a hold is an open transaction, and lasts as long as the server believes in its connection;"
                    + " no token"),
    FLOOR("floor", "floor: the bare requests", Store.ETCD, "FloorLock", true, "it is no lock"),
    FAIR_LOCK("jdk-fair", "ReentrantLock(true) of the JDK", Store.NONE, "FairLock", false, "it knows one process only");

    /** What a contender keeps its locks in. */
    enum Store {
        ETCD,
        ZOOKEEPER,
        REDIS,
        REDIS_AOF,
        POSTGRES,
        NONE
    }

    private static final Set<Kind> ON_CLUSTER = Set.of(HOLDFAST, HOLDFAST_UNCACHED, GO_MUTEX, JETCD);
    private static final Set<Kind> BESIDE_CACHED = Set.of(HOLDFAST_NAMED, FAIR_LOCK);
    private static final Set<Kind> CRASHING = Set.of(HOLDFAST, GO_MUTEX, JETCD, CURATOR, REDISSON, POSTGRES_ADVISORY);
    private static final Set<Workload> SYNCHRONOUS =
            Set.of(Workload.W1, Workload.W2, Workload.W3_64, Workload.W4, Workload.W4B_2);
    private static final Set<Workload> STRICT = Set.of(Workload.W3_64, Workload.W4, Workload.W4B_8);
    private static final Set<Workload> LOCAL = Set.of(Workload.W3_2, Workload.W3_8, Workload.W3_64);

    private final String id;
    private final String title;
    private final Store store;
    private final String type;
    private final boolean isDurable;
    private final String promisesNot;

    Kind(String id, String title, Store store, String type, boolean isDurable, String promisesNot) {
        this.id = id;
        this.title = title;
        this.store = store;
        this.type = type;
        this.isDurable = isDurable;
        this.promisesNot = promisesNot;
    }

    String id() {
        return id;
    }

    String title() {
        return title;
    }

    Store store() {
        return store;
    }

    /** Of {@link Contender#open}; empty if its worker is no Java program. */
    String type() {
        return type;
    }

    /** Whether what was answered is on disk before, so that a restart of the server forgets no holder. */
    boolean isDurable() {
        return isDurable;
    }

    /** What Holdfast promises and this does not. */
    String promisesNot() {
        return promisesNot;
    }

    boolean isHoldfast() {
        return this == HOLDFAST
                || this == HOLDFAST_UNCACHED
                || this == HOLDFAST_NAMED
                || this == HOLDFAST_SYNCHRONOUS
                || this == HOLDFAST_STRICT;
    }

    /** Whether it is a lock of somebody else for several processes: a peer. */
    boolean isPeer() {
        return !isHoldfast() && this != FLOOR && this != FAIR_LOCK;
    }

    boolean takesPart(Workload workload) {
        return switch (workload.shape()) {
            case EVENT -> this == FLOOR;
            case KILL, TERMINATE -> CRASHING.contains(this);
            case HELD, KEPT, RECALL -> this == HOLDFAST;
            case AGAIN -> this == HOLDFAST || (workload.equals(Workload.W7_1) && BESIDE_CACHED.contains(this));
            case WAITERS -> this == HOLDFAST_STRICT;
            case PAIRS -> takesPartInPairs(workload);
        };
    }

    /*
     * With its default options Holdfast keeps a lock that nobody else wants, and sends nothing. Where round trips are what is
     * compared it therefore runs with caching off, and says so; what caching makes of the same is W7.
     */
    private boolean takesPartInPairs(Workload workload) {
        if (workload.isOnCluster() && !ON_CLUSTER.contains(this)) {
            return false;
        }
        return switch (this) {
            case HOLDFAST -> workload.isShared();
            case HOLDFAST_UNCACHED -> !workload.isShared() || workload.equals(Workload.W8);
            case HOLDFAST_NAMED -> false;
            case FLOOR -> workload.equals(Workload.W1);
            case FAIR_LOCK -> LOCAL.contains(workload);
            case HOLDFAST_SYNCHRONOUS -> SYNCHRONOUS.contains(workload);
            case HOLDFAST_STRICT -> STRICT.contains(workload);
            default -> true;
        };
    }

    /** Whether what is under its data changes its numbers, so that it is measured on every one given. */
    boolean feelsTheDisk(Workload workload) {
        return workload.equals(Workload.W2) && isDurable;
    }
}
