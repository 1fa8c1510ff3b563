package dev.holdfast.protocol;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gathers the acquires of one session, or the releases of one client, that meet in time, so that they share one
 * transaction: sent at once while nothing is in flight, gathered while something is. Confined to the event loop.
 *
 * @param <C> the kind of command
 */
public final class Batch<C extends Command> {

    /*
     * Two entries of one lock's queue in one transaction would be created in one revision, and both be first. In two
     * transactions at once they would be in the queue in any order; and thousands at once would wait for each other at the
     * server for longer than a request may take. So of one lock's acquires only one is ready or unsettled. The others wait
     * here, in their order, and their time has not begun.
     */

    /** The most commands of one transaction: each needs two operations of the 128 that etcd allows. */
    public static final int MAX_SIZE = 63;

    private final Deque<C> ready = new ArrayDeque<>();

    /** The locks of which an acquire is ready, or sent and not settled. */
    private final Set<LockName> busy = new HashSet<>();

    /** The acquires whose lock is busy. */
    private final Map<LockName, Deque<C>> behind = new HashMap<>();

    private int inFlight;

    /** Adds a command. */
    public void add(C command) {
        LockName name = queueOf(command);
        if (name == null || busy.add(name)) {
            ready.add(command);
        } else {
            behind.computeIfAbsent(name, n -> new ArrayDeque<>()).add(command);
        }
    }

    /** Takes what may be sent now: nothing while a batch is in flight, and of each lock's acquires the next one. */
    public List<C> take() {
        if (inFlight > 0 || ready.isEmpty()) {
            return List.of();
        }
        inFlight++;
        if (ready.size() == 1) {
            return List.of(ready.remove());
        }
        List<C> taken = new ArrayList<>(Math.min(ready.size(), MAX_SIZE));
        while (!ready.isEmpty() && taken.size() < MAX_SIZE) {
            taken.add(ready.remove());
        }
        return taken;
    }

    /** The batch in flight is answered, or has been waited for long enough. */
    public void onAnswered() {
        inFlight--;
    }

    /** What became of a command that was taken is known, or will not be known by its own answer: the next of its lock is ready. */
    public void onSettled(C command) {
        LockName name = queueOf(command);
        if (name == null) {
            return;
        }
        Deque<C> line = behind.get(name);
        if (line == null) {
            busy.remove(name);
            return;
        }
        ready.add(line.remove());
        if (line.isEmpty()) {
            behind.remove(name);
        }
    }

    private static @Nullable LockName queueOf(Command command) {
        return command instanceof Command.Acquire acquire ? acquire.queue().name() : null;
    }
}
