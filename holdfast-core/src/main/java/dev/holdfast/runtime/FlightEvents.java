package dev.holdfast.runtime;

import dev.holdfast.Loss;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** The events of {@link Flight}. */
@SuppressWarnings("UnusedVariable") // The Flight Recorder reads the fields.
final class FlightEvents {

    /* To ask whether anybody records without making an event for it. */
    private static final Wait A_WAIT = new Wait();
    private static final Holding A_HOLD = new Holding();
    private static final Losing A_LOSS = new Losing();

    private FlightEvents() {}

    @Name("dev.holdfast.Wait")
    @Label("Lock Wait")
    @Category("Holdfast")
    @Description("A caller waited for a lock")
    @Threshold("10 ms")
    @StackTrace(false)
    private static final class Wait extends Event {
        @Label("Lock")
        String lock = "";

        @Label("Outcome")
        @Description("granted, timeout, cancelled, busy or failed")
        String outcome = "";

        @Label("Callers Ahead")
        @Description("Callers of this process who were before it when it came")
        int ahead;

        @Label("Token")
        @Description("Of the hold; empty if it was not granted")
        String token = "";
    }

    @Name("dev.holdfast.Hold")
    @Label("Lock Hold")
    @Category("Holdfast")
    @Description("A lock was held")
    @Threshold("10 ms")
    @StackTrace(false)
    private static final class Holding extends Event {
        @Label("Lock")
        String lock = "";

        @Label("Token")
        String token = "";

        @Label("Local Hand-Over")
        @Description("Whether it was handed over inside this process")
        boolean localHandOver;

        @Label("End")
        @Description("released, or the reason of the loss")
        String end = "";
    }

    @Name("dev.holdfast.Loss")
    @Label("Lock Loss")
    @Category("Holdfast")
    @Description("A lock was lost while it was held")
    @StackTrace(false)
    private static final class Losing extends Event {
        @Label("Lock")
        String lock = "";

        @Label("Token")
        String token = "";

        @Label("Reason")
        String reason = "";

        @Label("Detail")
        String detail = "";
    }

    static @Nullable Object waiting() {
        if (!A_WAIT.isEnabled()) {
            return null;
        }
        Wait wait = new Wait();
        wait.begin();
        return wait;
    }

    static void waited(Object waiting, String lock, String outcome, int ahead, @Nullable Object token) {
        Wait wait = (Wait) waiting;
        wait.end();
        if (wait.shouldCommit()) {
            wait.lock = lock;
            wait.outcome = outcome;
            wait.ahead = ahead;
            wait.token = token == null ? "" : token.toString();
            wait.commit();
        }
    }

    static @Nullable Object holding() {
        if (!A_HOLD.isEnabled()) {
            return null;
        }
        Holding hold = new Holding();
        hold.begin();
        return hold;
    }

    static void held(Object holding, String lock, Object token, boolean isHandOver, String end) {
        Holding hold = (Holding) holding;
        hold.end();
        if (hold.shouldCommit()) {
            hold.lock = lock;
            hold.token = token.toString();
            hold.localHandOver = isHandOver;
            hold.end = end;
            hold.commit();
        }
    }

    static void lost(Loss loss) {
        if (!A_LOSS.isEnabled()) {
            return;
        }
        Losing losing = new Losing();
        losing.lock = loss.lockName();
        losing.token = loss.token().toString();
        losing.reason = loss.reason().name();
        losing.detail = loss.toString();
        losing.commit();
    }
}
