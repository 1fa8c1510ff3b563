package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.NameMode;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which lock a key of etcd belongs to, and the keys of a lock. Immutable.
 *
 * @param namespace what every key starts with
 * @param isStrict whether {@code /} is percent-encoded in names
 */
record KeyNames(Key namespace, boolean isStrict) {

    /**
     * A key right below what may be a lock's name.
     *
     * @param parent the name as it is in the key, one character for each byte
     * @param suffix what follows the last {@code /}
     */
    record Place(String parent, String suffix) {

        /** The lease that the suffix names; null if it names none. */
        @Nullable
        Long lease() {
            return LockName.leaseOfSuffix(suffix);
        }

        /** Whether it has the shape of an entry of ours, and so a session key beside it. */
        boolean isOurs() {
            return suffix.indexOf('.') >= 0;
        }
    }

    static KeyNames of(String namespace, NameMode mode) {
        return new KeyNames(Key.ofText(namespace), mode == NameMode.STRICT);
    }

    /** Null for keys of others, for those under the reserved root, and for what no name of ours is encoded as. */
    @Nullable
    Place placeOf(ByteString key) {
        String latin1 = key.toString(StandardCharsets.ISO_8859_1);
        String prefix = namespace.latin1();
        if (!latin1.startsWith(prefix) || latin1.startsWith(LockClient.ROOT + "/", prefix.length())) {
            return null;
        }
        int slash = latin1.lastIndexOf('/');
        if (slash < prefix.length()) {
            return null;
        }
        String parent = latin1.substring(prefix.length(), slash);
        if (isStrict && !isEncoded(parent)) {
            return null;
        }
        return new Place(parent, latin1.substring(slash + 1));
    }

    private static boolean isEncoded(String parent) {
        for (int i = parent.indexOf('%'); i >= 0; i = parent.indexOf('%', i + 1)) {
            if (!parent.startsWith("%25", i) && !parent.startsWith("%2F", i)) {
                return false;
            }
        }
        return parent.indexOf('/') < 0;
    }

    /** The lock's name as its users know it. */
    String nameOf(String parent) {
        String text = new Key(parent).toString();
        return isStrict ? text.replace("%2F", "/").replace("%25", "%") : text;
    }

    /** The key without the namespace, as text. */
    String textOf(Place place) {
        return new Key(place.parent + "/" + place.suffix).toString();
    }

    /** What all keys of locks start with whose names start so. */
    Key prefixOf(String namePrefix) {
        return Key.ofText(namespace + encoded(namePrefix));
    }

    private String encoded(String name) {
        return isStrict ? name.replace("%", "%25").replace("/", "%2F") : name;
    }

    /** A lock by its name. @throws IllegalArgumentException as for {@link dev.holdfast.Holdfast#lock(String)} */
    LockName lock(String name) {
        return LockName.of(name, namespace.toString(), LockClient.ROOT, isStrict);
    }

    /** The reserved root with the namespace before it. */
    String root() {
        return namespace + LockClient.ROOT;
    }

    /** The session key of a lease. */
    Key sessionKey(long leaseId) {
        return Key.ofText(root() + "/sess/" + Long.toHexString(leaseId));
    }
}
