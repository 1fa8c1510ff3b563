package dev.holdfast.cli.demo;

/** What becomes of a worker's place in the queue when a try ends in vain. */
public enum Retry {
    /** It keeps its place over all its tries. */
    KEEP,
    /** It leaves the queue, and enters it anew at the end with the next try. */
    FRESH
}
