package dev.holdfast.runtime;

import dev.holdfast.spi.Scheduler;
import java.util.function.Consumer;

/** Makes clients that are not started: without etcd and without a session, but otherwise like any other. */
final class QuietClient {

    private QuietClient() {}

    static LockClient on(Scheduler loop, Consumer<Throwable> onBug) {
        return new LockClient(
                ClientSettings.of(10, 2_000_000_000L, ""),
                loop,
                new Nowhere(),
                Runnable::run,
                Runnable::run,
                () -> {},
                onBug);
    }
}
