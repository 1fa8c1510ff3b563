package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which locks are looked at: one, or those whose names start in some way. Immutable.
 *
 * @param names how keys are told apart
 * @param from the first key
 * @param to the first key after them
 * @param prefix what the names start with, or the whole name
 * @param one the one lock, or null
 */
record Scope(KeyNames names, ByteString from, ByteString to, String prefix, @Nullable LockName one) {

    private static final ByteString ZERO = ByteString.copyFrom(new byte[1]);

    static Scope ofPrefix(KeyNames names, String prefix) {
        LockName.requireNamespace(prefix);
        Key start = names.prefixOf(prefix);
        // From the first key there can be to the last one, in etcd's words.
        return start.latin1().isEmpty()
                ? new Scope(names, ZERO, ZERO, prefix, null)
                : new Scope(names, bytes(start), bytes(start.prefixEnd()), prefix, null);
    }

    static Scope ofLock(KeyNames names, String name) {
        LockName lock = names.lock(name);
        return new Scope(names, bytes(lock.prefix()), bytes(lock.prefix().prefixEnd()), name, lock);
    }

    /** Where the key belongs; null if it does not belong to a lock that is looked at. */
    KeyNames.@Nullable Place placeOf(ByteString key) {
        KeyNames.Place place = names.placeOf(key);
        if (place == null) {
            return null;
        }
        String name = names.nameOf(place.parent());
        boolean isMeant = one != null ? name.equals(prefix) : name.startsWith(prefix);
        return isMeant ? place : null;
    }

    static ByteString bytes(Key key) {
        return ByteString.copyFrom(key.latin1(), StandardCharsets.ISO_8859_1);
    }
}
