package dev.holdfast.inspect;

import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Who wrote a lock entry, and why: the entry's value, as JSON. For people; nothing is decided by it. What is read from
 * etcd is untrusted input: show it through {@link SafeText}. Texts are cut to {@value #MAX_TEXT} characters. Immutable.
 *
 * @param host the machine's name
 * @param pid the process
 * @param application as configured; may be empty
 * @param instance as configured; may be empty
 * @param purpose as configured; may be empty
 * @param sinceMillis when the entry was written, in milliseconds since 1970 by the writer's clock; 0 if it does not say
 * @param traceId the trace that the lock was asked for; may be empty
 * @param cached whether the lock may stay with the process while nobody there wants it, until others come; decided when the
 *     entry was asked for, so one that had to wait for others says so, too, and does not stay
 */
public record HolderInfo(
        String host,
        long pid,
        String application,
        String instance,
        String purpose,
        long sinceMillis,
        String traceId,
        boolean cached) {

    /** The longest text of each kind, in characters. */
    public static final int MAX_TEXT = 512;

    private static final String HOST = hostName();

    /** What is missing, as in a value that another version or another program wrote, is empty. */
    public HolderInfo {
        host = SafeText.cut(Objects.requireNonNullElse(host, ""), MAX_TEXT);
        application = SafeText.cut(Objects.requireNonNullElse(application, ""), MAX_TEXT);
        instance = SafeText.cut(Objects.requireNonNullElse(instance, ""), MAX_TEXT);
        purpose = SafeText.cut(Objects.requireNonNullElse(purpose, ""), MAX_TEXT);
        traceId = SafeText.cut(Objects.requireNonNullElse(traceId, ""), MAX_TEXT);
    }

    /** This process, at no particular time. */
    public static HolderInfo ofThisProcess(String application, String instance, String purpose) {
        return new HolderInfo(HOST, ProcessHandle.current().pid(), application, instance, purpose, 0, "", false);
    }

    /** When the entry was written, by the writer's clock; empty if it does not say. */
    public Optional<Instant> since() {
        return sinceMillis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(sinceMillis));
    }

    /** As an entry's value. */
    public byte[] toJson() {
        JsonObject json = new JsonObject();
        json.addProperty("host", host);
        json.addProperty("pid", pid);
        json.addProperty("application", application);
        json.addProperty("instance", instance);
        json.addProperty("purpose", purpose);
        if (sinceMillis != 0) {
            json.addProperty("since", sinceMillis);
        }
        if (!traceId.isEmpty()) {
            json.addProperty("traceId", traceId);
        }
        if (cached) {
            json.addProperty("cached", true);
        }
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** From an entry's value; empty if it is not one that we wrote. */
    public static Optional<HolderInfo> fromJson(byte[] value) {
        return FlatJson.read(value)
                .filter(json -> json.number("pid") > 0)
                .map(json -> new HolderInfo(
                        json.text("host"),
                        json.number("pid"),
                        json.text("application"),
                        json.text("instance"),
                        json.text("purpose"),
                        Math.max(0, json.number("since")),
                        json.text("traceId"),
                        json.flag("cached")));
    }

    private static String hostName() {
        String fromEnvironment = System.getenv("HOSTNAME");
        if (fromEnvironment != null && !fromEnvironment.isBlank()) {
            return fromEnvironment;
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}
