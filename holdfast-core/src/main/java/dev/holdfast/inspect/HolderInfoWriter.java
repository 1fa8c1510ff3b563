package dev.holdfast.inspect;

import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Writes the values of one client's entries, one for each attempt: what stays the same is put into JSON once for each
 * purpose, and the time and the trace are added. Thread-safe.
 */
public final class HolderInfoWriter {

    /** So many purposes are remembered; a program that makes up one for each lock must not fill the heap. */
    private static final int MOST_REMEMBERED = 1_000;

    private final String application;
    private final String instance;
    private final ConcurrentMap<String, byte[]> beginnings = new ConcurrentHashMap<>();

    /** For entries of this process. */
    public HolderInfoWriter(String application, String instance) {
        this.application = application;
        this.instance = instance;
    }

    /**
     * What {@link HolderInfo#toJson()} would make of it.
     *
     * @param sinceMillis above 0
     * @param traceId may be empty
     * @param cached see {@link HolderInfo#cached()}
     */
    public byte[] write(String purpose, long sinceMillis, String traceId, boolean cached) {
        byte[] beginning = beginnings.get(purpose);
        if (beginning == null) {
            beginning = remember(purpose);
        }
        String rest = ",\"since\":" + sinceMillis
                + (traceId.isEmpty()
                        ? ""
                        : ",\"traceId\":" + new JsonPrimitive(SafeText.cut(traceId, HolderInfo.MAX_TEXT)))
                + (cached ? ",\"cached\":true}" : "}");
        byte[] end = rest.getBytes(StandardCharsets.UTF_8);
        byte[] value = Arrays.copyOf(beginning, beginning.length + end.length);
        System.arraycopy(end, 0, value, beginning.length, end.length);
        return value;
    }

    private byte[] remember(String purpose) {
        byte[] whole = HolderInfo.ofThisProcess(application, instance, purpose).toJson();
        // Without the closing brace.
        byte[] beginning = Arrays.copyOf(whole, whole.length - 1);
        if (beginnings.size() >= MOST_REMEMBERED) {
            beginnings.clear();
        }
        beginnings.put(purpose, beginning);
        return beginning;
    }
}
