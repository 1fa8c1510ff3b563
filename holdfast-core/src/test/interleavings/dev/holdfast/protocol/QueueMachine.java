package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What stands in for the machine of one entry when interleavings are searched: alone in its queue, with an etcd that
 * answers on the spot. It does with its callers what the real one does, and the switches between threads all fall into
 * the code that several threads share. See {@code InterleavingsTest}.
 */
public final class QueueMachine extends Clockwork {

    private static final int TTL_SECONDS = 10;

    private final LockName name;
    private final Outbox out;
    private final Callers callers;
    private long revision = 1_000;
    private @Nullable Tenure tenure;

    public QueueMachine(
            LockName name, Outbox out, Sessions sessions, Views views, Callers callers, Supplier<byte[]> values) {
        super(out);
        this.name = name;
        this.out = out;
        this.callers = callers;
    }

    public void onCaller(Moment now) {
        if (tenure == null && callers.areWaiting()) {
            callers.lend(own(now), now);
        }
    }

    public void onTrial(Callers.Trial wanted, Moment now) {
        if (tenure != null) {
            wanted.onBusy();
        } else if (wanted.isWanted()) {
            callers.lendTo(wanted, own(now), now);
        }
    }

    public void onCallerGone(Moment now) {}

    public void onTenureReturned(Tenure returned, Tenure.Return why, Moment now) {
        if (tenure != returned) {
            return;
        }
        if (callers.areWaiting() && why != Tenure.Return.MUST_LEAVE) {
            callers.lend(returned, now);
            return;
        }
        tenure = null;
        callers.onReleased(returned.entry(), true, now);
        if (callers.areWaiting()) {
            callers.lend(own(now), now);
        } else {
            callers.onIdle();
        }
    }

    public void onForced(Entry gone, String detail, Moment now) {
        Tenure ended = tenure;
        if (ended == null || !ended.entry().equals(gone)) {
            return;
        }
        tenure = null;
        ended.deadline().end(LossReason.FORCED, detail);
        callers.endTenure(ended, LossReason.FORCED, detail, now);
        if (tenure == null && callers.areWaiting()) {
            callers.lend(own(now), now);
        }
    }

    public @Nullable Entry entry() {
        Tenure mine = tenure;
        return mine == null ? null : mine.entry();
    }

    private Tenure own(Moment now) {
        revision += 2;
        SessionMachine session = new SessionMachine(out, new Owner(), Key.ofText("sess/"), TTL_SECONDS, () -> 1);
        session.deadline().extend(now, TTL_SECONDS * 1_000);
        Tenure made = new Tenure(new Entry(name.prefix().plus("1." + revision), revision), revision, session);
        tenure = made;
        return made;
    }

    @Override
    void tick(Moment now) {}

    private static final class Owner implements SessionMachine.Owner {
        @Override
        public void onOpened(SessionMachine session, Moment now) {}

        @Override
        public void onRefused(SessionMachine session, Failure failure, Moment now) {}

        @Override
        public void onLost(SessionMachine session, LossReason reason, String detail, Moment now) {}

        @Override
        public void onRenewed(SessionMachine session, Moment now) {}
    }
}
