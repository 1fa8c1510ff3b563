package dev.holdfast.inspect;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;

/**
 * Who wrote a lock entry, and why: the entry's value, as JSON. For people; nothing is decided by it. What is read from
 * etcd is untrusted input.
 *
 * @param host the machine's name
 * @param pid the process
 * @param application as configured; may be empty
 * @param instance as configured; may be empty
 * @param purpose as configured; may be empty
 */
public record HolderInfo(String host, long pid, String application, String instance, String purpose) {

    private static final String HOST = hostName();

    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    /** What is missing, as in a value that another version or another program wrote, is empty. */
    public HolderInfo {
        host = Objects.requireNonNullElse(host, "");
        application = Objects.requireNonNullElse(application, "");
        instance = Objects.requireNonNullElse(instance, "");
        purpose = Objects.requireNonNullElse(purpose, "");
    }

    /** This process. */
    public static HolderInfo ofThisProcess(String application, String instance, String purpose) {
        return new HolderInfo(HOST, ProcessHandle.current().pid(), application, instance, purpose);
    }

    /** As an entry's value. */
    public byte[] toJson() {
        return JSON.toJson(this).getBytes(StandardCharsets.UTF_8);
    }

    /** From an entry's value; empty if it is not one that we wrote. */
    public static Optional<HolderInfo> fromJson(byte[] value) {
        try {
            HolderInfo read = JSON.fromJson(new String(value, StandardCharsets.UTF_8), HolderInfo.class);
            return Optional.ofNullable(read);
        } catch (JsonParseException foreign) {
            return Optional.empty();
        }
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
