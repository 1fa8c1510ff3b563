package dev.holdfast.testkit.contract;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that holds a lock until it is killed. It prints {@code holds <token>}, then every 10 ms {@code asked
 * <nanoTime> <state>}, and {@code lost <reason>} when it is told so.
 */
final class HolderProcess {

    private static final long LIFE_NANOS = Duration.ofMinutes(2).toNanos();

    private HolderProcess() {}

    public static void main(String[] arguments) throws InterruptedException {
        try (Holdfast holdfast = Holdfast.builder()
                .endpoints(arguments[0])
                .sessionTtl(Duration.ofSeconds(2))
                .connectTimeout(Duration.ofSeconds(20))
                .build()) {
            Hold hold = holdfast.lock(arguments[1]).acquire();
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
