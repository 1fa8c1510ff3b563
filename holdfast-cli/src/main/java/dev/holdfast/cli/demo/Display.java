package dev.holdfast.cli.demo;

/** Where what happens is shown. Called under the chronicle's lock, one at a time. */
interface Display extends AutoCloseable {

    void show(Happening happening);

    /** What is shown last stays; the summary follows. */
    @Override
    void close();
}
