package dev.holdfast.inspect;

/** What became of the attempt to release a lock by force. */
public sealed interface ForceResult {

    /** The entry was deleted, and the record of it written. */
    record Released(ForcedRelease record) implements ForceResult {}

    /**
     * The entry was not there any more: nothing was deleted.
     *
     * @param now the lock as it was found afterwards
     */
    record Gone(LockState now) implements ForceResult {}
}
