package dev.holdfast.cli.demo;

/** All workers of a scenario, each a client of its own. Its methods are called in their order here, by one thread. */
interface Crew extends AutoCloseable {

    /**
     * Returns when every worker is connected and waits at the barrier.
     *
     * @throws dev.holdfast.cli.CommandFailure if one cannot connect
     */
    void assemble() throws InterruptedException;

    /** Lifts the barrier: all start together. */
    void start();

    /** Returns when every worker has played its part and is disconnected, or dead. */
    void await() throws InterruptedException;

    /** Stops those that still play; they give back what they hold and leave the queue. Bounded in time. */
    @Override
    void close();
}
