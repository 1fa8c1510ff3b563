package dev.holdfast.protocol;

/** Where the machines put their commands, to be carried out after the event is handled, in order. */
@FunctionalInterface
public interface Outbox {
    /** Adds a command. */
    void add(Command command);
}
