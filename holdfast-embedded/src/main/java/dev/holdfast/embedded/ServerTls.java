package dev.holdfast.embedded;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;

/**
 * How a server proves who it is, and whom it lets in. The files are read once, when the server starts. Immutable.
 *
 * @param certificate PEM file with the server's certificate, and those between it and the authority
 * @param key PEM file with the private key of it, PKCS#8, without a password
 * @param trustedCertificates PEM file with the certificates of the authorities that vouch for clients: whoever shows no
 *     certificate of theirs is sent away. Empty means that clients need none: whoever reaches the port may read and write
 *     everything, since there are no users
 */
public record ServerTls(Path certificate, Path key, Optional<Path> trustedCertificates) {

    private static final String KEY_BEGIN = "-----BEGIN PRIVATE KEY-----";

    /** Encrypts, and lets everybody in. */
    public ServerTls(Path certificate, Path key) {
        this(certificate, key, Optional.empty());
    }

    /** Lets only those clients in that show a certificate of the authorities in this PEM file. */
    public ServerTls requiringClients(Path authorities) {
        return new ServerTls(certificate, key, Optional.of(authorities));
    }

    /**
     * @throws IOException when a file cannot be read, or is not what it should be; the message names it
     */
    SslContext context() throws IOException {
        requireReadable("certificate", certificate, "-----BEGIN CERTIFICATE-----", "a PEM file of certificates");
        String aboutKey = "an unencrypted PKCS#8 key in PEM; convert it with: openssl pkcs8 -topk8 -nocrypt -in " + key
                + " -out server-key.pem";
        requireReadable("key", key, KEY_BEGIN, aboutKey);
        try {
            SslContextBuilder builder = GrpcSslContexts.forServer(certificate.toFile(), key.toFile());
            if (trustedCertificates.isPresent()) {
                Path authorities = trustedCertificates.get();
                requireReadable(
                        "trusted certificates",
                        authorities,
                        "-----BEGIN CERTIFICATE-----",
                        "a PEM file of certificates");
                builder.trustManager(authorities.toFile()).clientAuth(ClientAuth.REQUIRE);
            }
            requireMatch();
            return builder.build();
        } catch (IllegalArgumentException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IOException(
                    "the certificate " + certificate + " and the key " + key + " cannot be used: " + cause.getMessage(),
                    e);
        }
    }

    /** The TLS library takes any pair, and would only fail with every client. */
    private void requireMatch() throws IOException {
        try (InputStream in = Files.newInputStream(certificate)) {
            PublicKey open = CertificateFactory.getInstance("X.509")
                    .generateCertificate(in)
                    .getPublicKey();
            String pem = Files.readString(key, StandardCharsets.ISO_8859_1);
            int begin = pem.indexOf(KEY_BEGIN) + KEY_BEGIN.length();
            int end = pem.indexOf("-----", begin);
            byte[] encoded = Base64.getMimeDecoder().decode(pem.substring(begin, end < 0 ? begin : end));
            PrivateKey secret =
                    KeyFactory.getInstance(open.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            String algorithm =
                    switch (open.getAlgorithm()) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> open.getAlgorithm();
                    };
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(secret);
            byte[] signed = signature.sign();
            signature.initVerify(open);
            if (!signature.verify(signed)) {
                throw new IOException("the key " + key + " does not belong to the certificate " + certificate);
            }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException(
                    "the key " + key + " cannot be used with the certificate " + certificate + ": " + e.getMessage(),
                    e);
        }
    }

    private static void requireReadable(String what, Path file, String begin, String wanted) throws IOException {
        String text;
        try {
            text = Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new IOException(
                    "cannot read the " + what + " " + file + " (" + e.getClass().getSimpleName() + ")", e);
        }
        if (!text.contains(begin)) {
            throw new IOException("the " + what + " " + file + " is not " + wanted);
        }
    }
}
