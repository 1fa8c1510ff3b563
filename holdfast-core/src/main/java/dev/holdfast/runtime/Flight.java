package dev.holdfast.runtime;

import dev.holdfast.Loss;
import java.util.Optional;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * What Java's Flight Recorder is told: waits, holds and losses. Costs a look at a flag while nobody records, and nothing in
 * a JVM without a Flight Recorder. Thread-safe.
 */
final class Flight {

    /*
     * The module jdk.jfr may be missing, from an image made with jlink for example. So only FlightEvents and Recorder refer
     * to its classes, and are not loaded where they are not.
     *
     * The first event class that is loaded brings some 450 classes with it: a tenth of a second that a short command should
     * not pay. So none is loaded before somebody has used the Flight Recorder.
     */
    private static final boolean IS_THERE = isThere();

    private Flight() {}

    private static boolean isThere() {
        Optional<Module> recorder = ModuleLayer.boot().findModule("jdk.jfr");
        return recorder.isPresent() && Flight.class.getModule().canRead(recorder.get());
    }

    private static boolean isInUse() {
        return IS_THERE && Recorder.isInUse();
    }

    private static final class Recorder {
        private Recorder() {}

        static boolean isInUse() {
            return FlightRecorder.isInitialized();
        }
    }

    /** A caller begins to wait. @return what to hand to {@link #waited}; null if nobody records */
    static @Nullable Object waiting() {
        return isInUse() ? FlightEvents.waiting() : null;
    }

    /**
     * A caller's wait is over.
     *
     * @param outcome granted, timeout, cancelled, busy or failed
     * @param ahead how many callers of this process were before him when he came
     * @param token of the hold; null if there is none
     */
    static void waited(@Nullable Object waiting, String lock, String outcome, int ahead, @Nullable Object token) {
        if (waiting != null) {
            FlightEvents.waited(waiting, lock, outcome, ahead, token);
        }
    }

    /** A hold begins. @return what to hand to {@link #held}; null if nobody records */
    static @Nullable Object holding() {
        return isInUse() ? FlightEvents.holding() : null;
    }

    /**
     * A hold is over.
     *
     * @param isHandOver whether it was handed over inside this process
     * @param end released, or the reason of its loss
     */
    static void held(@Nullable Object holding, String lock, Object token, boolean isHandOver, String end) {
        if (holding != null) {
            FlightEvents.held(holding, lock, token, isHandOver, end);
        }
    }

    /** A hold was lost. */
    static void lost(Loss loss) {
        if (isInUse()) {
            FlightEvents.lost(loss);
        }
    }
}
