package dev.holdfast.testkit.contract;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A process with some clients, each of which holds one lock, that never closes them by itself. Arguments: the endpoint, the
 * TTL in seconds, whether the locks are released at shutdown, and the locks. It prints {@code ready}, and {@code lost
 * <loss>} for each hold that is told so.
 */
final class ServiceProcess {

    private static final long LIFE_NANOS = Duration.ofMinutes(2).toNanos();

    private ServiceProcess() {}

    public static void main(String[] arguments) throws InterruptedException {
        List<Hold> holds = new ArrayList<>();
        for (String lock : List.of(arguments).subList(3, arguments.length)) {
            Holdfast holdfast = Holdfast.builder()
                    .endpoints(arguments[0])
                    .sessionTtl(Duration.ofSeconds(Long.parseLong(arguments[1])))
                    .releaseAtShutdown(Boolean.parseBoolean(arguments[2]))
                    .connectTimeout(Duration.ofSeconds(20))
                    .build();
            Hold hold = holdfast.lock(lock).acquire();
            hold.onLost(loss -> System.out.println("lost " + loss));
            holds.add(hold);
        }
        System.out.println("ready");
        long start = System.nanoTime();
        while (System.nanoTime() - start < LIFE_NANOS) {
            LockSupport.parkNanos(LIFE_NANOS);
        }
        System.out.println("never closed: " + holds);
    }
}
