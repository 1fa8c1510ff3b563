package dev.holdfast.testkit.contract;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that holds a lock until it is killed. It prints {@code holds <token>}, then every 10 ms {@code asked
 * <nanoTime> <state>}, and {@code lost <reason>} when it is told so. Arguments: the endpoint, the lock, and for how many
 * seconds a child lives that inherits what it has, if it is to have one: then {@code child <pid>} comes first.
 */
final class HolderProcess {

    private static final long LIFE_NANOS = Duration.ofMinutes(2).toNanos();

    private HolderProcess() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (Holdfast holdfast = Holdfast.builder()
                .endpoints(arguments[0])
                .sessionTtl(Duration.ofSeconds(2))
                .connectTimeout(Duration.ofSeconds(20))
                .build()) {
            Hold hold = holdfast.lock(arguments[1]).acquire();
            if (arguments.length > 2) {
                // Not its output: whoever reads that waits for its end.
                Process child = new ProcessBuilder("sleep", arguments[2])
                        .redirectInput(ProcessBuilder.Redirect.INHERIT)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                System.out.println("child " + child.pid());
            }
            hold.onLost(loss -> System.out.println("lost " + loss.reason()));
            System.out.println("holds " + hold.token().asLong());
            long start = System.nanoTime();
            while (System.nanoTime() - start < LIFE_NANOS) {
                long asked = System.nanoTime();
                System.out.println("asked " + asked + " " + hold.state());
                LockSupport.parkNanos(10_000_000);
            }
        }
    }
}
