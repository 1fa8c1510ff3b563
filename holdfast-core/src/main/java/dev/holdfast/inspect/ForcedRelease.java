package dev.holdfast.inspect;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * What an operator leaves behind who releases a lock by force: who did it and why. It is written under {@code
 * <root>/forced/} in the transaction that deletes the holder's entry, and goes away by itself after a day. From it the
 * holder learns what became of its lock. What is read from etcd is untrusted input: show it through {@link SafeText}.
 *
 * @param by the operator, such as {@code user@host}
 * @param reason what he gave as his reason
 * @param at by his clock
 * @param lock the lock's name
 * @param createRevision of the entry that was deleted, above 0
 */
public record ForcedRelease(String by, String reason, Instant at, String lock, long createRevision) {

    /** How long the record stays. */
    public static final int KEPT_SECONDS = 24 * 60 * 60;

    /** The longest text of each kind, in characters. */
    public static final int MAX_TEXT = 1_024;

    public ForcedRelease {
        Objects.requireNonNull(by, "by");
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(lock, "lock");
        if (createRevision <= 0) {
            throw new IllegalArgumentException("createRevision must be above 0, but is " + createRevision);
        }
    }

    /**
     * Where it is written.
     *
     * @param root the reserved root, namespace included: {@code <namespace>_holdfast}
     * @param entry the deleted entry's key without the namespace
     */
    public static String key(String root, String entry) {
        return root + "/forced/" + entry;
    }

    /** As the value of its key: one JSON object in UTF-8. */
    public byte[] toJson() {
        JsonObject json = new JsonObject();
        json.addProperty("by", by);
        json.addProperty("reason", reason);
        json.addProperty("at", at.toString());
        json.addProperty("lock", lock);
        json.addProperty("createRevision", createRevision);
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** From the value of its key; empty if it is not one that we wrote. Long texts are cut. */
    public static Optional<ForcedRelease> fromJson(byte[] value) {
        return FlatJson.read(value).flatMap(ForcedRelease::of);
    }

    private static Optional<ForcedRelease> of(FlatJson json) {
        long createRevision = json.number("createRevision");
        if (createRevision <= 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ForcedRelease(
                    SafeText.cut(json.text("by"), MAX_TEXT),
                    SafeText.cut(json.text("reason"), MAX_TEXT),
                    Instant.parse(json.text("at")),
                    SafeText.cut(json.text("lock"), MAX_TEXT),
                    createRevision));
        } catch (DateTimeException foreign) {
            return Optional.empty();
        }
    }
}
