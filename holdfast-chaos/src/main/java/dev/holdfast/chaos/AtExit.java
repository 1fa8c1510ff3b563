package dev.holdfast.chaos;

/** Something to be done if the process is told to end before this is closed. */
final class AtExit implements AutoCloseable {

    private final Thread hook;

    AtExit(Runnable task) {
        hook = new Thread(task, "at exit");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending: it is being done.
        }
    }
}
