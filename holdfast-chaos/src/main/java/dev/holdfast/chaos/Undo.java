package dev.holdfast.chaos;

/** Puts right what was done. Doing it again does nothing. */
@FunctionalInterface
interface Undo {

    /** What was over at once. */
    Undo NOTHING = () -> {};

    /** Waits until it is done, or until it is known to be impossible because the target is gone. */
    void undo() throws Exception;

    /** This and the other, in reverse order; the other also if this fails. */
    default Undo andBefore(Undo first) {
        return () -> {
            try {
                first.undo();
            } finally {
                undo();
            }
        };
    }
}
