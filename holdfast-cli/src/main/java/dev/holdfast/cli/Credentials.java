package dev.holdfast.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who the user of the command line is to etcd: a name, and where its password comes from.
 *
 * @param name not empty
 * @param password a new array each time, which the one who asked fills with zeros
 */
public record Credentials(String name, Supplier<char[]> password) {

    /** More than any password has, so that a wrong file is told early. */
    private static final int LONGEST_FILE_BYTES = 4096;

    /**
     * What the options and the environment say; empty if they name nobody. The password is that of the file, else of
     * {@code ETCDCTL_PASSWORD}, else the one behind the name in {@code ETCDCTL_USER}, else it is asked for, once.
     *
     * @param user of the option
     * @param passwordFile of the option
     * @param warn told what is dangerous
     * @throws CommandFailure if a password stands where others can see it, or there is none
     */
    static Optional<Credentials> of(
            @Nullable String user, @Nullable Path passwordFile, Surroundings surroundings, Consumer<String> warn)
            throws InterruptedException {
        if (user != null && user.indexOf(':') >= 0) {
            throw CommandFailure.badInput("--user takes a name without a password: on a command line everybody on this"
                    + " machine can read it. Pass the password with --password-file or ETCDCTL_PASSWORD, or type it"
                    + " when asked, and change it if somebody may have seen it");
        }
        String fromEnvironment = surroundings.variable("ETCDCTL_USER");
        String passwordOfEnvironment = surroundings.variable("ETCDCTL_PASSWORD");
        String name = user;
        String behindName = "";
        if (name == null) {
            int colon = fromEnvironment.indexOf(':');
            if (colon >= 0 && !passwordOfEnvironment.isEmpty()) {
                throw CommandFailure.badInput(
                        "ETCDCTL_USER has a password in it, and ETCDCTL_PASSWORD is set, too; remove one of them");
            }
            name = colon < 0 ? fromEnvironment : fromEnvironment.substring(0, colon);
            behindName = colon < 0 ? "" : fromEnvironment.substring(colon + 1);
        }
        if (name.isEmpty()) {
            if (user != null || passwordFile != null || !fromEnvironment.isEmpty()) {
                throw CommandFailure.badInput("there is a password but no user; pass --user NAME");
            }
            return Optional.empty();
        }
        return Optional.of(new Credentials(
                name, password(name, passwordFile, passwordOfEnvironment, behindName, surroundings, warn)));
    }

    private static Supplier<char[]> password(
            String name,
            @Nullable Path file,
            String ofEnvironment,
            String behindName,
            Surroundings surroundings,
            Consumer<String> warn)
            throws InterruptedException {
        if (file != null) {
            Arrays.fill(read(file), '\0'); // a wrong file is told now and not when a token expires
            if (isReadableByAll(file)) {
                warn.accept("everybody on this machine can read the password in " + file + "; chmod 600 cures that");
            }
            return () -> read(file);
        }
        String known = ofEnvironment.isEmpty() ? behindName : ofEnvironment;
        if (!known.isEmpty()) {
            return known::toCharArray;
        }
        char[] typed = surroundings.terminal().ask("Password of " + name + ": ");
        if (typed == null) {
            throw CommandFailure.badInput("there is no password for user '" + name + "' and no terminal to ask at;"
                    + " pass --password-file, or set ETCDCTL_PASSWORD");
        }
        if (typed.length == 0) {
            throw CommandFailure.badInput("no password was typed for user '" + name + "'");
        }
        return typed::clone;
    }

    /** Read anew whenever a password is wanted, so that a changed file counts. */
    private static char[] read(Path file) {
        byte[] bytes;
        try {
            if (Files.size(file) > LONGEST_FILE_BYTES) {
                throw CommandFailure.badInput("--password-file: " + file + " is too long to hold a password");
            }
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw CommandFailure.badInput("--password-file: there is no file " + file);
        } catch (IOException e) {
            throw CommandFailure.badInput("--password-file: cannot read " + file);
        }
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            int length = text.length();
            if (length > 0 && text.charAt(length - 1) == '\n') {
                length--;
                if (length > 0 && text.charAt(length - 1) == '\r') {
                    length--;
                }
            }
            if (length == 0) {
                throw CommandFailure.badInput("--password-file: " + file + " is empty");
            }
            char[] password = new char[length];
            text.get(password);
            if (text.hasArray()) {
                Arrays.fill(text.array(), '\0');
            }
            return password;
        } catch (CharacterCodingException e) {
            throw CommandFailure.badInput("--password-file: " + file + " is not UTF-8 text");
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    private static boolean isReadableByAll(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
