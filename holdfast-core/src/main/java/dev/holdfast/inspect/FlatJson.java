package dev.holdfast.inspect;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The strings and numbers directly in one JSON object, as text; whatever lies deeper is passed over. Reads untrusted
 * bytes: bounded in length, and in depth without the thread's stack. Immutable.
 */
final class FlatJson {

    /** The longest value that is looked into, in bytes: many times what we write. */
    static final int MAX_BYTES = 64 * 1_024;

    private final Map<String, String> strings = new LinkedHashMap<>();
    private final Map<String, String> numbers = new LinkedHashMap<>();
    private final Map<String, Boolean> flags = new LinkedHashMap<>();

    private FlatJson() {}

    /** Empty if it is too long, or no JSON, or no object. Of a name that comes twice, the first counts. */
    static Optional<FlatJson> read(byte[] value) {
        if (value.length > MAX_BYTES) {
            return Optional.empty();
        }
        try (JsonReader reader = new JsonReader(new StringReader(new String(value, StandardCharsets.UTF_8)))) {
            reader.setStrictness(Strictness.STRICT);
            FlatJson read = new FlatJson();
            reader.beginObject();
            while (reader.hasNext()) {
                read.add(reader.nextName(), reader);
            }
            reader.endObject();
            return reader.peek() == JsonToken.END_DOCUMENT ? Optional.of(read) : Optional.empty();
        } catch (IOException | IllegalStateException notAnObject) {
            return Optional.empty();
        }
    }

    private void add(String name, JsonReader reader) throws IOException {
        JsonToken kind = reader.peek();
        if (kind == JsonToken.STRING) {
            strings.putIfAbsent(name, reader.nextString());
        } else if (kind == JsonToken.NUMBER) {
            numbers.putIfAbsent(name, reader.nextString());
        } else if (kind == JsonToken.BOOLEAN) {
            flags.putIfAbsent(name, reader.nextBoolean());
        } else {
            reader.skipValue();
        }
    }

    /** Empty if there is no such string. */
    String text(String name) {
        return strings.getOrDefault(name, "");
    }

    /** False if there is no such truth value. */
    boolean flag(String name) {
        return flags.getOrDefault(name, false);
    }

    /** 0 if there is no such whole number. */
    long number(String name) {
        String text = numbers.get(name);
        if (text == null || text.length() > 20) {
            return 0;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException notWhole) {
            return 0;
        }
    }
}
