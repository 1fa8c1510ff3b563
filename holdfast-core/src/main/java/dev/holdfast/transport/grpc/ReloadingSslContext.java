package dev.holdfast.transport.grpc;

import dev.holdfast.TlsSettings;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSessionContext;

/**
 * TLS for connections to servers, with the certificates that the files hold at the moment of connecting. Thread-safe.
 */
final class ReloadingSslContext extends SslContext {

    /*
     * Every connection gets a context of its own, made from the files as they are then. So there is nothing to watch and
     * no thread to do it; a damaged file fails that attempt to connect and nothing else; and no TLS session of an earlier
     * connection can be resumed, which would go on with the certificates of that time. A client makes few connections, and
     * reading the files takes less than the handshake.
     *
     * The JDK's own TLS, not the native one that comes with gRPC: its refusals can be told apart and put into words, and
     * nothing is unpacked and loaded.
     */

    private final TlsSettings settings;
    private final SslContext first;
    private volatile TlsMaterial latest;

    /** Reads the files once, to refuse now what is wrong with them. */
    ReloadingSslContext(TlsSettings settings) {
        this.settings = settings;
        this.latest = TlsMaterial.read(settings);
        this.first = contextOf(latest);
    }

    /** Where the trusted certificates come from, and the client's own. */
    TlsSettings settings() {
        return settings;
    }

    /** What the files held when they were last read well. */
    TlsMaterial latest() {
        return latest;
    }

    private SslContext fresh() {
        TlsMaterial material = TlsMaterial.read(settings);
        latest = material;
        return contextOf(material);
    }

    private static SslContext contextOf(TlsMaterial material) {
        SslContextBuilder builder = GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK);
        if (!material.trusted().isEmpty()) {
            builder.trustManager(material.trusted());
        }
        if (material.key() != null) {
            builder.keyManager(material.key(), material.chain());
        }
        try {
            return builder.build();
        } catch (SSLException e) {
            throw new TlsFileException("the certificates cannot be used: " + e.getMessage());
        }
    }

    @Override
    public boolean isClient() {
        return true;
    }

    @Override
    public List<String> cipherSuites() {
        return first.cipherSuites();
    }

    @Override
    @SuppressWarnings("deprecation") // Netty wants it; there is no other way to say which protocols are offered.
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return first.applicationProtocolNegotiator();
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
        return fresh().newEngine(allocator);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String host, int port) {
        return fresh().newEngine(allocator, host, port);
    }

    @Override
    public SSLSessionContext sessionContext() {
        return first.sessionContext();
    }
}
