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
 * Gathers the acquires and yields of one session, or the releases of one client, that meet in time, so that they share
 * one transaction: sent at once while nothing is in flight, gathered while something is. Confined to the event loop.
 *
 * @param <C> the kind of command
 */
public final class Batch<C extends Command> {

    /*
     * Two entries of one lock's queue in one transaction would be created in one revision, and both be first. In two
     * transactions at once they would be in the queue in any order; and thousands at once would wait for each other at the
     * server for longer than a request may take. So of one lock's acquires and yields only one is ready or unsettled. The
     * others wait here, in their order, and their time has not begun; but a yield goes before them, since it makes way.
     */

    /** The most commands of one transaction, if each needs two operations of the 128 that etcd allows. */
    public static final int MAX_SIZE = 63;

    private static final int MAX_OPERATIONS = 2 * MAX_SIZE;

    private final Deque<C> ready = new ArrayDeque<>();

    /** The locks of which one is ready, or sent and not settled. */
    private final Set<LockName> busy = new HashSet<>();

    /** Those whose lock is busy. */
    private final Map<LockName, Deque<C>> behind = new HashMap<>();

    private int inFlight;

    /** Adds a command. */
    public void add(C command) {
        LockName name = queueOf(command);
        if (name == null || busy.add(name)) {
            ready.add(command);
            return;
        }
        Deque<C> line = behind.computeIfAbsent(name, n -> new ArrayDeque<>());
        if (command instanceof Command.Yield) {
            line.addFirst(command);
        } else {
            line.addLast(command);
        }
    }

    /** Takes what may be sent now: nothing while a batch is in flight, and of what enters one lock's queue the next one. */
    public List<C> take() {
        if (inFlight > 0 || ready.isEmpty()) {
            return List.of();
        }
        inFlight++;
        if (ready.size() == 1) {
            return List.of(ready.remove());
        }
        List<C> taken = new ArrayList<>(Math.min(ready.size(), MAX_SIZE));
        int operations = 0;
        while (!ready.isEmpty() && operations + operationsOf(ready.element()) <= MAX_OPERATIONS) {
            C next = ready.remove();
            operations += operationsOf(next);
            taken.add(next);
        }
        return taken;
    }

    /** Takes back the yields that have not been sent: their locks are to be released instead. */
    public List<Command.Yield> withdrawYields() {
        List<Command.Yield> withdrawn = new ArrayList<>();
        behind.values().forEach(line -> withdrawn.addAll(removeYields(line)));
        behind.values().removeIf(Deque::isEmpty);
        for (Command.Yield each : removeYields(ready)) {
            withdrawn.add(each);
            onSettled(each.queue().name());
        }
        return withdrawn;
    }

    private static List<Command.Yield> removeYields(Deque<? extends Command> from) {
        List<Command.Yield> removed = new ArrayList<>();
        from.removeIf(each -> each instanceof Command.Yield leave && removed.add(leave));
        return removed;
    }

    /** The operations that it needs in the larger branch of a transaction. */
    private static int operationsOf(Command command) {
        return command instanceof Command.Yield ? 3 : 2;
    }

    /** The batch in flight is answered, or has been waited for long enough. */
    public void onAnswered() {
        inFlight--;
    }

    /** What became of a command that was taken is known, or will not be known by its own answer: the next of its lock is ready. */
    public void onSettled(C command) {
        LockName name = queueOf(command);
        if (name != null) {
            onSettled(name);
        }
    }

    private void onSettled(LockName name) {
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
        return command instanceof Command.Enqueue enqueue ? enqueue.queue().name() : null;
    }
}
