package dev.holdfast.runtime;

import static dev.holdfast.runtime.Interleaving.require;

import dev.holdfast.Hold;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Ticket;
import dev.holdfast.protocol.LockName;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jspecify.annotations.Nullable;

/** What threads do to one lock of one client. */
public abstract class LockInterleaving implements Interleaving {

    final HandLoop loop = new HandLoop();
    private final List<Throwable> bugs = new ArrayList<>();
    private final Turns turns = new Turns();
    private @Nullable LockClient made;
    private @Nullable NamedLock home;

    /** What is true before. */
    abstract void prepare();

    /** What must be true afterwards, besides what must be after each. */
    abstract void claims();

    @Override
    public final void begin() {
        LockClient client = QuietClient.on(loop, bugs::add);
        made = client;
        home = new NamedLock(LockName.of("orders", "", LockClient.ROOT, /* strict= */ false), client);
        prepare();
    }

    /** What the loop does; one of the threads, in most cases. */
    public final void loop() {
        loop.run();
    }

    @Override
    @Validate
    public final void check() {
        loop.run();
        claims();
        for (LockHold held = turns.holder(); held != null; held = turns.holder()) {
            held.close();
            loop.run();
        }
        require(!queue().areWaiting(), "nobody waits when everybody is done");
        require(queue().machine().entry() == null, "the entry is released when everybody is done");
        require(bugs.isEmpty(), "no invariant of the protocol breaks: " + bugs);
        String found = turns.broken();
        require(found.isEmpty(), found);
    }

    LockClient client() {
        return Objects.requireNonNull(made);
    }

    private NamedLock home() {
        return Objects.requireNonNull(home);
    }

    LocalQueue queue() {
        return home().queueFor(LockOptions.defaults());
    }

    LockHandle lock(LockOptions options) {
        return new LockHandle(home(), client(), options);
    }

    LockHandle lock() {
        return lock(LockOptions.defaults());
    }

    /** A place in the queue; whoever gets his turn there is compared with the others. */
    @SuppressWarnings("FutureReturnValueIgnored") // The hold is all that matters of it.
    LockTicket enqueue() {
        LockTicket ticket = (LockTicket) lock().enqueue();
        ticket.grant().thenAccept(hold -> turns.add((LockHold) hold));
        return ticket;
    }

    /** A hold that was granted. */
    LockHold held(LockOptions options) {
        LockTicket ticket = (LockTicket) lock(options).enqueue();
        loop.run();
        LockHold hold = (LockHold) ticket.grant().join();
        turns.add(hold);
        return hold;
    }

    LockHold held() {
        return held(LockOptions.defaults());
    }

    /** Its entry is deleted by somebody with authority over it; the loop hears of it when it runs next. */
    void force(LockHold hold) {
        client().post(now -> queue().machine().onForced(hold.tenure().entry(), "by force", now));
    }

    static boolean isLive(Hold hold) {
        Hold.State state = hold.state();
        return state == Hold.State.HELD || state == Hold.State.AT_RISK;
    }

    static boolean isGranted(Ticket ticket) {
        return ticket.grant().isDone() && !ticket.grant().isCompletedExceptionally();
    }

    /** Closes it. @return whether it was told of a loss */
    static boolean isLostOnClose(Hold hold) {
        try {
            hold.close();
            return false;
        } catch (LockException.Lost e) {
            return true;
        }
    }

    /** How often the listeners of a hold are told. */
    static AtomicInteger countLosses(Hold hold) {
        AtomicInteger told = new AtomicInteger();
        hold.onLost(loss -> told.incrementAndGet());
        return told;
    }

    /** Everybody whose turn came. A search takes each call for one step. */
    private static final class Turns {
        private final List<LockHold> holds = new ArrayList<>();
        private String broken = "";

        synchronized void add(LockHold hold) {
            for (LockHold other : holds) {
                if (isLive(other) && isLive(hold)) {
                    broken = "one holder at a time: " + other.token() + " was held when " + hold.token() + " came";
                }
                if (other.token().equals(hold.token())) {
                    broken = "no token is given twice: " + hold.token();
                }
            }
            holds.add(hold);
        }

        /** Who holds the lock; null if nobody does. */
        synchronized @Nullable LockHold holder() {
            for (LockHold hold : holds) {
                if (isLive(hold)) {
                    return hold;
                }
            }
            return null;
        }

        synchronized String broken() {
            return broken;
        }
    }
}
