package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Finds the watches on a key. Watches on one key and on a prefix are found by a look-up, for prefixes one per length in
 * use; only other ranges are searched one by one. The order is that of creation within each kind, so runs repeat.
 */
final class WatchIndex {
    private final Map<ByteString, Set<WatchStream.Watch>> onKey = new HashMap<>();
    private final TreeMap<Integer, Map<ByteString, Set<WatchStream.Watch>>> onPrefix = new TreeMap<>();
    private final Set<WatchStream.Watch> onRange = new LinkedHashSet<>();

    void add(WatchStream.Watch watch) {
        KeyRange range = watch.range();
        if (range.isPoint()) {
            onKey.computeIfAbsent(range.from(), k -> new LinkedHashSet<>()).add(watch);
        } else if (range.isPrefix()) {
            onPrefix.computeIfAbsent(range.from().size(), k -> new HashMap<>())
                    .computeIfAbsent(range.from(), k -> new LinkedHashSet<>())
                    .add(watch);
        } else {
            onRange.add(watch);
        }
    }

    void remove(WatchStream.Watch watch) {
        KeyRange range = watch.range();
        if (range.isPoint()) {
            removeFrom(onKey, watch);
        } else if (range.isPrefix()) {
            Map<ByteString, Set<WatchStream.Watch>> ofLength =
                    onPrefix.get(range.from().size());
            if (ofLength != null) {
                removeFrom(ofLength, watch);
                if (ofLength.isEmpty()) {
                    onPrefix.remove(range.from().size());
                }
            }
        } else {
            onRange.remove(watch);
        }
    }

    private static void removeFrom(Map<ByteString, Set<WatchStream.Watch>> watches, WatchStream.Watch watch) {
        watches.computeIfPresent(watch.range().from(), (key, set) -> {
            set.remove(watch);
            return set.isEmpty() ? null : set;
        });
    }

    void forEachOn(ByteString key, Consumer<WatchStream.Watch> action) {
        onKey.getOrDefault(key, Set.of()).forEach(action);
        for (Map.Entry<Integer, Map<ByteString, Set<WatchStream.Watch>>> ofLength :
                onPrefix.headMap(key.size(), true).entrySet()) {
            ofLength.getValue()
                    .getOrDefault(key.substring(0, ofLength.getKey()), Set.of())
                    .forEach(action);
        }
        for (WatchStream.Watch watch : onRange) {
            if (watch.range().contains(key)) {
                action.accept(watch);
            }
        }
    }
}
