package dev.holdfast.protocol;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Gathers the acquires of one session, or the releases of one client, that meet in time, so that they share one
 * transaction: sent at once while nothing is in flight, gathered while something is. Confined to the event loop.
 *
 * @param <C> the kind of command
 */
public final class Batch<C extends Command> {

    /** The most commands of one transaction: each needs two operations of the 128 that etcd allows. */
    public static final int MAX_SIZE = 63;

    private final Deque<C> gathered = new ArrayDeque<>();
    private int inFlight;

    /** Adds a command. */
    public void add(C command) {
        gathered.add(command);
    }

    /** Puts back, at the front, commands that were taken but could not be sent. */
    public void putBack(List<C> commands) {
        for (int i = commands.size() - 1; i >= 0; i--) {
            gathered.addFirst(commands.get(i));
        }
    }

    /**
     * Takes what may be sent now: nothing while a batch is in flight, and never two entries of one lock's queue, which
     * would be created in one revision and so both be first.
     */
    public List<C> take() {
        if (inFlight > 0 || gathered.isEmpty()) {
            return List.of();
        }
        if (gathered.size() == 1) {
            inFlight++;
            return List.of(gathered.remove());
        }
        List<C> taken = new ArrayList<>();
        List<C> left = new ArrayList<>();
        Set<LockName> names = new HashSet<>();
        while (!gathered.isEmpty() && taken.size() < MAX_SIZE) {
            C next = gathered.remove();
            LockName name = queueOf(next);
            if (name == null || names.add(name)) {
                taken.add(next);
            } else {
                left.add(next);
            }
        }
        putBack(left);
        inFlight++;
        return taken;
    }

    /** The batch in flight is answered. */
    public void onAnswered() {
        inFlight--;
    }

    /** Forgets what was gathered. */
    public void clear() {
        gathered.clear();
    }

    private static @org.jspecify.annotations.Nullable LockName queueOf(Command command) {
        return command instanceof Command.Acquire acquire ? acquire.queue().name() : null;
    }
}
