package dev.holdfast.transport.grpc;

import dev.holdfast.TlsSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the files of the TLS settings held when they were read. Immutable.
 *
 * @param trusted who may vouch for a server; empty means those that this JVM trusts
 * @param chain the client's own certificate first; empty if it has none
 * @param key of that certificate; null if there is none
 */
record TlsMaterial(List<X509Certificate> trusted, List<X509Certificate> chain, @Nullable PrivateKey key) {

    private static final String TRUSTED = "the file of trusted certificates";
    private static final String CERTIFICATE = "the client certificate";
    private static final String KEY = "the private key";

    /**
     * Reads every file.
     *
     * @throws TlsFileException if one of them is missing, damaged, encrypted or something else, or if key and certificate
     *     do not belong together
     */
    static TlsMaterial read(TlsSettings settings) {
        List<X509Certificate> trusted = settings.trustedCertificates()
                .map(file -> Pem.read(file, TRUSTED).certificates(TRUSTED))
                .orElse(List.of());
        if (settings.certificate().isEmpty() || settings.key().isEmpty()) {
            return new TlsMaterial(trusted, List.of(), null);
        }
        Path certificateFile = settings.certificate().get();
        Path keyFile = settings.key().get();
        List<X509Certificate> chain = Pem.read(certificateFile, CERTIFICATE).certificates(CERTIFICATE);
        PrivateKey key = Pem.read(keyFile, KEY).privateKey(KEY);
        if (!belongTogether(chain.get(0), key)) {
            throw new TlsFileException("the private key " + keyFile + " is not that of the client certificate "
                    + certificateFile + " (" + chain.get(0).getSubjectX500Principal()
                    + "); give the two that were made together");
        }
        return new TlsMaterial(trusted, chain, key);
    }

    /** True unless it is certain that the one does not fit the other. */
    private static boolean belongTogether(X509Certificate certificate, PrivateKey key) {
        String keyKind = key.getAlgorithm();
        if (!keyKind.equals(certificate.getPublicKey().getAlgorithm())) {
            return false;
        }
        String algorithm =
                switch (keyKind) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    case "EdDSA" -> "EdDSA";
                    default -> "";
                };
        if (algorithm.isEmpty()) {
            return true;
        }
        byte[] sample = "does this key fit this certificate?".getBytes(StandardCharsets.US_ASCII);
        try {
            Signature signing = Signature.getInstance(algorithm);
            signing.initSign(key);
            signing.update(sample);
            byte[] signature = signing.sign();
            Signature verifying = Signature.getInstance(algorithm);
            verifying.initVerify(certificate.getPublicKey());
            verifying.update(sample);
            return verifying.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    @Override
    public String toString() {
        return "trusting " + trusted.size() + " certificates, showing " + chain.size();
    }
}
