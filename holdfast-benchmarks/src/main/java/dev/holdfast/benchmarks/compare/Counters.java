package dev.holdfast.benchmarks.compare;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What etcd counts of the requests it served, as its page of metrics has it. */
final class Counters {

    /** Requests, and streams that began. */
    static final String STARTED = "grpc_server_started_total";

    /** Messages that the server sent; on a stream of a watch, each with events. */
    static final String SENT = "grpc_server_msg_sent_total";

    /** What went through the log; each member counts all of it. */
    static final String PROPOSALS = "etcd_server_proposals_committed_total";

    /** Of the process, in bytes. */
    static final String MEMORY = "process_resident_memory_bytes";

    /** The file of the database, in bytes. */
    static final String DATABASE = "etcd_mvcc_db_total_size_in_bytes";

    private static final List<String> PLAIN = List.of(PROPOSALS, MEMORY, DATABASE);

    private Counters() {}

    /** Those of requests by name and method, such as {@code grpc_server_started_total Range}, and the plain ones by name. */
    static Map<String, Double> parse(String page) {
        Map<String, Double> values = new HashMap<>();
        for (String line : page.split("\n", -1)) {
            int space = line.indexOf(' ');
            if (space > 0 && PLAIN.contains(line.substring(0, space))) {
                values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
            }
            if (!line.startsWith(STARTED) && !line.startsWith(SENT)) {
                continue;
            }
            String name = line.substring(0, line.indexOf('{'));
            String method = line.replaceFirst(".*grpc_method=\"", "").replaceFirst("\".*", "");
            values.merge(
                    name + " " + method, Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)), Double::sum);
        }
        return values;
    }

    /** How much this counter grew in between. */
    static double growth(Map<String, Double> before, Map<String, Double> after, String counter, String method) {
        return growth(before, after, counter + " " + method);
    }

    static double growth(Map<String, Double> before, Map<String, Double> after, String counter) {
        return after.getOrDefault(counter, 0.0) - before.getOrDefault(counter, 0.0);
    }

    /**
     * What each pair of lock and unlock asked of the servers, added to its measures; nothing if they do not count.
     *
     * @param members of the cluster, of which each counts all proposals
     */
    static void putPerPair(
            Map<String, Double> metrics,
            Map<String, Double> before,
            Map<String, Double> after,
            double pairs,
            int members) {
        if (after.isEmpty()) {
            return;
        }
        metrics.put("proposals_per_pair", growth(before, after, PROPOSALS) / members / pairs);
        metrics.put("database_bytes_per_pair", growth(before, after, DATABASE) / members / pairs);
        metrics.put("txns_per_pair", growth(before, after, STARTED, "Txn") / pairs);
        metrics.put("ranges_per_pair", growth(before, after, STARTED, "Range") / pairs);
        metrics.put("watch_messages_per_pair", growth(before, after, SENT, "Watch") / pairs);
    }
}
