package dev.holdfast.transport.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.TlsSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of files that are not what they should be. */
class TlsMaterialTest {

    @TempDir
    Path directory = Path.of("");

    @Test
    void eachFlawIsNamed_withTheFileAndTheCure() throws Exception {
        Path missing = directory.resolve("missing.pem");
        assertFlaw(missing, missing, "does not exist", "check the path");
        assertFlaw(directory, directory, "is a directory", "name the PEM file");
        Path garbage = write("garbage.pem", "what is this?");
        assertFlaw(garbage, garbage, "no PEM block", "openssl");
        Path torn = write("torn.pem", "-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n");
        assertFlaw(torn, torn, "", "write it anew");
        Path key = write("key.pem", pem("PRIVATE KEY", rsaKey()));
        assertFlaw(key, key, "holds no certificate but [PRIVATE KEY]", "mixed up");
    }

    @Test
    void aKeyThatCannotBeUsed_isNamed_withTheCommandThatHelps() throws Exception {
        String convert = "openssl pkcs8 -topk8 -nocrypt -in ";
        Path encrypted = write("encrypted.pem", pem("ENCRYPTED PRIVATE KEY", new byte[] {1, 2, 3}));
        assertBadKey(encrypted, "is encrypted", convert + encrypted);
        Path oldEncrypted = write(
                "old.pem",
                """
                -----BEGIN RSA PRIVATE KEY-----
                Proc-Type: 4,ENCRYPTED
                DEK-Info: AES-256-CBC,00

                AAAA
                -----END RSA PRIVATE KEY-----
                """);
        assertBadKey(oldEncrypted, "is encrypted", convert + oldEncrypted);
        Path dsa = write("dsa.pem", pem("DSA PRIVATE KEY", new byte[] {1, 2, 3}));
        assertBadKey(dsa, "holds a DSA PRIVATE KEY that Java cannot read", convert + dsa);
        for (String label : List.of("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")) {
            Path damaged = write("damaged.pem", pem(label, new byte[] {0x30, (byte) 0x82, 1}));
            assertBadKey(damaged, "that Java cannot read", convert + damaged);
        }
        Path certificate = write("cert.pem", pem("CERTIFICATE", new byte[] {1}));
        assertBadKey(certificate, "holds no private key but [CERTIFICATE]", "mixed up");
    }

    @Test
    void whatIsSaidOfAKey_neverQuotesIt() throws Exception {
        byte[] secret = rsaKey();
        secret[10] ^= 0x55;
        Path damaged = write("damaged.pem", pem("EC PRIVATE KEY", secret));
        assertThatThrownBy(() -> Pem.read(damaged, "the private key").privateKey("the private key"))
                .hasMessageNotContaining(
                        Base64.getEncoder().encodeToString(secret).substring(0, 20))
                .hasNoCause();
    }

    private static void assertFlaw(Path trusted, Path named, String wrong, String cure) {
        assertThatThrownBy(() -> TlsMaterial.read(TlsSettings.ofSystem().trusting(trusted)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the file of trusted certificates " + named)
                .hasMessageContaining(wrong)
                .hasMessageContaining(cure);
    }

    private static void assertBadKey(Path key, String wrong, String cure) {
        assertThatThrownBy(() -> Pem.read(key, "the private key").privateKey("the private key"))
                .isInstanceOf(TlsFileException.class)
                .hasMessageStartingWith("the private key " + key)
                .hasMessageContaining(wrong)
                .hasMessageContaining(cure);
        assertThat(key).exists();
    }

    private static byte[] rsaKey() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(1_024);
        return generator.generateKeyPair().getPrivate().getEncoded();
    }

    private static String pem(String label, byte[] content) {
        return "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(content) + "\n-----END "
                + label + "-----\n";
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }
}
