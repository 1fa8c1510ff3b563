package dev.holdfast.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** All that a fault may be done to. Thread-safe. */
final class Scene implements AutoCloseable {

    /**
     * A client that is alive.
     *
     * @param kind java, go or etcdctl
     * @param kill ends it without a word, and returns when it is dead
     */
    record Victim(String name, String kind, long pid, Runnable kill) {}

    private static final ThreadFactory DAEMONS = task -> {
        Thread thread = new Thread(task, "chaos-again-and-again");
        thread.setDaemon(true);
        return thread;
    };

    private final Cluster cluster;
    private final Net net;
    private final Neighbourhood places;
    private final Supplier<List<Victim>> clients;
    private final LongSupplier recordedRevision;
    private final List<String> prefixes;
    private final Set<String> claimed = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService repeating = Executors.newScheduledThreadPool(2, DAEMONS);

    /**
     * @param clients those alive now
     * @param recordedRevision reads on, and says up to which revision all is recorded: so far may be compacted
     * @param prefixes what the entries of each lock begin with
     */
    Scene(
            Cluster cluster,
            Net net,
            Neighbourhood places,
            Supplier<List<Victim>> clients,
            LongSupplier recordedRevision,
            List<String> prefixes) {
        this.cluster = cluster;
        this.net = net;
        this.places = places;
        this.clients = clients;
        this.recordedRevision = recordedRevision;
        this.prefixes = List.copyOf(prefixes);
    }

    Cluster cluster() {
        return cluster;
    }

    Net net() {
        return net;
    }

    /** Of a scene that has them: see {@link Need#NAMESPACES}. */
    Namespaces namespaces() {
        return (Namespaces) net;
    }

    Neighbourhood places() {
        return places;
    }

    List<Victim> clients() {
        return clients.get();
    }

    Optional<Victim> client(String name) {
        return clients().stream().filter(client -> client.name().equals(name)).findFirst();
    }

    Member member(String name) {
        return cluster.members().stream()
                .filter(member -> member.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no member " + name));
    }

    long recordedRevision() {
        return recordedRevision.getAsLong();
    }

    List<String> prefixes() {
        return prefixes;
    }

    /** Makes it the target of one fault; false if it is one already. */
    boolean claim(String target) {
        return claimed.add(target);
    }

    void free(String target) {
        claimed.remove(target);
    }

    boolean isFree(String target) {
        return !claimed.contains(target);
    }

    /** The members that answer, those first that no fault is about. */
    List<Member> membersToAsk() {
        List<Member> members = new ArrayList<>(cluster.members());
        members.removeIf(member -> !member.isAlive());
        members.sort((a, b) -> Boolean.compare(isFree(b.name()), isFree(a.name())));
        return members;
    }

    /** Does it now and then, until it is undone; it does not run any more when undoing has returned. */
    Undo repeat(Duration pause, Runnable task) {
        AtomicBoolean isOver = new AtomicBoolean();
        Runnable step = () -> {
            synchronized (isOver) {
                if (!isOver.get()) {
                    task.run();
                }
            }
        };
        Future<?> steps = repeating.scheduleWithFixedDelay(step, 0, pause.toMillis(), TimeUnit.MILLISECONDS);
        return () -> {
            steps.cancel(false);
            synchronized (isOver) {
                isOver.set(true);
            }
        };
    }

    @Override
    public void close() {
        repeating.shutdownNow();
    }
}
