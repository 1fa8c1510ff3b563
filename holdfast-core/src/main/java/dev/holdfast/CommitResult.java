package dev.holdfast;

/**
 * The answer to a guarded transaction whose hold existed.
 *
 * @param applied whether all conditions held and the writes were carried out
 * @param revision etcd's revision after it
 */
public record CommitResult(boolean applied, long revision) {}
