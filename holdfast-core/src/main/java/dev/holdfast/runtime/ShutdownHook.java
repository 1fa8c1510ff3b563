package dev.holdfast.runtime;

/** Something that is done when the JVM is shut down, unless it is called off before. Thread-safe. */
final class ShutdownHook {

    private final Thread thread;

    private ShutdownHook(Thread thread) {
        this.thread = thread;
    }

    /**
     * Hooks it in. Those of several clients run at the same time.
     *
     * @throws IllegalStateException if the JVM is being shut down already
     */
    static ShutdownHook add(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        Runtime.getRuntime().addShutdownHook(thread);
        return new ShutdownHook(thread);
    }

    /** Calls it off; does nothing if the JVM is being shut down. */
    void remove() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException tooLate) {
            // It runs, or is about to: what it closes may be closed twice.
        }
    }
}
