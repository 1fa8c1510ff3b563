package dev.holdfast.protocol;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A lock's name and the keys that belong to it.
 *
 * @param name as the user gave it
 * @param prefix of its entries in etcd: namespace, name, {@code /}
 */
public record LockName(String name, Key prefix) {

    /** The longest name, in bytes of UTF-8. */
    public static final int MAX_BYTES = 512;

    /**
     * Checks a name.
     *
     * @param namespace what every key starts with
     * @param root the reserved root, under which no lock may lie
     * @param strict whether {@code /} is percent-encoded
     * @throws IllegalArgumentException with the reason and what to do
     */
    public static LockName of(String name, String namespace, String root, boolean strict) {
        int bytes = utf8Length("lock name", name);
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a lock name must not be empty");
        }
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException("lock name '" + name.substring(0, 40) + "...' has " + bytes
                    + " bytes of UTF-8; at most " + MAX_BYTES + " are allowed: use a shorter name or a hash of it");
        }
        requireNoControls("lock name", name);
        if (name.equals(root) || name.startsWith(root + "/")) {
            throw new IllegalArgumentException(
                    "lock name '" + name + "' lies under '" + root + "', which is reserved: choose another");
        }
        String encoded = strict ? name.replace("%", "%25").replace("/", "%2F") : name;
        return new LockName(name, Key.ofText(namespace + encoded + "/"));
    }

    /** Whether the key is an entry of this lock's queue, and not one of a lock whose name goes on after the {@code /}. */
    public boolean isMember(Key key) {
        String latin1 = key.latin1();
        return latin1.startsWith(prefix.latin1())
                && latin1.indexOf('/', prefix.latin1().length()) < 0;
    }

    /** The key of an entry: {@code <leaseHex>.<slot in base 36>}. */
    Key entryKey(long leaseId, long slot) {
        return prefix.plus(Long.toHexString(leaseId) + "." + Long.toString(slot, 36));
    }

    /** The lease that the entry's key names, as Go's clients and ours write it; null for a foreign key. */
    public @Nullable Long leaseOf(Key member) {
        return leaseOfSuffix(member.latin1().substring(prefix.latin1().length()));
    }

    /** The lease that the last part of an entry's key names; null if it names none. */
    public static @Nullable Long leaseOfSuffix(String suffix) {
        int dot = suffix.indexOf('.');
        String hex = dot < 0 ? suffix : suffix.substring(0, dot);
        if (hex.isEmpty() || hex.length() > 16) {
            return null;
        }
        try {
            long lease = Long.parseUnsignedLong(hex, 16);
            return Long.toHexString(lease).equals(hex) ? lease : null;
        } catch (NumberFormatException foreign) {
            return null;
        }
    }

    /**
     * Checks a prefix of all keys.
     *
     * @throws IllegalArgumentException with the reason and what to do
     */
    public static void requireNamespace(String namespace) {
        requireNoControls("namespace", namespace);
        int bytes = utf8Length("namespace", namespace);
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException("namespace has " + bytes + " bytes of UTF-8; at most " + MAX_BYTES
                    + " are allowed: use a shorter one");
        }
    }

    private static void requireNoControls(String what, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                throw new IllegalArgumentException(what + " has the control character "
                        + String.format("U+%04X", (int) text.charAt(i)) + " at index " + i + ": remove it");
            }
        }
    }

    private static int utf8Length(String what, String name) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name));
            return bytes.remaining();
        } catch (CharacterCodingException unpaired) {
            throw new IllegalArgumentException(
                    what + " has an unpaired surrogate and cannot be written as UTF-8: remove it", unpaired);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
