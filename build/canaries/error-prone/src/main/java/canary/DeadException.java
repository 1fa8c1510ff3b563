package canary;

/** Makes an exception and forgets to throw it. */
public final class DeadException {
    private DeadException() {}

    static void checkPermits(int permits) {
        if (permits < 0) {
            new IllegalArgumentException("permits is negative");
        }
    }
}
