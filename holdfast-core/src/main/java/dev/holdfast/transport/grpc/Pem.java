package dev.holdfast.transport.grpc;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A PEM file, read: its blocks in order.
 *
 * <p>Java reads private keys as PKCS#8 only. What cfssl, kubeadm and older openssl write for RSA (PKCS#1) and elliptic
 * curves (SEC 1) is the inner part of that, and gets the missing hull here.
 */
final class Pem {

    /** The most that is read; the certificates of all public authorities together take a quarter of it. */
    private static final long MAX_BYTES = 4 * 1024 * 1024;

    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \\1-----", Pattern.DOTALL);

    /* Algorithm identifiers in DER: the object id, and for RSA the NULL that stands for no parameters. */
    private static final byte[] RSA = {
        0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00
    };
    private static final byte[] ELLIPTIC_CURVE = {0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01};

    private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};
    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 0x04;
    private static final int CURVE_OF_KEY = 0xa0;

    /** One block; {@link #isPlain} is false if it has headers, as only encrypted ones do. */
    private static final class Block {
        private final String label;
        private final byte[] content;
        private final boolean isPlain;

        private Block(String label, byte[] content, boolean isPlain) {
            this.label = label;
            this.content = content;
            this.isPlain = isPlain;
        }
    }

    private final Path file;
    private final List<Block> blocks;

    private Pem(Path file, List<Block> blocks) {
        this.file = file;
        this.blocks = blocks;
    }

    /**
     * Reads a file.
     *
     * @param role what it is for, for the message
     * @throws TlsFileException if it cannot be read or has no PEM block
     */
    static Pem read(Path file, String role) {
        String text;
        try {
            if (Files.isDirectory(file)) {
                throw new TlsFileException(role + " " + file + " is a directory; name the PEM file in it");
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new TlsFileException(role + " " + file + " is larger than 4 MiB; name a PEM file");
            }
            text = Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new TlsFileException(role + " " + file.toAbsolutePath() + " does not exist; check the path");
        } catch (AccessDeniedException e) {
            throw new TlsFileException(role + " " + file + " may not be read by this process; check its permissions");
        } catch (IOException e) {
            throw new TlsFileException(role + " " + file + " cannot be read: " + e);
        }
        List<Block> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(text);
        while (matcher.find()) {
            String body = matcher.group(2);
            boolean isPlain = body.indexOf(':') < 0;
            try {
                blocks.add(new Block(
                        matcher.group(1), isPlain ? Base64.getMimeDecoder().decode(body) : new byte[0], isPlain));
            } catch (IllegalArgumentException e) {
                throw new TlsFileException(
                        role + " " + file + " is damaged: its " + matcher.group(1) + " is not base64; write it anew");
            }
        }
        if (blocks.isEmpty()) {
            throw new TlsFileException(role + " " + file + " has no PEM block (-----BEGIN ...-----);"
                    + " convert a DER file by 'openssl x509 -inform der' or 'openssl pkcs8 -inform der -nocrypt'");
        }
        return new Pem(file, blocks);
    }

    /** All certificates in it; at least one. */
    List<X509Certificate> certificates(String role) {
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (Block block : blocks) {
                if (block.label.equals("CERTIFICATE") && block.isPlain) {
                    certificates.add(
                            (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(block.content)));
                }
            }
        } catch (CertificateException e) {
            throw new TlsFileException(role + " " + file + " holds a certificate that is damaged; write it anew");
        }
        if (certificates.isEmpty()) {
            throw new TlsFileException(
                    role + " " + file + " holds no certificate but " + labels() + "; were two files mixed up?");
        }
        return certificates;
    }

    /** The private key in it. */
    PrivateKey privateKey(String role) {
        Block found = null;
        for (Block block : blocks) {
            if (block.label.endsWith("PRIVATE KEY")) {
                found = block;
                break;
            }
        }
        if (found == null) {
            throw new TlsFileException(
                    role + " " + file + " holds no private key but " + labels() + "; were two files mixed up?");
        }
        if (!found.isPlain || found.label.equals("ENCRYPTED PRIVATE KEY")) {
            throw new TlsFileException(role + " " + file + " is encrypted, and there is no way to ask for its password;"
                    + " decrypt it by 'openssl pkcs8 -topk8 -nocrypt -in " + file + " -out KEY.pem'");
        }
        byte[] encoded =
                switch (found.label) {
                    case "PRIVATE KEY" -> found.content;
                    case "RSA PRIVATE KEY" -> hull(RSA, found.content);
                    case "EC PRIVATE KEY" -> {
                        byte[] curve = curve(found.content);
                        yield curve == null ? null : hull(join(ELLIPTIC_CURVE, curve), found.content);
                    }
                    default -> null;
                };
        PrivateKey key = encoded == null ? null : parse(encoded);
        if (encoded != null) {
            Arrays.fill(encoded, (byte) 0);
        }
        Arrays.fill(found.content, (byte) 0);
        if (key == null) {
            throw new TlsFileException(role + " " + file + " holds a " + found.label
                    + " that Java cannot read: it is damaged or of an unusual kind; convert it by"
                    + " 'openssl pkcs8 -topk8 -nocrypt -in " + file + " -out KEY.pem'");
        }
        return key;
    }

    /* What a key factory complains of is not repeated: it has seen the key. */
    private static @Nullable PrivateKey parse(byte[] pkcs8) {
        PrivateKey key = null;
        for (String algorithm : List.of("RSA", "EC", "EdDSA", "RSASSA-PSS")) {
            key = key == null ? parse(pkcs8, algorithm) : key;
        }
        return key;
    }

    private static @Nullable PrivateKey parse(byte[] pkcs8, String algorithm) {
        try {
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
            return null;
        }
    }

    private String labels() {
        return blocks.stream().map(block -> block.label).distinct().toList().toString();
    }

    // ---------------------------------------------------------------------------------------------------- DER

    /** PKCS#8 around an older private key: SEQUENCE { version 0, SEQUENCE { algorithm }, OCTET STRING { key } }. */
    private static byte[] hull(byte[] algorithm, byte[] key) {
        return der(SEQUENCE, join(VERSION_0, join(der(SEQUENCE, algorithm), der(OCTET_STRING, key))));
    }

    /** The curve that a SEC 1 key names, as DER; null if it names none or is damaged. */
    private static byte @Nullable [] curve(byte[] key) {
        // SEQUENCE { version INTEGER, OCTET STRING, [0] curve, [1] public key }
        int[] outer = content(key, 0);
        if (outer == null || (key[0] & 0xff) != SEQUENCE) {
            return null;
        }
        int at = outer[0];
        while (at < outer[1]) {
            int[] part = content(key, at);
            if (part == null) {
                return null;
            }
            if ((key[at] & 0xff) == CURVE_OF_KEY) {
                return Arrays.copyOfRange(key, part[0], part[1]);
            }
            at = part[1];
        }
        return null;
    }

    /** Where the content of the element at this place begins and ends; null if that is out of bounds. */
    private static int @Nullable [] content(byte[] der, int at) {
        if (at + 2 > der.length) {
            return null;
        }
        int length = der[at + 1] & 0xff;
        int begin = at + 2;
        if (length >= 0x80) {
            int digits = length - 0x80;
            if (digits < 1 || digits > 3 || begin + digits > der.length) {
                return null;
            }
            length = 0;
            for (int i = 0; i < digits; i++) {
                length = (length << 8) | (der[begin + i] & 0xff);
            }
            begin += digits;
        }
        return begin + length > der.length ? null : new int[] {begin, begin + length};
    }

    private static byte[] der(int tag, byte[] content) {
        int n = content.length;
        byte[] head;
        if (n < 0x80) {
            head = new byte[] {(byte) tag, (byte) n};
        } else if (n < 0x100) {
            head = new byte[] {(byte) tag, (byte) 0x81, (byte) n};
        } else {
            head = new byte[] {(byte) tag, (byte) 0x83, (byte) (n >> 16), (byte) (n >> 8), (byte) n};
            if (n < 0x10000) {
                head = new byte[] {(byte) tag, (byte) 0x82, (byte) (n >> 8), (byte) n};
            }
        }
        return join(head, content);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
