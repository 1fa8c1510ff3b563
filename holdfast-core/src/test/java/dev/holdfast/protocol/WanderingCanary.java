package dev.holdfast.protocol;

import java.time.Instant;

/** Breaks the rule of its package, so that the check can be seen to catch it. */
public final class WanderingCanary {

    private WanderingCanary() {}

    static boolean isLate(Instant deadline, Instant now) {
        return deadline.isBefore(now);
    }
}
