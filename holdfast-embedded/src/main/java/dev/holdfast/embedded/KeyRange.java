package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.util.Comparator;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;

/**
 * The keys a request speaks of: one key, all keys from one on, or those in [from, end).
 *
 * @param end exclusive; equal to {@code from} for one key, null for no end
 */
record KeyRange(ByteString from, @Nullable ByteString end, boolean isPoint) {

    /** Keys in etcd's order: byte by byte, unsigned, a prefix before what it begins. */
    static final Comparator<ByteString> ORDER = KeyRange::compare;

    private static final ByteString NUL = ByteString.copyFrom(new byte[] {0});

    static KeyRange point(ByteString key) {
        return new KeyRange(key, key, true);
    }

    /** Reads {@code key} and {@code range_end} of a request: an empty end means one key, a NUL byte means no end. */
    static KeyRange of(ByteString key, ByteString rangeEnd) {
        if (rangeEnd.isEmpty()) {
            return point(key);
        }
        return new KeyRange(key, rangeEnd.equals(NUL) ? null : rangeEnd, false);
    }

    /** All keys that begin with {@code prefix}. */
    static KeyRange prefix(ByteString prefix) {
        return of(prefix, prefixEnd(prefix));
    }

    /** The {@code range_end} that makes a range of all keys beginning with {@code prefix}. */
    static ByteString prefixEnd(ByteString prefix) {
        for (int last = prefix.size() - 1; last >= 0; last--) {
            int value = prefix.byteAt(last) & 0xff;
            if (value < 0xff) {
                return prefix.substring(0, last).concat(ByteString.copyFrom(new byte[] {(byte) (value + 1)}));
            }
        }
        return NUL;
    }

    boolean contains(ByteString key) {
        if (isPoint) {
            return from.equals(key);
        }
        return compare(from, key) <= 0 && (end == null || compare(key, end) < 0);
    }

    /** True when nothing can be in it: the end is not after the start. */
    boolean isEmpty() {
        return !isPoint && end != null && compare(from, end) >= 0;
    }

    /** True when this is exactly "all keys that begin with {@code from}". */
    boolean isPrefix() {
        return !isPoint && end != null && end.equals(prefixEnd(from));
    }

    /** The part of {@code map}, sorted by {@link #ORDER}, that lies in this range; a live view. */
    <V> NavigableMap<ByteString, V> in(NavigableMap<ByteString, V> map) {
        if (isPoint) {
            return map.subMap(from, true, from, true);
        }
        if (end == null) {
            return map.tailMap(from, true);
        }
        return isEmpty() ? map.subMap(from, true, from, false) : map.subMap(from, true, end, false);
    }

    private static int compare(ByteString a, ByteString b) {
        int common = Math.min(a.size(), b.size());
        for (int i = 0; i < common; i++) {
            int difference = (a.byteAt(i) & 0xff) - (b.byteAt(i) & 0xff);
            if (difference != 0) {
                return difference;
            }
        }
        return a.size() - b.size();
    }
}
