package dev.holdfast.benchmarks.compare;

import java.util.HashMap;
import java.util.Map;

/** What etcd counts of the requests it served, as its page of metrics has it. */
final class Counters {

    /** Requests, and streams that began. */
    static final String STARTED = "grpc_server_started_total";

    /** Messages that the server sent; on a stream of a watch, each with events. */
    static final String SENT = "grpc_server_msg_sent_total";

    private Counters() {}

    /** The lines of the two counters, each by its name and method, such as {@code grpc_server_started_total Range}. */
    static Map<String, Double> parse(String page) {
        Map<String, Double> values = new HashMap<>();
        for (String line : page.split("\n", -1)) {
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
        String name = counter + " " + method;
        return after.getOrDefault(name, 0.0) - before.getOrDefault(name, 0.0);
    }
}
