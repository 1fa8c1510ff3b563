package dev.holdfast.protocol;

import java.nio.charset.StandardCharsets;

/**
 * An etcd key: bytes, kept one to a character. Ordered as etcd orders keys, by unsigned bytes. Immutable.
 *
 * @param latin1 one character (0 to 255) for each byte
 */
public record Key(String latin1) implements Comparable<Key> {

    /** The key of this text in UTF-8. */
    public static Key ofText(String text) {
        return new Key(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }

    /** This key with ASCII text behind it. */
    public Key plus(String ascii) {
        return new Key(latin1 + ascii);
    }

    /** The first key that does not start with this one: the end of the range of its prefix. */
    public Key prefixEnd() {
        int last = latin1.length() - 1;
        while (last >= 0 && latin1.charAt(last) == 0xff) {
            last--;
        }
        if (last < 0) {
            return new Key("\0");
        }
        return new Key(latin1.substring(0, last) + (char) (latin1.charAt(last) + 1));
    }

    @Override
    public int compareTo(Key other) {
        return latin1.compareTo(other.latin1);
    }

    /** The key as text. */
    @Override
    public String toString() {
        return new String(latin1.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
}
