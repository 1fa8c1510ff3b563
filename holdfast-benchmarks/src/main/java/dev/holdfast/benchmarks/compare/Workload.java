package dev.holdfast.benchmarks.compare;

import java.util.List;

/**
 * What contenders are made to do.
 *
 * @param id such as {@code W3-64}
 * @param threads of each process
 * @param names how many locks there are; of {@code HELD} how many are held, of {@code WAITERS} how many wait
 * @param members of the cluster, for contenders on etcd
 */
record Workload(
        String id, String title, Shape shape, int processes, int threads, int names, Choice choice, int members) {

    /** How it is carried out. */
    enum Shape {
        /** Lock and unlock as fast as it goes. */
        PAIRS,
        /** The holder is killed while another waits. */
        KILL,
        /** The holder is asked to end, by SIGTERM, while another waits. */
        TERMINATE,
        /** Many locks are acquired and held by one client. */
        HELD,
        /** Many locks are kept cached by one client, which does nothing then. */
        KEPT,
        /** Many callers wait for one lock. */
        WAITERS,
        /** A lock that nobody else wants is taken and released again, without a round trip. */
        AGAIN,
        /** One process keeps locks that nobody wants; another then wants one after the other. */
        RECALL,
        /** No lock: a delete, and the event at another client. */
        EVENT
    }

    /** Which lock a thread takes next. */
    enum Choice {
        ONE,
        /** Each thread its own. */
        OWN,
        ZIPF
    }

    static final Workload W1 = pairs("W1", "one client, one lock", 1, 1, 1, Choice.ONE);
    static final Workload W2 =
            pairs("W2", "64 threads of one process, each with a lock of its own", 1, 64, 64, Choice.OWN);
    static final Workload W3_2 = pairs("W3-2", "2 threads of one process, one lock", 1, 2, 1, Choice.ONE);
    static final Workload W3_8 = pairs("W3-8", "8 threads of one process, one lock", 1, 8, 1, Choice.ONE);
    static final Workload W3_64 = pairs("W3-64", "64 threads of one process, one lock", 1, 64, 1, Choice.ONE);
    static final Workload W4 = pairs("W4", "4 processes of 16 threads, one lock", 4, 16, 1, Choice.ONE);
    static final Workload W4B_2 = pairs("W4b-2", "2 processes of one thread, one lock", 2, 1, 1, Choice.ONE);
    static final Workload W4B_8 = pairs("W4b-8", "8 processes of one thread, one lock", 8, 1, 1, Choice.ONE);
    static final Workload W7_1 = new Workload(
            "W7-1", "a cached lock is taken and released again by one thread", Shape.AGAIN, 1, 1, 1, Choice.OWN, 1);
    static final Workload W7_64 = new Workload(
            "W7-64",
            "cached locks are taken and released again by 64 threads, each its own",
            Shape.AGAIN,
            1,
            64,
            64,
            Choice.OWN,
            1);
    static final Workload RECALL = new Workload(
            "W7-recall", "a lock that another process has cached is taken", Shape.RECALL, 2, 1, 1, Choice.ONE, 1);
    static final Workload W8 =
            pairs("W8", "4 processes of 16 threads, 1,000 locks drawn by Zipf's law", 4, 16, 1_000, Choice.ZIPF);
    static final Workload EVENT =
            new Workload("event", "a delete, and its event at another client", Shape.EVENT, 1, 1, 1, Choice.ONE, 1);
    static final Workload KILL = new Workload(
            "W5-kill", "the holder is killed (SIGKILL) while another waits", Shape.KILL, 2, 1, 1, Choice.ONE, 1);
    static final Workload TERMINATE = new Workload(
            "W5-term", "the holder is ended (SIGTERM) while another waits", Shape.TERMINATE, 2, 1, 1, Choice.ONE, 1);
    static final Workload HELD_100K = held("W6-held-100k", 100_000);
    static final Workload WAITERS_10K = waiters("W6-wait-10k", 10_000);

    private static final List<Workload> ALL = List.of(
            EVENT,
            W1,
            W2,
            W3_2,
            W3_8,
            W3_64,
            W4,
            W4B_2,
            W4B_8,
            W7_1,
            W7_64,
            RECALL,
            W8,
            held("W6-held-1k", 1_000),
            held("W6-held-10k", 10_000),
            HELD_100K,
            waiters("W6-wait-1k", 1_000),
            WAITERS_10K,
            KILL,
            TERMINATE,
            W2.onCluster(),
            W3_64.onCluster(),
            W4.onCluster(),
            W4B_2.onCluster(),
            W4B_8.onCluster());

    /** All there are, in the order in which they run. */
    static List<Workload> all() {
        return ALL;
    }

    static Workload pairs(String id, String title, int processes, int threads, int names, Choice choice) {
        return new Workload(id, title, Shape.PAIRS, processes, threads, names, choice, 1);
    }

    static Workload held(String id, int count) {
        return new Workload(
                id, String.format("%,d locks held by one client", count), Shape.HELD, 1, 1, count, Choice.OWN, 1);
    }

    static Workload kept(String id, int count) {
        return new Workload(
                id,
                String.format("%,d locks kept cached by one client", count),
                Shape.KEPT,
                1,
                1,
                count,
                Choice.OWN,
                1);
    }

    private static Workload waiters(String id, int count) {
        return new Workload(
                id,
                String.format("%,d callers of one client wait for one lock, each with an entry of its own", count),
                Shape.WAITERS,
                1,
                1,
                count,
                Choice.ONE,
                1);
    }

    private Workload onCluster() {
        return new Workload("W9-" + id, title + "; three members", shape, processes, threads, names, choice, 3);
    }

    /** The number in front of its id, such as {@code W4b}: what an option names. */
    String family() {
        return id.split("-", 2)[0];
    }

    /** Whether a quick run has time for it. */
    boolean isShort() {
        boolean isGreatest = (shape == Shape.HELD || shape == Shape.WAITERS) && names >= 10_000;
        return !isOnCluster() && !isGreatest && !equals(W3_2) && !equals(W7_64);
    }

    /** Whether some lock is wanted by two. */
    boolean isShared() {
        return choice != Choice.OWN && processes * threads > 1;
    }

    boolean isOnCluster() {
        return members > 1;
    }
}
