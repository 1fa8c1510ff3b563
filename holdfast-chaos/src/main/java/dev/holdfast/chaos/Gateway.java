package dev.holdfast.chaos;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an operator asks one member, by etcd's JSON gateway; each request at most {@value #LIMIT_MILLIS} ms. Thread-safe. */
final class Gateway {

    private static final int LIMIT_MILLIS = 1_500;

    private final String address;

    Gateway(String address) {
        this.address = address;
    }

    /**
     * What a member says about itself. Ids and revisions are unsigned, as etcd writes them.
     *
     * @param leader 0 if it knows none
     */
    record Status(String member, String leader, long revision) {}

    /**
     * A key.
     *
     * @param lease in hex; 0 if it has none
     */
    record Item(String key, String value, long createRevision, String lease) {}

    Status status() throws IOException {
        String answer = post("maintenance/status", "{}");
        return new Status(
                field(answer, "member_id", "0"),
                field(answer, "leader", "0"),
                Long.parseLong(field(answer, "revision", "0")));
    }

    /** Whether it takes part in a cluster with a leader. */
    boolean isHealthy() {
        try {
            HttpURLConnection connection = open("/health");
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (IOException e) {
            return false;
        }
    }

    /** Asked of the leader. */
    void moveLeader(String toMember) throws IOException {
        post("maintenance/transfer-leadership", "{\"targetID\":\"" + toMember + "\"}");
    }

    void compact(long revision) throws IOException {
        post("kv/compaction", "{\"revision\":\"" + revision + "\",\"physical\":true}");
    }

    void defragment() throws IOException {
        post("maintenance/defragment", "{}");
    }

    void put(String key, String value) throws IOException {
        post("kv/put", "{\"key\":\"" + encode(key) + "\",\"value\":\"" + encode(value) + "\"}");
    }

    /** Deletes an entry if it is still that one. */
    boolean delete(Item item) throws IOException {
        String key = encode(item.key());
        String answer = post(
                "kv/txn",
                "{\"compare\":[{\"key\":\"" + key
                        + "\",\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\""
                        + item.createRevision() + "\"}],\"success\":[{\"request_delete_range\":{\"key\":\"" + key
                        + "\"}}]}");
        return answer.contains("\"succeeded\":true");
    }

    void revoke(String leaseHex) throws IOException {
        post("lease/revoke", "{\"ID\":\"" + Long.parseUnsignedLong(leaseHex, 16) + "\"}");
    }

    /** The keys below a prefix, oldest first. */
    List<Item> below(String prefix) throws IOException {
        byte[] end = prefix.getBytes(StandardCharsets.UTF_8);
        end[end.length - 1]++;
        String answer = post(
                "kv/range",
                "{\"key\":\"" + encode(prefix) + "\",\"range_end\":\""
                        + Base64.getEncoder().encodeToString(end)
                        + "\",\"sort_order\":\"ASCEND\",\"sort_target\":\"CREATE\",\"limit\":\"100\"}");
        List<Item> items = new ArrayList<>();
        Matcher matcher = Pattern.compile("\\{\"key\":[^}]*}").matcher(answer);
        while (matcher.find()) {
            String item = matcher.group();
            items.add(new Item(
                    decode(field(item, "key", "")),
                    decode(field(item, "value", "")),
                    Long.parseLong(field(item, "create_revision", "0")),
                    Long.toHexString(Long.parseLong(field(item, "lease", "0")))));
        }
        return items;
    }

    // The gateway writes no spaces and no nested quotes into what is read here.
    private static String field(String json, String name, String absent) {
        Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        return matcher.find() ? matcher.group(1) : absent;
    }

    private static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decode(String text) {
        return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
    }

    private HttpURLConnection open(String path) throws IOException {
        HttpURLConnection connection = (HttpURLConnection)
                URI.create("http://" + address + path).toURL().openConnection();
        connection.setConnectTimeout(LIMIT_MILLIS);
        connection.setReadTimeout(LIMIT_MILLIS);
        return connection;
    }

    private String post(String method, String body) throws IOException {
        HttpURLConnection connection = open("/v3/" + method);
        connection.setDoOutput(true);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body.getBytes(StandardCharsets.UTF_8));
        }
        if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
            throw new IOException(method + " at " + address + ": status " + connection.getResponseCode());
        }
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public String toString() {
        return address;
    }
}
