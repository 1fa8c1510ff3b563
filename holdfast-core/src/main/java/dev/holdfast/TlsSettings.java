package dev.holdfast;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a client proves who the servers are, and who it is. The files are read once when the client is built, and again for
 * each connection, so that renewed certificates count from the next connection on; a connection made earlier goes on as it
 * is. Host names are always checked. Immutable.
 *
 * @param trustedCertificates PEM file with the certificates of the authorities that may vouch for a server; empty means
 *     those that this JVM trusts
 * @param certificate PEM file with this client's certificate, and those between it and the authority
 * @param key PEM file with the private key of it: RSA, elliptic curve or Ed25519, as PKCS#8 ({@code BEGIN PRIVATE KEY}) or
 *     in the older forms ({@code BEGIN RSA PRIVATE KEY}, {@code BEGIN EC PRIVATE KEY}), without a password
 */
public record TlsSettings(Optional<Path> trustedCertificates, Optional<Path> certificate, Optional<Path> key) {

    public TlsSettings {
        if (certificate.isPresent() != key.isPresent()) {
            throw new IllegalArgumentException(
                    certificate.isPresent()
                            ? "a client certificate (" + certificate.get() + ") needs its private key; give both"
                            : "a private key (" + key.orElseThrow() + ") needs its client certificate; give both");
        }
    }

    /** Servers are vouched for by the authorities that this JVM trusts; the client has no certificate. */
    public static TlsSettings ofSystem() {
        return new TlsSettings(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** Servers are vouched for by the authorities in this PEM file, and by no other. */
    public TlsSettings trusting(Path certificates) {
        return new TlsSettings(Optional.of(certificates), certificate, key);
    }

    /** The client shows this certificate to servers that ask for one. */
    public TlsSettings showing(Path clientCertificate, Path privateKey) {
        return new TlsSettings(trustedCertificates, Optional.of(clientCertificate), Optional.of(privateKey));
    }
}
