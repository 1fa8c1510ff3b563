package dev.holdfast.chaos;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * A kind of fault.
 *
 * @param name what {@link Fault#kind} says
 * @param about what happens, in a few words
 * @param isAtOnce whether it takes no time of its own
 */
record Kind(String name, String about, Need need, Whom whom, boolean isAtOnce, Begin begin) {

    /** How it is begun. */
    @FunctionalInterface
    interface Begin {
        /**
         * Begins it.
         *
         * @param target one that {@link #whom} picked, and that is the target of nothing else
         * @param luck decides what the kind leaves open
         * @param length until it will be undone
         * @throws Exception if it could not be begun; then nothing is left of it
         */
        Begun begin(Scene scene, String target, SplittableRandom luck, Duration length) throws Exception;
    }

    /**
     * A fault under way.
     *
     * @param detail for people; asked when it is over
     * @param effect whether anything is seen of it; asked just before it is undone
     */
    record Begun(Undo undo, Supplier<String> detail, Supplier<Fault.Effect> effect) {
        Begun(Undo undo, Supplier<String> detail) {
            this(undo, detail, () -> Fault.Effect.HIDDEN);
        }

        Begun(Undo undo, String detail) {
            this(undo, () -> detail);
        }

        /** The same, seen by that. */
        Begun seenBy(BooleanSupplier sign) {
            return new Begun(undo, detail, () -> sign.getAsBoolean() ? Fault.Effect.SEEN : Fault.Effect.NOT_SEEN);
        }
    }

    static Kind lasting(String name, String about, Need need, Whom whom, Begin begin) {
        return new Kind(name, about, need, whom, false, begin);
    }

    static Kind atOnce(String name, String about, Need need, Whom whom, Begin begin) {
        return new Kind(name, about, need, whom, true, begin);
    }
}
