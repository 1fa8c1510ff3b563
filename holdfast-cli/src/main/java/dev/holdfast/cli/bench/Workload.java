package dev.holdfast.cli.bench;

import dev.holdfast.LockOptions;
import java.util.Arrays;
import java.util.stream.Collectors;

/** What is measured: who locks and unlocks what, as fast as he can. */
public enum Workload {
    FLOOR(
            "floor",
            "the bare requests of one lock, one client: put if absent, delete",
            1,
            Threads.ONE,
            Locks.SHARED,
            false),
    UNCONTENDED("uncontended", "one thread, one lock, caching off", 1, Threads.ONE, Locks.SHARED, false),
    CACHED(
            "cached",
            "one thread, one lock, the default: it stays with its process",
            1,
            Threads.ONE,
            Locks.SHARED,
            true),
    DISTINCT(
            "distinct",
            "threads of one client, each with a lock of its own, caching off",
            1,
            Threads.MANY,
            Locks.OWN,
            false),
    THREADS("threads", "threads of one client on one lock", 1, Threads.MANY, Locks.SHARED, true),
    CLIENTS_2(
            "clients-2", "2 clients of one thread each, on one lock, caching off", 2, Threads.ONE, Locks.SHARED, false),
    CLIENTS_8(
            "clients-8", "8 clients of one thread each, on one lock, caching off", 8, Threads.ONE, Locks.SHARED, false);

    private enum Threads {
        ONE,
        MANY
    }

    private enum Locks {
        SHARED,
        OWN
    }

    private final String word;
    private final String description;
    private final int clients;
    private final Threads threads;
    private final Locks locks;
    private final boolean isCaching;

    Workload(String word, String description, int clients, Threads threads, Locks locks, boolean isCaching) {
        this.word = word;
        this.description = description;
        this.clients = clients;
        this.threads = threads;
        this.locks = locks;
        this.isCaching = isCaching;
    }

    /**
     * The one of that name, in capitals or not.
     *
     * @throws IllegalArgumentException with the names there are
     */
    public static Workload parse(String word) {
        for (Workload each : values()) {
            if (each.word.equalsIgnoreCase(word)) {
                return each;
            }
        }
        throw new IllegalArgumentException("there is no workload '" + word + "'; there are "
                + Arrays.stream(values()).map(Workload::toString).collect(Collectors.joining(", ")));
    }

    /** What it is, for people. */
    String description(Plan plan) {
        return threads == Threads.MANY ? threadsOfEach(plan) + " " + description : description;
    }

    /** Each with a session and a connection of its own. */
    int clients() {
        return clients;
    }

    int threadsOfEach(Plan plan) {
        return threads == Threads.MANY ? plan.workers() : 1;
    }

    /** Whether each thread has a lock of its own; else all have the same. */
    boolean hasLocksOfTheirOwn() {
        return locks == Locks.OWN;
    }

    LockOptions options() {
        return isCaching ? LockOptions.defaults() : LockOptions.defaults().withoutCaching();
    }

    /** What taking it is called. */
    String lockWord() {
        return this == FLOOR ? "put" : "lock";
    }

    /** What giving it back is called. */
    String unlockWord() {
        return this == FLOOR ? "delete" : "unlock";
    }

    /** Its name on the command line. */
    @Override
    public String toString() {
        return word;
    }
}
