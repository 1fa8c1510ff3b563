package dev.holdfast.cli;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.TlsSettings;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.spi.Transport;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What {@link ConnectionOptions} and the environment came to: a way to etcd that can be gone as often as wanted. Immutable.
 *
 * @param tls empty for plain text, or what https:// alone means
 * @param credentials empty for nobody
 * @param timeout of a first answer; empty for the library's own
 */
record Connection(
        List<String> endpoints,
        String namespace,
        Optional<TlsSettings> tls,
        Optional<Credentials> credentials,
        Optional<Duration> timeout,
        boolean isBehindGrpcProxy,
        boolean allowsUnsafeServers) {

    Connection {
        endpoints = List.copyOf(endpoints);
    }

    /**
     * Connects.
     *
     * @param more further settings of the client
     * @throws CommandFailure if something was given that is no good, or no etcd answers
     * @throws InterruptedException if interrupted before etcd answered
     */
    Holdfast connect(Consumer<HoldfastBuilder> more) throws InterruptedException {
        return connect(more, HoldfastBuilder::build);
    }

    /** As {@link #connect(Consumer)}, to look at locks only: no session is opened. */
    Inspector inspect(Consumer<HoldfastBuilder> more) throws InterruptedException {
        return connect(more, HoldfastBuilder::inspector);
    }

    /**
     * For bare requests; nobody is logged in there.
     *
     * @throws CommandFailure if something was given that is no good
     */
    Transport transport() {
        try {
            return new GrpcTransport(endpoints, tls.orElse(null));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.badInput(String.valueOf(e.getMessage()));
        }
    }

    private <T> T connect(Consumer<HoldfastBuilder> more, Function<HoldfastBuilder, T> how)
            throws InterruptedException {
        HoldfastBuilder builder = Holdfast.builder()
                .endpoints(endpoints.toArray(String[]::new))
                .namespace(namespace)
                .behindGrpcProxy(isBehindGrpcProxy)
                .allowUnsafeServers(allowsUnsafeServers);
        tls.ifPresent(builder::tls);
        credentials.ifPresent(who -> builder.user(who.name(), who.password()));
        timeout.ifPresent(builder::connectTimeout);
        more.accept(builder);
        try {
            return how.apply(builder);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.badInput(String.valueOf(e.getMessage()));
        } catch (LockException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("interrupted while connecting");
            }
            throw CommandFailure.unreachable(String.valueOf(e.getMessage()));
        }
    }
}
