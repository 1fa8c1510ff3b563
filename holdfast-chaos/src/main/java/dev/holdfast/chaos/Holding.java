package dev.holdfast.chaos;

import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A hold as its client noted it, with how long it can have believed in it.
 *
 * @param requestedNanos when it began to wait; when it was granted, if it did not note that
 * @param end what ended it as noted: released, lost or killed; null if nothing did
 * @param deadlineNanos the latest deadline that the client read from its hold; null if the client knows none, as those in Go
 */
record Holding(
        Operation.Granted grant, long requestedNanos, Operation.@Nullable ByClient end, @Nullable Long deadlineNanos) {

    private record HoldOf(String who, String lock, Token token) {}

    private record WaitOf(String who, String lock) {}

    String who() {
        return grant.who();
    }

    String lock() {
        return grant.lock();
    }

    Token token() {
        return grant.token();
    }

    /** Whether it was got through Holdfast. */
    boolean isJava() {
        return kindOf(who()).equals("java");
    }

    /** {@code java}, {@code go} or {@code etcdctl}. */
    static String kindOf(String who) {
        int i = 0;
        while (i < who.length() && Character.isLetter(who.charAt(i))) {
            i++;
        }
        return who.substring(0, i);
    }

    /** The process, whichever of its threads it was. */
    static String clientOf(String who) {
        int slash = who.indexOf('/');
        return slash < 0 ? who : who.substring(0, slash);
    }

    /** The lease of its entry, in hexadecimal. */
    String lease() {
        return grant.key() == null ? "" : JavaWorker.lease(grant.key());
    }

    /** When it ended as noted; {@code otherwise} if it never did. */
    long endNanos(long otherwise) {
        return end == null ? otherwise : end.atNanos();
    }

    /**
     * Until when the client can have believed in it: until its deadline, if it had not ended before. A client that was
     * stopped notes the end only when it goes on, but believes nothing meanwhile.
     */
    long believedUntil(long otherwise) {
        long noted = endNanos(otherwise);
        return deadlineNanos == null ? noted : Math.max(grant.atNanos(), Math.min(noted, deadlineNanos));
    }

    /** All of a history, in order of their grants. */
    static List<Holding> of(History history) {
        Map<HoldOf, Operation.ByClient> ends = new HashMap<>();
        Map<HoldOf, Long> deadlines = new HashMap<>();
        Map<String, Operation.Killed> kills = new HashMap<>();
        List<Operation.OnLock> starts = new ArrayList<>();
        for (Operation operation : history.operations()) {
            if (operation instanceof Operation.Released o) {
                ends.merge(new HoldOf(o.who(), o.lock(), o.token()), o, Holding::earlier);
            } else if (operation instanceof Operation.Lost o) {
                ends.merge(new HoldOf(o.who(), o.lock(), o.token()), o, Holding::earlier);
            } else if (operation instanceof Operation.Claimed o) {
                deadlines.merge(new HoldOf(o.who(), o.lock(), o.token()), o.deadlineNanos(), Math::max);
            } else if (operation instanceof Operation.Killed o) {
                kills.putIfAbsent(o.who(), o);
            } else if (operation instanceof Operation.Requested o) {
                starts.add(o);
            } else if (operation instanceof Operation.Granted o) {
                starts.add(o);
            }
        }
        // At one instant a client asks, and is granted.
        starts.sort(Comparator.comparingLong(Operation.OnLock::atNanos)
                .thenComparing(operation -> operation instanceof Operation.Granted));
        Map<WaitOf, Operation.Requested> waits = new HashMap<>();
        List<Holding> holdings = new ArrayList<>();
        for (Operation.OnLock start : starts) {
            if (start instanceof Operation.Requested request) {
                waits.put(new WaitOf(request.who(), request.lock()), request);
            } else if (start instanceof Operation.Granted grant) {
                Operation.Requested request = waits.remove(new WaitOf(grant.who(), grant.lock()));
                HoldOf hold = new HoldOf(grant.who(), grant.lock(), grant.token());
                Operation.ByClient end = ends.get(hold);
                Operation.Killed killed = kills.get(grant.who());
                if (killed != null) {
                    end = end == null ? killed : earlier(end, killed);
                }
                holdings.add(new Holding(
                        grant, request == null ? grant.atNanos() : request.atNanos(), end, deadlines.get(hold)));
            }
        }
        return holdings;
    }

    private static Operation.ByClient earlier(Operation.ByClient a, Operation.ByClient b) {
        return a.atNanos() <= b.atNanos() ? a : b;
    }
}
