package dev.holdfast.history;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What happened to one or several locks. Immutable.
 *
 * <p>The order of the list carries no meaning: clients are ordered by their clock, etcd's records by their revision. So
 * the parts that several processes wrote can be put together in any order.
 */
public record History(List<Operation> operations) {

    public History {
        operations = List.copyOf(operations);
    }

    public static History of(Operation... operations) {
        return new History(List.of(operations));
    }

    /** The parts, one after the other. */
    public static History joined(Collection<History> parts) {
        List<Operation> all = new ArrayList<>();
        for (History part : parts) {
            all.addAll(part.operations());
        }
        return new History(all);
    }

    /** The names of the locks that appear, in order of appearance. */
    public Set<String> locks() {
        Set<String> locks = new LinkedHashSet<>();
        for (Operation operation : operations) {
            if (operation instanceof Operation.InEtcd recorded) {
                locks.add(recorded.lock());
            } else if (operation instanceof Operation.OnLock noted) {
                locks.add(noted.lock());
            }
        }
        return locks;
    }

    /** The names of the clients that appear, in order of appearance. */
    public Set<String> clients() {
        Set<String> clients = new LinkedHashSet<>();
        for (Operation operation : operations) {
            if (operation instanceof Operation.ByClient noted) {
                clients.add(noted.who());
            }
        }
        return clients;
    }

    /** The operations of one kind that say something about one lock. */
    <T extends Operation> List<T> of(Class<T> kind, String lock) {
        List<T> found = new ArrayList<>();
        for (Operation operation : operations) {
            if (kind.isInstance(operation) && operation.concerns(lock)) {
                found.add(kind.cast(operation));
            }
        }
        return found;
    }

    /** The operations of one kind, whatever they are about. */
    <T extends Operation> List<T> of(Class<T> kind) {
        List<T> found = new ArrayList<>();
        for (Operation operation : operations) {
            if (kind.isInstance(operation)) {
                found.add(kind.cast(operation));
            }
        }
        return found;
    }
}
