package dev.holdfast.cli.bench;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.cli.Credentials;
import dev.holdfast.spi.Transport;
import java.util.Optional;
import java.util.function.Consumer;

/** The etcd that is measured. */
public interface Target {

    /**
     * A new client, with a session and a connection of its own.
     *
     * @throws dev.holdfast.cli.CommandFailure if it cannot connect
     */
    Holdfast connect(Consumer<HoldfastBuilder> more) throws InterruptedException;

    /** A new way for bare requests. */
    Transport transport();

    /** Who makes them. */
    Optional<Credentials> credentials();

    /** Before every key. */
    String namespace();

    /** A few words for people. */
    String inWords();
}
