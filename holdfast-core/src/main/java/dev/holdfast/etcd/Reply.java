package dev.holdfast.etcd;

/** Where the outcome of one request goes: called exactly once, on the event loop. It must not throw. */
@FunctionalInterface
public interface Reply<T> {
    void on(Outcome<T> outcome);
}
