package dev.holdfast.etcd;

/** What became of a request: an answer, or an error that says what may have happened. Immutable. */
public sealed interface Outcome<T> {

    /** The server answered. */
    record Answer<T>(T value) implements Outcome<T> {}

    /** There is no answer that can be used; {@link EtcdError#meaning()} tells whether the request may have been applied. */
    record Failure<T>(EtcdError error) implements Outcome<T> {}
}
