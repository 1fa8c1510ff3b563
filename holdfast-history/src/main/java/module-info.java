/** Histories of lock operations, and checkers that say whether the promises of a lock were kept. */
module dev.holdfast.history {
    requires static transitive org.jspecify;

    exports dev.holdfast.history;
}
