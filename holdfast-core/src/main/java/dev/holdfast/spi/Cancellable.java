package dev.holdfast.spi;

/** Something under way that can be called off. */
@FunctionalInterface
public interface Cancellable {
    /** Calls it off; does nothing when it is over already. */
    void cancel();
}
