package dev.holdfast.protocol;

import org.jspecify.annotations.Nullable;

/** A machine that asks to be woken. It is armed for one moment at a time, the earliest it asked for. */
public abstract class Clockwork {

    private final Outbox out;
    private @Nullable Long armedNanos;

    Clockwork(Outbox out) {
        this.out = out;
    }

    /** Asks for a tick at that time of the monotonic clock, if none is due before. */
    final void wakeAt(long nanos) {
        if (armedNanos == null || nanos - armedNanos < 0) {
            armedNanos = nanos;
            out.add(new Command.WakeAt(this, nanos));
        }
    }

    /** The time it asked for has come. Ticks of moments that were overtaken by an earlier one are dropped. */
    public final void onTick(Moment now) {
        if (armedNanos == null || now.nanos() - armedNanos < 0) {
            return;
        }
        long lateNanos = overdueNanos(now);
        armedNanos = null;
        late(lateNanos, now);
        tick(now);
    }

    /** For how long the tick it asked for has been due; 0 if it is not. */
    final long overdueNanos(Moment now) {
        return armedNanos == null ? 0 : Math.max(0, now.nanos() - armedNanos);
    }

    /** Told before each tick how late it comes. */
    void late(long nanos, Moment now) {}

    /** Does what is due and arms anew. */
    abstract void tick(Moment now);
}
