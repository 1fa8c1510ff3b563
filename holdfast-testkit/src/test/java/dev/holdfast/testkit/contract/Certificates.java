package dev.holdfast.testkit.contract;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** An authority of a test's own, and the certificates it makes, as PEM files in one directory. */
final class Certificates {

    /**
     * A certificate and its private key.
     *
     * @param certificate PEM file
     * @param key PEM file, PKCS#8
     * @param pair what the key file holds
     */
    record Identity(Path certificate, Path key, KeyPair pair) {}

    private static final SecureRandom LUCK = new SecureRandom();

    private final Path directory;
    private final String name;
    private final KeyPair keys;
    private final X509Certificate root;

    private Certificates(Path directory, String name, KeyPair keys, X509Certificate root) {
        this.directory = directory;
        this.name = name;
        this.keys = keys;
        this.root = root;
    }

    /** A new authority; its certificate is {@code <name>.pem}. */
    static Certificates authority(Path directory, String name) throws IOException {
        KeyPair keys = elliptic();
        X509Certificate root = sign(keys, "CN=" + name, keys, "CN=" + name, days(-2), days(30), true, List.of());
        Certificates authority = new Certificates(directory, name, keys, root);
        write(authority.file(), root);
        return authority;
    }

    /** The authority's own certificate. */
    Path file() {
        return directory.resolve(name + ".pem");
    }

    /** For a server on 127.0.0.1, valid today. */
    Identity server(String file) throws IOException {
        return identity(file, "etcd", elliptic(), days(-1), days(2), List.of("127.0.0.1"));
    }

    /** For a server that calls itself something else. */
    Identity serverElsewhere(String file) throws IOException {
        return identity(file, "etcd", elliptic(), days(-1), days(2), List.of("10.11.12.13"));
    }

    /** For a server on 127.0.0.1, until yesterday. */
    Identity expiredServer(String file) throws IOException {
        return identity(file, "etcd", elliptic(), days(-2), days(-1), List.of("127.0.0.1"));
    }

    /** For a client of this name, valid today. */
    Identity client(String file, String user) throws IOException {
        return identity(file, user, elliptic(), days(-1), days(2), List.of());
    }

    /** For a client with a key of this kind, valid today. */
    Identity client(String file, String user, KeyPair pair) throws IOException {
        return identity(file, user, pair, days(-1), days(2), List.of());
    }

    /** For a client, until yesterday. */
    Identity expiredClient(String file, String user) throws IOException {
        return identity(file, user, elliptic(), days(-2), days(-1), List.of());
    }

    static KeyPair elliptic() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static KeyPair rsa() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2_048);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Both keys of a pair, for signing and checking tokens. */
    static void writePair(KeyPair pair, Path privateFile, Path publicFile) throws IOException {
        write(privateFile, new JcaPKCS8Generator(pair.getPrivate(), null));
        write(publicFile, pair.getPublic());
    }

    /** The key as openssl and cfssl wrote it for long: PKCS#1 for RSA, SEC 1 for elliptic curves. */
    static Path writeOldFashioned(PrivateKey key, Path file) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
            if (key instanceof java.security.interfaces.ECPrivateKey elliptic) {
                // Java leaves the curve out, which openssl never does.
                pem.writeObject(new PemObject(
                        "EC PRIVATE KEY",
                        new org.bouncycastle.asn1.sec.ECPrivateKey(256, elliptic.getS(), SECObjectIdentifiers.secp256r1)
                                .getEncoded()));
            } else {
                pem.writeObject(key);
            }
        }
        return Files.writeString(file, text.toString());
    }

    private Identity identity(
            String file, String commonName, KeyPair pair, Instant from, Instant to, List<String> addresses)
            throws IOException {
        X509Certificate certificate = sign(keys, "CN=" + name, pair, "CN=" + commonName, from, to, false, addresses);
        Path certificateFile = directory.resolve(file + ".pem");
        Path keyFile = directory.resolve(file + "-key.pem");
        write(certificateFile, certificate);
        write(keyFile, new JcaPKCS8Generator(pair.getPrivate(), null));
        return new Identity(certificateFile, keyFile, pair);
    }

    private static void write(Path file, Object content) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
            pem.writeObject(content);
        }
        Files.writeString(file, text.toString());
    }

    private static Instant days(int fromNow) {
        return Instant.now().plus(Duration.ofDays(fromNow));
    }

    private static X509Certificate sign(
            KeyPair issuerKeys,
            String issuer,
            KeyPair subjectKeys,
            String subject,
            Instant from,
            Instant to,
            boolean isAuthority,
            List<String> addresses) {
        try {
            X509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    new X500Name(issuer),
                    new BigInteger(63, LUCK),
                    Date.from(from),
                    Date.from(to),
                    new X500Name(subject),
                    subjectKeys.getPublic());
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isAuthority));
            if (!addresses.isEmpty()) {
                List<GeneralName> names = new ArrayList<>();
                addresses.forEach(each -> names.add(new GeneralName(GeneralName.iPAddress, each)));
                builder.addExtension(
                        Extension.subjectAlternativeName, false, new GeneralNames(names.toArray(GeneralName[]::new)));
            }
            return new JcaX509CertificateConverter()
                    .getCertificate(builder.build(
                            new JcaContentSignerBuilder("SHA256withECDSA").build(issuerKeys.getPrivate())));
        } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return root.getSubjectX500Principal().getName();
    }
}
