package dev.holdfast.cli.inspect;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockListing;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.inspect.SafeText;
import java.util.Collection;
import java.util.Locale;

/** Locks and their events as JSON on one line each, fit for a terminal as well. */
public final class LockJson {

    private LockJson() {}

    /** {@code {"revision": .., "locks": [..]}}. */
    public static String of(LockListing listing) {
        JsonObject json = new JsonObject();
        json.addProperty("revision", listing.revision());
        json.add("locks", locks(listing.locks()));
        return print(json);
    }

    /** One event, told apart by {@code "event"}. */
    public static String of(LockEvent event) {
        JsonObject json = new JsonObject();
        if (event instanceof LockEvent.Listed listed) {
            json.addProperty("event", "listed");
            json.addProperty("afterGap", listed.isAfterGap());
            json.addProperty("why", listed.why());
            json.addProperty("revision", listed.listing().revision());
            json.add("locks", locks(listed.listing().locks()));
        } else if (event instanceof LockEvent.Interrupted interrupted) {
            json.addProperty("event", "interrupted");
            json.addProperty("why", interrupted.why());
        } else if (event instanceof LockEvent.Resumed) {
            json.addProperty("event", "resumed");
        } else if (event instanceof LockEvent.OfEntry ofEntry) {
            json.addProperty("event", nameOf(ofEntry));
            json.addProperty("lock", ofEntry.after().name());
            json.addProperty("revision", ofEntry.revision());
            json.add("entry", entry(ofEntry.entry()));
            if (ofEntry instanceof LockEvent.Left left) {
                json.addProperty("wasHolder", left.wasHolder());
                json.addProperty(
                        "how", left.how().name().toLowerCase(Locale.ROOT).replace('_', '-'));
                left.force().ifPresent(forced -> {
                    json.addProperty("by", forced.by());
                    json.addProperty("reason", forced.reason());
                });
            }
            json.addProperty("tokenAtLeast", ofEntry.after().tokenAtLeast());
            json.addProperty("waiting", ofEntry.after().waiters().size());
        }
        return print(json);
    }

    private static String nameOf(LockEvent.OfEntry event) {
        return event instanceof LockEvent.Queued ? "queued" : event instanceof LockEvent.Acquired ? "acquired" : "left";
    }

    private static JsonArray locks(Collection<LockState> locks) {
        JsonArray all = new JsonArray();
        for (LockState lock : locks) {
            JsonObject json = new JsonObject();
            json.addProperty("name", lock.name());
            json.addProperty("tokenAtLeast", lock.tokenAtLeast());
            json.add("holder", lock.holder().map(LockJson::entry).orElse(null));
            JsonArray waiters = new JsonArray();
            lock.waiters().forEach(waiter -> waiters.add(entry(waiter)));
            json.add("waiters", waiters);
            JsonArray foreign = new JsonArray();
            lock.foreign().forEach(key -> {
                JsonObject each = new JsonObject();
                each.addProperty("key", key.key());
                each.addProperty("createRevision", key.createRevision());
                foreign.add(each);
            });
            json.add("foreign", foreign);
            json.addProperty("foreignCount", lock.foreignCount());
            json.addProperty("isBlockedByForeignKey", lock.blocker().isPresent());
            all.add(json);
        }
        return all;
    }

    private static JsonObject entry(QueueEntry entry) {
        JsonObject json = new JsonObject();
        json.addProperty("key", entry.key());
        json.addProperty("createRevision", entry.createRevision());
        json.addProperty("lease", Long.toHexString(entry.leaseId()));
        HolderInfo info = entry.info().orElse(null);
        if (info == null) {
            json.add("writer", JsonNull.INSTANCE);
            return json;
        }
        JsonObject writer = new JsonObject();
        writer.addProperty("host", info.host());
        writer.addProperty("pid", info.pid());
        writer.addProperty("application", info.application());
        writer.addProperty("instance", info.instance());
        writer.addProperty("purpose", info.purpose());
        writer.addProperty("traceId", info.traceId());
        writer.addProperty("cached", info.cached());
        info.since().ifPresent(since -> writer.addProperty("since", since.toString()));
        json.add("writer", writer);
        return json;
    }

    /** On one line, fit for a terminal: what is outside of strings is ASCII, so escapes are right wherever they are needed. */
    public static String print(JsonObject json) {
        String text = json.toString();
        StringBuilder safe = new StringBuilder(text.length());
        text.codePoints().forEach(character -> {
            String each = Character.toString(character);
            if (SafeText.of(each).equals(each)) {
                safe.append(each);
            } else {
                each.chars().forEach(unit -> safe.append(String.format("\\u%04x", unit)));
            }
        });
        return safe.toString();
    }
}
