package dev.holdfast.chaos;

import java.util.List;

/** What members and clients are connected by. Closing it takes it away, and whatever still runs inside. */
sealed interface Net extends AutoCloseable permits Namespaces, Loopback {

    /** In a few words, for people. */
    String describe();

    /** What goes before the command of a member. */
    List<String> memberPrefix(int member);

    /** {@code host:port} on which a member listens for clients. */
    String clientAddress(int member);

    /** {@code host:port} on which a member listens for other members. */
    String peerAddress(int member);

    /** {@code host:port} at which other members find it; the same, or something in between. */
    String advertisedPeerAddress(int member);

    @Override
    void close();
}
