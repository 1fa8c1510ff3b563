package dev.holdfast.cli.bench;

/** Told how it goes, by one thread. */
interface Progress {

    /** Called several times a second. */
    void show(Moment moment);

    void ended(Result result);
}
