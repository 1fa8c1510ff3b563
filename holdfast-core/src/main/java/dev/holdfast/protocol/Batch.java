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
 * one transaction: sent at once while nothing is in flight; gathered while something is, until they are enough for another.
 * Confined to the event loop.
 *
 * @param <C> the kind of command
 */
public final class Batch<C extends Command> {

    /*
     * Two entries of one lock's queue in one transaction would be created in one revision, and both be first. In two
     * transactions at once they would be in the queue in any order; and thousands at once would wait for each other at the
     * server for longer than a request may take. So of one lock's acquires and yields only one is ready or unsettled. Other
     * acquires wait here, in their order, and their time has not begun.
     *
     * A yield makes way for others, and waits for nothing that may last. It goes before the acquires of other locks; but not
     * more than half of a transaction does, since those who yield may come again and again.
     *
     * While the server works on one, this side has nothing to do, and the other way round: so there may be two, but a
     * second only of a size at which it costs little more that they are two.
     */

    /** The most commands of one transaction, if each needs two operations of the 128 that etcd allows. */
    public static final int MAX_SIZE = 63;

    private static final int MAX_OPERATIONS = 2 * MAX_SIZE;

    /** So many may be in flight at once. */
    static final int MAX_IN_FLIGHT = 2;

    /** With so many gathered, one more may be in flight. */
    static final int ENOUGH_FOR_ANOTHER = 16;

    private final Deque<C> ready = new ArrayDeque<>();

    /** The yields that are ready. */
    private final Deque<C> leaving = new ArrayDeque<>();

    /** The locks of which one is ready, or sent and not settled. */
    private final Set<LockName> busy = new HashSet<>();

    /** The acquires whose lock is busy. */
    private final Map<LockName, Deque<C>> behind = new HashMap<>();

    private int inFlight;

    /**
     * Adds a command.
     *
     * @return whether it could be: not a yield while something else enters the same lock's queue
     */
    public boolean add(C command) {
        LockName name = queueOf(command);
        if (name == null || busy.add(name)) {
            (isYield(command) ? leaving : ready).add(command);
            return true;
        }
        if (isYield(command)) {
            return false;
        }
        behind.computeIfAbsent(name, n -> new ArrayDeque<>()).add(command);
        return true;
    }

    /** Takes what may be sent now, if anything may: yields first, and otherwise in the order in which it came. */
    public List<C> take() {
        int size = leaving.size() + ready.size();
        if (size == 0 || inFlight >= (size < ENOUGH_FOR_ANOTHER ? 1 : MAX_IN_FLIGHT)) {
            return List.of();
        }
        inFlight++;
        if (size == 1) {
            return List.of((ready.isEmpty() ? leaving : ready).remove());
        }
        List<C> taken = new ArrayList<>(Math.min(size, MAX_SIZE));
        int left = move(leaving, taken, MAX_OPERATIONS / 2) + MAX_OPERATIONS / 2;
        move(leaving, taken, move(ready, taken, left));
        return taken;
    }

    /** As many as that many operations allow. @return how many are left */
    private int move(Deque<C> from, List<C> to, int operations) {
        int left = operations;
        while (!from.isEmpty() && operationsOf(from.element()) <= left) {
            C next = from.remove();
            left -= operationsOf(next);
            to.add(next);
        }
        return left;
    }

    /** Takes back the yields that have not been sent: their locks are to be released instead. */
    public List<C> withdrawYields() {
        List<C> withdrawn = List.copyOf(leaving);
        leaving.clear();
        withdrawn.forEach(this::onSettled);
        return withdrawn;
    }

    /** The operations that it needs in the larger branch of a transaction. */
    private static int operationsOf(Command command) {
        return isYield(command) ? 3 : 2;
    }

    /** A batch in flight is answered, or has been waited for long enough. */
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

    private static boolean isYield(Command command) {
        return command instanceof Command.Yield;
    }

    private static @Nullable LockName queueOf(Command command) {
        return command instanceof Command.Enqueue enqueue ? enqueue.queue().name() : null;
    }
}
